"""What a family of hostile files is, and the small tools that all families share."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

Made = tuple[str, bytes]
"""A file: its name and its bytes."""
SIDES = (0, 1, 2, 255, 256, 257, 7071, 8192, 16383, 16384, 30_000, 32_767, 32_768, 65_500, 65_535, 65_536, 10_000_000)
"""Sides at and around the limits of formats and libraries."""
WORDS = (*SIDES, 2**24 - 1, 2**30, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
"""Numbers of 32 bit at and around the limits of types."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Kind:
    """One kind of hostile file.

    Args:
        name: short, of lower-case words and dashes.
        doc: what is wrong with its files.
        make: makes one of them from random numbers; the same numbers make the same file.
    """

    name: str
    doc: str
    make: Callable[[Random], Made]


@cache
def zeros(size: int) -> bytes:
    """Return so many bytes of zero as a zlib stream, a thousandth as long, without holding them.

    Args:
        size: bytes; what is over a whole MiB is made too.
    """
    packer = zlib.compressobj(9)
    block = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    head, block = block[:2], block[2:]
    last = zlib.compressobj(9, wbits=-15)
    rest = last.compress(bytes(size % _BLOCK)) + last.flush()
    check = (size % 65521) << 16 | 1
    return head + block * (size // _BLOCK) + rest + check.to_bytes(4)


def sides(random: Random, most: int) -> tuple[int, int]:
    """Return a width and a height of which one at least is at or near the limits, each `most` at most."""
    near = [side for side in (*WORDS, most - 1, most) if side <= most]
    pair = [random.choice(near), random.choice((random.randint(1, 64), random.choice(near)))]
    random.shuffle(pair)
    return pair[0], pair[1]
