"""The transform probe: what a quantiser would do to the picture, seen in its DCT coefficients without an encode.

For JPEG without trellis it is luma as the decoder sees it before it clips to the RGB gamut (`Reference.shown` goes on
from there). For the other codecs the probe stands in with the shape of the codec's own noise (a table, a dead zone and
a scale a quality, all fitted), and the fitted residual says how far to trust it.
Source: ITU-T T.81, annex A; the idea of searching on stored coefficients is that of google's sjpeg.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveola.codecs import jpeg
from foveola.codecs.base import Codec
from foveola.foresight.curves import Curve, Vector
from foveola.foresight.features import features
from foveola.foresight.fitted import axis, belief, imitated, numbers, residual, variant
from foveola.foresight.imitation import TILE, Quantiser
from foveola.foresight.tiles import Part, draw
from foveola.metrics import Reference
from foveola.search import Step, log
from foveola.settings import JpegSettings

KNOWN = 0.01
"""Standard deviation of a log below which another look would say nothing new."""
SURPRISE = 4.0
"""Standard deviations beyond which a file shows that what was remembered says nothing of this picture."""
SKETCHED = 500_000
"""Pixels from which on a picture is looked at in a part first."""
MOST_TILES = 240
SKETCH_ERROR = 0.45
"""Standard deviation of the log of what a tile loses, as it adds up over independent tiles."""
MOVING_ERROR = 0.4
"""Standard deviation of the log of the bytes of an animation (a dozen made of photographs that pass or are passed)."""
COUNTED = (12, 50, 86)
"""Qualities at which bits tell what a picture is like."""
Counter = Callable[[int], tuple[float, float]]
"""From a quality to the bits of luma and of chroma."""


def quantiser(codec: Codec, settings: Any) -> Quantiser | None:
    """Return the quantiser that stands in for a codec, None where nothing was fitted for it."""
    found = numbers()["variants"].get(variant(codec.name, settings))
    if found is None:
        return None
    shape = found["shape"]
    zone = float(shape["dead_zone"])
    if isinstance(settings, JpegSettings):
        return lambda quality: (jpeg.luma_table(quality, settings.quant_table), zone)
    table = np.array(shape["table"], np.float64).reshape(8, 8)
    knots, scales = axis(codec, found["qualities"]), np.log(shape["scale"])
    return lambda quality: (table * np.exp(np.interp(axis(codec, [quality]), knots, scales)), zone)


@dataclass(frozen=True)
class Layer:
    """One way of foreseeing values.

    Args:
        look: the value that it gives at a step.
        above: the belief about how far the next better way (at last the file itself) lies above it, in logs.
    """

    look: Callable[[Step], float]
    above: Curve


class Foresight:
    """What was foreseen of one picture at the steps that were looked at, and what follows for the others.

    Beliefs that add: about the curve of the cheapest way of looking, and about how far each better one lies above it;
    the last is about the files. Each is certain where both its sides were seen. So a curve that is jagged for the
    transform is foreseen as jagged, and what is uncertain is known to be.

    Args:
        steps: the qualities to foresee.
        layers: ways of looking, the cheapest first.
        family: the belief about the codec's log values.
        exact: whether the transform sees every coefficient as a decoder will.
    """

    def __init__(self, steps: Sequence[Step], layers: Sequence[Layer], family: Curve, exact: bool = False) -> None:
        self.steps = tuple(steps)
        self.exact = exact
        self._looks = [layer.look for layer in layers]
        mean = family.mean - sum(layer.above.mean for layer in layers)
        self._parts = [Curve(mean, family.factors, family.noise), *(layer.above for layer in layers)]
        self._alone: Curve | None = None  # the last part as it is without what was remembered

    @property
    def curve(self) -> Curve:
        """The belief about the codec's log values at the steps."""
        return sum(self._parts[1:], self._parts[0])

    def look(self, index: int) -> bool:
        """Look at a step in the cheapest way that says more than is known; False where none does."""
        for part, look in enumerate(self._looks):
            if self._parts[part].sd[index] > KNOWN:
                seen = log(look(self.steps[index])) - self._below(index, part)
                self._parts[part] = self._parts[part].given(index, seen)
                return True
        return False

    def measured(self, index: int, value: float) -> float | None:
        """Take in what a file at a step really came to (DSSIM or bytes).

        Returns:
            How far that lies above the transform, in logs; None where the transform was not looked at there.
        """
        last = len(self._looks)
        doubt = sum(float(part.sd[index]) ** 2 for part in self._parts[:last])
        above = log(value) - self._below(index, last)
        if self._alone is not None:
            off = abs(above - float(self._parts[-1].mean[index]))
            if off > SURPRISE * math.sqrt(float(self._parts[-1].sd[index]) ** 2 + doubt + KNOWN**2):
                self._parts[-1], self._alone = self._alone, None
            else:
                self._alone = self._alone.given(index, above, doubt)
        self.hinted(index, above, doubt)
        return above if doubt <= KNOWN**2 else None

    def remembered(self, hints: Sequence[tuple[int, float, float]]) -> None:
        """Take in what was seen before, once; it is dropped when a file shows how wrong it is.

        Args:
            hints: of each the step, how far a file lay above the transform, and the variance of that for this picture.
        """
        self._alone = self._parts[-1]
        for index, above, variance in hints:
            self.hinted(index, above, variance)

    def hinted(self, index: int, above: float, variance: float) -> None:
        """Take in how far a file lies above the transform at a step, and how doubtful that is."""
        self._parts[-1] = self._parts[-1].given(index, above, variance)

    def _below(self, index: int, part: int) -> float:
        return sum(float(under.mean[index]) for under in self._parts[:part])


