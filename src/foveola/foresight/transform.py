"""The transform probe: what a quantiser would do to the picture, seen in its DCT coefficients without an encode.

For JPEG without trellis it is luma as the decoder sees it before it clips to the RGB gamut (`Reference.shown` goes on
from there). For the other codecs the probe stands in with the shape of the codec's own noise (a table, a dead zone and
a scale a quality, all fitted), and the fitted residual says how far to trust it.
Source: ITU-T T.81, annex A; the idea of searching on stored coefficients is that of google's sjpeg.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs.base import Codec
from foveola.codecs.jpeg import luma_table
from foveola.foresight.curves import Curve
from foveola.foresight.fitted import axis, belief, numbers, variant
from foveola.metrics import Reference
from foveola.search import Step, log
from foveola.settings import JpegSettings

Quantiser = Callable[[int], tuple[NDArray[Any], float]]
"""From a quality to an 8x8 table of steps and a dead zone, as `Reference.transform` takes them."""


def quantiser(codec: Codec, settings: Any) -> Quantiser | None:
    """Return the quantiser that stands in for a codec, None where nothing was fitted for it."""
    found = numbers()["variants"].get(variant(codec.name, settings))
    if found is None:
        return None
    shape = found["shape"]
    zone = float(shape["dead_zone"])
    if isinstance(settings, JpegSettings):
        return lambda quality: (luma_table(quality, settings.quant_table), zone)
    table = np.array(shape["table"], np.float64).reshape(8, 8)
    knots, scales = axis(codec, found["qualities"]), np.log(shape["scale"])
    return lambda quality: (table * np.exp(np.interp(axis(codec, [quality]), knots, scales)), zone)


class Foresight:
    """What the transform says of one picture at the steps it was asked about, and what follows for the others.

    Two beliefs that add: about the probe's own curve, certain where it was looked at, and about how far the codec lies
    above the probe, certain where a file was measured. So a curve that is jagged for the probe is foreseen as jagged.

    Args:
        steps: the qualities to foresee.
        probe: the value that the transform gives at a step.
        family: the belief about the codec's log values.
        residual: the belief about how far they lie above the probe's.
        exact: whether the probe sees every coefficient as a decoder will.
    """

    def __init__(
        self, steps: Sequence[Step], probe: Callable[[Step], float], family: Curve, residual: Curve, exact: bool = False
    ) -> None:
        self.steps = tuple(steps)
        self.exact = exact
        self._probe = probe
        self._probed = Curve(family.mean - residual.mean, family.factors, family.noise)
        self._residual = residual
        self._known: dict[int, float] = {}

    @property
    def curve(self) -> Curve:
        """The belief about the codec's log values at the steps."""
        return self._probed + self._residual

    def knows(self, index: int) -> bool:
        """Return whether the transform was looked at there."""
        return index in self._known

    def look(self, index: int) -> float:
        """Return the log of what the transform gives at a step; looked at once."""
        if index not in self._known:
            self._known[index] = log(self._probe(self.steps[index]))
            self._probed = self._probed.given(index, self._known[index])
        return self._known[index]

    def measured(self, index: int, value: float) -> None:
        """Take in what a file at a step really came to (DSSIM or bytes)."""
        self._residual = self._residual.given(index, log(value) - self.look(index))


def foresee_dssim(reference: Reference, codec: Codec, settings: Any, steps: Sequence[Step]) -> Foresight | None:
    """Return what the transform says of a picture's DSSIM in a codec, None where nothing was fitted for it.

    Args:
        reference: the picture.
        codec: whose noise to stand in for.
        settings: of the codec.
        steps: the qualities to foresee.
    """
    table = quantiser(codec, settings)
    if table is None:
        return None
    family, residual = (belief(codec, settings, steps, kind) for kind in ("dssim", "residual"))
    return Foresight(
        steps, lambda step: reference.transform(*table(step.quality)), family, residual, keeps_coefficients(settings)
    )


def foresee_bytes(reference: Reference, codec: Codec, settings: Any, steps: Sequence[Step]) -> Foresight | None:
    """Return what the quantised coefficients say of a picture's bytes in a codec, None where nothing was fitted.

    Args:
        reference: the picture.
        codec: whose quantiser to stand in for.
        settings: of the codec.
        steps: the qualities to foresee.
    """
    table = quantiser(codec, settings)
    if table is None:
        return None
    family = in_bytes(belief(codec, settings, steps, "bits"), reference)
    residual = belief(codec, settings, steps, "bits_residual")
    return Foresight(steps, lambda step: reference.bits(*table(step.quality)) / 8, family, residual)


def keeps_coefficients(settings: Any) -> bool:
    """Return whether the encoder writes the very coefficients that the probe sees: JPEG without mozjpeg's changes."""
    return isinstance(settings, JpegSettings) and not (settings.trellis_quant or settings.overshoot_deringing)


def in_bytes(bits: Curve, reference: Reference) -> Curve:
    """Return a belief about log bytes from one about log bits a pixel."""
    return Curve(bits.mean + math.log(reference.pixels / 8), bits.factors, bits.noise)
