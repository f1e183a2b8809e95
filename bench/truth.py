"""Hold the search against a scan of every distinct setting by scikit-image: is what it says true, and is it the best?

    python -m training.scan FOLDER --out CURVES --codec webp          # once a picture and codec; resumable
    python -m bench.truth FOLDER --curves CURVES --codec webp

A row a codec and target: pictures, the greatest error of the reported DSSIM, how often it lies within 0.0003, how often
`met` is true of the file, how often the target was met where a quality meets it, how often the reason is right where
none does, and encodes. For `size` the budgets lie between the file sizes of a picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from foveola.autoquality import Result, find
from foveola.codecs import codec
from foveola.goal import Autoquality, Bounds
from training.scan import VARIANTS, Curve, open_picture, read

TRUTH = 0.0003
TARGETS = (0.005, 0.01, 0.02, 0.05)
BUDGETS = (0.15, 0.4, 0.7, 0.9)
"""Budgets of `size`: these places between the smallest and the greatest log size of a picture."""
ALLOWED_ERROR = 0.001


@dataclass(frozen=True)
class Row:
    """What one search of one picture came to, beside the truth."""

    picture: str
    target: float
    quality: int
    reported: float | None
    true: float
    met: bool
    why: str
    encodes: int
    met_is_true: bool
    reachable: bool
    right: bool
    """Met where it could be; else the true reason."""


def is_true(why: str, curve: Curve, low: float, high: float) -> bool:
    """Return whether a reason is a true statement about a scan in which no quality lies within the tolerance."""
    if why == "at_max":
        return curve.dssim[-1] > high
    if why == "at_min":
        return curve.dssim[0] < low
    return why == "between_steps" and any(a > high and b < low for a, b in pairwise(curve.dssim))


def judge_dssim(curve: Curve, result: Result, goal: Autoquality) -> Row:
    """Compare a result with the scan of its picture."""
    assert result.quality is not None
    assert result.dssim is not None
    place = max(i for i, q in enumerate(curve.qualities) if q <= result.quality)
    true = curve.dssim[place]
    if curve.bytes[place] != result.bytes:
        raise SystemExit(f"{curve.picture}: the scan was made with another encoder ({curve.bytes[place]} bytes)")
    low, high = goal.target - goal.allowed_error, goal.ceiling
    reachable = any(low <= value <= high for value in curve.dssim)
    right = bool(result.met) if reachable else is_true(result.why, curve, low, high)
    margin = TRUTH if result.met else -TRUTH
    met_is_true = (low - margin <= true <= high + margin) == result.met
    return Row(
        curve.picture, goal.target, result.quality, result.dssim, true, bool(result.met), result.why, result.encodes,
        met_is_true, reachable, right,
    )  # fmt: skip


def judge_size(curve: Curve, result: Result, goal: Autoquality) -> Row:
    """Compare a result with the sizes of the scan of its picture."""
    assert result.quality is not None
    fitting = [size for size in curve.bytes if size <= goal.target]
    reachable = any(size >= 0.97 * goal.target for size in fitting)
    right = result.bytes >= 0.97 * goal.target if reachable else result.bytes == max(fitting, default=min(curve.bytes))
    return Row(
        curve.picture, goal.target, result.quality, None, 0.0, bool(result.met), result.why, result.encodes,
        not fitting or result.bytes <= goal.target, reachable, right,
    )  # fmt: skip


def budgets(curve: Curve) -> Iterator[float]:
    """Yield sizes between the smallest and the greatest of a picture."""
    low, high = np.log(min(curve.bytes)), np.log(max(curve.bytes))
    for place in BUDGETS:
        yield float(round(np.exp(low + place * (high - low))))


def examine(curve: Curve, folder: Path, method: str, verify: str) -> list[Row]:
    """Search one picture for every target."""
    picture = open_picture(folder / curve.picture)
    format, settings = VARIANTS[curve.variant]
    rows = []
    for target in TARGETS if method == "dssim" else budgets(curve):
        goal = Autoquality(method, target, Bounds(1, 100), ALLOWED_ERROR, verify=verify)  # type: ignore[arg-type]
        result = find(picture, codec(format), goal, settings)
        rows.append((judge_dssim if method == "dssim" else judge_size)(curve, result, goal))
    return rows


def share(values: Sequence[bool]) -> str:
    """Return how many of `values` are true."""
    return f"{100 * sum(values) / len(values):6.1f} %" if values else "     - "


def show(name: str, rows: Sequence[Row]) -> None:
    """Print one line of the table."""
    errors = [abs(row.reported - row.true) for row in rows if row.reported is not None] or [0.0]
    encodes = [row.encodes for row in rows]
    print(
        f"{name:18} {len(rows):5} {max(errors):9.6f} {share([e <= TRUTH for e in errors])}"
        f" {share([row.met_is_true for row in rows])} {share([row.right for row in rows if row.reachable])}"
        f" {share([row.right for row in rows if not row.reachable])}"
        f" {np.mean(encodes):7.2f} {np.quantile(encodes, 0.9):4.0f} {max(encodes):4} {share([n == 1 for n in encodes])}"
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--codec", choices=VARIANTS, action="append")
    parser.add_argument("--method", choices=("dssim", "size"), default="dssim")
    parser.add_argument("--verify", choices=("guarded", "always"), default="guarded")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="show every row that is not right")
    options = parser.parse_args()
    print(
        f"{'':18} {'n':>5} {'error':>9} {'<=.0003':>8} {'met true':>8} {'reached':>8} {'reason':>8}"
        f" {'encodes':>7} {'p90':>4} {'max':>4} {'one':>8}"
    )
    for variant in options.codec or VARIANTS:
        curves = list(read(options.curves, variant))[:: options.every]
        work = partial(examine, folder=options.folder, method=options.method, verify=options.verify)
        with ProcessPoolExecutor(options.jobs) as pool:
            found = list(pool.map(work, curves))
        for place, target in enumerate(TARGETS if options.method == "dssim" else BUDGETS):
            show(f"{variant} {target}", [rows[place] for rows in found])
        every = [row for rows in found for row in rows]
        show(variant, every)
        for row in every:
            if options.misses and not (row.right and row.met_is_true):
                print("   ", row)


if __name__ == "__main__":
    main()