def foresee_dssim(reference: Reference, codec: Codec, settings: Any, steps: Sequence[Step]) -> Foresight | None:
    """Return what the transform says of a picture's DSSIM in a codec, None where nothing was fitted for it.

    A large picture is looked at in a part first. A JPEG without mozjpeg's changes is looked at no further: whatever
    its coefficients show is seen without an encode.

    Args:
        reference: the picture.
        codec: whose noise to stand in for.
        settings: of the codec.
        steps: the qualities to foresee.
    """
    table = quantiser(codec, settings)
    if table is None:
        return None
    part, exact = _part(reference), keeps_coefficients(settings)
    family = belief(codec, settings, steps, "dssim")
    if exact:
        above = belief(codec, settings, steps, "residual")
    elif "imitation" in numbers()["variants"][variant(codec.name, settings)]:
        above = imitated(codec, settings, steps, reference, table)
    else:
        above = residual(codec, settings, steps, features(part.coefficients if part else reference.coefficients))
    layers = [Layer(lambda step: reference.transform(*table(step.quality)), above)]
    if part:
        error = _error(len(steps), part.tiles.rows.size)
        sketch = Layer(lambda step: float(part.transformed(*table(step.quality)).mean()), error)
        layers = [Layer(sketch.look, error + above)] if exact else [sketch, *layers]
    return Foresight(steps, layers, family, exact)


def _part(reference: Reference) -> Part | None:
    """Return the part of a picture to look at first, None of a picture that is small anyway."""
    height, width = reference.picture.frames.shape[1:3]
    if not reference.single or height * width < SKETCHED:
        return None
    tiles = draw((height, width), TILE, min(int(height * width / TILE**2 / 8), MOST_TILES))
    return Part(tiles, reference.luma) if tiles else None


def _error(steps: int, tiles: int) -> Curve:
    """Return the belief about how far a whole picture lies above so many of its tiles (measured on photographs)."""
    factors = np.stack((np.ones(steps), np.linspace(-0.5, 0.5, steps)), 1) * SKETCH_ERROR / math.sqrt(tiles)
    return Curve(np.zeros(steps), factors, np.full(steps, (0.2 * SKETCH_ERROR) ** 2 / tiles))


def foresee_bytes(reference: Reference, codec: Codec, settings: Any, steps: Sequence[Step]) -> Foresight | None:
    """Return what the quantised coefficients say of a picture's bytes in a codec, None where nothing was fitted.

    Args:
        reference: the picture.
        codec: whose quantiser to stand in for.
        settings: of the codec.
        steps: the qualities to foresee.
    """
    count = counter(reference, codec, settings)
    if count is None:
        return None
    family = in_bytes(belief(codec, settings, steps, "bits"), reference)
    above = residual(codec, settings, steps, described(reference, count), "bits_residual")
    if len(reference.picture.frames) > 1:
        above += _moving(reference, len(steps))
    rest = overhead(reference, codec, settings)
    return Foresight(steps, [Layer(lambda step: sum(count(step.quality)) / 8 + rest, above)], family)


def _moving(reference: Reference, steps: int) -> Curve:
    """Return the belief about how far an animation lies above its frames one by one: what stands still costs little."""
    factors = np.stack((np.ones(steps), np.linspace(-0.5, 0.5, steps)), 1) * MOVING_ERROR
    return Curve(np.full(steps, math.log(reference.changing)), factors, np.zeros(steps))


def overhead(reference: Reference, codec: Codec, settings: Any) -> int:
    """Return the bytes of a file that tell nothing of the pixels: what a pixel of the picture comes to."""
    picture = reference.picture
    return len(codec.encode(replace(picture, frames=picture.frames[:, :1, :1]), 1, settings))


def counter(reference: Reference, codec: Codec, settings: Any) -> Counter | None:
    """Return what counts the bits of a picture's coefficients, quantised for a codec; None where nothing was fitted."""
    table = quantiser(codec, settings)
    if table is None:
        return None
    if isinstance(settings, JpegSettings):
        zone = table(1)[1]
        return lambda quality: reference.bits(
            *jpeg.tables(quality, settings.quant_table), zone, jpeg.halved(quality, settings)
        )

    def count(quality: int) -> tuple[float, float]:
        steps, zone = table(quality)
        return reference.bits(steps, steps, zone)

    return count


def described(reference: Reference, count: Counter) -> Vector:
    """Return what a picture is like for a codec's bytes: features, size, and bits a pixel at three qualities."""
    bits = np.array([count(quality) for quality in COUNTED]).ravel()
    size = math.log(reference.pixels)
    return np.concatenate((features(reference.coefficients), [size], np.log(bits + 1) - size))


def keeps_coefficients(settings: Any) -> bool:
    """Return whether the encoder writes the very coefficients that the probe sees: JPEG without mozjpeg's changes."""
    return isinstance(settings, JpegSettings) and not (settings.trellis_quant or settings.overshoot_deringing)


def in_bytes(bits: Curve, reference: Reference) -> Curve:
    """Return a belief about log bytes from one about log bits a pixel."""
    return Curve(bits.mean + math.log(reference.pixels / 8), bits.factors, bits.noise)
