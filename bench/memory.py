"""Peak memory of one search beyond the picture, in bytes a pixel, beside that of one plain encode and of its decode.

    python -m bench.memory --megapixels 50

Each row is a process of its own: the picture is made, the kernel's peak counter is reset (`/proc/self/clear_refs`),
and the work is done once. Encoders keep copies of their own, which no search can give back; the bar is what `find`
adds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from foveola.autoquality import find
from foveola.codecs import codec
from foveola.goal import Autoquality, Bounds
from foveola.picture import Picture
from training.scan import VARIANTS

WORK = ("encode", "decode", "find")
QUALITY = 75


def noisy(megapixels: float) -> Picture:
    """Return a picture of slopes and grain, four to three."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    rng = np.random.default_rng(0)
    tile = rng.normal(0, 8, (512, 512, 3))
    frame = np.empty((1, height, width, 3), np.uint8)
    for top in range(0, height, 512):
        for left in range(0, width, 512):
            part = frame[0, top : top + 512, left : left + 512]
            slope = 128 + 60 * np.sin((top + left) / 900)
            part[:] = np.clip(tile[: part.shape[0], : part.shape[1]] + slope, 0, 255)
    return Picture(frame)


def status(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) * 1024


def peak(work: str, variant: str, megapixels: float) -> float:
    """Return the peak of one piece of work beyond what was there before, in bytes a pixel."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    find(noisy(0.3), found, Autoquality(), settings)  # libraries are loaded and set up
    picture = noisy(megapixels)
    data = found.encode(Picture(picture.frames), QUALITY + 5, settings) if work == "decode" else b""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    if work == "find":
        find(picture, found, Autoquality("dssim", 0.02, Bounds(QUALITY, QUALITY + 5), 0.002), settings)
    elif work == "encode":
        found.encode(picture, QUALITY + 5, settings)
    else:
        found.decode(data)
    return (status("VmHWM") - before) / (picture.width * picture.height)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=50)
    parser.add_argument("--codec", choices=VARIANTS, action="append")
    parser.add_argument("--one", choices=WORK, help=argparse.SUPPRESS)
    options = parser.parse_args()
    variants = options.codec or list(VARIANTS)
    if options.one:
        print(f"{peak(options.one, variants[0], options.megapixels):.2f}")
        return
    print(f"bytes a pixel at {options.megapixels:g} MP   " + "".join(f"{work:>9}" for work in WORK))
    for variant in variants:
        command = [sys.executable, "-m", "bench.memory", "--megapixels", str(options.megapixels), "--codec", variant]
        row = [subprocess.run([*command, "--one", work], capture_output=True, text=True, check=True) for work in WORK]
        print(f"{variant:27}" + "".join(f"{done.stdout.strip():>9}" for done in row), flush=True)


if __name__ == "__main__":
    main()
