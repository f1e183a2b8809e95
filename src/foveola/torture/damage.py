"""Sound files of every format, damaged: cut, flipped, spliced, and with lengths that are not true."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random

from foveola.torture.kind import WORDS, Kind, Made
from foveola.torture.seeds import any_sound, sound

_BOXED = frozenset({"avif", "heic", "jxl"})
_INSIDE = frozenset({b"meta", b"iprp", b"ipco", b"iinf", b"dinf", b"moov", b"trak", b"mdia", b"minf", b"stbl"})
"""Boxes of boxes."""
_HEADS = {b"meta": 4, b"iinf": 6}
"""What stands before the boxes inside."""


def truncated(random: Random) -> Made:
    """Cut a file off, near its begin, near its end or anywhere."""
    suffix, data = any_sound(random)
    most = random.choice((32, 256, len(data)))
    at = min(random.randint(1, most), len(data) - 1)
    return f"truncated.{suffix}", data[: len(data) - at] if random.random() < 0.3 else data[:at]


def flipped(random: Random) -> Made:
    """Flip one bit to a hundred."""
    suffix, data = any_sound(random)
    broken = bytearray(data)
    most = random.choice((64, 512, len(data)))
    for _ in range(random.choice((1, 2, 5, 20, 100))):
        broken[random.randrange(min(most, len(data)))] ^= 1 << random.randrange(8)
    return f"flipped.{suffix}", bytes(broken)


def spliced(random: Random) -> Made:
    """Leave bytes out, say some twice, or write others or another file's over them."""
    suffix, data = any_sound(random)
    at, size = random.randrange(len(data)), random.choice((1, 2, 4, 64, 500))
    other = random.choice((b"", random.randbytes(size), bytes(size), b"\xff" * size, data[at : at + size] * 40))
    if random.random() < 0.3:
        other = any_sound(random)[1][:size]
    return f"spliced.{suffix}", data[:at] + other + data[at + random.choice((0, len(other), size)) :]


def lengths(random: Random) -> Made:
    """Say a wrong length of a chunk, a box, a segment or a block."""
    suffix, data = any_sound(random)
    places = list(_places(suffix, data))
    broken = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at, form = random.choice(places)
        size = struct.calcsize(form)
        old = struct.unpack_from(form, data, at)[0]
        new = random.choice((*WORDS, old - 1, old + 1, old * 2, old + 8, len(data), len(data) - at))
        struct.pack_into(form, broken, at, new % (1 << 8 * size))
    return f"lengths.{suffix}", bytes(broken)


def words(random: Random) -> Made:
    """Write a number at the limits of its type anywhere in a header."""
    suffix, data = any_sound(random)
    broken = bytearray(data)
    for _ in range(random.choice((1, 2, 4))):
        form = random.choice(("<H", ">H", "<I", ">I"))
        size = struct.calcsize(form)
        at = random.randrange(0, min(len(data), 300) - size)
        struct.pack_into(form, broken, at, random.choice(WORDS) % (1 << 8 * size))
    return f"words.{suffix}", bytes(broken)


def misnamed(random: Random) -> Made:
    """Name a sound file by another format, or give it the first bytes of another."""
    _, data = any_sound(random)
    other, head = any_sound(random)
    size = random.choice((0, 4, 8, 12, 16, 24))
    return f"misnamed.{other}", head[:size] + data[size:] + bytes([random.randrange(256)] * random.randrange(9))


def _places(suffix: str, data: bytes) -> Iterator[tuple[int, str]]:
    """Yield where lengths stand and how."""
    if suffix == "png":
        at = 8
        while at + 8 <= len(data):
            yield at, ">I"
            at += 12 + int.from_bytes(data[at : at + 4])
    elif suffix == "jpg":
        at = 2
        while data[at] == 0xFF and data[at + 1] != 0xDA:
            yield at + 2, ">H"
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
        yield at + 2, ">H"
    elif suffix in _BOXED:
        yield from _of_boxes(data, 0, len(data))
    elif suffix == "webp":
        yield from ((at, "<I") for at in (4, 16))
    elif suffix == "gif":
        yield from ((at, "<B") for at, byte in enumerate(data) if at > 12 and byte in (0x2C, 0x21, 0xFF, 4, 0xF9))
    else:
        yield from ((at, "<I") for at in range(2, min(len(data), 160) - 4, 2))


def _of_boxes(data: bytes, at: int, end: int) -> Iterator[tuple[int, str]]:
    while at + 8 <= end:
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        yield at, ">I"
        if kind in _INSIDE:
            yield from _of_boxes(data, at + 8 + _HEADS.get(kind, 0), at + size)
        if size < 8:
            return
        at += size


def frames(random: Random) -> Made:
    """Damage a file of several frames in its last part, which is met when the first have been read."""
    suffix = random.choice(("gif", "webp", "png", "tiff", "avif"))
    broken = bytearray(sound(suffix, frames=random.choice((2, 5, 9)), mode="P" if suffix == "gif" else "RGB"))
    for _ in range(random.choice((1, 3, 9))):
        broken[random.randrange(len(broken) // 2, len(broken))] = random.randrange(256)
    return f"frames.{suffix}", bytes(broken)


DAMAGE = (
    Kind("truncated", "cut off, anywhere", truncated),
    Kind("flipped", "bits flipped", flipped),
    Kind("spliced", "parts left out, repeated or written over", spliced),
    Kind("lengths", "wrong lengths of chunks, boxes, segments and blocks", lengths),
    Kind("words", "numbers at the limits of their types in the header", words),
    Kind("misnamed", "another format's name or first bytes", misnamed),
    Kind("late", "animations that break after their first frames", frames),
)
