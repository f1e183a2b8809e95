"""BMP, ICO, WebP, JPEG XL, AVIF and HEIC: headers of huge pictures, and of what is not there.

Source: RFC 9649 (WebP); ISO/IEC 18181-1, Annex D (JPEG XL); ISO/IEC 23008-12 (HEIF).
"""

from __future__ import annotations

import struct
from random import Random

from foveola.torture import png
from foveola.torture.kind import SIDES, WORDS, Kind, Made, sides
from foveola.torture.seeds import sound


def bmp(random: Random) -> Made:
    """State sides, bits, compressions, palettes and offsets of a BMP that are not so."""
    width, height = sides(random, 2**32 - 1)
    if random.random() < 0.4:
        width, height = random.choice(((30_000, 30_000), (7000, 7000), (49_000_000, 1), (1, 49_000_000)))
    bits, packed = random.choice((1, 4, 8, 16, 24, 32, 0, 2, 64)), random.choice((0, 0, 1, 2, 3, 4, 5, 6, 99))
    size, count = random.choice((40, 40, 108, 124, 12, 0, 2**32 - 1)), random.choice((0, 2, 256, 257, 2**32 - 1))
    data = random.choice((random.randbytes(400), b"\0\2\xff\xff" * 100, b"\xff\1" * 300, b"", bytes(20_000)))
    start = random.choice((54, 54, 1078, 0, 2**32 - 1, 10**6))
    info = struct.pack("<IIIHHIIIIII", size, width, height, 1, bits, packed, 0, 0, 0, count, 0)
    return f"limits-{width}x{height}-{bits}.bmp", b"BM" + struct.pack(
        "<IHHI", 54 + len(data), 0, 0, start
    ) + info + data


def ico(random: Random) -> Made:
    """List icons that overlap, are PNG bombs, lie outside of the file, or are many."""
    count = random.choice((0, 1, 1, 3, 300, 65_535))
    inner = random.choice(
        (png.bomb(random)[1], sound("png", "RGBA"), sound("bmp")[14:], png.limits(random)[1], random.randbytes(200))
    )
    where = 6 + 16 * min(count, 300)
    rows = b"".join(
        struct.pack("<BBBBHHII", random.choice((0, 1, 255)), random.choice((0, 1, 255)), 0, 0, 1, 32,
                    random.choice((len(inner), len(inner), 0, 2**32 - 1)),
                    random.choice((where, where, 0, 6, 2**32 - 1)))
        for _ in range(min(count, 300))
    )  # fmt: skip
    return "icons.ico", struct.pack("<HHH", 0, random.choice((1, 1, 2)), count) + rows + inner


def webp(random: Random) -> Made:
    """State a canvas, frames and chunks of a WebP that are not so."""
    width, height = (min(side, 2**24 - 1) for side in sides(random, 2**24))
    lossy = sound("webp")
    inner = lossy[12:]
    flags = random.choice((0, 2, 0x10, 0x20, 0x3E, 0xFF))
    extended = b"VP8X" + struct.pack("<II", 10, flags) + _24(width) + _24(height)
    if random.random() < 0.3:
        inner = (
            b"VP8L" + struct.pack("<IBI", 30, 0x2F, (width & 0x3FFF) | (height & 0x3FFF) << 14) + random.randbytes(25)
        )
    count = random.choice((1, 2, 1000))
    places = [random.choice((0, 1, width, 2**24 - 1)) for _ in range(5)]
    part = b"".join(map(_24, places)) + bytes([random.randrange(4)]) + inner
    frames = b"ANIM" + struct.pack("<IIH", 6, 0, 0) + (b"ANMF" + struct.pack("<I", len(part)) + part) * count
    body = b"WEBP" + extended + (frames if flags & 2 else inner * random.choice((1, 1, 50)))
    body += random.choice((b"", b"EXIF\4\0\0\0abcd" * 20, b"ICCP" + struct.pack("<I", 2**32 - 1)))
    return f"canvas-{width}x{height}.webp", b"RIFF" + struct.pack("<I", random.choice((len(body), 4, 2**32 - 1))) + body


def vp8(random: Random) -> Made:
    """State another size in a WebP's own pixels."""
    data = bytearray(sound("webp"))
    at = data.index(b"\x9d\1\x2a") + 3
    size = [random.choice([side for side in SIDES if side < 65_536]) for _ in range(2)]
    if random.random() < 0.4:
        size = [random.randint(6000, 7000), 7000]
    struct.pack_into("<HH", data, at, *size)
    return f"size-{size[0]}x{size[1]}.webp", bytes(data)


