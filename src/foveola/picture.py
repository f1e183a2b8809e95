"""What a picture is here: an array that a codec writes, and the formats that files have.

`Picture` is the one value that passes between the pipeline, the codecs and the metric. The table `FORMATS` is the only
place that knows names, MIME types and extensions; `sniff` tells a format from the first bytes, never from a name.
This module is imported by the server's front, so NumPy is imported for type checkers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foveola.errors import ArgumentError, expected

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Format:
    """Facts of one file format.

    Args:
        name: our word for it, as in URLs: `jpeg`.
        mime: the media type sent in `Content-Type`.
        extension: of a file name, with the dot.
        aliases: other words that URLs and callers may use.
        quality: whether the format takes a quality at all.
        alpha: whether it can hold transparency.
        animation: whether it can hold several frames.
    """

    name: str
    mime: str
    extension: str
    aliases: tuple[str, ...] = ()
    quality: bool = False
    alpha: bool = True
    animation: bool = False


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("jpeg", "image/jpeg", ".jpg", ("jpg",), quality=True, alpha=False),
        Format("webp", "image/webp", ".webp", quality=True, animation=True),
        Format("avif", "image/avif", ".avif", quality=True),
        Format("jxl", "image/jxl", ".jxl", quality=True),
        Format("tiff", "image/tiff", ".tiff", quality=True),
        Format("png", "image/png", ".png"),
        Format("gif", "image/gif", ".gif", animation=True),
    )
}
_BY_WORD = {word: f for f in FORMATS.values() for word in (f.name, *f.aliases)}


def format_named(word: str) -> Format:
    """Return the format that `word` names (`jpg` and `jpeg` are one).

    Raises:
        ArgumentError: no format has that name.
    """
    try:
        return _BY_WORD[word]
    except KeyError:
        raise ArgumentError(expected("one of " + ", ".join(sorted(_BY_WORD)), "format", word)) from None


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it goes into an encoder; metadata is decided by the pipeline, written once, counted by `size`.

    Args:
        frames: (n, H, W, 1 | 3 | 4) uint8 (uint16 only where high bit depth is kept), sRGB, straight alpha, C order.
        delays: milliseconds each frame is shown; empty for a still picture.
        loop: how often an animation is played, 0 for ever.
        icc: the colour profile to embed, or None.
        exif: the Exif block to embed, or None.
        xmp: the XMP packet to embed, or None.
        dpi: pixels an inch, for the formats that store it.
    """

    frames: NDArray[Any]
    delays: tuple[int, ...] = ()
    loop: int = 0
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: float = 72.0

    def __post_init__(self) -> None:
        shape = self.frames.shape
        if len(shape) != 4 or shape[3] not in (1, 3, 4) or 0 in shape:
            raise ArgumentError(expected("an array (n, H, W, 1 | 3 | 4)", "frames", shape))

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.frames.shape[2])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.frames.shape[1])

    @property
    def channels(self) -> int:
        """1 grey, 3 RGB, 4 RGB and alpha."""
        return int(self.frames.shape[3])

    @property
    def alpha(self) -> bool:
        """Whether there is an alpha channel."""
        return self.channels == 4

    @property
    def megapixels(self) -> float:
        """Area of one frame in millions of pixels."""
        return self.width * self.height / 1e6

    @cached_property
    def pillow(self) -> Any:
        """The first frame as a Pillow image, made once: each conversion costs a quarter of a JPEG encode."""
        from PIL import Image

        frame = self.frames[0]
        return Image.fromarray(frame[:, :, 0] if self.channels == 1 else frame)
