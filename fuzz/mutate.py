"""Mutations of bytes: the same number gives the same inputs, on each machine."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

LONGEST = 1 << 16
"""Bytes of what is made."""
_NUMBERS = [
    *(
        value.to_bytes(size, order)
        for size in (1, 2, 4)
        for value in (0, 1, 127, 128, 255)
        for order in ("big", "little")
    ),
    *(
        b"\xff\xff",
        b"\x7f\xff",
        b"\xff\x7f",
        b"\x80\0",
        b"\0\x80",
        b"\xff" * 4,
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
    ),
    *(b"\x80\0\0\0", b"\0\0\0\x80", b"\xff" * 8, b"\0" * 8),
]
Change = Callable[[random.Random, bytearray, bytes], None]


def inputs(seeds: Sequence[bytes], tokens: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield the seeds, an empty input, and then for ever what becomes of them by one to eight changes each."""
    yield from seeds
    yield b""
    chance = random.Random(seed)
    pool = list(seeds) or [b""]
    while True:
        data = bytearray(chance.choice(pool))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
            word = chance.choice(tokens) if tokens and chance.random() < 0.5 else chance.choice(_NUMBERS)
            chance.choice(_CHANGES)(chance, data, chance.choice(pool) if chance.random() < 0.2 else word)
        yield bytes(data[:LONGEST])


def _place(chance: random.Random, data: bytearray) -> int:
    """Return a place in the data; the beginning, where headers are, is more probable."""
    return chance.randrange(min(len(data), 64) if chance.random() < 0.4 else len(data)) if data else 0


def _flip(chance: random.Random, data: bytearray, _: bytes) -> None:
    if data:
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, data: bytearray, _: bytes) -> None:
    if data:
        data[_place(chance, data)] = chance.randrange(256)


def _overwrite(chance: random.Random, data: bytearray, word: bytes) -> None:
    at = _place(chance, data)
    data[at : at + len(word)] = word


def _insert(chance: random.Random, data: bytearray, word: bytes) -> None:
    at = _place(chance, data)
    data[at:at] = word


def _delete(chance: random.Random, data: bytearray, _: bytes) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 2, 4, 16, 256))]


def _repeat(chance: random.Random, data: bytearray, _: bytes) -> None:
    at = _place(chance, data)
    data[at:at] = data[at : at + chance.choice((1, 4, 16, 64))] * chance.choice((1, 2, 20, 300))


def _cut(chance: random.Random, data: bytearray, _: bytes) -> None:
    del data[_place(chance, data) :]


def _splice(chance: random.Random, data: bytearray, word: bytes) -> None:
    at = _place(chance, data)
    data[at:] = word[chance.randrange(len(word) + 1) :]


_CHANGES: tuple[Change, ...] = (
    _flip,
    _set,
    _set,
    _overwrite,
    _overwrite,
    _insert,
    _insert,
    _delete,
    _repeat,
    _cut,
    _splice,
)
