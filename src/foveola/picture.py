"""What a picture is here: an array that a codec writes, the formats that files have, and how big a file may be.

`Picture` is the one value that passes between the pipeline, the codecs and the metric. The table `FORMATS` is the only
place that knows names, MIME types and extensions; `sniff` tells a format from the first bytes, never from a name, and
`Limits` judges a header before any pixel is touched (30000x30000 pixels fit into a file of 109 kB). This module is
imported by the server's front, so NumPy is imported for type checkers only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foveola.errors import ArgumentError, ImageError, expected

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_SIDE = 10_000_000
"""Pixels that libvips allows a side."""
MOST_BANDS = 16
"""Bands of a source: CMYK, alpha and some inks. Decoders hold rows of all of them, of which four are used."""
LARGEST = 500_000_000
"""Pixels of what is held in memory, or written; more are refused."""


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
        profile: whether a colour profile is written.
        deep: whether more than 8 bits a channel are written.
        paged: whether a page or frame of it can be chosen.
        written: whether we write it; all are read.
    """

    name: str
    mime: str
    extension: str
    aliases: tuple[str, ...] = ()
    quality: bool = False
    alpha: bool = True
    animation: bool = False
    profile: bool = True
    deep: bool = False
    paged: bool = False
    written: bool = True


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("jpeg", "image/jpeg", ".jpg", ("jpg",), quality=True, alpha=False),
        Format("webp", "image/webp", ".webp", quality=True, animation=True, paged=True),
        Format("avif", "image/avif", ".avif", quality=True, deep=True),
        Format("jxl", "image/jxl", ".jxl", quality=True, profile=False),
        Format("tiff", "image/tiff", ".tiff", ("tif",), quality=True, deep=True, paged=True),
        Format("png", "image/png", ".png", deep=True),
        Format("gif", "image/gif", ".gif", animation=True, profile=False, paged=True),
        Format("bmp", "image/bmp", ".bmp", profile=False),
        Format("ico", "image/x-icon", ".ico", profile=False),
        Format("heic", "image/heif", ".heic", ("heif",), quality=True, deep=True, written=False),
        Format("svg", "image/svg+xml", ".svg", profile=False, written=False),
    )
}
WRITTEN: tuple[str, ...] = tuple(name for name, format in FORMATS.items() if format.written)
"""The names of the formats that results can have."""
FALLBACK = "webp"
"""What is written where neither the caller nor the source names a format that can be written."""
_BY_WORD = {word: f for f in FORMATS.values() for word in (f.name, *f.aliases)}


def format_named(word: str) -> Format:
    """Return the format that `word` names (`jpg` and `jpeg` are one).

    Raises:
        ArgumentError: no format has that name.
    """
    if not isinstance(word, str) or word not in _BY_WORD:
        raise ArgumentError(expected("one of " + ", ".join(sorted(_BY_WORD)), "format", word))
    return _BY_WORD[word]


_MAGIC: dict[str, re.Pattern[bytes]] = {
    name: re.compile(magic, re.DOTALL)
    for name, magic in (
        ("jpeg", rb"\xff\xd8\xff"),
        ("png", rb"\x89PNG\r\n\x1a\n"),
        ("gif", rb"GIF8[79]a"),
        ("webp", rb"RIFF....WEBP"),
        ("avif", rb"....ftyp(avi[fs]|....(....)*?avi[fs])"),
        ("jxl", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
        ("heic", rb"....ftyp(hei[cfmsx]|hev[cx]|mif1|msf1)"),
        ("tiff", rb"II[*+]\0|MM\0[*+]"),
        ("bmp", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0"),
        ("ico", rb"\0\0\x01\0"),
    )
}
_OTHERS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(magic, re.DOTALL | re.IGNORECASE))
    for name, magic in (
        ("a video", rb"....ftyp|\x1a\x45\xdf\xa3"),
        ("a JPEG 2000 picture", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        ("a cursor", rb"\0\0\x02\0"),
        ("a Photoshop document", rb"8BPS"),
        ("a PDF document", rb"%PDF-"),
        ("a ZIP archive", rb"PK\x03\x04"),
        ("gzip data, as a compressed SVG drawing is", rb"\x1f\x8b"),
        ("an HTML page", rb".{0,1000}?<(!doctype html|html|head|body)"),
    )
)


def sniff(data: bytes) -> str | None:
    """Return the name of the format whose files begin like `data`; None if it is not in `FORMATS`.

    Sixteen bytes are enough, but for AVIF files that name their brand second, and for SVG, which has no such number:
    it is XML whose first element is `svg`.
    Source: https://www.iana.org/assignments/media-types (each format's magic number).
    """
    head = data[:256]
    return next((name for name, magic in _MAGIC.items() if magic.match(head)), "svg" if _drawn(data) else None)


def _drawn(data: bytes) -> bool:
    """Return whether `data` is XML whose first element is `svg`, looking at no more than its beginning."""
    head = data[:_PROLOGUE]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "replace").encode()
    at, typed = len(_BLANK.match(head).group()), False  # type: ignore[union-attr]  # matches the empty text too
    for _ in range(_PARTS):
        end = next((end for start, end in _SKIPPED if head.startswith(start, at)), None)
        if end is None:
            break
        if end == b">" and typed:  # XML has one type, and each is looked for up to the end
            return False
        typed = typed or end == b">"
        after = _DOCTYPE.match(head, at) if end == b">" else None
        at = after.end() if after else head.find(end, at) + len(end)
        if at < len(end):
            return False
        at = _SPACE.match(head, at).end()  # type: ignore[union-attr]  # as above
    return _ROOT.match(head, at) is not None


