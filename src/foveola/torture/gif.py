"""GIF: thousands of frames, frames outside of their canvas, broken codes.

Source: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

from __future__ import annotations

import struct
from random import Random

from foveola.torture.kind import SIDES, Kind, Made

_PIXEL = b"\2\2\x44\1\0"
"""The codes of one pixel."""


def screen(width: int, height: int, colours: int = 1) -> bytes:
    """Return the head with a table of 2 << `colours` colours."""
    table = bytes(i * 37 % 256 for i in range(3 * (2 << colours)))
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | colours, 0, 0) + table


def frame(left: int, top: int, width: int, height: int, codes: bytes = _PIXEL, flags: int = 0) -> bytes:
    """Return one frame."""
    return b"," + struct.pack("<HHHHB", left, top, width, height, flags) + codes


def control(delay: int, flags: int = 9) -> bytes:
    """Return what says how long the next frame is shown, and what becomes of it."""
    return b"\x21\xf9\4" + struct.pack("<BHBB", flags, delay, 0, 0)


def many(count: int, side: int) -> bytes:
    """Return an animation of so many frames of a pixel each, on a square canvas."""
    return screen(side, side) + (control(1) + frame(0, 0, 1, 1)) * count + b";"


def bomb(random: Random) -> Made:
    """Give thousands of frames, of a pixel each, on a canvas that is huge or not."""
    count = random.choice((300, 2000, 20_000, 40_000))
    side = random.choice((1, 50, 500, 5000, 7000, 65_535))
    width = random.choice((side, 1, random.randint(1, 65_535)))
    one = control(random.choice((0, 1, 10, 65_535)), random.choice((1, 4, 8, 9, 13)))
    return f"bomb-{count}-{width}x{side}.gif", screen(width, side) + (one + frame(0, 0, 1, 1)) * count + b";"


def limits(random: Random) -> Made:
    """State a canvas and frames at the limits, the one outside of the other."""
    near = [side for side in SIDES if side < 65_536]
    width, height = random.choice(((random.choice(near), random.choice(near)), (100, 80), (7000, 7000), (7071, 7071)))
    parts = []
    for _ in range(random.choice((1, 1, 2, 200))):
        left, top, across, down = random.choice(((0, 0, width, height), tuple(random.choices(near, k=4))))
        parts.append(control(5) + frame(left, top, across, down, flags=random.choice((0, 0, 0x40, 0x87))))
    return "limits.gif", screen(width, height, random.randrange(8)) + b"".join(parts) + random.choice((b";", b""))


def codes(random: Random) -> Made:
    """Break the codes: their width, their order, their end."""
    width = random.choice((0, 1, 2, 2, 3, 7, 8, 8, 11, 12, 13, 255))
    data = random.choice((random.randbytes(3000), bytes(3000), b"\xff" * 3000, random.randbytes(300) * 30))
    blocks = b"".join(bytes([len(part)]) + part for part in (data[at : at + 255] for at in range(0, len(data), 255)))
    side = random.choice((1, 40, 300, 7000))
    end = random.choice((b"\0;", b"\0", b"", b";"))
    return "codes.gif", screen(side, side, 7) + frame(0, 0, side, side, bytes([width]) + blocks + end)


def extensions(random: Random) -> Made:
    """Bring extensions by the thousand, of any kind and unended."""
    one = random.choice(
        (
            control(3),
            b"\x21\xff\x0bNETSCAPE2.0\3\1" + random.randbytes(2) + b"\0",
            b"\x21\xff\x0bXMP DataXMP" + b"<a>" * 50 + bytes(range(255, -1, -1)) + b"\0\0",
            b"\x21\xff\x0bICCRGBG1012\xff" + random.randbytes(255) + b"\0",
            b"\x21\xfe" + (b"\xff" + bytes(255)) * 30 + b"\0",
            b"\x21\1\x0c" + random.randbytes(12) + b"\4text\0",
            b"\x21" + random.randbytes(2) + b"\0",
            b"\x21\xf9\0",
            b"\0\0\0",
        )
    )
    count = random.choice((1, 3, 200_000 // len(one), 600_000 // len(one)))
    return "extensions.gif", screen(20, 20) + one * count + frame(0, 0, 1, 1) + one * random.randrange(3) + b";"


GIF = (
    Kind("gif-bomb", "thousands of frames", bomb),
    Kind("gif-limits", "canvas and frames at the limits, one outside of the other", limits),
    Kind("gif-codes", "broken codes", codes),
    Kind("gif-extensions", "thousands of extensions", extensions),
)
