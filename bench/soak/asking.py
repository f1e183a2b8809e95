"""What is asked for: sound requests whose answers are known, and hostile ones, drawn by chance from a seed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.soak import marks
from bench.soak.marks import Wanted
from bench.soak.origin import DECOY, FAULTS, SOUND
from foveola.torture import write_tortures

SOURCES = 60
SIDES = (280, 1300)
LARGE = (5200, 4000)
"""Width and height of the pictures that no slow encoder is through with in time."""
COPIES = 16
FORMATS = {"jpg": "JPEG", "webp": "WEBP", "avif": "AVIF", "png": "PNG"}
REFUSED = frozenset({400, 403, 404, 413, 414, 415, 422})
"""Statuses of what can't be done."""
_WORDS = (
    ": :: / // /-/ @ @@ . .. % %3A %2F %00 %0a %0d%0a %ff ? # \\ + -1 0 1e2 1e400 -1e400 nan inf 0x1p4",
    "0.0000001 2147483648 plain enc plain/ info info/ http:/ local:/// local:///../ s3://a/b",
)
SPOILED = (
    *("", *(word for line in _WORDS for word in line.split())),
    *("9" * 20, "\u0661", "é", "😀", "\x00", "\x01", "\x7f"),
    *("http://127.0.0.1:1/", "http://169.254.169.254/", "w:" + "1" * 3000, "/w:9" * 400),
)
"""What parts of URLs are spoiled with."""


@dataclass(frozen=True)
class Source:
    """A picture that the server can be asked for.

    Args:
        name: of the file.
        mark: that it carries.
        size: width and height, pixels.
        digest: SHA-256 of its bytes in hexadecimal.
    """

    name: str
    mark: int
    size: tuple[int, int]
    digest: str


@dataclass(frozen=True)
class Asked:
    """One request.

    Args:
        kind: of request.
        target: as it stands in the request line.
        wanted: what the answer has to be, if it is 200; None for anything.
        allowed: statuses that need no explanation.
    """

    kind: str
    target: str
    wanted: Wanted | None = None
    allowed: frozenset[int] = frozenset({200})


@dataclass(frozen=True)
class World:
    """What there is to be asked for.

    Args:
        sources: pictures with marks.
        large: those that take longer than a request may.
        hostile: names of hostile files.
        port: of the origin.
    """

    sources: tuple[Source, ...]
    large: tuple[Source, ...]
    hostile: tuple[str, ...]
    port: int = 0


def build(folder: Path, seed: int, hostile: int) -> World:
    """Write the pictures and hostile files into a folder.

    Args:
        folder: the root of the sources.
        seed: of sizes and formats.
        hostile: how many hostile files.
    """
    random = Random(f"{seed} sources")
    sources = []
    for mark in range(SOURCES):
        width, suffix = random.randint(*SIDES), random.choice(("jpg", "jpg", "jpg", "png", "webp"))
        height = min(SIDES[1], round(width * random.uniform(0.6, 1.7)))
        sources.append(_source(folder, f"{mark}.{suffix}", mark, (width, height)))
    _source(folder, DECOY, marks.MOST - 3, (300, 300))
    large = tuple(_copies(folder, _source(folder, "large.jpg", marks.MOST - 1, LARGE)))
    names = tuple(path.name for path in write_tortures(folder / "hostile", hostile, seed))
    return World(tuple(sources), large, names)


def _source(folder: Path, name: str, mark: int, size: tuple[int, int]) -> Source:
    file = io.BytesIO()
    marks.draw(mark, *size).save(file, FORMATS[name.rpartition(".")[2]], quality=88)
    (folder / name).write_bytes(file.getvalue())
    return Source(name, mark, size, hashlib.sha256(file.getvalue()).hexdigest())


def _copies(folder: Path, source: Source) -> Iterator[Source]:
    """Write copies of a JPEG that differ by a comment: a picture that workers have died of is refused by its bytes."""
    data = (folder / source.name).read_bytes()
    for number in range(COPIES):
        name, copy = f"{number}-{source.name}", data[:2] + b"\xff\xfe\0\4%02d" % number + data[2:]
        (folder / name).write_bytes(copy)
        yield Source(name, source.mark, source.size, hashlib.sha256(copy).hexdigest())


