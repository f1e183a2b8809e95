"""What has to be read and written of Exif: the two texts that name people, and numbers that must not lie.

Exif is a TIFF structure inside another format, so these are tags of TIFF too. They are read as strangers have written
them, bytes that mostly are UTF-8 or Latin-1 in spite of the standard, and written as they were read.
Sources: https://www.cipa.jp/std/documents/e/DC-008-Translation-2023-E.pdf and TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

from foveola.codecs.base import bare, marked

ARTIST, COPYRIGHT = 0x013B, 0x8298
ORIENTATION, ACROSS, DOWN, UNIT = 0x0112, 0x011A, 0x011B, 0x0128
UPRIGHT, INCHES = 1, 2
"""Values of the orientation and of the unit."""
_SHORT, _RATIONAL = 3, 5
_KINDS = (1, 2, 7, 129)
"""Types of bytes that writers use for text: BYTE, ASCII, UNDEFINED, UTF-8."""
_ENTRY = 12
"""Bytes of an entry of a directory: tag, type, count, value or its place."""


def order(data: bytes) -> str | None:
    """Return the byte order of a TIFF structure as `struct` names it, None where it is none, or a BigTIFF."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])


def texts(block: bytes | None) -> dict[int, bytes]:
    """Return artist and copyright by their tags, as far as a block has them and can be read.

    Args:
        block: of Exif, with or without its mark.
    """
    try:
        return dict(_texts(bare(block) or b""))
    except struct.error:
        return {}


def block(found: Mapping[int, bytes]) -> bytes:
    """Return a block of Exif with nothing but some texts."""
    return marked(b"MM\0*\0\0\0\x08" + _directory({}, found, 8, ">", b"\0\0\0\0")) or b""


def tagged(data: bytes, found: Mapping[int, bytes]) -> bytes:
    """Return a TIFF file whose first directory has some texts too; it is written anew at the end.

    Args:
        data: the file; a BigTIFF stays as it is.
        found: texts by their tags.
    """
    way = order(data)
    if way is None or not found:
        return data
    (at,) = struct.unpack_from(f"{way}I", data, 4)
    (count,) = struct.unpack_from(f"{way}H", data, at)
    end = at + 2 + _ENTRY * count
    entries = {}
    for place in range(at + 2, end, _ENTRY):
        entries[struct.unpack_from(f"{way}H", data, place)[0]] = data[place : place + _ENTRY]
    body = data + b"\0" * (len(data) % 2)
    head = body[:4] + struct.pack(f"{way}I", len(body))
    return head + body[8:] + _directory(entries, found, len(body), way, data[end : end + 4])


def overwritten(block: bytes, values: Mapping[int, int]) -> bytes:
    """Return a block with other numbers in its first directory, where it has them, and else byte for byte the same.

    Args:
        block: with or without its mark; of what breaks off, the part that can be read is changed.
        values: 16 bit each, by their tags.
    """
    data = bare(block) or b""
    way, changed = order(data), bytearray(data)
    if way is not None:
        with suppress(struct.error):
            _overwrite(changed, way, values)
    return block[: len(block) - len(data)] + changed


def _overwrite(data: bytearray, way: str, values: Mapping[int, int]) -> None:
    (at,) = struct.unpack_from(f"{way}I", data, 4)
    (count,) = struct.unpack_from(f"{way}H", data, at)
    for place in range(at + 2, at + 2 + _ENTRY * count, _ENTRY):
        tag, kind, length, value = struct.unpack_from(f"{way}HHII", data, place)
        if tag not in values or length != 1:
            continue
        if kind == _SHORT:
            struct.pack_into(f"{way}H", data, place + 8, values[tag])
        if kind == _RATIONAL:
            struct.pack_into(f"{way}II", data, value, values[tag], 1)


def _texts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield artist and copyright; raises struct.error where the structure breaks off."""
    way = order(data)
    if way is None:
        return
    (at,) = struct.unpack_from(f"{way}I", data, 4)
    (count,) = struct.unpack_from(f"{way}H", data, at)
    places: dict[int, slice] = {}
    for place in range(at + 2, at + 2 + _ENTRY * count, _ENTRY):
        tag, kind, length = struct.unpack_from(f"{way}HHI", data, place)
        if tag not in (ARTIST, COPYRIGHT) or kind not in _KINDS:
            continue
        start = place + 8 if length <= 4 else struct.unpack_from(f"{way}I", data, place + 8)[0]
        places[tag] = slice(start, start + length)  # a tag may be there thousands of times, and only the last counts
    for tag, span in places.items():
        if text := data[span].rstrip(b"\0 "):
            yield tag, text + b"\0"


def _directory(entries: Mapping[int, bytes], found: Mapping[int, bytes], at: int, way: str, following: bytes) -> bytes:
    """Return a directory that begins at a place, with texts among its entries and their values behind it."""
    all_entries, values = dict(entries), b""
    start = at + 2 + _ENTRY * len(entries.keys() | found.keys()) + 4
    for tag, text in sorted(found.items()):
        where = text.ljust(4, b"\0")
        if len(text) > 4:
            where = struct.pack(f"{way}I", start + len(values))
            values += text + b"\0" * (len(text) % 2)
        all_entries[tag] = struct.pack(f"{way}HHI", tag, 2, len(text)) + where
    rows = b"".join(all_entries[tag] for tag in sorted(all_entries))
    return struct.pack(f"{way}H", len(all_entries)) + rows + following + values
