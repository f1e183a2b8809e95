"""TIFF: libvips writes and reads it, as imgproxy saves it: without compression.

So its quality has no effect and every quality is one setting: a search makes one encode and reports its value.
Source: https://docs.imgproxy.net/usage/processing#quality; TIFF 6.0.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from foveola.codecs import exif, iptc, vips
from foveola.codecs.base import ALL, holdable
from foveola.errors import ImageError
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import TiffSettings

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Tiff:
    """The codec of TIFF; see `foveola.codecs.base.Codec`."""

    name: str = "tiff"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: TiffSettings) -> bytes:
        """Write `picture`."""
        return self.save(vips.from_picture(holdable(picture, self.name)), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: TiffSettings) -> bytes:  # noqa: ARG002
        """Write a lazy image as imgproxy does; its argument `Q` has no effect without compression and is left out."""
        data = vips.save(vips.with_iptc(image, iptc.fourfold), "tiffsave_buffer", {})
        return exif.tagged(data, exif.texts(vips.field(image, "exif-data", None)))  # libvips writes no Exif into TIFF

    def decode(self, data: bytes) -> Picture:
        """Read the first page of a file of grey or RGB in 8 or 16 bit."""
        return vips.decode(whole(data), "tiff")

    def setting(self, quality: int, settings: TiffSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:
        """Return the distance from the best quality, as nothing is lost at any."""
        return float(ALL.max - quality)


def whole(data: bytes, page: int = 0, pages: int = 1) -> bytes:
    """Return a TIFF file that has all strips and tiles of some pages; libvips shows those that are missing in black.

    Args:
        data: the file.
        page: the first page.
        pages: how many; -1 for all that follow.

    Raises:
        ImageError: it breaks off.
    """
    last = None if pages < 0 else page + pages
    try:
        ends = [end for tags in islice(_directories(data), page, last) for end in _ends(tags)]
    except (struct.error, OverflowError) as error:  # a BigTIFF names places beyond what a machine counts
        raise ImageError("Expected a whole tiff file, got one that breaks off") from error
    if max(ends, default=0) > len(data):
        raise ImageError(f"Expected a whole tiff file of {max(ends)} bytes, got {len(data)}")
    return data


def pages(data: bytes) -> Iterator[None]:
    """Yield for each page of a TIFF file, up to the last one or to where it breaks off."""
    order, word, number = _layout(data)
    step = struct.calcsize(f"{order}HH{word}{word}")
    link, count = struct.Struct(order + word), struct.Struct(order + number)
    place, seen = 8 if word == "Q" else 4, {0}
    with suppress(struct.error, OverflowError):
        while (at := link.unpack_from(data, place)[0]) not in seen:
            seen.add(at)
            yield
            place = at + count.size + step * count.unpack_from(data, at)[0]


def _ends(tags: dict[int, tuple[int, ...]]) -> Iterator[int]:
    """Yield where each strip and tile ends; a strip that is not compressed ends with its last row."""
    for (offsets, counts), most in zip(_PARTS, (_strip(tags), math.inf), strict=True):
        for offset, count in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False):
            yield int(offset + min(count, most))


def _strip(tags: dict[int, tuple[int, ...]]) -> float:
    """Return how many bytes the rows of a strip are, as far as that can be told."""
    (width, *_), (height, *_), (compression, *_) = (tags.get(tag) or (0,) for tag in (_WIDTH, _HEIGHT, _COMPRESSION))
    bits, (rows, *_) = tags.get(_BITS, (1,)), tags.get(_ROWS) or (height,)
    return min(rows, height) * -(-width * sum(bits) // 8) if compression == 1 else math.inf


def _layout(data: bytes) -> tuple[str, str, str]:
    """Return the order of bytes and the forms of places and of counts of entries, as `struct` names them."""
    order = "<" if data[:2] == b"II" else ">"
    return (order, "Q", "Q") if data[2:4] in (b"+\0", b"\0+") else (order, "I", "H")


def _directories(data: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    """Yield of each page the tags that say where its parts are; raises struct.error where the file breaks off.

    Pages may share what they name, but not so much that a small file is long to read: all that is looked at is a few
    times the file.
    """
    order, word, number = _layout(data)
    entry = struct.Struct(f"{order}HH{word}")
    (at,) = struct.unpack_from(order + word, data, 8 if word == "Q" else 4)
    seen, left = {0}, _TIMES * len(data)
    while at not in seen:
        seen.add(at)
        (count,) = struct.unpack_from(order + number, data, at)
        first, step = at + struct.calcsize(order + number), entry.size + struct.calcsize(order + word)
        left -= step * count
        if left < 0:
            raise struct.error("more entries than bytes")
        tags: dict[int, tuple[int, ...]] = {}
        for place in range(first, first + step * count, step):
            tag, kind, length = entry.unpack_from(data, place)
            if tag in _TAGS and tag not in tags and kind in _KINDS:
                left -= length * struct.calcsize(_KINDS[kind])
                if left < 0:
                    raise struct.error("more values than bytes")
                form, value = f"{order}{length}{_KINDS[kind]}", place + entry.size
                if struct.calcsize(form) > struct.calcsize(order + word):
                    (value,) = struct.unpack_from(order + word, data, value)
                tags[tag] = struct.unpack_from(form, data, value)
        yield tags
        (at,) = struct.unpack_from(order + word, data, first + step * count)


_KINDS = {3: "H", 4: "I", 16: "Q"}
_TIMES = 4
"""Whole files that directories and their values may come to; of a file that shares nothing they are two at most."""
_PARTS = ((273, 279), (324, 325))
"""The tags of the offsets and the byte counts: of strips, of tiles."""
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _ROWS = 256, 257, 258, 259, 278
_TAGS = frozenset((*_PARTS[0], *_PARTS[1], _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _ROWS))
CODEC = Tiff()
