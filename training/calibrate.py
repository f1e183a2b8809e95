"""Fit every number that the foresight has, from pictures and their curves, into one file.

    python -m training.scan PICTURES --out CURVES --codec webp --grid --scale 0.8 --metric foveola     # and the others
    python -m training.scan PICTURES --out CURVES --codec webp --few --scale 0.8 --metric foveola --varied
    python -m training.calibrate PICTURES --curves CURVES

A variant (a codec with its settings) gets: the belief about log DSSIM and about log bits a pixel (mean, factors,
noise at the scanned qualities), the quantiser that stands in for it in the transform domain (table, dead zone, scale
a quality), and what that leaves over (the residual, a belief too, moved by what the picture is like; for most codecs by
a small network, the imitation, that learns from varied pictures too).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

import foveola.foresight
from foveola.codecs import codec
from foveola.codecs.jpeg import luma_table
from foveola.doctor import libraries
from foveola.foresight.features import features
from foveola.foresight.fitted import OUTLYING, forget
from foveola.foresight.mosaic import COUNTS, TILE, encode_mosaic
from foveola.foresight.transform import counter, described, keeps_coefficients, overhead, quantiser
from foveola.metrics import Reference
from foveola.search import Step
from foveola.settings import JpegSettings
from training.beliefs import CUT, FACTORS, FLOOR, ROUGHNESS, Array, fit_belief, logs, short
from training.imitate import IMITATED, imitate
from training.scan import VARIANTS, Curve, open_picture, read

TARGET = Path(foveola.foresight.__file__).with_name("fitted.json")
MOSAICS = [8, 16, 26, 38, 50, 62, 75, 86]
"""Qualities at which mosaics are held against whole pictures."""
UNKNOWN_MOSAIC = {"qualities": MOSAICS, "bias": [0.0] * len(MOSAICS), "error": [1.0] * len(MOSAICS)}
RIDGE, FOLDS = 10.0, 8
STRAIGHT = (0.0, 0.25, 0.5, 0.75, 1.0)
DEAD_ZONES = (0.0, 0.1, 0.2, 0.3, 0.4)
SCALES: Array = np.geomspace(0.5, 200, 30)


def shapes(variant: str) -> list[tuple[Array | None, float]]:
    """Return the tables (None: the codec's own at each quality) and dead zones to choose from."""
    if variant == "jpeg":
        return [(None, 0.0)]
    if variant == "jpeg-best":
        return [(None, zone) for zone in (0.05, 0.1, 0.15, 0.2, 0.25)]
    standard = luma_table(50, 0).astype(float)
    mixes = [(standard / 16) ** power for power in STRAIGHT]
    return list(product(mixes, DEAD_ZONES))


def probe(curve: Curve, folder: Path, variant: str) -> Array:
    """Return (shapes, qualities or scales) log DSSIM of what every shape does to one picture."""
    reference = Reference(open_picture(folder / curve.picture, curve.scale))
    own = tables(variant, curve.qualities)
    rows = [
        [reference.transform(t, zone) for t in (own if table is None else [table * scale for scale in SCALES])]
        for table, zone in shapes(variant)
    ]
    return np.log(np.maximum(rows, FLOOR))


def count(curve: Curve, folder: Path, variant: str) -> tuple[Array, Array, Array]:
    """Return (qualities,) log bits of one picture as the quantiser has them, and its features for DSSIM and bytes."""
    reference = Reference(open_picture(folder / curve.picture, curve.scale))
    format, settings = VARIANTS[variant]
    counted = counter(reference, codec(format), settings)
    assert counted is not None
    rest = 8 * overhead(reference, codec(format), settings)
    bits = np.log([sum(counted(quality)) + rest for quality in curve.qualities])
    return bits, features(reference.coefficients), described(reference, counted)


def fit_features(seen: Array, left: Array) -> tuple[dict[str, Any], Array]:
    """Fit a linear map of low rank from features to what the transform leaves.

    Args:
        seen: (pictures, features).
        left: (pictures, qualities) log DSSIM less the transform's.

    Returns:
        The map, and (pictures, qualities) what is left of each picture by maps that were fitted on the others.
    """
    mean, spread = seen.mean(0), seen.std(0) + 1e-6
    places = np.clip((seen - mean) / spread, -OUTLYING, OUTLYING)
    low, high = np.quantile(left, CUT, axis=0)
    cut = np.clip(left, low, high)
    folds = np.arange(len(left)) % FOLDS
    after = np.empty_like(left)
    for fold in range(FOLDS):
        out, into = ridge(places[folds != fold], cut[folds != fold])
        after[folds == fold] = left[folds == fold] - places[folds == fold] @ into.T @ out.T
    out, into = ridge(places, cut)
    return {"mean": short(mean), "spread": short(spread), "out": short(out), "in": short(into)}, after


def ridge(places: Array, values: Array) -> tuple[Array, Array]:
    """Return (qualities, rank) and (rank, features) whose product foretells values less their mean."""
    gram = places.T @ places + RIDGE * np.eye(places.shape[1])
    whole = np.linalg.solve(gram, places.T @ (values - values.mean(0))).T
    _, _, directions = np.linalg.svd(places @ whole.T, full_matrices=False)
    out = directions[:FACTORS].T
    return out, out.T @ whole


def tables(variant: str, qualities: Sequence[int]) -> list[Array]:
    """Return the codec's own tables, none for codecs that are not JPEG."""
    _, settings = VARIANTS[variant]
    if not isinstance(settings, JpegSettings):
        return []
    return [luma_table(quality, settings.quant_table).astype(float) for quality in qualities]


def fit_scales(dssim: Array, probes: Array) -> tuple[Array, Array]:
    """Fit the scale at each quality at which the probe equals the codec for the median picture.

    Args:
        dssim: (pictures, qualities) log DSSIM of the codec.
        probes: (pictures, scales) log DSSIM of the probe.

    Returns:
        (qualities,) scales, and (pictures, qualities) what is left of log DSSIM.
    """
    logs = np.log(SCALES)
    rising = np.maximum.accumulate(probes + np.arange(len(logs)) * 1e-9, axis=1)
    wanted = np.array([np.interp(d, p, logs) for d, p in zip(dssim, rising, strict=True)])
    scale = np.median(wanted, axis=0)
    scale = np.minimum.accumulate(scale)
    left = dssim - np.array([PchipInterpolator(logs, p)(scale) for p in probes])
    return np.exp(scale), left


def fit_shape(variant: str, dssim: Array, probes: Array) -> tuple[dict[str, Any], Array]:
    """Choose the shape that leaves least where targets lie, and return it with what it leaves (pictures, qualities)."""
    useful = (dssim > np.log(0.003)) & (dssim < np.log(0.08))
    best: tuple[float, dict[str, Any], Array] | None = None
    for index, (table, zone) in enumerate(shapes(variant)):
        scales, left = (None, dssim - probes[:, index]) if table is None else fit_scales(dssim, probes[:, index])
        centred = left - np.median(left, axis=0)
        spread = float(np.mean(np.abs(centred[useful])))
        print(f"  {'own' if table is None else f'{table[7, 7]:.2f}'} dead zone {zone}: {spread:.4f}", file=sys.stderr)
        if best is None or spread < best[0]:
            shape: dict[str, Any] = {"dead_zone": zone}
            if table is not None and scales is not None:
                shape |= {"table": short(table.ravel()), "scale": short(scales)}
            best = (spread, shape, left)
    assert best is not None
    return best[1], best[2]


def fit_codec(variant: str, folder: Path, curves: Sequence[Curve], pool: Executor) -> tuple[dict[str, Any], Array]:
    """Fit what is known of a variant before a picture is seen, and the quantiser that stands in for it.

    Returns:
        The numbers, and (pictures, qualities) log DSSIM less the quantiser's.
    """
    print(f"{variant}: {len(curves)} pictures", file=sys.stderr)
    probed = list(pool.map(partial(probe, folder=folder, variant=variant), curves, chunksize=4))
    dssim, bits = logs(curves)
    area = np.log([c.width * c.height for c in curves])[:, None]
    shape, left = fit_shape(variant, dssim, np.array(probed))
    rough, rough_bits = ROUGHNESS[variant]
    found = {
        "pictures": len(curves),
        "qualities": curves[0].qualities,
        "dssim": fit_belief(dssim, rough),
        "bits": fit_belief(bits - area, rough_bits),
        "shape": shape,
        "mosaic": UNKNOWN_MOSAIC,
    }
    return found, left


def fit_residuals(variant: str, folder: Path, curves: Sequence[Curve], left: Array, pool: Executor) -> dict[str, Any]:
    """Fit what the quantiser leaves over; it is read from the file, so it has to be there.

    Args:
        variant: which.
        folder: of the pictures.
        curves: of the pictures.
        left: (pictures, qualities) log DSSIM less the quantiser's.
        pool: whose processes have read the file after it was written.
    """
    seen = list(pool.map(partial(count, folder=folder, variant=variant), curves, chunksize=4))
    counted, like, like_in_bits = (np.array(column) for column in zip(*seen, strict=True))
    linear, unforeseen = fit_features(like, left)
    linear_bits, uncounted = fit_features(like_in_bits, logs(curves)[1] - counted)
    rough, rough_bits = ROUGHNESS[variant]
    told = {} if variant in IMITATED else {"residual_features": linear, "residual": fit_belief(unforeseen, rough)}
    return told | {
        "bits_residual_features": linear_bits,
        "bits_residual": fit_belief(uncounted, rough_bits),
        "mosaic": fit_mosaic(variant, folder, curves, pool),
    }


def miss(curve: Curve, folder: Path, variant: str) -> list[tuple[int, int, float]]:
    """Return of a picture's mosaics: quality, how many tiles, and what they say less what is."""
    format, settings = VARIANTS[variant]
    found, table = codec(format), quantiser(codec(format), settings)
    reference = Reference(open_picture(folder / curve.picture, curve.scale))
    assert table is not None
    count = min(reference.pixels // TILE**2 // 8, 48)
    if count < COUNTS[0]:
        return []
    seen = []
    for quality, dssim in zip(curve.qualities, curve.dssim, strict=True):
        if quality in MOSAICS and 0.005 < dssim < 0.06:
            above = np.log(dssim / reference.transform(*table(quality)))
            step = Step(quality, found.setting(quality, settings))
            off = encode_mosaic(reference, found, settings, step, count).above - float(above)
            seen.append((quality, count, off))
    return seen


def fit_mosaic(variant: str, folder: Path, curves: Sequence[Curve], pool: Executor) -> dict[str, Any]:
    """Fit by how much tiles lose more in a codec than the whole does, beside the transform, and how they scatter."""
    if keeps_coefficients(VARIANTS[variant][1]):
        return UNKNOWN_MOSAIC
    seen = np.array([row for rows in pool.map(partial(miss, folder=folder, variant=variant), curves) for row in rows])
    bias, error = [], []
    for quality in MOSAICS:
        _, tiles, off = seen[seen[:, 0] == quality].T
        middle = np.median(off)
        beside = (off - middle) * np.sqrt(tiles)
        cut = 4 * np.median(np.abs(beside))
        bias.append(middle)
        error.append(np.sqrt(np.mean(np.clip(beside, -cut, cut) ** 2)))
        print(f"  mosaics at {quality}: {len(off)}, {middle:.4f}, {error[-1]:.3f} a tile", file=sys.stderr)
    return UNKNOWN_MOSAIC | {"bias": short(np.array(bias)), "error": short(np.array(error))}


def usable(curves: Iterator[Curve]) -> list[Curve]:
    """Return the curves that have something to say: a picture that is never degraded has no curve."""
    return [c for c in curves if max(c.dssim) > 0.01]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the pictures")
    parser.add_argument("--curves", type=Path, required=True, help="where training.scan wrote")
    parser.add_argument("--codec", choices=VARIANTS, action="append", help="only this; again for more")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--imitation", action="store_true", help="fit only the imitation; what else is there is kept")
    options = parser.parse_args()
    written = json.loads(TARGET.read_text()) if TARGET.exists() else {"variants": {}}
    for variant in options.codec or VARIANTS:
        every = usable(read(options.curves, variant))
        curves = [curve for curve in every if not curve.varied]
        kept = written["variants"].setdefault(variant, {})
        if not options.imitation:
            with ProcessPoolExecutor(options.jobs) as pool:
                found, left = fit_codec(variant, options.folder, curves, pool)
            kept |= found
            save(written)
            with ProcessPoolExecutor(options.jobs) as pool:
                kept |= fit_residuals(variant, options.folder, curves, left, pool)
        if variant in IMITATED:
            with ProcessPoolExecutor(options.jobs) as pool:
                kept["imitation"] = imitate(variant, options.folder, every, pool)
    save(written | {"date": date.today().isoformat(), "versions": libraries()})


def save(written: Mapping[str, Any]) -> None:
    """Write the file, and let what is read from it be read again."""
    TARGET.write_text(json.dumps(written, separators=(",", ":"), sort_keys=True) + "\n")
    forget()


if __name__ == "__main__":
    main()
