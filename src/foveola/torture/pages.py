"""Frames and pages without end, in the formats whose libraries look through all of them to say how large a picture is.

Source: RFC 9649 (WebP); TIFF 6.0; ISO/IEC 14496-12, 8.7 (tables of samples).
"""

from __future__ import annotations

import io
import struct
from functools import cache
from random import Random

from PIL import Image

from foveola.torture import tiff
from foveola.torture.kind import WORDS, Kind, Made
from foveola.torture.seeds import sound

_COUNTS = (300, 5000, 9999, 10_001, 60_000)
"""Around what is allowed."""


@cache
def _lossless(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (9, 99, 199)).save(file, "WEBP", lossless=True)
    return file.getvalue()[12:]


def frames_of_webp(count: int, side: int = 1) -> bytes:
    """Return an animation of so many frames of one colour, each `side` pixels square."""
    size = (side - 1).to_bytes(3, "little") * 2
    part = bytes(6) + size + b"\1\0\0\0" + _lossless(side)
    head = b"VP8X" + struct.pack("<II", 10, 2) + size + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    body = b"WEBP" + head + (b"ANMF" + struct.pack("<I", len(part)) + part) * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pages_of_tiff(count: int, side: int = 8) -> bytes:
    """Return a TIFF of so many pages of grey, whose pixels are the same bytes."""
    size = 2 + 12 * 10 + 4
    end = 8 + count * size
    places = [*range(8 + size, end, size), 0]
    entries = tiff.page(side, side, end, side * side)
    return b"II*\0" + struct.pack("<I", 8) + b"".join(tiff.directory(entries, at) for at in places) + bytes(side * side)


def webp(random: Random) -> Made:
    """Give thousands of frames of a pixel or of many."""
    count, side = random.choice(_COUNTS), random.choice((1, 7, 100, random.randint(2, 900)))
    return f"frames-{count}.webp", frames_of_webp(count, side) + random.randbytes(random.randrange(3))


def pages(random: Random) -> Made:
    """Give thousands of whole pages."""
    count = random.choice(_COUNTS)
    return f"pages-{count}.tiff", pages_of_tiff(count, random.randint(1, 99))


def avif(random: Random) -> Made:
    """State frames without end of a sequence, in tables that are not there."""
    data = bytearray(sound("avif", frames=4))
    count = random.choice((*_COUNTS, *WORDS)) % 2**32
    tables = (
        (b"stsz", (0, random.choice((0, 1, 100)), count)),
        (b"stts", (0, 1, count, 1)),
        (b"stsc", (0, 1, 1, count, 1)),
    )
    for name, said in random.sample(tables, random.randint(1, 3)):
        struct.pack_into(f">{len(said)}I", data, data.index(name) + 4, *said)
    return f"frames-{count}.avif", bytes(data)


PAGES = (
    Kind("webp-frames", "thousands of frames", webp),
    Kind("tiff-whole-pages", "thousands of whole pages", pages),
    Kind("avif-frames", "sequences of frames without end", avif),
)
