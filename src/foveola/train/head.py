"""How the head of the network learns: a few thousand numbers, fitted with NumPy in a minute.

The gradient of the two hidden layers is written out: that is shorter than the library that would find it, and the tests
hold it to finite differences. The head itself is `foveola.foresight.imitation`.
Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019 (AdamW).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.foresight.imitation import STRONGEST, Head, forward, level, raw

Array = NDArray[np.floating[Any]]
Weights = dict[str, Array]

BATCH, SUBSET = 32, 384
"""Pictures of a step, and places of each that it looks at, at most."""
EPOCHS = 60
RATE, DECAY = 4e-3, 2e-2
ROBUST = 0.08
"""Errors of log DSSIM beyond this count by their size, not their square."""
MATTERS = (0.0012, 0.16)
"""DSSIM outside of this hardly counts: no one asks for it."""


def new(places: Array, curve: Array, offset: Array, hidden: int, seed: int) -> Head:
    """Return a head that has not learned: it believes the losses.

    Args:
        places: (pictures, places, knots + features) to learn from.
        curve: (knots, qualities) from log losses at the knots to the curve.
        offset: (qualities,) what the curves lie above that.
        hidden: values of a hidden layer.
        seed: of the random weights.
    """
    dice, knots = np.random.default_rng(seed), len(curve)
    flat = raw(places[:, ::4].reshape(-1, places.shape[-1]).astype(np.float32), knots)

    def drawn(rows: int, columns: int) -> Array:
        return (dice.standard_normal((rows, columns)) / math.sqrt(rows)).astype(np.float32)

    weights = {
        "first": drawn(flat.shape[1], hidden),
        "first_bias": np.zeros(hidden, np.float32),
        "second": drawn(hidden, hidden),
        "second_bias": np.zeros(hidden, np.float32),
        "factor": np.zeros((hidden, knots), np.float32),
        "factor_bias": np.zeros(knots, np.float32),
        "curve": curve.astype(np.float32),
        "offset": offset.astype(np.float32),
        "pool": np.zeros((2 * hidden + knots, len(offset)), np.float32),
    }
    return Head(weights, flat.mean(0), flat.std(0) + np.float32(1e-3), knots)


def backward(weights: Mapping[str, Array], kept: Mapping[str, Array], error: Array) -> Weights:
    """Return the gradient of the weights.

    Args:
        weights: of the head.
        kept: what `forward` returned.
        error: (pictures, qualities) gradient of the curves.
    """
    hidden, second, places = kept["mean"].shape[1], kept["second"], kept["second"].shape[1]
    pooled = error @ weights["pool"].T
    inside = np.abs((kept["logs"] + 4) / 1.5) < 3
    logs = error @ weights["curve"].T + pooled[:, 2 * hidden :] * inside / 1.5
    factor = kept["moved"] * (logs / kept["total"] / places)[:, None] * (np.abs(kept["factor"]) < STRONGEST)
    spread = pooled[:, hidden : 2 * hidden] / kept["spread"] / places
    back = factor @ weights["factor"].T + (pooled[:, :hidden] / places)[:, None]
    back += spread[:, None] * (second - kept["mean"][:, None])
    back *= 1 - second * second
    under = (back @ weights["second"].T) * (1 - kept["first"] ** 2)

    def outer(left: Array, right: Array) -> Array:
        product: Array = left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
        return product

    return {
        "first": outer(kept["x"], under),
        "first_bias": under.sum((0, 1)),
        "second": outer(kept["first"], back),
        "second_bias": back.sum((0, 1)),
        "factor": outer(second, factor),
        "factor_bias": factor.sum((0, 1)),
        "curve": outer(kept["logs"] - kept["base"], error),
        "offset": error.sum(0),
        "pool": outer(kept["pooled"], error),
    }


def robust(off: Array, weight: Array) -> tuple[float, Array]:
    """Return the loss of errors of log DSSIM, and its gradient."""
    size = np.abs(off)
    near = size < ROBUST
    loss = np.where(near, off * off / (2 * ROBUST), size - ROBUST / 2)
    total = float(weight.sum())
    slope = weight * np.where(near, off / ROBUST, np.sign(off)) / total
    return float((weight * loss).sum()) / total, slope.astype(np.float32)


def weight_of(dssim: Array) -> Array:
    """Return how much each log DSSIM counts."""
    low, high = np.log(MATTERS)
    weight: Array = 1 / (1 + np.exp(-4 * (dssim - low))) / (1 + np.exp(-4 * (high - dssim)))
    return weight.astype(np.float32)


def learn(head: Head, places: Array, told: Array, dssim: Array, seed: int, above: bool = False) -> Iterator[Head]:
    """Yield the head after each epoch.

    Args:
        head: to begin with; it is left as it is.
        places: (pictures, places, knots + features).
        told: (pictures, qualities) log DSSIM of the files, or how far they lie above the transform.
        dssim: (pictures, qualities) log DSSIM of the files, which says how much each counts.
        seed: of the order of the pictures.
        above: whether it learns how far files lie above the transform.
    """
    dice, knots = np.random.default_rng(seed), head.knots
    weights = {name: values.copy() for name, values in head.weights.items()}
    moments = tuple({name: np.zeros_like(values) for name, values in weights.items()} for _ in range(2))
    whole, counts = level(places[..., :knots]), weight_of(dssim)
    batch = min(BATCH, len(places))
    steps, done = EPOCHS * (len(places) // batch), 0
    for _ in range(EPOCHS):
        order = dice.permutation(len(places))
        for start in range(0, len(order) - batch + 1, batch):
            some = np.sort(order[start : start + batch])
            done += 1
            part = places[some][:, dice.choice(places.shape[1], min(SUBSET, places.shape[1]), replace=False)]
            part = part.astype(np.float32)
            losses = part[..., :knots]
            base = level(losses)
            aim = told[some] if above else told[some] + (base - whole[some]) @ weights["curve"]
            curve, kept = forward(weights, head.scaled(part), losses, base if above else 0.0)
            _, error = robust(curve - aim, counts[some])
            rate = RATE * min(1.0, done / 50) * 0.5 * (1 + math.cos(math.pi * done / steps))
            _step(weights, backward(weights, kept, error), moments, done, rate)
        yield Head(dict(weights), head.mean, head.spread, knots)


def _step(weights: Weights, gradient: Weights, moments: tuple[Weights, ...], done: int, rate: float) -> None:
    """Move the weights by one step of AdamW."""
    for name, values in weights.items():
        slope, square = (kept[name] for kept in moments)
        slope += 0.1 * (gradient[name] - slope)
        square += 0.01 * (gradient[name] ** 2 - square)
        decay = DECAY if name in ("first", "second", "factor", "pool") else 0.0
        step = slope / (1 - 0.9**done) / (np.sqrt(square / (1 - 0.99**done)) + 1e-8)
        values -= (rate * (step + decay * values)).astype(np.float32)
