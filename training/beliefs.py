"""What all fits share: curves as logs, and the belief that is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.scan import Curve

Array = NDArray[np.floating[Any]]
FACTORS = 4
FLOOR = 1e-5
"""DSSIM below this is taken for this: logs of what can't be seen must not lead the fit."""
ROUGHNESS = {
    "jpeg": (0.005, 0.004),
    "jpeg-best": (0.006, 0.007),
    "webp": (0.01, 0.007),
    "avif": (0.015, 0.01),
    "jxl": (0.006, 0.005),
}
"""Standard deviation of log DSSIM and of log bytes at a quality that no smooth curve through its neighbours follows."""
CUT = (0.03, 0.97)
"""Quantiles beyond which values are taken for these."""


def logs(curves: Sequence[Curve]) -> tuple[Array, Array]:
    """Return (pictures, qualities) log DSSIM and log bits."""
    return np.log(np.maximum([c.dssim for c in curves], FLOOR)), np.log([[8 * b for b in c.bytes] for c in curves])


def fit_belief(values: Array, roughness: float) -> dict[str, Any]:
    """Fit mean, factors and noise to curves (pictures, qualities); a few outliers on each side are cut."""
    low, high = np.quantile(values, CUT, axis=0)
    values = np.clip(values, low, high)
    mean = values.mean(0)
    _, sizes, directions = np.linalg.svd(values - mean, full_matrices=False)
    keep = min(FACTORS, len(sizes))
    factors = (directions[:keep] * (sizes[:keep, None] / np.sqrt(len(values)))).T
    left = (values - mean) - (values - mean) @ directions[:keep].T @ directions[:keep]
    return {"mean": short(mean), "factors": short(factors), "noise": short(left.var(0) + roughness**2)}


def short(values: Any) -> Any:
    """Return numbers as lists, rounded to four digits that count."""
    if isinstance(values, np.ndarray):
        return [short(value) for value in values]
    return float(f"{values:.4g}")
