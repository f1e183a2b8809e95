"""PNG: bombs, limits, colour types, interlacing, palettes, chunks.

Source: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from random import Random

from foveola.torture.kind import WORDS, Kind, Made, sides, zeros

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of Adam7: the first column and row, the steps between them."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def head(size: tuple[int, int], depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    """Return the signature and the header."""
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced))


def small(before: bytes = b"", after: bytes = b"", size: int = 8) -> bytes:
    """Return a square of RGB with chunks before and after its pixels."""
    pixels = chunk(b"IDAT", zeros(size * (1 + 3 * size)))
    return head((size, size)) + before + pixels + after + chunk(b"IEND", b"")


def bomb(random: Random) -> Made:
    """Huge and whole: all pixels are there, packed a thousandfold."""
    depth, colour = random.choice(((1, 0), (1, 0), (1, 3), (8, 0), (2, 0)))
    size = random.choice(
        ((30_000, 30_000), (7071, 7071), (50_000, 1000), (1000, 50_000), (49_000_000, 1), (1, 400_000))
    )
    if depth == 8 and size[0] * size[1] > 50_000_000:
        size = (random.randint(6000, 7000), 7000)
    bytes_ = size[1] * (1 + -(-size[0] * depth // 8))
    palette = chunk(b"PLTE", random.randbytes(6)) if colour == 3 else b""
    note = chunk(b"tEXt", b"a\0" + random.randbytes(4))
    data = head(size, depth, colour) + palette + note + chunk(b"IDAT", zeros(bytes_)) + chunk(b"IEND", b"")
    return f"bomb-{size[0]}x{size[1]}-{depth}.png", data


def limits(random: Random) -> Made:
    """State sides at and above what is allowed, with hardly a pixel."""
    size = sides(random, 2**32 - 1)
    depth, colour = random.choice([(depth, colour) for colour, depths in _DEPTHS.items() for depth in depths])
    pixels = chunk(b"IDAT", zeros(random.choice((0, 10, 100_000))))
    return "limits.png", head(size, depth, colour, random.randrange(2)) + pixels + chunk(b"IEND", b"")


def interlaced(random: Random) -> Made:
    """Interlace pixels of any type, in whole or in part."""
    colour = random.choice(tuple(_SAMPLES))
    depth = random.choice(_DEPTHS[colour])
    width, height = random.choice(((1, 1), (7, 3), (33, 17), (64, 64), (1, 40), (300, 2), (900, 900)))
    raw = bytearray()
    for left, top, across, down in _PASSES:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0:
            row = -(-columns * depth * _SAMPLES[colour] // 8)
            for _ in range(max(rows, 0)):
                raw += bytes([random.randrange(5)]) + random.randbytes(row)
    kept = random.choice((len(raw), len(raw), len(raw) // 2))
    palette = chunk(b"PLTE", random.randbytes(3 << depth)) if colour == 3 else b""
    pixels = chunk(b"IDAT", zlib.compress(bytes(raw[:kept]), 1))
    return "interlaced.png", head((width, height), depth, colour, 1) + palette + pixels + chunk(b"IEND", b"")


def types(random: Random) -> Made:
    """Pair colour types and depths that are known with those that are not; with odd filters and pixels."""
    colour, depth = random.choice((*_SAMPLES, 1, 5, 7, 255)), random.choice((1, 2, 4, 8, 16, 0, 3, 32))
    row = -(-16 * depth * _SAMPLES.get(colour, 1) // 8)
    raw = b"".join(bytes([random.choice((0, 1, 2, 3, 4, 5, 255))]) + random.randbytes(row) for _ in range(16))
    extra = random.choice((b"", chunk(b"tRNS", random.randbytes(random.choice((1, 2, 6, 300))))))
    palette = chunk(b"PLTE", random.randbytes(48)) if colour == 3 else b""
    pixels = chunk(b"IDAT", zlib.compress(raw))
    return "types.png", head((16, 16), depth, colour) + palette + extra + pixels + chunk(b"IEND", b"")


def palettes(random: Random) -> Made:
    """Leave a palette out, cut it, repeat it, make it too long; give more transparency than colours."""
    size = random.choice((0, 1, 2, 3, 6, 9, 255 * 3, 256 * 3, 257 * 3, 60_000))
    palette = chunk(b"PLTE", random.randbytes(size)) * random.choice((0, 1, 1, 1, 2))
    clear = chunk(b"tRNS", random.randbytes(random.choice((1, 16, 256, 257)))) if random.random() < 0.6 else b""
    parts = [palette, clear]
    random.shuffle(parts)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + random.randbytes(16) for _ in range(16))))
    return "palette.png", head((16, 16), 8, 3) + b"".join(parts) + pixels + chunk(b"IEND", b"")


def chunks(random: Random) -> Made:
    """Bring chunks by the thousand, packed bombs, doubles, a strange order."""
    count = random.choice((1000, 5000, 20_000))
    packed = zeros(random.choice((1, 20, 100)) << 20)
    before = random.choice(
        (
            chunk(b"tEXt", b"k\0v") * count,
            b"".join(chunk(b"zTXt", b"k%d\0\0" % n + zeros(1 << 20)) for n in range(count // 200)),
            chunk(b"zTXt", b"k\0\0" + packed),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed),
            chunk(b"iCCP", b"p\0\0" + packed),
            chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 5000, 8, 2, 0, 0, 0)) * 2,
            chunk(b"IEND", b""),
            chunk(b"IDAT", b"") * count,
            chunk(b"XXXX", b""),
            chunk(b"sPLT", random.randbytes(300)) * 300,
            chunk(b"hIST", random.randbytes(512)) + chunk(b"gAMA", bytes(4)) + chunk(b"cHRM", b"\xff" * 32),
        )
    )
    return "chunks.png", small(before, random.choice((b"", before)) + chunk(b"tIME", random.randbytes(7)))


def animated(random: Random) -> Made:
    """State frames without end, of sizes that do not fit, without data or out of order."""
    count = random.choice((*WORDS, 2, 3))
    control = chunk(b"acTL", struct.pack(">II", count % 2**32, random.choice(WORDS)))
    some = random.choice((1, 10, 3000))
    places = [random.choice((0, 1, 8, random.choice(WORDS))) for _ in range(4)]
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, *places, 0, 0, random.randrange(5), 3))
    data = chunk(b"fdAT", random.randbytes(4) + zeros(200))
    return "animated.png", small(control + random.choice((b"", frame)), (frame + data) * some)


PNG = (
    Kind("png-bomb", "small files of huge pictures, of 1 bit too", bomb),
    Kind("png-limits", "sides at and above the limits", limits),
    Kind("png-interlaced", "interlaced, of every type", interlaced),
    Kind("png-types", "colour types and depths, 16 bit and unknown ones", types),
    Kind("png-palettes", "palettes and transparency that do not fit", palettes),
    Kind("png-chunks", "thousands of chunks, packed bombs, doubles", chunks),
    Kind("png-animated", "animations that state what they have not", animated),
)
