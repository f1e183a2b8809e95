"""The codecs by name. Each is imported when it is first asked for, so that a missing library costs only its format."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from foveola.codecs.base import Codec
from foveola.errors import ArgumentError, expected

NAMES: tuple[str, ...] = ("jpeg", "webp", "avif", "jxl", "tiff", "png", "gif")

__all__ = ["NAMES", "Codec", "codec"]


@cache
def codec(name: str) -> Codec:
    """Return the codec of the format `name`.

    Raises:
        ArgumentError: no codec has that name.
    """
    if name not in NAMES:
        raise ArgumentError(expected("one of " + ", ".join(NAMES), "format", name))
    found: Codec = import_module(f"foveola.codecs.{name}").CODEC
    return found
