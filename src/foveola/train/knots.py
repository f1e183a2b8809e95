"""Where a network looks: at a few qualities, from which all others follow in a straight line on the codec's axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs.base import Codec
from foveola.foresight.fitted import axis

Array = NDArray[np.floating[Any]]
REACH = (0.11, 0.0018)
"""DSSIM of the median picture at the lowest and at the highest knot."""


def choose(qualities: Sequence[int], dssim: Array, codec: Codec, count: int) -> list[int]:
    """Return the qualities to look at: from one to the next the median picture's log DSSIM falls by the same.

    Args:
        qualities: rising, that were measured.
        dssim: (pictures, qualities) log DSSIM.
        codec: of the files.
        count: how many, at most.
    """
    middle = np.minimum.accumulate(np.median(dssim, axis=0))
    low, high = np.log(REACH)
    at = np.interp(-np.linspace(low, high, count), -middle, axis(codec, qualities))
    every = range(qualities[0], qualities[-1] + 1)
    return sorted({round(float(quality)) for quality in np.interp(at, axis(codec, every), every)})


def straighten(knots: Array, places: Array) -> Array:
    """Return (knots, places) what leads from values at rising knots to values at places, linearly; beyond them, on."""
    columns = []
    for place in places:
        left = int(np.clip(np.searchsorted(knots, place) - 1, 0, len(knots) - 2))
        share = (place - knots[left]) / (knots[left + 1] - knots[left])
        columns.append(np.eye(len(knots))[left] * (1 - share) + np.eye(len(knots))[left + 1] * share)
    return np.array(columns).T
