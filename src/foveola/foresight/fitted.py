"""The fitted numbers: what is known of each codec's curves before a picture is seen.

They come from one command, `python -m training.calibrate FOLDER`, and live in one file, `fitted.json`. With numbers
that don't fit the answer is still right, only slower: the search believes what it sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveola.codecs.base import Codec
from foveola.foresight.curves import Curve, Vector, flat
from foveola.foresight.imitation import Head, Quantiser, places
from foveola.metrics import Reference
from foveola.search import Step
from foveola.settings import JpegSettings

Residual = Literal["residual", "bits_residual"]
"""How far log DSSIM, and how far log bits, lie above what the transform probe says."""
Kind = Literal["dssim", "bits"] | Residual
"""Log DSSIM; log bits a pixel; and their residuals."""

OUTLYING = 3.0
"""Standard deviations beyond which a feature counts no further: a line is no law."""
STRANGE = 1.4
"""How many times more the imitation errs on pictures from elsewhere, and on larger ones (measured)."""
DOUBT = (0.4, 2.5)
"""How many times more than usual the imitation may be thought to err, at least and at most."""


@cache
def numbers() -> Mapping[str, Any]:
    """Return the whole file, read once."""
    text = files("foveola.foresight").joinpath("fitted.json").read_text(encoding="utf-8")
    read: Mapping[str, Any] = json.loads(text)
    return {**read, "variants": {name: _arrays(found) for name, found in read["variants"].items()}}


def _arrays(found: Any) -> Any:
    """Return the lists of numbers in `found` as arrays, made once for all searches."""
    if isinstance(found, dict):
        return {name: _arrays(value) for name, value in found.items()}
    return np.asarray(found, np.float64) if isinstance(found, list) else found


def variant(codec: str, settings: Any) -> str:
    """Return the name of the numbers that fit best: those of the codec, and for JPEG whether it trellises."""
    if isinstance(settings, JpegSettings) and settings.trellis_quant:
        return "jpeg-best"
    return codec


def belief(codec: Codec, settings: Any, steps: Sequence[Step], kind: Kind) -> Curve:
    """Return what is believed of the values at `steps` before anything is seen.

    Args:
        codec: its axis says what lies between the qualities that were fitted.
        settings: of the codec.
        steps: rising in quality.
        kind: which values.
    """
    found = numbers()["variants"].get(variant(codec.name, settings))
    if found is None:
        return flat(len(steps), rising=kind == "bits")
    knots = axis(codec, found["qualities"])
    return Curve.read(found[kind]).spread(knots, axis(codec, [step.quality for step in steps]))


def residual(
    codec: Codec, settings: Any, steps: Sequence[Step], features: Vector, kind: Residual = "residual"
) -> Curve:
    """Return what is believed of how far a codec lies above the transform, in a picture with these features.

    Args:
        codec: as in `belief`.
        settings: of the codec.
        steps: rising in quality.
        features: what the picture is like, see `foveola.foresight.transform`.
        kind: of log DSSIM or of log bits.
    """
    found = numbers()["variants"][variant(codec.name, settings)]
    fitted = {name: np.asarray(values, np.float64) for name, values in found[f"{kind}_features"].items()}
    place = np.clip((features - fitted["mean"]) / fitted["spread"], -OUTLYING, OUTLYING)
    shift = fitted["out"] @ (fitted["in"] @ place)
    knots = axis(codec, found["qualities"])
    moved = np.interp(axis(codec, [step.quality for step in steps]), knots, shift)
    curve = belief(codec, settings, steps, kind)
    return Curve(curve.mean + moved, curve.factors, curve.noise)


def imitated(codec: Codec, settings: Any, steps: Sequence[Step], reference: Reference, table: Quantiser) -> Curve:
    """Return what is believed of how far log DSSIM lies above the transform, as the imitation of a codec tells.

    Args:
        codec: one that something was fitted for.
        settings: of the codec.
        steps: rising in quality.
        reference: the picture.
        table: from a quality to the quantiser that stands in for the codec.
    """
    head, found = _imitation(variant(codec.name, settings))
    shift, hints = head.above(places(reference, table, found["knots"])[None])
    left, doubt = Curve.read(found["left"]), STRANGE * float(trust(found["trust"], hints)[0])
    curve = Curve(left.mean + shift[0], left.factors * doubt, left.noise * doubt**2)
    return curve.spread(axis(codec, found["qualities"]), axis(codec, [step.quality for step in steps]))


def trust(fitted: Mapping[str, Any], hints: NDArray[np.floating[Any]]) -> Vector:
    """Return (pictures,) how many times more than usual the imitation errs, by (pictures, 3 knots) hints of it."""
    place = np.clip((hints - fitted["mean"]) / fitted["spread"], -OUTLYING, OUTLYING)
    doubt: Vector = np.exp(np.clip(place @ fitted["weights"], *np.log(DOUBT)))
    return doubt


@cache
def _imitation(name: str) -> tuple[Head, Mapping[str, Any]]:
    """Return the network of a variant, and the numbers beside it."""
    found = numbers()["variants"][name]["imitation"]
    return Head.read(found["head"]), found


def axis(codec: Codec, qualities: Sequence[int]) -> Vector:
    """Return the places of rising `qualities` on the codec's axis, turned so that they rise too."""
    return _axis(codec.axis, tuple(map(int, qualities)))


def forget() -> None:
    """Read the file again when it is next asked for."""
    numbers.cache_clear()
    _imitation.cache_clear()


@lru_cache(256)
def _axis(of: Callable[[int], float], qualities: tuple[int, ...]) -> Vector:
    return np.array([-of(quality) for quality in qualities])
