"""What the numbers of a network mean: a quality for one DSSIM, or the whole curve of log DSSIM over quality.

One quality is too little where any target may be asked for. Our networks answer in the documented form, 100 logits
whose greatest is the quality for a DSSIM of 0.02, and hide the curve in them: each logit is -((c - ln t) / sigma)^2 / 2
for the foreseen log DSSIM c at its quality and the target t. Source: docs/networks.md, "Curve logits"
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs.base import Codec
from foveola.errors import NetworkError, expected
from foveola.foresight.fitted import belief
from foveola.networks.sidecar import Head
from foveola.search import Step

Vector = NDArray[np.float64]
QUALITIES = range(1, 101)
AROUND = 3
"""Qualities on each side of the greatest logit that tell on which side of the target it lies."""
SMOOTHER = 1e-6
"""By how much a curve has to be smoother: less is rounding."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of one picture.

    Args:
        quality: at `target`, 1..100.
        target: DSSIM.
        curve: (100,) log DSSIM at quality 1..100, non-increasing; None where the network knows one target only.
    """

    quality: int
    target: float
    curve: Vector | None = None

    def at(self, target: float, codec: Codec, settings: Any) -> float:
        """Return the quality, 1..100 and between integers too, at which a target is met.

        Args:
            target: DSSIM, 0..1.
            codec: whose curves tell the way from the network's own target to this one, where it knows only that.
            settings: of the codec.
        """
        if self.curve is not None:
            return crossing(self.curve, target)
        if target == self.target:
            return float(self.quality)
        steps = [Step(quality, codec.setting(quality, settings)) for quality in QUALITIES]
        index, known = self.quality - 1, math.log(self.target)
        family = belief(codec, settings, steps, "dssim").given(index, known).mean.copy()
        family[:index] = np.maximum(family[:index], known)  # far from what is usual it does not follow far enough
        family[index:] = np.minimum(family[index:], known)
        return crossing(np.minimum.accumulate(family), target)


def crossing(curve: Vector, target: float) -> float:
    """Return the lowest quality at which a non-increasing curve of log DSSIM is at or under a target.

    Args:
        curve: (100,) at quality 1..100.
        target: DSSIM, 0..1.

    Returns:
        1..100, between integers by straight lines; 1 or 100 where the target is beyond the curve.
    """
    aim = math.log(max(target, 1e-9))
    under = np.flatnonzero(curve <= aim)
    if not under.size:
        return float(QUALITIES[-1])
    index = int(under[0])
    if index == 0:
        return float(QUALITIES[0])
    return index + float((curve[index - 1] - aim) / (curve[index - 1] - curve[index]))


def read(output: NDArray[Any], head: Head, target: float, sigma: float, base: int) -> Prediction:
    """Return what the output of a network says.

    Args:
        output: 100 numbers, or one.
        head: how to read them.
        target: the DSSIM that the network is for.
        sigma: of a curve.
        base: the quality of the first logit.

    Raises:
        NetworkError: a number is not finite.
    """
    values = np.asarray(output, np.float64).ravel()
    if not np.isfinite(values).all():
        raise NetworkError(expected("finite numbers", "the output of the network", "NaN or infinity"))
    if head == "scalar":
        return Prediction(_within(round(100 * float(values[0]))), target)
    quality = _within(int(values.argmax()) + base)
    return Prediction(quality, target, _placed(_curve(values, target, sigma), base) if head == "curve" else None)


def _within(quality: int) -> int:
    return min(max(quality, QUALITIES[0]), QUALITIES[-1])


def _placed(curve: Vector, base: int) -> Vector:
    """Return a curve from quality `base` on as one of quality 1..100, level where nothing was said of the last."""
    left = curve[QUALITIES[0] - base :]
    placed: Vector = np.pad(left, (0, len(QUALITIES) - len(left)), mode="edge")
    return placed


def _curve(logits: Vector, target: float, sigma: float) -> Vector:
    """Return the curve that logits hold: above the target before the greatest, under it behind.

    On which side the greatest itself lies is told by which makes the smoother curve; where both are equally smooth, as
    happens, it lies above, which asks for no less quality.
    """
    away, peak = sigma * np.sqrt(np.maximum(-2 * logits, 0)), int(logits.argmax())
    sides = np.where(np.arange(len(logits)) < peak, 1.0, -1.0)
    curves = []
    for side in (1.0, -1.0):
        sides[peak] = side
        curves.append(math.log(target) + sides * away)

    def roughness(curve: Vector) -> float:
        return float(np.abs(np.diff(curve[max(peak - AROUND, 0) : peak + AROUND], 2)).sum())

    above, under = curves
    falling: Vector = np.minimum.accumulate(under if roughness(above) - roughness(under) > SMOOTHER else above)
    return falling