_PROLOGUE = 1 << 20
"""Bytes in which the first element has to begin."""
_PARTS = 1000
"""Comments and instructions before it, at most."""
_BLANK = re.compile(rb"(\xef\xbb\xbf)?\s*")
_SPACE = re.compile(rb"\s*")
_SKIPPED = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!DOCTYPE", b">"))
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.DOTALL)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?svg[\s/>]")


def format_of(data: bytes) -> str:
    """Return the name of the format that `data` is in.

    Raises:
        ImageError: none of `FORMATS`; the message says what the bytes seem to be.
    """
    if name := sniff(data):
        return name
    seems = next((what for what, magic in _OTHERS if magic.match(data[:1024])), "something else")
    message = f"Expected a picture ({', '.join(FORMATS)}), got {seems if data else 'an empty file'}"
    raise ImageError(message, public="Invalid source image")


@dataclass(frozen=True)
class Header:
    """What a file says of itself, read without decoding a pixel.

    Args:
        format: a name of `FORMATS`.
        width: pixels, as stored: before an orientation above 1 is applied.
        height: pixels of one frame, as stored.
        bands: channels as they would be decoded, alpha included.
        alpha: whether one of them is alpha.
        frames: of an animation; 1 for a still picture and for pages.
        pages: pictures in the file, be they frames or pages, also of formats whose animations are not read.
        bits: of one channel.
        orientation: 1..8 as in Exif; 1 where the decoder turns the picture itself (AVIF, JPEG XL).
        interlaced: whether no row is there before the file's end: a progressive JPEG, an interlaced PNG.
        palette: whether colours are numbers of a table, which a PNG made of a PNG has too.
    """

    format: str
    width: int
    height: int
    bands: int
    alpha: bool
    frames: int = 1
    pages: int = 1
    bits: int = 8
    orientation: int = 1
    interlaced: bool = False
    palette: bool = False

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height once the orientation is applied."""
        return (self.height, self.width) if self.orientation >= _SWAPPED else (self.width, self.height)


_SWAPPED = 5
"""The first of Exif's orientations whose width is the height that is stored."""


def pixels(megapixels: float) -> int:
    """Return megapixels, 0 or more, as pixels; more than any picture has count as so many."""
    return round(min(megapixels, _MOST_MEGAPIXELS) * 1e6)


_MOST_MEGAPIXELS = LONGEST_SIDE**2 / 1e6


LONGEST_SOURCE = 500_000
"""Pixels of the longest side of a picture: a row of 10 million, in a file of 200 bytes, takes gigabytes on its way."""


@dataclass(frozen=True)
class Limits:
    """How big a picture may be; 0 is no limit.

    Args:
        pixels: width x height x frames (imgproxy's MAX_SRC_RESOLUTION, in pixels); where it is set, no side may be
            longer than `LONGEST_SOURCE` and no pixel have more than `MOST_BANDS`, since whole rows are held several
            times.
        frames: how many frames are read at most; more are left out, not refused.
        frame_pixels: width x height of one frame of an animation; instead of `pixels` where it is set.
        side: width or height.
    """

    pixels: int = 50_000_000
    frames: int = 1
    frame_pixels: int = 0
    side: int = 0

    def check(self, header: Header) -> None:
        """Judge a file by its header.

        Raises:
            ImageError: it is over a limit.
        """
        frames = min(header.frames, self.frames) if self.frames else header.frames
        area = header.width * header.height
        single = frames > 1 and self.frame_pixels > 0
        most, got = (self.frame_pixels, area) if single else (self.pixels, area * frames)
        size = f"{header.width}x{header.height}" + (f"x{frames}" if frames > 1 else "")
        if min(header.width, header.height) < 1:
            raise ImageError(f"Expected sides of 1 pixel or more, got {size}", public="Invalid source image")
        if 0 < most < got:
            raise ImageError(f"Expected at most {most} pixels, got {size}", public="Invalid source image")
        if most > 0 and max(header.width, header.height) > LONGEST_SOURCE:
            raise ImageError(
                f"Expected sides of at most {LONGEST_SOURCE} pixels, got {size}", public="Invalid source image"
            )
        if most > 0 and header.bands > MOST_BANDS:
            raise ImageError(
                f"Expected at most {MOST_BANDS} bands, got {header.bands} of {size}", public="Invalid source image"
            )
        if 0 < self.side < max(header.width, header.height):
            raise ImageError(f"Expected sides of at most {self.side} pixels, got {size}", public="Invalid source image")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it goes into an encoder; metadata is decided by the pipeline, written once, counted by `size`.

    Args:
        frames: (n, H, W, 1 | 3 | 4) uint8 (uint16 only where high bit depth is kept), sRGB, straight alpha;
            any distance between pixels.
        delays: milliseconds each frame is shown; empty for a still picture.
        loop: how often an animation is played, 0 for ever.
        icc: the colour profile to embed, or None.
        exif: the Exif block to embed, or None.
        xmp: the XMP packet to embed, or None.
        iptc: the block of IPTC to embed, or None; only JPEG and TIFF have a place for it.
        dpi: pixels an inch, for the formats that store it.
    """

    frames: NDArray[Any]
    delays: tuple[int, ...] = ()
    loop: int = 0
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: float = 72.0

    def __post_init__(self) -> None:
        shape: tuple[int, ...] | None = getattr(self.frames, "shape", None)
        if shape is None or len(shape) != 4 or shape[3] not in (1, 3, 4) or 0 in shape:
            got = type(self.frames).__name__ if shape is None else shape
            raise ArgumentError(expected("an array (n, H, W, 1 | 3 | 4)", "frames", got))

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

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What encoders and the metric have computed of these pixels and may share, by names of their own."""
        return {}
