"""What is believed of a picture's curve before and while it is seen: log DSSIM (or log bytes) over quality.

Curves of one codec are alike: they differ by a level, a tilt and little more. So a belief is a Gaussian of low rank,
fitted on many pictures: a mean, a few factors and a noise of each quality's own. Everything that is seen or foreseen
of one picture conditions it in closed form, and what it then says of the other qualities is where the search asks
next.
Source: Bishop, Pattern Recognition and Machine Learning, 2006, section 2.3.3 (linear Gaussian models).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A Gaussian belief over the values of one picture's curve.

    Args:
        mean: (n,) natural logs of DSSIM or of bytes.
        factors: (n, k); `factors @ factors.T` is what the qualities share of the variance.
        noise: (n,) variance of each quality's own.
    """

    mean: Vector
    factors: Vector
    noise: Vector

    @property
    def sd(self) -> Vector:
        """(n,) standard deviation, in natural logs."""
        spread: Vector = np.sqrt((self.factors**2).sum(1) + self.noise)
        return spread

    def given(self, index: int, value: float, variance: float = 0.0) -> Curve:
        """Return the belief after `value` was seen at `index`; there it is certain from now on, if that was exact.

        Args:
            index: 0..n-1.
            value: a natural log, as in `mean`.
            variance: of what was seen, around what is there.
        """
        row = self.factors[index]
        shared, own = float(row @ row), float(self.noise[index])
        total = shared + own + variance
        mean, factors, noise = self.mean.copy(), self.factors.copy(), self.noise.copy()
        if shared > 0:
            toward = factors @ row
            mean += toward * ((value - float(mean[index])) / total)
            factors -= (1 - math.sqrt((own + variance) / total)) / shared * np.outer(toward, row)
        if variance > 0:  # what the quality has of its own is told apart from the error only by their sizes
            noise[index] = own * variance / (own + variance)
        else:
            mean[index], factors[index], noise[index] = value, 0, 0
        return Curve(mean, factors, noise)

    def __add__(self, other: Curve) -> Curve:
        """Return the belief over the sum of two curves that know nothing of each other."""
        return Curve(self.mean + other.mean, np.hstack((self.factors, other.factors)), self.noise + other.noise)

    def spread(self, knots: Vector, places: Vector) -> Curve:
        """Return the belief at `places` of an axis (both rising) on whose `knots` this one stands."""

        def at(values: Vector) -> Vector:
            between: Vector = np.interp(places, knots, values)
            return between

        factors = np.stack([at(column) for column in self.factors.T], 1)
        return Curve(at(self.mean), factors, at(self.noise))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Curve:
        """Return the belief that `data` holds as lists (the fitted numbers)."""
        return cls(*(np.asarray(data[name], np.float64) for name in ("mean", "factors", "noise")))


def flat(length: int, rising: bool = False) -> Curve:
    """Return the belief of someone who knows nothing: a straight line of any level and tilt.

    Args:
        length: how many qualities.
        rising: whether values rise with quality (bytes) or fall (DSSIM).
    """
    line = np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
    mean = 1.5 * line if rising else -3 - 1.5 * line
    return Curve(mean, np.stack((np.full(length, 2.0), 2 * line), 1), np.full(length, 0.01))
