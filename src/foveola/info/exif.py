"""Exif as text: the names and the words that people see in other programs.

imgproxy shows Exif as libexif words it ("8.00 EV (f/16.0)"); libvips' wheel is built without those words, and Pillow
raises at much that cameras write. So the tags are read here, with bounds: what points outside of the block, and what is
of no known type, is left out, and a directory is never read twice.
Source: https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf (Exif 2.32) and TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from PIL.ExifTags import GPSTAGS, TAGS

from foveola.codecs.base import bare
from foveola.codecs.exif import order
from foveola.info.exifwords import Values, text, title

_ENTRY = 12
_MOST_TAGS = 500
_MOST_BYTES = 4096
"""Longer values are not for people: previews, makers' notes."""
_KINDS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}
_RATIONALS = {5: "I", 10: "i"}
_ASCII, _UNDEFINED = 2, 7
_POINTERS = {0x8769: "exif", 0x8825: "gps", 0xA005: "interop"}
_OF_THE_FILE = frozenset((0x0111, 0x0117, 0x0140, 0x0144, 0x0145, 0x014A, 0x0201, 0x0202))
"""Tags that say where pixels lie in a TIFF file."""
_BLOBS = frozenset((0x02BC, 0x83BB, 0x8649, 0x8773, 0x927C, 0xEA1C, 0xC4A5))
"""Other metadata within Exif, notes of makers and padding."""
_INTEROP = {1: "InteroperabilityIndex", 2: "InteroperabilityVersion"}
_RENAMED = {0xA002: "PixelXDimension", 0xA003: "PixelYDimension", 0xA000: "FlashPixVersion"}


@dataclass(frozen=True)
class _Block:
    """A block in TIFF's form, `<` or `>`; `raw` is also what offsets count from."""

    raw: bytes
    order: str

    def numbers(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, self.raw, at)


def exif(data: bytes, canonical: bool) -> dict[str, str]:
    """Return what an Exif block says, as text by name; nothing where it is none.

    Args:
        data: the block, with or without its mark `Exif`.
        canonical: the names of the standard (`DateTimeOriginal`), not those for people (`Date and Time (Original)`).
    """
    raw = bare(data) or b""
    way = order(raw)
    if way is None:
        return {}
    found: dict[str, str] = {}
    for name, values in _tags(_Block(raw, way)):
        if said := text(name, values):
            found.setdefault(name if canonical else title(name), said)
    return found


def _tags(block: _Block) -> Iterator[tuple[str, Values]]:
    """Yield the tags of the main directory and of those that it points to; never those of the thumbnail."""
    waiting, seen, count = [("main", 4)], set[int](), 0
    while waiting:
        directory, pointer = waiting.pop(0)
        try:
            (at,) = block.numbers("I", pointer)
            (entries,) = block.numbers("H", at)
        except struct.error:
            continue
        if at in seen:
            continue
        seen.add(at)
        for place in range(at + 2, at + 2 + _ENTRY * min(entries, _MOST_TAGS - count), _ENTRY):
            count += 1
            try:
                tag, kind, length = block.numbers("HHI", place)
                if tag in _POINTERS and directory != "gps":
                    waiting.append((_POINTERS[tag], place + 8))
                elif (name := _name(directory, tag)) and (values := _values(block, kind, length, place + 8)):
                    yield name, values
            except struct.error:  # points outside of the block
                continue


def _name(directory: str, tag: int) -> str | None:
    if directory == "gps":
        return GPSTAGS.get(tag)
    if directory == "interop":
        return _INTEROP.get(tag)
    return None if tag in _OF_THE_FILE or tag in _BLOBS else _RENAMED.get(tag, TAGS.get(tag))


def _values(block: _Block, kind: int, length: int, at: int) -> Values:
    """Return the values of an entry; raises struct.error where they are not all there."""
    if kind in _RATIONALS:
        form, size = f"{2 * length}{_RATIONALS[kind]}", 8 * length
    else:
        form = f"{length}{_KINDS.get(kind, 's')}"
        size = struct.calcsize("<" + form) if length <= _MOST_BYTES else length
    if size > _MOST_BYTES or not (kind in _RATIONALS or kind in _KINDS or kind in (_ASCII, _UNDEFINED)):
        return ()
    if size > 4:
        (at,) = block.numbers("I", at)
    numbers = struct.unpack_from(block.order + form, block.raw, at)
    if kind in (_ASCII, _UNDEFINED):
        return bytes(numbers[0])
    if kind in _RATIONALS:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return tuple(Fraction(over, under) if under else Fraction(0) for over, under in pairs)
    return tuple(numbers)
