"""First bytes and headers: each file is of one format or none, and its header says a picture of some pixels."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

from PIL import Image

from foveola.errors import FoveolaError
from foveola.picture import FORMATS, Header, Limits, format_of, sniff
from foveola.transform.load import header_of
from fuzz import pictures

TOKENS = [
    *(
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x1cftypheic",
        b"\xff\x0a",
    ),
    *(
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"BM",
        b"\0\0\1\0",
        b"<svg ",
        b"<?xml",
        b"<!--",
        b"-->",
        b"<!DOCTYPE",
        b"<!ENTITY",
        b"IHDR",
        b"acTL",
    ),
    *(
        b"VP8X",
        b"VP8L",
        b"VP8 ",
        b"ANIM",
        b"meta",
        b"iprp",
        b"ispe",
        b"\xff\xc0",
        b"\xff\xe1",
        b"\xff\xe2MPF\0",
        b"Exif\0\0",
        b"\xff\xfe",
    ),
]


def seeds() -> list[bytes]:
    return pictures.all_formats()


def target(data: bytes) -> None:
    assert sniff(data) in (None, *FORMATS)
    with suppress(FoveolaError):
        assert format_of(data) == sniff(data)
    with suppress(FoveolaError):
        header = header_of(data)
        assert header.format == sniff(data)
        assert min(header.width, header.height, header.bands, header.frames, header.pages) > 0, header
        assert header.bits in range(1, 65), header
        assert header.orientation in range(1, 9), header
        Limits().check(header)
        _hold(header, data)


def _hold(header: Header, data: bytes) -> None:
    """Hold the sides against Pillow's, where it reads the file too: whoever decodes it must not get another size."""
    if header.format in ("jpeg", "png", "webp", "avif"):
        read = suppress(OSError, ValueError, SyntaxError, EOFError, RuntimeError, struct.error, IndexError)
        with read, Image.open(io.BytesIO(data), formats=[header.format]) as image:
            assert image.size == (header.width, header.height), (header, image.size)
