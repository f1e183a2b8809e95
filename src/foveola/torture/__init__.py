"""Hostile picture files made by code, to try a server on: none is collected, and the same seed makes the same files.

Each family is a module, each kind in it a row: a name, what is wrong, and a function from random numbers to a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from foveola.errors import ArgumentError, expected
from foveola.torture.damage import DAMAGE
from foveola.torture.gif import GIF
from foveola.torture.headers import HEADERS
from foveola.torture.jpeg import JPEG
from foveola.torture.kind import Kind
from foveola.torture.looks import LOOKS
from foveola.torture.metadata import METADATA
from foveola.torture.others import OTHERS
from foveola.torture.pages import PAGES
from foveola.torture.png import PNG
from foveola.torture.profiles import PROFILES
from foveola.torture.svg import SVG
from foveola.torture.svgbombs import SVG_BOMBS
from foveola.torture.tiff import TIFF

__all__ = ["KINDS", "Kind", "Torture", "tortures", "write_tortures"]

KINDS: tuple[Kind, ...] = (
    *(*DAMAGE, *PNG, *JPEG, *GIF, *TIFF, *HEADERS, *PAGES, *METADATA, *PROFILES),
    *(*LOOKS, *SVG, *SVG_BOMBS, *OTHERS),
)
"""All kinds of hostile files."""
_TRIES = 200


@dataclass(frozen=True)
class Torture:
    """One file.

    Args:
        kind: the name of its kind.
        name: its name in the folder.
        data: its bytes.
    """

    kind: str
    name: str
    data: bytes


def tortures(count: int, seed: int = 0) -> Iterator[Torture]:
    """Yield files that all differ, one of each kind in turn.

    Args:
        count: how many, from 1.
        seed: makes others; more files begin with the same.

    Raises:
        ArgumentError: the count is below 1.
    """
    if count < 1:
        raise ArgumentError(expected("1 or more", "count", count))
    randoms = [(kind, Random(f"{seed} {kind.name}")) for kind in KINDS]  # noqa: S311  # to be repeated
    seen: set[bytes] = set()
    while True:
        for kind, random in randoms:
            for _ in range(_TRIES):
                name, data = kind.make(random)
                digest = hashlib.sha256(data).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield Torture(kind.name, f"{len(seen):05d}-{kind.name}-{name}", data)
                    break
            if len(seen) == count:
                return


def write_tortures(folder: Path, count: int, seed: int = 0) -> Iterator[Path]:
    """Write files into `folder`, which is made if it is not there, and yield their paths.

    Args:
        folder: where to; files of the same names are replaced.
        count: how many.
        seed: see `tortures`.

    Raises:
        ArgumentError: the count is below 1.
    """
    for torture in tortures(count, seed):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / torture.name
        path.write_bytes(torture.data)
        yield path
