"""TIFF: directories in circles and in thousands, strips that are elsewhere, every type and depth.

Source: TIFF 6.0; https://www.awaresystems.be/imaging/tiff/bigtiff.html
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from foveola.torture.kind import SIDES, WORDS, Kind, Made, zeros

_SHORT, _LONG = 3, 4
_COMPRESSIONS = (1, 1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 50000, 50001, 0, 65535)
Entry = tuple[int, int, int, int]
"""Tag, type, how many, the value or where it is."""


def directory(entries: Sequence[Entry], following: int = 0, order: str = "<") -> bytes:
    """Return a directory, with where the next one is."""
    rows = b"".join(
        struct.pack(order + "HHII", *(number % 2**bits for number, bits in zip(entry, (16, 16, 32, 32), strict=True)))
        for entry in sorted(entries)
    )
    return struct.pack(order + "H", len(entries)) + rows + struct.pack(order + "I", following)


def page(width: int, height: int, at: int, size: int, bits: int = 8, **other: int) -> list[Entry]:
    """Return the entries of a page of one strip.

    Args:
        width: in pixels.
        height: in pixels.
        at: where the strip is.
        size: its bytes.
        bits: of a sample.
        other: `compression`, `photometric`, `samples`, `rows`, `format` where they are not those of grey.
    """
    rows = other.get("rows", height)
    return [
        (256, _LONG, 1, width), (257, _LONG, 1, height), (258, _SHORT, 1, bits),
        (259, _SHORT, 1, other.get("compression", 1)), (262, _SHORT, 1, other.get("photometric", 1)),
        (273, _LONG, 1, at), (277, _SHORT, 1, other.get("samples", 1)), (278, _LONG, 1, rows), (279, _LONG, 1, size),
        (339, _SHORT, 1, other.get("format", 1)),
    ]  # fmt: skip


def file(entries: Sequence[Entry], data: bytes = b"", first: int = 8) -> bytes:
    """Return a file of one page, whose data follow its directory."""
    return b"II*\0" + struct.pack("<I", first) + directory(entries) + data


def _behind(count: int = 10) -> int:
    """Return where the data are in `file`."""
    return 8 + 2 + 12 * count + 4


def bomb(random: Random) -> Made:
    """Huge and packed: of 1 bit to 64, in one strip."""
    bits, side = random.choice(((1, 30_000), (1, 7071), (8, 7000), (8, 30_000), (16, 7000), (32, 7000), (64, 5000)))
    size = random.choice(((side, side), (side * 100, 70), (70, side * 100)))
    data = zeros(min(size[1] * -(-size[0] * bits // 8), 200 << 20))
    how = {"compression": 8, "format": 3 if bits > 16 else 1, "rows": random.choice((size[1], 2**32 - 1))}
    return f"bomb-{size[0]}x{size[1]}-{bits}.tiff", file(
        page(*size, _behind(), len(data), bits, **how), data + random.randbytes(2)
    )


def limits(random: Random) -> Made:
    """State sides, samples, rows and bits at the limits."""
    size = [random.choice((*SIDES, 64, *WORDS)) for _ in range(2)]
    if random.random() < 0.4:
        size = [7000, 7000]
    how = {
        "samples": random.choice((1, 1, 2, 3, 4, 5, 255, 65_535)),
        "rows": random.choice((1, size[1], 0, 2**31, 2**32 - 1)),
        "compression": random.choice(_COMPRESSIONS),
        "photometric": random.choice((0, 1, 2, 3, 5, 6, 8)),
        "format": random.choice((1, 2, 3, 4, 5, 6, 99)),
    }
    where, length = random.choice((_behind(), 0, 2**32 - 1)), random.choice((100, 0, 2**31, 2**32 - 1))
    bits = random.choice((1, 8, 8, 16, 32, 64, 0, 7, 65_535))
    return "limits.tiff", file(page(size[0], size[1], where, length, bits, **how), random.randbytes(100))


def types(random: Random) -> Made:
    """Pair bits, formats, colours and compressions, known and unknown, of a small picture."""
    bits, samples = random.choice((1, 2, 4, 8, 12, 16, 24, 32, 64, 128)), random.choice((1, 2, 3, 4, 5, 8, 100))
    data = random.randbytes(min(8 * 8 * samples * bits // 8 + 8, 20_000))
    how = {
        "compression": random.choice(_COMPRESSIONS),
        "photometric": random.choice((0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32803, 32844, 32845, 65535)),
        "samples": samples,
        "format": random.choice((1, 1, 2, 3, 4, 5, 6)),
    }
    extra = random.choice(
        ((), ((338, _SHORT, 1, random.randrange(4)),), ((284, _SHORT, 1, 2),), ((317, _SHORT, 1, 3),))
    )
    entries = [*page(8, 8, _behind(10 + len(extra)), len(data), bits, **how), *extra]
    return "types.tiff", file(entries, data)


def circles(random: Random) -> Made:
    """Lead from directory to directory: to itself, back, into itself, through thousands that overlap."""
    kind = random.choice(("self", "pair", "overlap", "overlap", "step", "subs"))
    entries = page(8, 8, 8, 64)
    if kind == "self":
        return "self.tiff", b"II*\0" + struct.pack("<I", 8) + directory(entries, 8) + random.randbytes(64)
    if kind == "pair":
        one = directory(entries, 8 + 130 - 4)
        return "pair.tiff", b"II*\0" + struct.pack("<I", 8) + one + directory(
            entries, random.choice((8, 10))
        ) + random.randbytes(64)
    if kind == "subs":
        subs = [(330, _LONG, 3, 8), (34665, _LONG, 1, 8), (34853, _LONG, 1, 8), (40965, _LONG, 1, 8)]
        return "subs.tiff", file([*entries, *subs], random.randbytes(64))
    count, step = random.choice((3000, 20_000)), 2 if kind == "step" else 6
    links = b"".join(struct.pack("<HI", 0, 8 + step * (n + 1)) for n in range(count))
    if kind == "step":
        return "step.tiff", b"II*\0" + struct.pack("<I", 8) + links
    return "links.tiff", b"II*\0" + struct.pack("<I", 8) + links[:-6] + directory(entries) + random.randbytes(64)


def shared(random: Random) -> Made:
    """Have every page name the same long list of strips, which makes a small file long to read."""
    pages, values = random.choice(((50, 5000), (1000, 20_000), (3000, 30_000), (1, 100_000)))
    size = 2 + 12 * 10 + 4
    lists = 8 + pages * size
    entries = page(8, random.choice((8, values)), 0, 0, rows=1)
    long = [entry for entry in entries if entry[0] not in (273, 279)]
    long += [(273, _LONG, values, lists), (279, _LONG, values, lists)]
    several = b"".join(directory(long, 8 + (n + 1) * size if n + 1 < pages else 0) for n in range(pages))
    number = struct.pack("<I", random.choice((8, 0, lists)))
    return f"shared-{pages}x{values}.tiff", b"II*\0" + struct.pack("<I", 8) + several + number * values


def pages(random: Random) -> Made:
    """Give thousands of pages, of which the later are larger than the first or broken."""
    count, size = random.choice((2, 300, 5000)), 2 + 12 * 10 + 4
    later = random.choice(((8, 8), (7000, 7000), (2**31, 1), (0, 0)))
    end = 8 + count * size
    places = [*range(8 + size, end, size), random.choice((0, 8, end))]
    several = [directory(page(*(later if n else (8, 8)), end, 64), place) for n, place in enumerate(places)]
    return f"pages-{count}.tiff", b"II*\0" + struct.pack("<I", 8) + b"".join(several) + random.randbytes(64)


def big(random: Random) -> Made:
    """Break a BigTIFF: its counts and places of 64 bit, its byte order."""
    order, mark = random.choice((("<", b"II"), (">", b"MM")))
    word = random.choice((16, 16, 16, 0, 2**63, 2**64 - 1))
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 16, 1, 300)]
    entries += [
        (278, 4, 1, 8),
        (279, 16, random.choice((1, 2**32, 2**61, 2**64 - 1)), random.choice((64, 2**40, 2**64 - 1))),
    ]
    rows = b"".join(struct.pack(order + "HHQQ", *entry) for entry in entries)
    count = random.choice((len(entries), len(entries), 2**16, 2**40, 2**64 - 1))
    head = mark + struct.pack(order + "HHHQ", 43, random.choice((8, 8, 4, 0)), 0, word)
    tail = struct.pack(order + "Q", random.choice((0, 16, 2**63)))
    return "big.tiff", head + struct.pack(order + "Q", count) + rows + tail + random.randbytes(300)


def tiles(random: Random) -> Made:
    """Tile a picture in tiles that are huge, tiny, missing or without data."""
    side = random.choice((16, 32, 0, 1, 7, 4096, 65_536, 2**31))
    size = random.choice((64, 1000, 7000))
    many = random.choice((1, 16, 100_000))
    entries = [entry for entry in page(size, size, 0, 0) if entry[0] not in (273, 278, 279)]
    entries += [(322, _LONG, 1, side), (323, _LONG, 1, side), (324, _LONG, many, 200), (325, _LONG, many, 200)]
    return "tiles.tiff", file(
        entries, struct.pack("<I", random.choice((8, 200, 0))) * min(many, 20_000) + random.randbytes(300)
    )


TIFF = (
    Kind("tiff-bomb", "small files of huge pictures, of 1 bit to 64", bomb),
    Kind("tiff-limits", "sides, samples, rows and bits at the limits", limits),
    Kind("tiff-types", "bits, formats, colours and compressions, unknown ones too", types),
    Kind("tiff-circles", "directories in circles, overlapping, nested", circles),
    Kind("tiff-shared", "pages that share one long list", shared),
    Kind("tiff-pages", "thousands of pages, later ones larger", pages),
    Kind("tiff-big", "BigTIFF with counts of 64 bit", big),
    Kind("tiff-tiles", "tiles that are huge, tiny or missing", tiles),
)
