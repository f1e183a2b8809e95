"""What a search costs, beside one plain save and beside bisection, on the pictures of a folder.

    python -m bench.search FOLDER --every 8 --scale 1

A row a codec and target: how many pictures met it, encodes, and CPU time (user and system, one core, metric in one
thread) as a ratio: of `find()` to one plain encode of the same picture by the same encoder at the quality found; to
one libvips save with imgproxy's settings; of bisection with the same encoder and our metric, and (with --naive) with
OpenCV's and scikit-image's SSIM, to the same plain encode. `encodes` are whole pictures, `area` counts mosaics by their
share too; `extra` is what is left in ms of a search of one encode without mosaic, less encode, decode and measure.
Every figure is the median over the pictures of the median of alternating runs after a warm-up.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.metric import opencv_prepared
from foveola import kernels
from foveola.autoquality import Result, find
from foveola.codecs import codec
from foveola.codecs.vips import from_picture
from foveola.goal import Autoquality, Bounds
from foveola.metrics import Reference
from foveola.picture import Picture
from training.scan import METRICS, VARIANTS, open_picture, pictures

TARGETS = (0.005, 0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one picture, and what the search came to."""

    result: Result
    find: float
    encode: float
    save: float
    bisect: float
    opencv: float
    skimage: float
    extra: float


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of `work` and what it returned."""
    start = time.process_time()
    value = work()
    return time.process_time() - start, value


def fresh(picture: Picture) -> Picture:
    """Return the same picture with nothing prepared."""
    return Picture(picture.frames)


def bisect(picture: Picture, variant: str, goal: Autoquality, measure: Callable[[Picture], float]) -> int:
    """Find the quality by bisection, encoding and measuring at every step, until it is met or nothing is left."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    low, high = goal.bounds.min, goal.bounds.max
    middle = low
    while low <= high:
        middle = (low + high) // 2
        dssim = measure(found.decode(found.encode(picture, middle, settings)))
        if abs(dssim - goal.target) <= goal.allowed_error:
            break
        low, high = (middle + 1, high) if dssim > goal.target else (low, middle - 1)
    return middle


def by_ours(picture: Picture) -> Callable[[Picture], float]:
    """Return the DSSIM to `picture` by our metric, sampled as the search samples it."""
    return Reference(picture).sampled


def by_opencv(picture: Picture) -> Callable[[Picture], float]:
    """Return the DSSIM to `picture` by OpenCV's filters."""
    ssim = opencv_prepared(kernels.luma(picture.frames[0]))
    return lambda candidate: (1 - ssim(kernels.luma(candidate.frames[0]))) / 2


def price(picture: Picture, variant: str, goal: Autoquality, runs: int, naive: bool) -> Cost:
    """Measure one search beside plain saves at the quality that it found."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    result = find(fresh(picture), found, goal, settings)
    assert result.quality is not None
    quality = result.quality
    lazy = from_picture(picture)
    rows = [
        (
            cpu(lambda: find(fresh(picture), found, goal, settings))[0],
            cpu(lambda: found.encode(fresh(picture), quality, settings))[0],
            0.0 if format == "jxl" else cpu(lambda: found.save(lazy, quality, settings))[0],
            cpu(lambda: Reference(fresh(picture)).full(found.decode(result.data)))[0],
        )
        for _ in range(runs)
    ]
    searching, encoding, saving, looking = (statistics.median(column) for column in zip(*rows, strict=True))

    def bisected(measure: Callable[[Picture], Callable[[Picture], float]]) -> float:
        return cpu(lambda: bisect(fresh(picture), variant, goal, measure(picture)))[0]

    opencv, skimage = (bisected(measure) if naive else 0.0 for measure in (by_opencv, METRICS["skimage"]))
    extra = searching - result.encodes * (encoding + looking)
    return Cost(result, searching, encoding, saving, bisected(by_ours), opencv, skimage, extra)


def median(values: list[float]) -> str:
    """Return the median of ratios, a dash where there are none."""
    return f"{statistics.median(values):8.2f}" if any(values) else "       -"


def show(name: str, costs: list[Cost]) -> None:
    """Print a row of the table."""
    encodes = [cost.result.encodes for cost in costs]
    ratios = [cost.find / cost.encode for cost in costs]
    saves = [cost.find / cost.save for cost in costs if cost.save]
    others = [[getattr(cost, name) / cost.encode for cost in costs] for name in ("bisect", "opencv", "skimage")]
    print(
        f"{name:16} {len(costs):3} {sum(bool(c.result.met) for c in costs):4} {np.mean(encodes):8.2f}"
        f" {np.quantile(encodes, 0.9):4.1f} {np.mean([c.result.encoded for c in costs]):5.2f} {encodes.count(1):4}"
        f" {median(ratios)} {np.quantile(ratios, 0.9):7.2f}"
        f" {median(saves)} {np.quantile(saves, 0.9) if saves else 0:7.2f} {' '.join(map(median, others))}"
        f" {median([1000 * cost.extra for cost in costs if cost.result.encoded == 1])}",
        flush=True,
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codec", choices=VARIANTS, action="append")
    parser.add_argument("--target", type=float, action="append", help="DSSIM; .005 .01 .02 .05 when left out")
    parser.add_argument("--error", type=float, default=0.001)
    parser.add_argument("--bounds", default="1:100", metavar="MIN:MAX")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture only")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--naive", action="store_true", help="run bisection with OpenCV and scikit-image too (slow)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    low, high = map(int, options.bounds.split(":"))
    opened = [open_picture(path, options.scale) for path in pictures(options.folder)[:: options.every]]
    area = statistics.median(p.megapixels for p in opened)
    print(f"{len(opened)} pictures, median {area:.2f} MP, bounds {low}..{high}, allowed error {options.error}")
    print(f"{'':16} {'n':>3} {'met':>4} {'encodes':>8} {'p90':>4} {'area':>5} {'one':>4} {'find/own':>8} {'p90':>7}"
          f" {'/libvips':>8} {'p90':>7} {'bisect':>8} {'opencv':>8} {'skimage':>8} {'extra':>8}")  # fmt: skip
    for variant in options.codec or VARIANTS:
        for target in options.target or TARGETS:
            goal = Autoquality("dssim", target, Bounds(low, high), options.error)
            show(f"{variant} {target}", [price(p, variant, goal, options.runs, options.naive) for p in opened])


if __name__ == "__main__":
    main()
