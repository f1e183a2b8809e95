"""How good foreseen qualities are, in numbers that can be checked by hand: pure functions of curves and qualities.

The truth is the lowest quality at which a picture's measured curve meets the target. Between two measured qualities the
log of DSSIM is taken to be straight on the codec's own axis, which errs by a sixth of a quality for JPEG and by less
than half of one for the others (held against every quality of 12 photographs).
Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs import codec
from foveola.foresight.fitted import axis
from foveola.networks.heads import crossing
from foveola.settings import Predicted
from foveola.train.labels import Labels

Vector = NDArray[np.float64]
TARGETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""DSSIM at which networks are judged."""
TOLERANCE = 0.002
"""Allowed error of a first encode, beside the one that is asked for."""
FLOOR = 1e-6
"""DSSIM below this is taken for this."""
EVERY = np.arange(1, 101)
DRAWS, SHARE = 2000, 0.95
"""Samples of the bootstrap, and the share of them that an interval holds."""


def curves(labels: Labels) -> Vector:
    """Return (n, 100) log DSSIM of every picture at qualities 1..100, never rising with quality."""
    return over_qualities(labels.format, labels.qualities, np.log(np.maximum(labels.dssim, FLOOR)))


def over_qualities(format: Predicted, qualities: Sequence[int], values: Vector) -> Vector:
    """Return curves (n, 100) at qualities 1..100, never rising, through what is known (n, m) at some qualities."""
    found = codec(format)
    knots, places = axis(found, qualities), axis(found, EVERY.tolist())
    known = falling(values)
    return np.stack([np.interp(places, knots, row) for row in known]) if len(known) else np.empty((0, 100))


def falling(values: Vector) -> Vector:
    """Return curves (…, m) that never rise: each value is the greatest of those at its quality and above."""
    turned: Vector = np.maximum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]
    return turned


def whole_quality(quality: Vector) -> NDArray[np.int64]:
    """Return what an encoder would be given for continuous qualities."""
    return np.clip(np.rint(quality), 1, 100).astype(np.int64)


@dataclass(frozen=True)
class Figure:
    """A mean over pictures, and between what it lies in 95 of 100 samples of so many pictures."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """How well a way of foreseeing does at one target.

    Args:
        pictures: how many.
        mae: mean absolute error, in qualities.
        within_1: share of pictures whose quality is foreseen within 1; also 2 and 5.
        tolerable: share whose first encode is within 0.002 of the target.
        allowed: share whose first encode is within the allowed error that was asked for.
        encodes: mean calls of the encoder of a whole search; None where none was run.
    """

    pictures: int
    mae: Figure
    within_1: Figure
    within_2: Figure
    within_5: Figure
    tolerable: Figure
    allowed: Figure
    encodes: Figure | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them, six digits behind the point."""
        return {
            name: {end: round(number, 6) for end, number in value.items()} if isinstance(value, dict) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class Foreseen:
    """What one way of foreseeing said of n pictures at one target.

    Args:
        quality: (n) continuous or whole, 1..100; NaN where it said nothing, which counts as a miss.
        dssim: (n) of the first encode.
        encodes: (n) calls of the encoder, None where nothing was searched.
    """

    quality: Vector
    dssim: Vector
    encodes: Vector | None = None

    def only(self, some: NDArray[Any]) -> Foreseen:
        """Return what was said of some pictures."""
        return Foreseen(self.quality[some], self.dssim[some], None if self.encodes is None else self.encodes[some])


def first_encode(curve: Vector, quality: Vector) -> Vector:
    """Return the DSSIM that whole qualities give: (n) of curves (n, 100) of log DSSIM; NaN stays NaN."""
    known = np.isfinite(quality)
    at = whole_quality(np.where(known, quality, 1.0))
    return np.where(known, np.exp(curve[np.arange(len(at)), at - 1]), np.nan)


def judge(foreseen: Foreseen, truth: Vector, target: float, allowed_error: float = TOLERANCE) -> Figures:
    """Hold what was foreseen against the truth.

    A first encode at a bound counts as within tolerance where only a quality beyond the bound could come nearer.

    Args:
        foreseen: of n pictures, at least one.
        truth: (n) continuous qualities.
        target: the DSSIM that was asked for.
        allowed_error: how far from it a DSSIM may be.
    """
    off = np.abs(foreseen.quality - truth)
    off = np.where(np.isfinite(off), off, 99.0)
    whole = whole_quality(np.nan_to_num(foreseen.quality, nan=50.0))
    at_bound = ((whole == 1) & (foreseen.dssim < target)) | ((whole == 100) & (foreseen.dssim > target))
    near = np.abs(foreseen.dssim - target) - 1e-9
    columns = [off, off <= 1, off <= 2, off <= 5, at_bound | (near <= TOLERANCE), at_bound | (near <= allowed_error)]
    if foreseen.encodes is not None:
        columns.append(foreseen.encodes)
    return Figures(len(truth), *intervals(np.stack([np.asarray(column, np.float64) for column in columns], 1)))


def intervals(values: Vector, seed: int = 0) -> list[Figure]:
    """Return the means of (n, k) values over n pictures, with intervals that are the same in every run."""
    n = len(values)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), DRAWS)
    ends = np.quantile(drawn @ values / n, [(1 - SHARE) / 2, (1 + SHARE) / 2], axis=0)
    return [Figure(*map(float, column)) for column in zip(values.mean(0), *ends, strict=True)]


def constant(labels: Labels, targets: Sequence[float]) -> dict[float, float]:
    """Return the quality that serves every picture best: the median of the truth, by target."""
    known = curves(labels)
    return {t: float(np.median([crossing(curve, t) for curve in known])) for t in targets}


def family(format: Predicted, settings: Any, targets: Sequence[float]) -> dict[float, float]:
    """Return the quality that the mean of the codec's fitted curves has, by target."""
    from foveola.foresight.fitted import belief
    from foveola.search import Step

    found = codec(format)
    steps = [Step(quality, found.setting(quality, settings)) for quality in EVERY.tolist()]
    mean = falling(belief(found, settings, steps, "dssim").mean)
    return {target: crossing(mean, target) for target in targets}


def by_source(
    foreseen: Foreseen, truth: Vector, sources: Sequence[str], target: float, allowed_error: float = TOLERANCE
) -> Mapping[str, Figures]:
    """Return the figures of each source, in the order of their names."""
    found = np.array(sources)
    return {
        source: judge(foreseen.only(some), truth[some], target, allowed_error)
        for source in sorted(set(sources))
        for some in [np.flatnonzero(found == source)]
    }
