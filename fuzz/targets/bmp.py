"""BMP: the header, and the pixels, which are read by code of our own around Pillow's."""

from __future__ import annotations

from contextlib import suppress

from foveola.codecs import bmp
from foveola.errors import FoveolaError
from fuzz import pictures

TOKENS = pictures.WINDOWS


def seeds() -> list[bytes]:
    return [*pictures.of("bmp"), *(pictures.pillow("BMP", mode) for mode in ("1", "L", "P", "RGB"))]


def target(data: bytes) -> None:
    with suppress(FoveolaError):
        pictures.hold(bmp.header(data), data)
