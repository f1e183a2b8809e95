"""The mosaic: a real encode of a part of the picture, which tells how far the codec lies above the transform.

An eighth of the area costs an eighth of an encode. What the tiles lose in the codec is set against what they lose in
the transform, so that it matters little how typical they are, and the scatter among them says how far to trust it.
Source: Cochran, Sampling Techniques, 1977, section 6.4 (variance of a ratio).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from foveola.codecs.base import Codec
from foveola.foresight.fitted import axis, numbers, variant
from foveola.foresight.tiles import Part, draw, ratio
from foveola.foresight.transform import quantiser
from foveola.metrics import Reference
from foveola.search import Probe, Step

TILE = 64
"""Pixels of a side: a superblock of AV1, four blocks of VP8 and of JPEG XL's largest common transform."""
COUNTS = (12, 24, 48, 96)
"""How many tiles a mosaic may have: more say little more."""
SHARE = 1 / 4
"""Of the picture at most."""
FLOOR = 0.012**2
"""Variance of a ratio that no number of tiles takes away: at their edges a codec knows less."""


@dataclass(frozen=True)
class Offer:
    """A mosaic that could be encoded.

    Args:
        count: how many tiles.
        share: of the picture, 0..1.
        doubt: standard deviation of what it would tell, in logs.
    """

    count: int
    share: float
    doubt: float


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


def offers(reference: Reference, codec: Codec, settings: Any, quality: int) -> list[Offer]:
    """Return the mosaics that a picture could have; none for small ones, several frames and alpha."""
    if not reference.single:
        return []
    down, across = (side // TILE for side in reference.luma.shape)
    area, error = reference.pixels / TILE**2, _fitted(codec, settings, quality, "error")
    return [
        Offer(count, count / area, math.hypot(error / math.sqrt(count), math.sqrt(FLOOR)))
        for count in COUNTS
        if count <= SHARE * down * across
    ]


def encode_mosaic(reference: Reference, codec: Codec, settings: Any, step: Step, count: int) -> Mosaic:
    """Encode the mosaic of a picture at a step.

    Args:
        reference: of a picture that has a mosaic.
        codec: that something was fitted for.
        settings: of the codec.
        step: where.
        count: how many tiles, see `offers`.

    Raises:
        CodecError: the encoder failed.
    """
    table = quantiser(codec, settings)
    assert table is not None
    steps, zone = table(step.quality)
    picture = reference.picture
    tiles = draw(picture.frames.shape[1:3], TILE, count, reference.mapped(steps, zone))
    assert tiles is not None
    part = Part(tiles, reference.luma)
    data = codec.encode(replace(picture, frames=tiles.of(picture.frames[0])[None]), step.quality, settings)
    shown = part.shown(codec.decode(data).frames[0])
    above, variance = ratio(shown, part.transformed(steps, zone), tiles.weights)
    dssim = float((shown * tiles.weights).sum() / tiles.weights.sum())
    probe = Probe(step.quality, step.setting, dssim, len(data), None, "mosaic", tiles.share(picture))
    return Mosaic(above - _fitted(codec, settings, step.quality, "bias"), variance + FLOOR, probe)


def _fitted(codec: Codec, settings: Any, quality: int, name: Literal["bias", "error"]) -> float:
    """Return a fitted number at a quality, in logs.

    Either by how much tiles lose more than the whole (bias), or the standard deviation of the ratio of one tile, as it
    adds up over tiles (error).
    """
    found = numbers()["variants"][variant(codec.name, settings)]["mosaic"]
    return float(np.interp(axis(codec, [quality]), axis(codec, found["qualities"]), found[name])[0])
