"""What a file holds beside the pixels of its first picture, counted before a decoder counts it.

Libraries look through all frames, texts and tables before they say the size of a picture, some of them once for each:
a WebP of 100 000 frames in five megabytes took libwebp 17 seconds. So numbers that cost more than they can be worth
are refused here, in milliseconds. What is only large, such as the notes of an editor, costs what its bytes cost.
Sources: RFC 9649 (WebP), https://www.w3.org/TR/png-3/, https://www.w3.org/Graphics/GIF/spec-gif89a.txt, TIFF 6.0,
ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

from foveola.codecs import gif, tiff
from foveola.codecs.boxes import MOST as MOST_BOXES
from foveola.codecs.boxes import boxes
from foveola.errors import ImageError

MOST_PAGES = 10_000
"""Frames or pages of a file, of which libraries make lists: a quarter of an hour at eleven a second."""
MOST_UNPACKED = 24_000_000
"""Bytes that the packed texts and the profile of a PNG may come to together; libpng leaves out what has 8 MB alone."""
MOST_TABLES = 8_000_000
"""Bytes of the box of an AVIF or a HEIC in which its tables and its profile are; pixels, Exif and XMP lie outside."""
MOST_PACKED = 4
"""Boxes of packed metadata in a JPEG XL: Exif, XMP, JUMBF and one more; libjxl unpacks each, up to 64 MB of it."""
_PNG_HEAD, _RIFF_HEAD = 8, 12
_UNPACKED = 1 << 20
"""Bytes that are unpacked at a time."""


def check(data: bytes, format: str) -> None:
    """Refuse a file that holds so many things that looking through them takes seconds.

    Args:
        data: the file; one that breaks off is judged up to there.
        format: a name of `foveola.picture.FORMATS`.

    Raises:
        ImageError: there are too many frames or pages, or texts and tables that are too large.
    """
    if judge := _JUDGES.get(format):
        judge(data, format)


def _check_pages(data: bytes, format: str) -> None:
    for number, _ in enumerate(_PAGES[format](data)):
        if number >= MOST_PAGES:
            raise _refused(f"at most {MOST_PAGES} frames or pages", format, "more")


def _check_texts(data: bytes, format: str) -> None:
    left = MOST_UNPACKED
    for packed in _packed(data):
        unpacker, rest = zlib.decompressobj(), packed
        while rest and left >= 0:
            try:
                left -= len(unpacker.decompress(rest, _UNPACKED))
            except zlib.error:  # libpng leaves it out
                break
            rest = unpacker.unconsumed_tail
        if left < 0:
            raise _refused(f"packed texts of at most {MOST_UNPACKED} bytes", format, "more")


def _check_boxes(data: bytes, format: str) -> None:
    packed = 0
    for number, (kind, start, end) in enumerate(boxes(data), 1):
        packed += kind == b"brob"
        if number >= MOST_BOXES:  # no more are looked at
            raise _refused(f"less than {MOST_BOXES} boxes", format, "more")
        if packed > MOST_PACKED:
            raise _refused(f"at most {MOST_PACKED} packed boxes", format, "more")
        if kind == b"meta" and end - start > MOST_TABLES:
            raise _refused(f"tables of at most {MOST_TABLES} bytes", format, end - start)
        if kind == b"moov":
            _check_samples(data, start, end, format)


def _check_samples(data: bytes, start: int, end: int, format: str) -> None:
    """Judge a sequence by how many frames its tracks say that they have, each in a table that need not be there."""
    for kind, first, last in boxes(data, start, end):
        if kind in _TRACKS:
            _check_samples(data, first, last, format)
        elif kind == b"stsz" and last - first >= _SIZES.size:
            (count,) = _SIZES.unpack_from(data, first)
            if count > MOST_PAGES:
                raise _refused(f"at most {MOST_PAGES} frames or pages", format, count)


def _refused(what: str, format: str, got: object) -> ImageError:
    return ImageError(f"Expected {what} in a {format} file, got {got}", public="Invalid source image")


def _webp(data: bytes) -> Iterator[None]:
    """Yield for each frame of an animation; one that is shorter than its smallest chunk ends the file."""
    at = _RIFF_HEAD
    while len(data) >= at + 8:
        if data[at : at + 4] == b"ANMF":
            yield
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def _packed(data: bytes) -> Iterator[bytes]:
    """Yield the zlib streams of texts and profiles of a PNG."""
    at = _PNG_HEAD
    while len(data) >= at + 8:
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind in (b"zTXt", b"iCCP", b"iTXt"):
            part = data[at + 8 : at + 8 + size]
            _, _, rest = part.partition(b"\0")
            if kind != b"iTXt":
                yield rest[1:]
            elif rest[:1] == b"\1":
                yield rest[2:].split(b"\0", 2)[-1]
        at += 12 + size


_SIZES = struct.Struct(">8xI")
"""How many frames a track has: after version, flags and the size that all have."""
_TRACKS = frozenset({b"trak", b"mdia", b"minf", b"stbl"})
_PAGES: Mapping[str, Callable[[bytes], Iterator[None]]] = {"webp": _webp, "gif": gif.frames, "tiff": tiff.pages}
_JUDGES: Mapping[str, Callable[[bytes, str], None]] = {
    **dict.fromkeys(_PAGES, _check_pages),
    "png": _check_texts,
    **dict.fromkeys(("avif", "heic", "jxl"), _check_boxes),
}
