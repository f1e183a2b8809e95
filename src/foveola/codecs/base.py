"""What a codec is: a few facts and five calls. The search, the pipeline and the command line know no more of one.

Settings are frozen dataclasses from `foveola.settings`; each codec takes its own kind. Values of DSSIM are stated by
`decode`, THE decoder of the format. Which library writes and reads what is argued in docs/design.md, "Codecs".
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Protocol

from foveola.errors import ArgumentError
from foveola.goal import Bounds
from foveola.picture import FORMATS, Picture

if TYPE_CHECKING:
    import pyvips


ALL = Bounds(1, 100)
"""Every quality that the URLs know; libjpeg and libwebp take 0 too, which imgproxy reads as "not set"."""


class Codec(Protocol):
    """One format: how it is written, read and searched."""

    @property
    def name(self) -> str:
        """The format's name in `foveola.picture.FORMATS`."""
        ...

    @property
    def qualities(self) -> Bounds | None:
        """What quality may be; None where the format has none."""
        ...

    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:
        """Write `picture` at `quality` (ignored where the format has none).

        Raises:
            ArgumentError: the format cannot hold it (alpha, frames, depth or profile).
            CodecError: the encoder failed.
        """
        ...

    def save(self, image: pyvips.Image, quality: int, settings: Any) -> bytes:
        """Write a lazy libvips image, for the requests that search nothing; where libvips writes it no array is made.

        Raises:
            ImageError: the file behind the lazy image is broken.
            CodecError: the encoder failed.
        """
        ...

    def decode(self, data: bytes) -> Picture:
        """Read a file of this format as it is: orientation and profile are not applied; raises ImageError."""
        ...

    def setting(self, quality: int, settings: Any) -> Hashable:
        """Return what the encoder makes of `quality`: equal settings give equal files."""
        ...

    def axis(self, quality: int) -> float:
        """Return the place of `quality` on the scale on which log DSSIM is nearly straight, rising with loss."""
        ...


def holdable(picture: Picture, name: str) -> Picture:
    """Return `picture` if a file of the format `name` can hold it.

    Raises:
        ArgumentError: it has alpha, several frames, 16 bit or a profile, and the format has no place for that; or it is
            of another kind of number.
    """
    facts, kind, count = FORMATS[name], picture.frames.dtype, len(picture.frames)
    refusals = (
        ("uint8 or uint16", kind.name not in ("uint8", "uint16"), kind.name),
        ("no alpha channel", picture.alpha and not facts.alpha, "one"),
        ("one frame", count > 1 and not facts.animation, f"{count}"),
        ("8 bit", kind.itemsize > 1 and not facts.deep, kind.name),
        ("sRGB without a profile", picture.icc is not None and not facts.profile, "one"),
    )
    for what, refused, got in refusals:
        if refused:
            raise ArgumentError(f"Expected {what} for {name}, got {got}")
    return picture


def marked(exif: bytes | None) -> bytes | None:
    """Return an Exif block as `Picture` has it, beginning as in JPEG: `Exif` and two zeros."""
    return exif if exif is None or exif.startswith(_EXIF) else _EXIF + exif


def bare(exif: bytes | None) -> bytes | None:
    """Return an Exif block without that beginning, as the other formats have it."""
    return exif.removeprefix(_EXIF) if exif else None


_EXIF = b"Exif\0\0"
