"""A code that a picture carries: black and white blocks that any format and most sizes leave readable.

Sixteen blocks stand for eight bits and for what negates them, so that no other picture is read as one by chance.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 4
"""Blocks in a row and in a column."""
MOST = 256
"""How many marks there are."""
BLACK, WHITE, GRAIN = 45, 210, 18
TILE = 256
"""Pixels after which the grain repeats."""
DOUBT = 30
"""How far from the middle the grey of a block has to be at least."""


def bits(mark: int) -> NDArray[np.uint8]:
    """Return the blocks of a mark, 1 for white."""
    code = mark << 8 | (mark ^ 255)
    return np.array([code >> place & 1 for place in range(SIDE * SIDE)], np.uint8).reshape(SIDE, SIDE)


def draw(mark: int, width: int, height: int) -> Image.Image:
    """Return a picture with a mark, and with grain that gives encoders something to do."""
    blocks = np.where(bits(mark) == 1, WHITE, BLACK).astype(np.float32)
    rows, columns = np.arange(height) * SIDE // height, np.arange(width) * SIDE // width
    rng = np.random.default_rng(mark)
    grain = rng.normal(0, GRAIN / 2, (TILE, TILE)) + np.kron(
        rng.normal(0, GRAIN, (TILE // 4, TILE // 4)), np.ones((4, 4))
    )
    across, down = -(-width // TILE), -(-height // TILE)
    grey = blocks[rows][:, columns] + np.tile(grain.astype(np.float32), (down, across))[:height, :width]
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")


def read(picture: Image.Image) -> int | None:
    """Return the mark of a picture, None where none can be read."""
    grey = np.asarray(picture.convert("L"), np.float32)
    height, width = grey.shape
    if min(height, width) < 2 * SIDE:
        return None
    code = 0
    for place in range(SIDE * SIDE):
        top, left = place // SIDE, place % SIDE
        rows = slice(int((top + 0.25) * height / SIDE), int((top + 0.75) * height / SIDE) + 1)
        columns = slice(int((left + 0.25) * width / SIDE), int((left + 0.75) * width / SIDE) + 1)
        mean = float(grey[rows, columns].mean())
        if abs(mean - 128) < DOUBT:
            return None
        code |= (mean > 128) << place
    mark = code >> 8
    return mark if code & 255 == mark ^ 255 else None


@dataclass(frozen=True)
class Wanted:
    """What an answer has to be.

    Args:
        mark: of the source.
        size: width and height, pixels, each one more or less; None for any.
        format: by Pillow's name; `raw` for the source itself, `info` for its facts.
        digest: SHA-256 of the source in hexadecimal, for `raw`.
    """

    mark: int
    size: tuple[int, int] | None
    format: str
    digest: str = ""


def wrong(body: bytes, wanted: Wanted) -> str:
    """Return what is wrong with an answer, nothing where it is what was asked for."""
    if wanted.format == "raw":
        return "" if hashlib.sha256(body).hexdigest() == wanted.digest else "another file's bytes"
    try:
        if wanted.format == "info":
            told = json.loads(body)
            return _other((told["width"], told["height"]), wanted.size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body)) as picture:
                if picture.format != wanted.format:
                    return f"{picture.format} instead of {wanted.format}"
                mark = read(picture)
                return _other(picture.size, wanted.size) or _marked(mark, wanted.mark)
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        return f"unreadable: {type(error).__name__}: {error}"


def _marked(found: int | None, wanted: int) -> str:
    if found is None:
        return "no mark to be read"
    return "" if found == wanted else f"mark {found} instead of {wanted}"


def _other(found: tuple[int, int], wanted: tuple[int, int] | None) -> str:
    if wanted is None or all(abs(got - want) <= 1 for got, want in zip(found, wanted, strict=True)):
        return ""
    return f"{found[0]}x{found[1]} instead of {wanted[0]}x{wanted[1]}"
