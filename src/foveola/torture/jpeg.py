"""JPEG: markers that lie, Adobe's segment, arithmetic coding, hundreds of scans, limits.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import struct
from random import Random

from foveola.torture.kind import Kind, Made, sides
from foveola.torture.seeds import sound

_FRAMES = (0xC0, 0xC1, 0xC2)
ARITHMETIC = b"\xff\xcc" + struct.pack(">HBB", 4, 0, 0x10)
"""The conditioning of an arithmetic coder."""


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment."""
    return struct.pack(">BBH", 0xFF, marker, min(len(data) + 2, 65535)) + data


def framed(data: bytes) -> int:
    """Return where the frame's marker is in a sound file."""
    at = 2
    while data[at + 1] not in _FRAMES:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at


def sized(data: bytes, width: int, height: int) -> bytes:
    """Return a file that states another size."""
    at = framed(data) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def scans_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return what stands before the first scan, and the scans with the tables before each."""
    first = data.index(b"\xff\xda")
    parts = data[first:-2].split(b"\xff\xda")[1:]
    return data[:first], [b"\xff\xda" + part for part in parts]


def sizes(random: Random) -> Made:
    """State a size at the limits with the pixels of a small picture, in one scan or in many."""
    data = sound("jpg", random.choice(("RGB", "L", "CMYK")), progressive=random.random() < 0.5)
    width, height = sides(random, 65_535)
    if random.random() < 0.3:
        width, height = random.randint(6500, 7071), 7000
    return f"sizes-{width}x{height}.jpg", sized(data, width, height)


def scans(random: Random) -> Made:
    """Repeat the scans of a progressive file by the hundred, over a picture that is large at times."""
    data = sound("jpg", random.choice(("RGB", "L")), progressive=True)
    before, parts = scans_of(data)
    count = random.choice((90, 101, 300, 1000, 3000))
    repeated = random.choice((parts[-1:], parts[:1], parts))
    data = before + b"".join(parts) + b"".join(repeated) * (count // len(repeated)) + b"\xff\xd9"
    side = random.choice((0, 0, 1000, random.randint(6000, 7000)))
    return f"scans-{count}.jpg", sized(data, side, side) if side else data


def arithmetic(random: Random) -> Made:
    """State arithmetic, lossless or hierarchical coding, or 12 bit."""
    data = bytearray(sound("jpg", random.choice(("RGB", "L")), progressive=random.random() < 0.3))
    at = framed(bytes(data))
    data[at + 1] = random.choice((0xC9, 0xC9, 0xCA, 0xCA, 0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xC8))
    data[at + 4] = random.choice((8, 8, 12, 16, 2, 0, 255))
    noise = random.randbytes(random.choice((0, 40, 4000))).replace(b"\xff", b"\xfe")
    return "arithmetic.jpg", bytes(data[:at]) + ARITHMETIC + bytes(data[at:-2]) + noise + b"\xff\xd9"


def adobe(random: Random) -> Made:
    """Say colours by Adobe's segment that the components are not, in grey, RGB and CMYK."""
    data = sound("jpg", random.choice(("RGB", "L", "CMYK", "CMYK")), progressive=random.random() < 0.3)
    told = b"Adobe" + struct.pack(">HHHB", 100, random.randrange(65536), 0, random.choice((0, 1, 2, 3, 255)))
    told = random.choice((told, told, told[:-1], told[:6], told + random.randbytes(60_000)))
    return "adobe.jpg", data[:2] + segment(0xEE, told) * random.choice((1, 2, 200 if len(told) < 100 else 5)) + data[2:]


def components(random: Random) -> Made:
    """State components, sampling and tables that there are not."""
    data = bytearray(sound("jpg", random.choice(("RGB", "L", "CMYK")), progressive=random.random() < 0.3))
    at = framed(bytes(data))
    count = data[at + 9]
    for number in range(count):
        place = at + 10 + 3 * number
        data[place + 1] = random.choice((data[place + 1], 0x11, 0x44, 0x41, 0x14, 0x33, 0, 0xFF))
        data[place + 2] = random.choice((data[place + 2], 0, 3, 255))
        data[place] = random.choice((data[place], 1, 0))
    data[at + 9] = random.choice((count, count, count, 1, 2, 4, 5, 0, 255))
    return "components.jpg", bytes(data)


def tables(random: Random) -> Made:
    """Break tables: Huffman codes, steps of zero, restarts, what comes after the end."""
    data = sound("jpg", "RGB", progressive=random.random() < 0.3)
    extra = random.choice(
        (
            segment(0xC4, b"\0" + random.randbytes(16) + bytes(200)),
            segment(0xC4, b"\x1f" + b"\xff" * 16),
            segment(0xC4, bytes(range(17)) + random.randbytes(136)),
            segment(0xDB, bytes(65)),
            segment(0xDB, b"\x13" + random.randbytes(128)),
            segment(0xDD, struct.pack(">H", random.choice((1, 2, 65535)))),
            segment(0xDC, struct.pack(">H", random.choice((0, 1, 65535)))),
            segment(0xFE, random.randbytes(100)) * random.choice((10, 2000)),
            b"\xff" * random.choice((10, 100_000)),
            b"\xff\xd8" * 50,
            b"\xff\xd0" * 50,
        )
    )
    at = random.choice((2, framed(data), data.index(b"\xff\xda"), len(data) // 2, len(data) - 2))
    return "tables.jpg", data[:at] + extra + data[at:]


def several(random: Random) -> Made:
    """Say of pictures behind the first (MPF) what is not so."""
    data = sound("jpg")
    count = random.choice((0, 1, 2, 16, 4000, 2**32 - 1))
    entries = b"".join(
        struct.pack(
            "<IIIHH",
            random.choice((0x30000, 0x20002, 0)),
            *random.choices((0, 1, len(data), 2**31, 2**32 - 1), k=2),
            random.randrange(3),
            0,
        )
        for _ in range(min(count, 100))
    )
    rows = (
        (0xB000, 7, 4, 0x30303130),
        (0xB001, 4, 1, count),
        (0xB002, 7, 16 * count % 2**32, random.choice((50, 0, 2**31))),
    )
    table = b"".join(struct.pack("<HHII", *row) for row in rows)
    told = b"MPF\0II*\0" + struct.pack("<IH", random.choice((8, 8, 8, 0, 2**32 - 1)), 3) + table + bytes(4) + entries
    return "several.jpg", data[:2] + segment(0xE2, told) + data[2:] + data * random.choice((0, 1, 20))


JPEG = (
    Kind("jpeg-sizes", "a size that the pixels do not have, at the limits", sizes),
    Kind("jpeg-scans", "progressive, of hundreds of scans", scans),
    Kind("jpeg-arithmetic", "arithmetic, lossless and hierarchical coding, 12 bit", arithmetic),
    Kind("jpeg-adobe", "Adobe's segment against the components, CMYK", adobe),
    Kind("jpeg-components", "components and sampling that can't be", components),
    Kind("jpeg-tables", "broken tables, restarts and markers", tables),
    Kind("jpeg-several", "several pictures that are not there", several),
)
