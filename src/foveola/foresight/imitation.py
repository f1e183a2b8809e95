"""The imitation: by how much a codec loses more or less than the transform at each place, told by a small network.

A codec does not treat all places alike: it spends less on busy ones, predicts and filters smooth ones, and clips at the
edge of the gamut. What a place is like (how its frequencies are filled, its colour) and what it loses as the quantiser
grows tell how far the codec will stray from the transform there. A few thousand weights, learned from real files, turn
that into a factor for each place, and the places of a picture into the curve.
Source: docs/design.md, "Foresight"; the network is learned by `foveola.train.head`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.foresight.features import BANDS, ORDER
from foveola.foresight.tiles import Part, draw
from foveola.kernels import Coefficients
from foveola.kernels.prepared import BLOCK
from foveola.kernels.quantiser import SCALE
from foveola.metrics import Reference

Array = NDArray[np.floating[Any]]
Weights = Mapping[str, Array]
Quantiser = Callable[[int], tuple[NDArray[Any], float]]
"""From a quality to an 8x8 table of steps and a dead zone, as `Reference.transform` takes them."""

TILE = 32
"""Pixels of a side of a tile: small ones miss less."""
FEWEST, MOST = 12, 64
"""Tiles; a picture that has not four times as many as the fewest is looked at as a whole."""
CONTEXT = 3
"""8x8 blocks of a side that tell what a place is like: a 16x16 block of the map, whose windows reach beyond it."""
OUTLYING = 4.0
"""Standard deviations beyond which what a place is like counts no further."""
STRONGEST = 2.0
"""Log of the largest factor."""
SMALL = np.float32(1e-5)
"""DSSIM that is added before a log is taken of a picture's mean."""
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True, eq=False)
class Head:
    """The network: two hidden layers a place, means over the places, one linear step to the curve.

    Args:
        weights: by name, see `forward`.
        mean: (knots + features,) of the inputs, losses as logs.
        spread: their standard deviations.
        knots: how many of the inputs are losses.
    """

    weights: Weights
    mean: Array
    spread: Array
    knots: int

    def __call__(self, places: Array) -> Array:
        """Return (pictures, qualities) log DSSIM, of (pictures, places, knots + features)."""
        return forward(self.weights, self.scaled(places), places[..., : self.knots])[0]

    def above(self, places: Array) -> tuple[Array, Array]:
        """Return how far the codec lies above the transform, as a head tells that has learned just that.

        Args:
            places: (pictures, places, knots + features).

        Returns:
            (pictures, qualities) logs, and (pictures, 3 knots) what tells how far to trust them: log losses, and of the
            logs of the factors mean and log variance.
        """
        losses = places[..., : self.knots]
        curve, kept = forward(self.weights, self.scaled(places), losses, level(losses))
        share = losses / np.maximum(losses.sum(1, keepdims=True), SMALL)
        mean = (share * kept["factor"]).sum(1)
        variance = (share * np.square(kept["factor"] - mean[:, None])).sum(1)
        return curve, np.concatenate([kept["logs"], mean, np.log(variance + np.float32(1e-3))], 1)

    def scaled(self, places: Array) -> Array:
        """Return the inputs of the first layer."""
        scaled: Array = np.clip((raw(places, self.knots) - self.mean) / self.spread, -OUTLYING, OUTLYING)
        return scaled

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Head:
        """Return the network that `data` holds as lists (the fitted numbers)."""
        arrays = {name: np.asarray(values, np.float32) for name, values in data.items()}
        mean, spread = arrays.pop("mean"), arrays.pop("spread")
        return cls(arrays, mean, spread, len(arrays["factor_bias"]))


def raw(places: Array, knots: int) -> Array:
    """Return what is known of places, with logs for losses."""
    logs = np.log(np.maximum(places[..., :knots], 0) + np.float32(1e-4))
    return np.concatenate([logs, places[..., knots:]], -1)


def level(losses: Array) -> Array:
    """Return (pictures, knots) the log of the mean of (pictures, places, knots) DSSIM."""
    logs: Array = np.log(losses.mean(1, dtype=np.float32) + SMALL)
    return logs