def picture(world: World, random: Random, kind: str = "picture") -> Asked:
    """Ask for a picture of any width and format, from the folder or from the origin."""
    source = random.choice(world.sources)
    suffix = random.choice(("jpg", "jpg", "webp", "webp", "png", "avif"))
    options, size = _resized(source.size, random, 500 if suffix in ("avif", "png") else 1200)
    searched = random.choice(("", "", "aq:dssim:0.02:20:90/", "aq:size:30000:20:90/")) if suffix != "png" else ""
    where = f"local:///{source.name}"
    if random.random() < 0.35:
        where = f"http://127.0.0.1:{world.port}/{random.choice(SOUND)}/{source.name}"
    return Asked(
        kind, f"/unsafe/{searched}{options}/plain/{where}@{suffix}", Wanted(source.mark, size, FORMATS[suffix])
    )


def _resized(size: tuple[int, int], random: Random, most: int) -> tuple[str, tuple[int, int]]:
    """Return options that resize, and the size that they lead to."""
    width = random.randint(64, min(most, size[0]))
    match random.randrange(3):
        case 0:
            return f"w:{width}", (width, round(size[1] * width / size[0]))
        case 1:
            height = random.randint(64, min(most, size[1]))
            factor = min(width / size[0], height / size[1])
            return f"rs:fit:{width}:{height}", (round(size[0] * factor), round(size[1] * factor))
        case _:
            height = random.randint(64, min(most, size[1]))
            return f"rs:force:{width}:{height}", (width, height)


def raw(world: World, random: Random) -> Asked:
    """Ask for a source as it is."""
    source = random.choice(world.sources)
    way = random.choice(("good", "chunks"))
    where = random.choice((f"local:///{source.name}", f"http://127.0.0.1:{world.port}/{way}/{source.name}"))
    return Asked("raw", f"/unsafe/raw:1/plain/{where}", Wanted(source.mark, None, "raw", source.digest))


def info(world: World, random: Random) -> Asked:
    """Ask for facts of a source."""
    source = random.choice(world.sources)
    return Asked("info", f"/info/unsafe/plain/local:///{source.name}", Wanted(source.mark, source.size, "info"))


def slow(world: World, random: Random) -> Asked:
    """Ask for what takes longer than a request may: a large AVIF, a large PNG with a palette."""
    source = random.choice(world.large)
    suffix, options = random.choice((("avif", "q:70"), ("png", "pngo:0:1:256")))
    return Asked(
        "slow",
        f"/unsafe/{options}/plain/local:///{source.name}@{suffix}",
        Wanted(source.mark, source.size, FORMATS[suffix]),
        frozenset({200, 429, 503}),
    )


def large(world: World, random: Random) -> Asked:
    """Ask for an answer of megabytes."""
    source = random.choice(world.large)
    return Asked("slow reader", f"/unsafe/raw:1/plain/local:///{source.name}", Wanted(0, None, "raw", source.digest))


def hostile(world: World, random: Random) -> Asked:
    """Ask for a hostile file."""
    way = random.choice(
        (
            "/unsafe/w:100/plain/local:///{}@jpg",
            "/unsafe/w:100/plain/local:///{}@webp",
            "/info/unsafe/plain/local:///{}",
        )
    )
    target = way.format("hostile/" + random.choice(world.hostile))
    return Asked("hostile file", target, allowed=REFUSED | {200, 503, 429})


def mutated(world: World, random: Random) -> Asked:
    """Ask by a URL that was spoiled; what it may mean is not known."""
    url = picture(world, random).target
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(url) + 1)
        url = url[:at] + random.choice(SPOILED) + url[at + random.randrange(4) :]
    return Asked("hostile URL", "/" + url.lstrip("/"), allowed=REFUSED | {200, 304, 502, 503, 504, 429})


def failing(world: World, random: Random) -> Asked:
    """Ask for a source that fails on the way."""
    way, source = random.choice(FAULTS), random.choice(world.sources)
    target = f"/unsafe/w:100/plain/http://127.0.0.1:{world.port}/{way}/{source.name}@jpg"
    allowed = {404, 422, 502, 504} | ({200} if way == "longer" else set())
    return Asked("failing source", target, Wanted(source.mark, None, "JPEG"), frozenset(allowed))
