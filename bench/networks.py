"""What a network costs: the CPU time of a prediction beside one encode, and the memory of all four in one process.

    python -m bench.networks PICTURE

The picture is cut to one megapixel; a prediction is everything from its pixels to the curve, by the networks that came
with foveola, in one thread. Each figure is the median of nine runs after a warm-up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from foveola.codecs import codec
from foveola.networks import FORMATS, Network, intact
from foveola.picture import Picture
from foveola.server.worker import preload
from foveola.settings import BEST_JPEG, make_settings

SIDE, RUNS = 1000, 9


def resident() -> float:
    """Return the memory that this process has in use, megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def median(work: Callable[[], object]) -> float:
    """Return the CPU time of some work in milliseconds."""
    times = []
    for _ in range(RUNS + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[1:])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    pixels = np.asarray(Image.open(parser.parse_args().picture).convert("RGB"))[:SIDE, :SIDE]
    picture = Picture(np.ascontiguousarray(pixels)[None])
    preload()
    for format in FORMATS:  # so that what encoders keep is not counted as the networks'
        codec(format).encode(picture, 50, BEST_JPEG if format == "jpeg" else make_settings(format, {}))
    before = resident()
    print("| format | to read, ms | prediction, ms | one encode, ms | ratio | memory so far, MB |")
    print("|---|---|---|---|---|---|")
    for format in FORMATS:
        start = time.process_time()
        network = Network.load(intact(format), format, own=False)
        read = 1000 * (time.process_time() - start)
        found, settings = codec(format), BEST_JPEG if format == "jpeg" else make_settings(format, {})
        told = median(lambda of=network: of.predict(picture))  # type: ignore[misc]
        quality = round(network.predict(picture).at(0.02, found, settings))
        encode = median(lambda c=found, q=quality, s=settings: c.encode(picture, q, s))  # type: ignore[misc]
        cells = (f"{read:.0f}", f"{told:.1f}", f"{encode:.0f}", f"{told / encode:.2f}", f"+{resident() - before:.0f}")
        print(f"| {format} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
