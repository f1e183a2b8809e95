"""How much sooner a search is done that may encode at two qualities side by side, on the pictures of a folder.

    python -m bench.latency FOLDER --codec avif

Wall time of `find()` with one worker and with two, alternating, in plain encodes at the quality found. Before each pair
a control run: the same loop in one process and in two at once. Where two take longer than one by more than a quarter,
the second core is not idle, and the pair is left out; how many were is printed.
"""

from __future__ import annotations

import argparse
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from bench.search import fresh
from foveola.autoquality import find
from foveola.codecs import codec
from foveola.goal import Autoquality, Bounds
from training.scan import VARIANTS, open_picture, pictures

LOOP = 4_000_000
BUSY = 1.25


def spin(_: int = 0) -> float:
    """Return the wall seconds of a loop that does nothing."""
    start = time.perf_counter()
    for _ in range(LOOP):
        pass
    return time.perf_counter() - start


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--codec", choices=VARIANTS, default="avif")
    parser.add_argument("--target", type=float, default=0.02)
    parser.add_argument("--error", type=float, default=0.001)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    format, settings = VARIANTS[options.codec]
    goal = Autoquality("dssim", options.target, Bounds(1, 100), options.error)
    rows, busy = [], 0
    with Pool(2) as pool:
        for path in pictures(options.folder)[:: options.every]:
            picture = open_picture(path)
            alone, together = min(spin() for _ in range(3)), max(pool.map(spin, range(2), chunksize=1))
            if together > BUSY * alone:
                busy += 1
                continue
            row: list[float] = []
            for workers in (1, 2):
                start = time.perf_counter()
                result = find(fresh(picture), codec(format), goal, settings, workers=workers)
                row += [time.perf_counter() - start, float(result.encodes)]
            start = time.perf_counter()
            codec(format).encode(fresh(picture), result.quality or 0, settings)
            rows.append([*row, time.perf_counter() - start])
    found = np.array(rows)
    waited = found[:, [0, 2]] / found[:, 4:]
    for name, (one, two) in (("median", np.median(waited, 0)), ("p90", np.quantile(waited, 0.9, axis=0))):
        print(f"{name:8} one {one:.2f} two {two:.2f} plain encodes ({100 * (two / one - 1):+.0f} %)")
    print(f"encodes: {found[:, 1].mean():.2f} and {found[:, 3].mean():.2f}; {len(rows)} pictures, left out: {busy}")


if __name__ == "__main__":
    main()
