"""How far what was seen of a picture at one width tells of it at another.

    python -m bench.widths FOLDER --most 12

Every picture is made at three widths (1, .7, .5 of at most 1200 pixels) and written at three qualities. Printed is, by
codec and over all pairs of widths, the root mean square of the difference between the two: of the log value itself, of
how far it lies above the transform, and how far the codec's fitted belief errs about that without memory.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from foveola.codecs import codec
from foveola.codecs.base import Codec
from foveola.codecs.vips import to_picture
from foveola.foresight.features import features
from foveola.foresight.fitted import belief, residual
from foveola.foresight.transform import quantiser
from foveola.goal import Autoquality
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.search import Step
from foveola.settings import BEST_JPEG, make_settings

WIDEST = 1200
SHARES = (1.0, 0.7, 0.5)
QUALITIES = {"jpeg": (60, 75, 88), "webp": (60, 75, 88), "avif": (45, 60, 75), "jxl": (60, 75, 88)}


def at_widths(path: Path) -> Iterator[Picture]:
    """Yield a picture at the three widths."""
    for share in SHARES:
        image = pyvips.Image.thumbnail(str(path), int(WIDEST * share), size="down", height=10_000)
        flat = image.flatten() if image.hasalpha() else image
        yield to_picture(flat.colourspace("srgb").copy_memory())


def seen(picture: Picture, writer: Codec, settings: Any) -> list[tuple[float, float, float, float, float, float]]:
    """Return at each quality the log DSSIM, how far that is above the transform and above belief; the same of bytes."""
    reference = Reference(picture)
    table = quantiser(writer, settings)
    assert table is not None
    steps = [Step(q, writer.setting(q, settings)) for q in QUALITIES[writer.name]]
    foretold = residual(writer, settings, steps, features(reference.coefficients)).mean
    size = belief(writer, settings, steps, "bits_residual").mean
    rows = []
    for index, step in enumerate(steps):
        data = writer.encode(picture, step.quality, settings)
        dssim = math.log(reference.full(writer.decode(data)).dssim)
        above = dssim - math.log(reference.transform(*table(step.quality)))
        over = math.log(len(data)) - math.log(reference.bits(*table(step.quality)) / 8)
        rows.append((dssim, above, above - foretold[index], math.log(len(data)), over, over - size[index]))
    return rows


def main() -> None:
    """Print a row a codec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=12)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.folder.rglob("*") if p.suffix in (".png", ".jpg", ".jpeg", ".webp"))
    paths = paths[:: max(1, len(paths) // arguments.most)][: arguments.most]
    pictures = [list(at_widths(path)) for path in paths]
    for name, settings in (*((n, make_settings(n, {})) for n in ("webp", "avif", "jxl")), ("jpeg", BEST_JPEG)):
        found = np.array([[seen(p, codec(name), settings) for p in widths] for widths in pictures])
        pairs = np.array([found[:, a] - found[:, b] for a, b in itertools.combinations(range(len(SHARES)), 2)])
        between, alone = np.median(np.abs(pairs), (1, 2)), np.median(np.abs(found), (0, 1, 2))
        for what, at in (("dssim", 0), ("bytes", 3)):
            by_pair = "  ".join(f"{row[at]:.3f}/{row[at + 1]:.3f}/{row[at + 2]:.3f}" for row in between)
            print(f"{name:5} {what} value/above/above belief by pair: {by_pair}; belief errs {alone[at + 2]:.3f}")


if __name__ == "__main__":
    main()
