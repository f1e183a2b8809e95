"""Colour profiles that are whole and small and take minutes to apply.

Source: ICC.1:2022, 10.16 (multiProcessElementsType).
"""

from __future__ import annotations

import struct
from random import Random

from foveola.torture.kind import Kind, Made
from foveola.torture.metadata import in_pillow

_GAMMA = b"para" + bytes(4) + struct.pack(">HHi", 0, 0, 144_179)
_SRGB = ((b"rXYZ", (0.436, 0.222, 0.014)), (b"gXYZ", (0.385, 0.717, 0.097)), (b"bXYZ", (0.143, 0.061, 0.714)))


def steps(count: int, size: int = 1) -> bytes:
    """Return a tag that lists one step, a matrix or a table of `size` colours cubed, again and again."""
    if size == 1:
        one = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, 1.001, 0, 0, 0, 1.001, 0, 0, 0, 0.999, 0, 0, 0)
    else:
        one = b"clut" + bytes(4) + struct.pack(">HH16B", 3, 3, *(size,) * 3, *(0,) * 13) + bytes(12 * size**3)
    head = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, count)
    return head + struct.pack(">II", len(head) + 8 * count, len(one)) * count + one


def profile(*tags: tuple[bytes, bytes]) -> bytes:
    """Return a profile of a screen with more tags, by name and contents."""
    xyz = [(name, b"XYZ " + bytes(4) + struct.pack(">3i", *(int(65536 * v) for v in said))) for name, said in _SRGB]
    every = [*xyz, *((name, _GAMMA) for name in (b"rTRC", b"gTRC", b"bTRC")), *tags]
    rows, body, first = b"", b"", 132 + 12 * len(every)
    for name, data in every:
        rows += struct.pack(">4sII", name, first + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", first + len(body), b"lcms", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", len(every)) + rows + body


def endless(random: Random) -> Made:
    """List steps by the thousand, of which each is the same bytes."""
    count, size = random.choice(((8, 1), (33, 1), (20_000, 1), (30, 33), (300, 17)))
    tag = steps(count + random.randrange(9), size)
    suffix = random.choice(("png", "webp", "tiff", "avif"))
    names = random.sample((b"D2B0", b"D2B1", b"B2D0", b"D2B3"), 2)
    return f"steps-{count}.{suffix}", in_pillow(suffix, icc_profile=profile(*((name, tag) for name in names)))


PROFILES = (Kind("icc-steps", "profiles of thousands of steps", endless),)
