"""How many pictures a JPEG of the Multi-Picture Format holds (MPO files, stereo cameras, bursts).

Such a file is a JPEG that every viewer shows the first picture of; the others follow behind its end, and an index in
an APP2 segment says where. Most files with such an index come from telephones and cameras and hold one picture beside
its preview or its gain map, which are made from the picture and are no loss of their own.
Source: CIPA DC-007-2021, 5.2 (index and types); Android's Ultra HDR format 1.1 and ISO 21496-1 (gain maps).
"""

from __future__ import annotations

import struct

from foveola.codecs.jpegheader import MOST

_IDENTIFIER = b"MPF\0"
_NUMBER, _ENTRIES = 0xB001, 0xB002
_PREVIEW = 0x01
"""The first byte of the types of large thumbnails."""
_MOST = 256
"""Pictures that are looked for; an index has place for thousands, and each is searched for marks."""
_HEAD = 1 << 16
"""Bytes of a picture in which a gain map says that it is one: as many as its first segments may have."""
_GAIN_MAPS = (b"hdrgm:Version", b"aux:hdrgainmap", b"urn:iso:std:iso:ts:21496:-1")
"""Adobe's and Android's, Apple's and ISO's mark of a gain map."""


def pictures(data: bytes) -> int:
    """Return how many pictures a JPEG holds, as its index says and as they are there.

    Previews ("large thumbnails") and gain maps are not counted, nor what the index places outside of the file: many
    programs cut off what follows the first picture and keep the index. A broken index is none.

    Args:
        data: the file.
    """
    start, end = _index(data)
    if not start:
        return 1
    try:
        return 1 + sum(_counts(data, start, entry) for entry in _entries(data[start:end]))
    except struct.error:
        return 1


def _index(data: bytes) -> tuple[int, int]:
    """Return where the index begins, whence its offsets are counted, and where it ends; twice 0 if there is none."""
    at = 2
    for _ in range(MOST):
        if data[at : at + 1] != b"\xff" or (marker := data[at + 1 : at + 2]) == b"\xda":
            break
        if marker == b"\xff":  # a fill byte
            at += 1
            continue
        if marker == b"\xe2" and data.startswith(_IDENTIFIER, at + 4):
            return at + 8, at + 2 + int.from_bytes(data[at + 2 : at + 4])
        at += 2 + max(int.from_bytes(data[at + 2 : at + 4]), 2)
    return 0, 0


def _entries(index: bytes) -> list[tuple[int, int]]:
    """Return type and offset of each picture after the first."""
    order = ">" if index.startswith(b"MM") else "<"
    (first,) = struct.unpack_from(order + "L", index, 4)
    (count,) = struct.unpack_from(order + "H", index, first)
    rows = (struct.unpack_from(order + "HHLL", index, first + 2 + 12 * place) for place in range(count))
    values = {tag: value for tag, _, _, value in rows}
    number, at = values.get(_NUMBER, 1), values.get(_ENTRIES, len(index))
    found = (struct.unpack_from(order + "LLL", index, at + 16 * place) for place in range(1, min(number, _MOST)))
    return [(kind & 0xFFFFFF, offset) for kind, _, offset in found]


def _counts(data: bytes, start: int, entry: tuple[int, int]) -> bool:
    """Return whether an entry is a picture that is there, and one of its own."""
    kind, offset = entry
    head = data[start + offset : start + offset + _HEAD]
    return offset > 0 and head.startswith(b"\xff\xd8\xff") and kind >> 16 != _PREVIEW and not _gain_map(head)


def _gain_map(head: bytes) -> bool:
    return any(mark in head for mark in _GAIN_MAPS)
