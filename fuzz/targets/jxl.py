"""The header of JPEG XL, which is read bit by bit, and held against the pixels of libjxl."""

from __future__ import annotations

from contextlib import suppress

from foveola.codecs import jxlheader
from foveola.errors import FoveolaError
from fuzz import pictures

TOKENS = (
    b"\xff\x0a",
    b"\0\0\0\x0cJXL \r\n\x87\n",
    b"jxlc",
    b"jxlp",
    b"ftypjxl ",
    b"jxll",
    b"\0\0\0\0jxlc",
    b"\0\0\0\1jxlp",
)


def seeds() -> list[bytes]:
    bare = [
        bytes((0xFF, 0x0A, *b)) for b in (b"\x4c\x80\x05\x40\x14\x88\x10", b"\xfa\x7f\x01\x90\x08\x06\x01\0\0\0\0\0")
    ]
    box = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl "
    return [
        *pictures.of("jxl"),
        *bare,
        *(box + (8 + len(b)).to_bytes(4) + b"jxlc" + b for b in bare),
        box + b"\0\0\0\x10jxlp\0\0\0\0\xff\x0a\x4c\x80",
    ]


def target(data: bytes) -> None:
    with suppress(FoveolaError):
        header = jxlheader.header(data)
        assert min(header.width, header.height, header.bands, header.bits) > 0, header
        pictures.hold(header, data)
