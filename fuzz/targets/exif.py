"""Exif: texts and numbers of a block, a block written anew, and what is told of it."""

from __future__ import annotations

import json
import struct

from foveola.codecs import exif
from foveola.info.exif import exif as told
from foveola.transform.rights import exif_rights
from fuzz import pictures

TOKENS = (
    b"Exif\0\0",
    b"II*\0",
    b"MM\0*",
    b"\x87\x69",
    b"\x69\x87",
    b"\x88\x25",
    b"\x25\x88",
    b"\x82\x98",
    b"\x98\x82",
    b"\x01\x12",
    b"\0\0\0\x08",
)
TIFF = pictures.pillow("TIFF")


def _entry(way: str, tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(f"{way}HHII", tag, kind, count, value)


def seeds() -> list[bytes]:
    found = []
    for way, mark in (("<", b"II*\0"), (">", b"MM\0*")):
        rows = [
            (0x13B, 2, 9, 200),
            (0x8298, 2, 4, 0x41424344),
            (0x112, 3, 1, 6),
            (0x11A, 5, 1, 180),
            (0x8769, 4, 1, 120),
            (0x8825, 4, 1, 150),
        ]
        main = struct.pack(f"{way}IH", 8, len(rows)) + b"".join(_entry(way, *row) for row in rows) + b"\0\0\0\0"
        inner = struct.pack(f"{way}H", 1) + _entry(way, 0x829A, 5, 1, 190) + b"\0\0\0\0"
        found.append(
            b"Exif\0\0"
            + (mark + main).ljust(120, b"\0")
            + inner
            + b"\0" * 12
            + inner
            + b"\0\0\1\0\0\0\2" * 9
            + b"artist\0\0"
        )
    return [*found, exif.block({exif.ARTIST: b"me\0", exif.COPYRIGHT: b"mine, all\0"})]


def target(data: bytes) -> None:
    texts = exif.texts(data)
    assert set(texts) <= {exif.ARTIST, exif.COPYRIGHT}
    assert exif.texts(exif.block(texts)) == texts
    assert exif.texts(exif.tagged(TIFF, texts)) == texts
    rights = exif_rights(data)
    assert exif_rights(rights) == rights
    changed = exif.overwritten(data, {exif.ORIENTATION: 1, exif.ACROSS: 72, exif.DOWN: 72})
    assert len(changed) == len(data)
    for canonical in (False, True):
        assert all(isinstance(value, str) for value in told(data, canonical).values())
        json.dumps(told(data, canonical)).encode()
