"""The boxes of HEIC and AVIF: where each is, the file whose picture is the thumbnail, and headers against pixels."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

from foveola.codecs import heic
from foveola.codecs.boxes import boxes
from foveola.errors import FoveolaError
from foveola.picture import sniff
from foveola.transform.load import header_of
from fuzz import pictures

TOKENS = (
    *(b"ftyp", b"meta", b"pitm", b"iref", b"thmb", b"iinf", b"infe", b"iloc", b"iprp", b"ipco", b"ispe", b"skip"),
    *(b"\0\0\0\1", b"\0\0\0\x08", b"heic", b"avif", b"avis", b"mif1", b"\0\0\0\0pitm\0\0\0\0\0\1", b"hvc1", b"av01"),
)
HEICS = Path(__file__).parents[2] / "tests" / "heic"
"""Nothing that we have can write HEIC."""


def _box(kind: bytes, *contents: bytes) -> bytes:
    data = b"".join(contents)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def seeds() -> list[bytes]:
    made = []
    for version, word in ((b"\0\0\0\0", "H"), (b"\1\0\0\0", "I")):
        said = _box(b"pitm", version, struct.pack(f">{word}", 1))
        pair = _box(b"thmb", struct.pack(f">{word}H{word}", 2, 1, 1))
        infos = [_box(b"infe", b"\2\0\0\0", struct.pack(">HH4s", item, 0, b"av01"), b"\0") for item in (1, 2)]
        items = _box(b"iinf", b"\0\0\0\0\0\2", *infos)
        for brand in (b"heic", b"avif"):
            head = _box(b"ftyp", brand, b"\0\0\0\0mif1", brand)
            made.append(head + _box(b"meta", b"\0\0\0\0", said, items, _box(b"iref", version, pair)) + _box(b"mdat"))
    heics = [path.read_bytes() for path in sorted(HEICS.glob("*.heic"))]
    return [*made, *heics, *pictures.of("avif"), b"\0\0\0\1meta\0\0\0\0\0\0\0\x20" + b"\0" * 16]


def target(data: bytes) -> None:
    last = 0
    for kind, start, end in boxes(data):
        assert len(kind) == 4, kind
        assert last + 8 <= start <= end <= len(data), (last, start, end)
        last = end
    readable = heic._readable(data)
    thumbnail = heic.thumbnail(data)
    if thumbnail is not None:
        assert len(thumbnail) == len(data)
        assert sum(a != b for a, b in zip(thumbnail, data, strict=True)) <= 8
        heic.thumbnail(thumbnail)
    for file in (data, thumbnail):
        if file and readable and sniff(file) in ("avif", "heic"):
            with suppress(FoveolaError):
                pictures.hold(header_of(file), file)