def huge_jxl(width: int, height: int, more: int = 0) -> bytes:
    """Return the beginning of a JPEG XL of a size up to 2^30 a side; `more` are the 40 bits that follow."""
    bits, count = 0, 1  # the first bit: whether it is small, in eighths
    for side, ratio in ((height, False), (width, True)):
        bits |= 3 << count
        bits |= (side - 1) << count + 2
        count += 32 + (0 if ratio else 3)
    return b"\xff\x0a" + (bits | more << count).to_bytes(-(-(count + 40) // 8), "little")


def jxl(random: Random) -> Made:
    """State up to 2^30 pixels a side in a JPEG XL, bare or in a box, of noise or of a sound one's data."""
    width, height = (min(max(side, 1), 2**30) for side in sides(random, 2**30))
    if random.random() < 0.4:
        width, height = random.randint(6000, 7000), 7000
    stream = huge_jxl(width, height, random.getrandbits(40)) + random.choice(
        (random.randbytes(300), sound("jxl")[9:], b"", bytes(200))
    )
    boxed = (
        b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I4s", random.choice((len(stream) + 8, 0, 2**31)), b"jxlc") + stream
    )
    return f"size-{width}x{height}.jxl", random.choice((stream, stream, boxed, boxed * 100))


def avif(random: Random) -> Made:
    """State another size of an AVIF or a HEIC, grids of it, items in circles."""
    suffix = random.choice(("avif", "avif", "heic"))
    data = bytearray(sound(suffix))
    size = sides(random, 2**32 - 1) if random.random() < 0.6 else (random.randint(6000, 7000), 7000)
    at = data.find(b"ispe")
    while at >= 0:
        struct.pack_into(">II", data, at + 8, *size)
        at = data.find(b"ispe", at + 4)
    if random.random() < 0.4:
        for old, new in (
            (b"av01", b"grid"),
            (b"pitm", b"pixm"),
            (b"iloc", b"ilox"),
            (b"hvc1", b"iden"),
            (b"av1C", b"free"),
        ):
            if random.random() < 0.4:
                data = data.replace(old, new)
    return f"size-{size[0]}x{size[1]}.{suffix}", bytes(data)


def items(random: Random) -> Made:
    """Break the tables of items of an AVIF or a HEIC: counts, places, kinds, references."""
    suffix = random.choice(("avif", "heic"))
    data = bytearray(sound(suffix))
    for name in random.sample(
        (b"iloc", b"iinf", b"ipma", b"pitm", b"iref", b"infe", b"ipco", b"colr", b"auxC", b"pixi"), 3
    ):
        at = data.find(name)
        if at > 0:
            for _ in range(random.choice((1, 2, 6))):
                data[at + 4 + random.randrange(24)] = random.choice((0, 1, 2, 127, 128, 255, random.randrange(256)))
    return f"items.{suffix}", bytes(data)


def nested(random: Random) -> Made:
    """Nest boxes, repeat them by the thousand, let them have no length or one of 64 bit."""
    kind = random.choice((b"avif", b"heic", b"avis", b"mif1"))
    brand = struct.pack(">I4s4sI4s4s", 24, b"ftyp", kind, 0, b"mif1", kind)
    name = random.choice((b"meta", b"iprp", b"moov", b"free", b"trak"))
    depth = random.choice((10, 1000, 5000))
    inner = b""
    if random.random() < 0.5:
        for _ in range(depth):
            inner = struct.pack(">I4s", len(inner) + 12, name) + bytes(4) + inner[:40_000]
    else:
        inner = (
            random.choice((struct.pack(">I4sQ", 1, name, random.choice(WORDS)), struct.pack(">I4s", 8, name))) * depth
        )
    return f"nested.{'heic' if kind == b'heic' else 'avif'}", brand + inner


def _24(number: int) -> bytes:
    return number.to_bytes(4, "little")[:3]


HEADERS = (
    Kind("bmp", "sides, bits, palettes and offsets that are not so", bmp),
    Kind("ico", "icons that overlap, are bombs or are elsewhere", ico),
    Kind("webp-canvas", "canvas, frames and chunks that are not so", webp),
    Kind("webp-size", "another size in the pixels", vp8),
    Kind("jxl", "up to 2^30 pixels a side", jxl),
    Kind("heif-size", "AVIF and HEIC of another size, as grids, without items", avif),
    Kind("heif-items", "AVIF and HEIC with broken tables of items", items),
    Kind("heif-boxes", "boxes nested, repeated, without length", nested),
)
