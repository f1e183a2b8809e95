"""The codecs of the formats that are written, by name.

Each is imported when it is first asked for, so that a missing library costs only its format.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from foveola.codecs.base import Codec
from foveola.errors import ArgumentError, CodecError, expected
from foveola.picture import WRITTEN

NAMES: tuple[str, ...] = WRITTEN

LACKING = "Invalid URL"
"""What a stranger reads of a format that this installation lacks; imgproxy's words."""

__all__ = ["LACKING", "NAMES", "Codec", "codec"]


@cache
def codec(name: str) -> Codec:
    """Return the codec of the format `name`.

    Raises:
        ArgumentError: no codec has that name.
        CodecError: a library that it needs is not installed.
    """
    if name not in NAMES:
        raise ArgumentError(expected("one of " + ", ".join(NAMES), "format", name))
    try:
        found: Codec = import_module(f"foveola.codecs.{name}").CODEC
    except ImportError as error:
        raise CodecError(
            expected("an installation that can do it", name, str(error)), public=LACKING, status=422
        ) from error
    return found
