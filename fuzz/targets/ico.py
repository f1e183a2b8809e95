"""ICO: the header, and the pixels, which are read by code of our own around Pillow's."""

from __future__ import annotations

from contextlib import suppress

from foveola.codecs import ico
from foveola.errors import FoveolaError
from fuzz import pictures

TOKENS = pictures.WINDOWS


def seeds() -> list[bytes]:
    return [*pictures.of("ico"), *(pictures.pillow("ICO", mode) for mode in ("1", "L", "P", "RGB", "RGBA"))]


def target(data: bytes) -> None:
    with suppress(FoveolaError):
        pictures.hold(ico.header(data), data)
