"""Buffers that are used again, because the fresh pages of a new array double the cost of preparing a picture.

A buffer goes back to the pool when the last array that views it is gone; what is free is kept up to a limit, so that a
huge picture is not remembered for ever.
"""

from __future__ import annotations

import threading
import weakref

import numpy as np

from foveola.kernels.prepared import Bytes

LIMIT = 64 << 20
"""Bytes of free buffers that are kept."""
_ALIGNMENT = 64
_WASTE = 2
"""A free buffer serves a request that needs at least a half of it."""

_free: list[Bytes] = []
_lock = threading.Lock()


def reserve(size: int) -> Bytes:
    """Return a buffer of `size` bytes, aligned to 64 bytes, with whatever was in it."""
    block = _taken(size)
    if block is None:
        block = np.empty(size + _ALIGNMENT, np.uint8)
    start = -block.__array_interface__["data"][0] % _ALIGNMENT
    lease = _Lease(block)
    return np.asarray(lease)[start : start + size]


class _Lease:
    """Owner of a block as NumPy sees it: the base of every view, so that its end is the end of the last view."""

    def __init__(self, block: Bytes) -> None:
        self.__array_interface__ = block.__array_interface__
        weakref.finalize(self, _returned, block).atexit = False


def _taken(size: int) -> Bytes | None:
    """Return the smallest free block that fits and isn't far too big."""
    with _lock:
        fitting = [block for block in _free if size + _ALIGNMENT <= block.size <= _WASTE * size + _ALIGNMENT]
        if not fitting:
            return None
        best = min(fitting, key=lambda block: block.size)
        _free[:] = [block for block in _free if block is not best]
        return best


def _returned(block: Bytes) -> None:
    with _lock:
        _free.append(block)
        while sum(kept.size for kept in _free) > LIMIT:
            _free.pop(0)