def forward(weights: Weights, x: Array, losses: Array, base: Array | float = 0.0) -> tuple[Array, dict[str, Array]]:
    """Return the curves, and the values on the way that the gradient needs.

    Args:
        weights: `first`, `second`, `factor` and their `_bias`; `curve` (knots, qualities), `offset`, `pool`.
        x: (pictures, places, knots + features) scaled inputs.
        losses: (pictures, places, knots) DSSIM.
        base: (pictures, knots) logs that the curves are told above of; 0 for the curves themselves.

    Returns:
        (pictures, qualities) log DSSIM above the base, and the values by name.
    """
    first = np.tanh(x @ weights["first"] + weights["first_bias"])
    second = np.tanh(first @ weights["second"] + weights["second_bias"])
    factor = second @ weights["factor"] + weights["factor_bias"]
    moved = losses * np.exp(np.clip(factor, -STRONGEST, STRONGEST))
    total = moved.mean(1) + SMALL
    logs = np.log(total)
    mean = second.mean(1)
    spread = np.sqrt(np.maximum((second * second).mean(1) - mean * mean, 0) + np.float32(1e-4))
    pooled = np.concatenate([mean, spread, np.clip((logs + 4) / 1.5, -3, 3)], 1)
    curve = (logs - base) @ weights["curve"] + weights["offset"] + pooled @ weights["pool"]
    kept: dict[str, Array] = {"x": x, "first": first, "second": second, "factor": factor, "moved": moved}
    later: dict[str, Array] = {"total": total, "logs": logs, "mean": mean, "spread": spread, "pooled": pooled}
    return curve, kept | later | {"base": np.asarray(base)}


def places(reference: Reference, table: Quantiser, knots: Any) -> Array:
    """Return what some places of a picture lose at the knots, and what they are like.

    Args:
        reference: the picture; of several frames the first is looked at, over black where there is alpha.
        table: from a quality to the quantiser that stands in for the codec.
        knots: qualities.

    Returns:
        (places, knots + 15) float32: DSSIM; logs of the energies of bands, of the spread of the blocks' means and of
        the variance of colour differences; mean colour / 64.
    """
    pixels = reference.picture.frames[0]
    tiles = draw(pixels.shape[:2], TILE, min(MOST, pixels.shape[0] // TILE * (pixels.shape[1] // TILE) // 4))
    if tiles is None or tiles.rows.size < FEWEST:
        maps = np.stack([reference.mapped(*table(int(knot))) for knot in knots], -1)
        rows, columns = _grid(maps.shape[:2])
        described = like(reference.coefficients, pixels, rows, columns)
        return np.hstack((maps.reshape(-1, len(knots)), described)).astype(np.float32)
    part = Part(tiles, reference.luma)
    losses = np.stack([part.transformed(*table(int(knot))).ravel() for knot in knots], 1)
    rows, columns = _grid(tiles.rows.shape)
    each = TILE // BLOCK
    described = like(part.coefficients, tiles.of(pixels), rows * each, columns * each)
    return np.hstack((losses, described)).astype(np.float32)


def _grid(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows and the columns of all cells, one after the other."""
    rows, columns = np.indices(shape).reshape(2, -1)
    return rows, columns


def like(
    coefficients: Coefficients, pixels: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Array:
    """Return what places are like.

    Args:
        coefficients: of luma.
        pixels: (H, W, 1 | 3 | 4) uint8 of the same picture.
        rows: (n,) rows of 16x16 blocks.
        columns: (n,) columns of 16x16 blocks.

    Returns:
        (n, 15), see `places`.
    """
    down, groups = coefficients.blocks.shape[:2]
    around = np.arange(CONTEXT)
    y = np.minimum(rows[:, None] * 2 + around, down - 1)[:, :, None]
    x = np.minimum(columns[:, None] * 2 + around, groups * 4 - 1)[:, None, :]
    blocks = coefficients.blocks[y, x // 4, :, x % 4].reshape(len(rows), CONTEXT**2, 64)
    levels = blocks.astype(np.float32) / SCALE
    energy = np.square(levels).mean(1)[:, ORDER]
    bands = np.add.reduceat(energy, BANDS[:-1], axis=1)[:, : len(BANDS) - 1] / np.diff(BANDS).astype(np.float32)
    spread = (levels[:, :, 0] / 8).var(1)
    colour, chroma = _colours(pixels, rows, columns)
    half, one = np.float32(0.5), np.float32(1)
    return np.hstack((np.log(bands + half), np.log(spread + half)[:, None], colour / 64, np.log(chroma + one)))


def _colours(pixels: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return (n, 3) the mean colour of places, and (n, 2) the variance of its differences to luma."""
    around = np.arange(0, CONTEXT * 8, 2)  # every second pixel is enough
    y = np.minimum(rows[:, None] * BLOCK + around, pixels.shape[0] - 1)[:, :, None]
    x = np.minimum(columns[:, None] * BLOCK + around, pixels.shape[1] - 1)[:, None, :]
    some = pixels[y, x].reshape(len(rows), around.size**2, -1)[..., :3].astype(np.float32)
    if some.shape[2] < 3:
        some = np.repeat(some[..., :1], 3, axis=2)
    chroma = some[..., (2, 0)] - (some @ _LUMA)[..., None]
    return some.mean(1), chroma.var(1)
