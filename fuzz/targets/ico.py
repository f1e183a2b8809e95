"""ICO: the header, and the pixels, which are read by code of our own around Pillow's."""

from __future__ import annotations

from contextlib import suppress

from foveola.codecs import ico
from foveola.errors import FoveolaError
from foveola.picture import Limits, sniff
from fuzz import pictures

TOKENS = (
    b"BM",
    b"\0\0\1\0",
    b"\x28\0\0\0",
    b"\x6c\0\0\0",
    b"\x7c\0\0\0",
    b"\x89PNG\r\n\x1a\n",
    b"\1\0\x18\0",
    b"\1\0\x20\0",
    b"\1\0\1\0",
)
SMALL = Limits(pixels=1_000_000, side=4096)


def seeds() -> list[bytes]:
    return [*pictures.of("ico"), *(pictures.pillow("ICO", mode) for mode in ("1", "L", "P", "RGB", "RGBA"))]


def target(data: bytes) -> None:
    with suppress(FoveolaError):
        header = ico.header(data)
        assert min(header.width, header.height) > 0, header
        SMALL.check(header)
        if sniff(data) == "ico":
            picture = ico.Ico().decode(data)
            assert (picture.width, picture.height) == (header.width, header.height), header
