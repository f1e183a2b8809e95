"""What libvips holds in this process: it counts that itself, and pyvips has no name for it.

Source: https://www.libvips.org/API/current/func.tracked_get_mem.html
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module

Held = tuple[int, int, int]
"""Bytes that libvips holds, the most that it has held, and how many pieces it holds."""
NOTHING: Held = (0, 0, 0)
_NAMES = ("vips_tracked_get_mem", "vips_tracked_get_mem_highwater", "vips_tracked_get_allocs")


def held() -> Held:
    """Return what libvips holds now; nothing where it can't be asked."""
    library = _library()
    if library is None:
        return NOTHING
    memory, most, pieces = (int(getattr(library, name)()) for name in _NAMES)
    return memory, most, pieces


@cache
def _library() -> ctypes.CDLL | None:
    """Return pyvips' own extension, through which the functions of its libvips are found."""
    try:
        library = ctypes.CDLL(import_module("_libvips").__file__)
        for name, kind in zip(_NAMES, (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int), strict=True):
            getattr(library, name).restype = kind
    except (ImportError, OSError, AttributeError):  # pyvips without its extension, over a libvips of the system
        return None
    return library
