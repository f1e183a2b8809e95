"""GIF: libvips writes and reads it, animated or not, with imgproxy's arguments.

It has no quality, so nothing is searched; colours are cut to a palette of 256, or to that of the source.
Source: https://docs.imgproxy.net/image_formats_support; the GIF89a specification.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foveola.codecs import vips
from foveola.codecs.base import holdable
from foveola.errors import ImageError
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import GifSettings

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Gif:
    """The codec of GIF; see `foveola.codecs.base.Codec`."""

    name: str = "gif"
    qualities: Bounds | None = None

    def encode(self, picture: Picture, quality: int, settings: GifSettings) -> bytes:
        """Write `picture` with all its frames."""
        return self.save(vips.from_picture(holdable(picture, self.name)), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: GifSettings) -> bytes:  # noqa: ARG002
        """Write a lazy image with imgproxy's arguments."""
        depth = vips.field(image, "bits-per-sample", 8) if vips.field(image, "palette", 0) else 8
        return vips.save(image, "gifsave_buffer", {"bitdepth": min(depth, 8)})

    def decode(self, data: bytes) -> Picture:
        """Read all frames of a file, laid over each other as they are shown."""
        return vips.decode(whole(data), "gif", n=-1)

    def setting(self, quality: int, settings: GifSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:  # noqa: ARG002
        """Return 0: there is no quality."""
        return 0.0


def whole(data: bytes) -> bytes:
    """Return a GIF file that ends as one should; libvips drops the frames that are missing without a word.

    Raises:
        ImageError: it breaks off.
    """
    for _ in _images(data):
        pass
    return data


def frames(data: bytes) -> Iterator[None]:
    """Yield for each frame of a GIF file, up to where it ends or breaks off."""
    with suppress(ImageError):
        yield from _images(data)


def _images(data: bytes) -> Iterator[None]:
    at = 13 + _palette(data[10:11])
    while data[at : at + 1] != _TRAILER:
        if data[at : at + 1] == _IMAGE:
            yield
            at += 11 + _palette(data[at + 9 : at + 10])
        else:  # an extension
            at += 2
        while size := data[at : at + 1]:
            at += 1 + size[0]
            if size == b"\0":
                break
        if at >= len(data):
            raise ImageError("Expected a whole gif file, got one that breaks off")


def _palette(flags: bytes) -> int:
    """Return the bytes of the palette that follows."""
    return 3 << 1 + (flags[0] & 7) if flags and flags[0] & 0x80 else 0


_IMAGE, _TRAILER = b",", b";"
CODEC = Gif()
