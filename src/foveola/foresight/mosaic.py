"""The mosaic: a real encode of a part of the picture, which tells how far the codec lies above the transform.

An eighth of the area costs an eighth of an encode. What the tiles lose in the codec is set against what they lose in
the transform, so that it matters little how typical they are, and the scatter among them says how far to trust it.
Source: Cochran, Sampling Techniques, 1977, section 6.4 (variance of a ratio).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from foveola.codecs.base import Codec
from foveola.foresight.fitted import numbers, variant
from foveola.foresight.tiles import Part, draw, ratio
from foveola.foresight.transform import quantiser
from foveola.metrics import Reference
from foveola.search import Probe, Step

TILE = 64
"""Pixels of a side: a superblock of AV1, four blocks of VP8 and of JPEG XL's largest common transform."""
SHARE = 1 / 8
"""Of the picture at most."""
MOST = 96
"""Tiles at most: more say little more."""
ERROR = 0.31
"""Standard deviation of the log ratio of one tile, as it adds up over tiles (measured: .045 with 48 of them)."""
FLOOR = 0.012**2
"""Variance of a ratio that no number of tiles takes away: at their edges a codec knows less."""


@dataclass(frozen=True)
class Mosaic:
    """What a partial encode has told.

    Args:
        above: log of how far the codec lies above the transform.
        variance: of that.
        probe: what was encoded, its size and the DSSIM of its tiles; `area` is its share of the picture.
    """

    above: float
    variance: float
    probe: Probe


def expected(reference: Reference) -> tuple[float, float] | None:
    """Return the share of a picture that its mosaic would take, and the standard deviation of what it would tell.

    None for a picture that has none: small ones, several frames, alpha.
    """
    count = _count(reference)
    if not reference.single or count < 12:
        return None
    return count * TILE**2 / reference.pixels, ERROR / count**0.5


def encode_mosaic(reference: Reference, codec: Codec, settings: Any, step: Step, bias: float | None = None) -> Mosaic:
    """Encode the mosaic of a picture at a step.

    Args:
        reference: of a picture that has a mosaic.
        codec: that something was fitted for.
        settings: of the codec.
        step: where.
        bias: by how much tiles lose more than the whole, in logs; the fitted number when None.

    Raises:
        CodecError: the encoder failed.
    """
    table = quantiser(codec, settings)
    assert table is not None
    steps, zone = table(step.quality)
    picture = reference.picture
    tiles = draw(picture.frames.shape[1:3], TILE, _count(reference), reference.mapped(steps, zone))
    assert tiles is not None
    part = Part(tiles, reference.luma)
    data = codec.encode(replace(picture, frames=tiles.of(picture.frames[0])[None]), step.quality, settings)
    shown = part.shown(codec.decode(data).frames[0])
    if bias is None:
        bias = float(numbers()["variants"][variant(codec.name, settings)]["mosaic"])
    above, variance = ratio(shown, part.transformed(steps, zone), tiles.weights)
    dssim = float((shown * tiles.weights).sum() / tiles.weights.sum())
    probe = Probe(step.quality, step.setting, dssim, len(data), None, "mosaic", tiles.share(picture))
    return Mosaic(above - bias, variance + FLOOR, probe)


def _count(reference: Reference) -> int:
    """Return how many tiles a mosaic has, a square number's neighbour."""
    return min(int(reference.pixels * SHARE / TILE**2), MOST)
