"""A part that stands for the whole: tiles of a picture side by side, small enough to be looked at for next to nothing.

Few large tiles miss what a picture is made of, many small ones do not; windows of the SSIM map that reach over a seam
are left out, as they would see edges that do not exist. A real encoder is given larger tiles than the transform, for it
codes a block from its neighbours. Where a map of the loss is at hand, tiles are drawn by the root of what they lose,
which leaves the least doubt about the ratio of two losses.
Source: Cochran, Sampling Techniques, 1977, chapters 6 (ratio estimates) and 9A (unequal probabilities).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola import kernels
from foveola.kernels import Coefficients, Prepared
from foveola.kernels.prepared import BLOCK, WINDOW
from foveola.picture import Picture

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tiles:
    """Which tiles of a picture, each drawn with a probability.

    Args:
        side: pixels; a multiple of 16.
        rows: (down, across) which row of tiles each is from.
        columns: (down, across) which column.
        weights: (down, across) one over the relative probability of each.
    """

    side: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: Array

    def of(self, pixels: Pixels) -> Pixels:
        """Return the tiles of (H, W, …) pixels side by side."""
        height, width = (length // self.side for length in pixels.shape[:2])
        rest = pixels.shape[2:]
        cut = pixels[: height * self.side, : width * self.side].reshape(height, self.side, width, self.side, *rest)
        taken = cut.swapaxes(1, 2)[self.rows, self.columns].swapaxes(1, 2)
        down, across = self.rows.shape
        return np.ascontiguousarray(taken).reshape(down * self.side, across * self.side, *rest)

    def share(self, picture: Picture) -> float:
        """Return how much of a picture they are, 0..1."""
        return self.rows.size * self.side**2 / (picture.width * picture.height)

    def losses(self, blocks: Array) -> Array:
        """Return (down, across) mean values of the tiles, of (rows, columns) values of the map's 16x16 blocks."""
        a, inner = self.side // BLOCK, (self.side - WINDOW + 1) // BLOCK
        padded = np.zeros((self.rows.shape[0] * a, self.rows.shape[1] * a))
        padded[: blocks.shape[0], : blocks.shape[1]] = blocks
        by_tile = padded.reshape(self.rows.shape[0], a, self.rows.shape[1], a)
        means: Array = by_tile[:, :inner, :, :inner].mean(axis=(1, 3))
        return means


def draw(shape: tuple[int, int], side: int, count: int, losses: Array | None = None) -> Tiles | None:
    """Draw tiles that lie over the whole picture.

    Args:
        shape: rows and columns of the picture.
        side: pixels of a tile's side, a multiple of 16.
        count: about how many.
        losses: (rows, columns) what each 16x16 block of the map loses; all tiles are alike where that is not known.

    Returns:
        The tiles, None where the picture has not four times as many.
    """
    down, across = (length // side for length in shape)
    if down * across < 4 * count or count < 4:
        return None
    chance = np.ones((down, across)) if losses is None else np.sqrt(_by_tile(losses, side, (down, across)))
    snake = np.arange(down * across).reshape(down, across)
    snake[1::2] = snake[1::2, ::-1]
    order = snake.ravel()
    shares = np.cumsum(chance.ravel()[order]) / chance.sum()
    wide = math.isqrt(count)
    count = count // wide * wide
    drawn = order[np.searchsorted(shares, (np.arange(count) + 0.5) / count)].reshape(-1, wide)
    return Tiles(side, drawn // across, drawn % across, 1 / chance.ravel()[drawn])


def _by_tile(losses: Array, side: int, shape: tuple[int, int]) -> Array:
    """Return what each tile loses, a fiftieth of the mean at least."""
    a = side // BLOCK
    padded = np.full((shape[0] * a, shape[1] * a), float(losses.mean()))
    part = losses[: shape[0] * a, : shape[1] * a]
    padded[: part.shape[0], : part.shape[1]] = part
    means: Array = padded.reshape(shape[0], a, shape[1], a).mean(axis=(1, 3))
    return means + 0.02 * float(losses.mean()) + 1e-6


class Part:
    """The tiles of one picture, prepared for looks.

    Args:
        tiles: which.
        luma: (H, W) uint8 of the whole picture.
    """

    def __init__(self, tiles: Tiles, luma: Pixels) -> None:
        self.tiles = tiles
        self._luma = tiles.of(luma)
        self._prepared: Prepared = kernels.prepare(self._luma)
        self.coefficients: Coefficients = kernels.forward_dct(self._luma)

    def transformed(self, table: ArrayLike, dead_zone: float) -> Array:
        """Return the DSSIM of each tile after its coefficients were quantised."""
        return self.shown(kernels.reconstruct(self.coefficients, table, dead_zone))

    def shown(self, pixels: Pixels) -> Array:
        """Return the DSSIM of each tile of a decoded file, or of its luma."""
        _, means = kernels.block_means(self._prepared, pixels)
        return self.tiles.losses((1 - means) / 2)


def ratio(one: Array, other: Array, weights: Array) -> tuple[float, float]:
    """Return the log of how many times more tiles lose in one way than in another, and the variance of that.

    Args:
        one: DSSIM of each tile.
        other: DSSIM of each tile in the other way.
        weights: of the tiles.
    """
    more, less = float((one * weights).sum()), float((other * weights).sum())
    if more <= 0 or less <= 0:
        return 0.0, math.inf
    left = (one - more / less * other) * weights
    return math.log(more / less), float((left**2).sum()) / more**2
