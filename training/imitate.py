"""Fit the imitation of a codec: what it is, see `foveola.foresight.imitation`; how it learns, `foveola.train.head`."""

from __future__ import annotations

import sys
import zlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs import codec
from foveola.foresight.fitted import OUTLYING, axis, trust
from foveola.foresight.imitation import Head, places
from foveola.foresight.transform import quantiser
from foveola.metrics import Reference
from foveola.train.head import learn, new
from foveola.train.knots import choose, straighten
from training.beliefs import FLOOR, ROUGHNESS, Array, fit_belief, logs, short
from training.scan import VARIANTS, Curve, open_picture

TAUGHT = 128
"""Places of a picture that are learned from; those that it has, again, where there are fewer."""
IMITATED = ("webp", "avif", "jxl")
"""Variants that stray from the transform by more than a linear map can tell."""
KNOTS, HIDDEN, FOLDS, RIDGE = 6, 24, 4, 100.0
WILD = 0.4
"""Errors of the imitation beyond this are taken for it: a file without loss has no log."""
USEFUL = (0.005, 0.06)
"""DSSIM at which the imitation's errors are looked at."""


def imitate(variant: str, folder: Path, curves: Sequence[Curve], pool: Executor) -> dict[str, Any]:
    """Fit the network that tells how far the codec strays from the transform, and the belief about what it leaves."""
    format, _ = VARIANTS[variant]
    dssim = logs(curves)[0]
    qualities = curves[0].qualities
    chosen = choose(qualities, dssim, codec(format), KNOTS)
    rows = list(pool.map(partial(place, folder=folder, variant=variant, chosen=chosen), curves, chunksize=4))
    seen, whole = (np.array(column) for column in zip(*rows, strict=True))
    straight = straighten(axis(codec(format), chosen), axis(codec(format), qualities))
    above, groups = dssim - whole, np.array([zlib.crc32(c.picture.encode()) % FOLDS for c in curves])

    def learned(some: NDArray[np.bool_]) -> Head:
        head = new(seen[some], straight, np.median(above[some], axis=0), HIDDEN, seed=0)
        return deque(learn(head, seen[some], above[some], dssim[some], seed=0, above=True), maxlen=1)[0]

    left, hints = np.empty_like(above), np.empty((len(curves), 3 * len(chosen)))
    for group in range(FOLDS):
        out = groups == group
        told, hints[out] = learned(~out).above(seen[out])
        left[out] = above[out] - told
    useful = (dssim > np.log(USEFUL[0])) & (dssim < np.log(USEFUL[1]))
    print(f"  imitation: {np.sqrt(np.mean(left[useful] ** 2)):.4f} on other pictures", file=sys.stderr)
    head = learned(groups >= 0)
    plain = np.array([not c.varied for c in curves])
    trusted = fit_trust(hints, left, useful)
    weights = {name: short(values) for name, values in head.weights.items()}
    return {
        "pictures": len(curves),
        "qualities": qualities,
        "knots": chosen,
        "head": weights | {"mean": short(head.mean), "spread": short(head.spread)},
        "trust": {name: short(values) for name, values in trusted.items()},
        "left": fit_belief(np.clip(left / trust(trusted, hints)[:, None], -WILD, WILD)[plain], ROUGHNESS[variant][0]),
    }


def fit_trust(hints: Array, left: Array, useful: NDArray[np.bool_]) -> dict[str, Array]:
    """Fit what tells how far the imitation errs in a picture.

    Args:
        hints: (pictures, hints), see `Head.above`.
        left: (pictures, qualities) errors.
        useful: (pictures, qualities) which of them matter.
    """
    some = useful.any(1)
    sizes = [
        np.log(np.sqrt(np.mean(row[which] ** 2)) + 0.01) for row, which in zip(left[some], useful[some], strict=True)
    ]
    mean, spread = hints.mean(0), hints.std(0) + 1e-6
    at = np.clip((hints[some] - mean) / spread, -OUTLYING, OUTLYING)
    weights = np.linalg.solve(at.T @ at + RIDGE * np.eye(len(mean)), at.T @ (sizes - np.mean(sizes)))
    return {"mean": mean, "spread": spread, "weights": weights}


def place(curve: Curve, folder: Path, variant: str, chosen: Sequence[int]) -> tuple[Array, Array]:
    """Return of a picture its places as the imitation sees them, and (qualities,) log DSSIM of the transform."""
    format, settings = VARIANTS[variant]
    table = quantiser(codec(format), settings)
    assert table is not None
    reference = Reference(open_picture(folder / curve.picture, curve.scale, curve.varied))
    seen = places(reference, table, chosen)
    whole = [reference.transform(*table(quality)) for quality in curve.qualities]
    return seen[np.arange(TAUGHT) * len(seen) // TAUGHT], np.log(np.maximum(whole, FLOOR))
