"""What was seen of a picture at one width or target, and what it tells of others.

    python -m bench.remembered FOLDER --most 30

Two tables, a row a codec. How far the log DSSIM (or log bytes) of a picture at one quality differs between two widths,
and how far its distance above the transform does, which is what is remembered, beside how far the fitted belief errs
about that distance: medians over pictures and three qualities. Then the encodes of searches for other widths and
targets, without and with the row of one search remembered. Pictures are at most 1000 pixels wide, and scaled.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foveola.codecs import codec
from foveola.codecs.base import Codec
from foveola.codecs.vips import to_picture
from foveola.decisions import Decision
from foveola.decisions.page import Page, page_of, told
from foveola.foresight.features import features
from foveola.foresight.fitted import residual
from foveola.foresight.transform import counter, described, overhead, quantiser
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.pipeline import Defaults, Plan, Saving, plan, render
from foveola.remembered import Remembered
from foveola.search import Step
from foveola.settings import BEST_JPEG, make_settings
from foveola.transform.load import header_of
from foveola.transform.steps import transformed
from foveola.urls import parse

WIDEST = 1000
SHARES = (0.8, 0.56, 0.4)
QUALITIES = {"jpeg": (60, 75, 88), "webp": (60, 75, 88), "avif": (45, 60, 75), "jxl": (60, 75, 88)}
CODECS: Sequence[tuple[str, Any]] = (
    *((name, make_settings(name, {})) for name in ("webp", "avif", "jxl")),
    ("jpeg", BEST_JPEG),
)
ASKED = {"width *.7": (0.56, 0.02), "width *.5": (0.4, 0.02), "target .022": (0.8, 0.022), "target .01": (0.8, 0.01)}


def planned(data: bytes, share: float, target: float, format: str) -> Plan:
    """Return the plan of a picture at a share of its width."""
    header = header_of(data)
    width = max(int(min(header.width, WIDEST) * share), 1)
    return plan(header, parse(f"w:{width}/aq:dssim:{target}:1:100:0.001/plain/x@{format}").options, Defaults())


def seen(picture: Picture, writer: Codec, settings: Any) -> list[tuple[float, ...]]:
    """Return at each quality the log DSSIM, its distance above the transform and the error of belief; so of bytes."""
    reference = Reference(picture)
    table, count = quantiser(writer, settings), counter(reference, writer, settings)
    assert table is not None
    assert count is not None
    rest = overhead(reference, writer, settings)
    steps = [Step(q, writer.setting(q, settings)) for q in QUALITIES[writer.name]]
    foretold = residual(writer, settings, steps, features(reference.coefficients)).mean
    size = residual(writer, settings, steps, described(reference, count), "bits_residual").mean
    rows: list[tuple[float, ...]] = []
    for index, step in enumerate(steps):
        data = writer.encode(picture, step.quality, settings)
        dssim = math.log(max(reference.full(writer.decode(data)).dssim, 1e-6))
        above = dssim - math.log(max(reference.transform(*table(step.quality)), 1e-6))
        over = math.log(len(data)) - math.log(sum(count(step.quality)) / 8 + rest)
        rows.append((dssim, above, above - foretold[index], math.log(len(data)), over, over - size[index]))
    return rows


def drift(sources: Sequence[bytes]) -> None:
    """Print the first table."""
    pictures = [
        [to_picture(transformed(data, planned(data, share, 0.02, "jpeg"))) for share in SHARES] for data in sources
    ]
    print("| | | *.7: value / above | *.5: value / above | belief errs |\n|---|---|---|---|---|")
    for name, settings in CODECS:
        found = np.array([[seen(p, codec(name), settings) for p in widths] for widths in pictures])
        pairs = [np.median(np.abs(found[:, 0] - found[:, other]), (0, 1)) for other in (1, 2)]
        alone = np.median(np.abs(found), (0, 1, 2))
        for unit, at in (("DSSIM", 0), ("bytes", 3)):
            cells = " | ".join(f"{pair[at]:.3f} / {pair[at + 1]:.3f}" for pair in pairs)
            print(f"| {name} | {unit} | {cells} | {alone[at + 2]:.3f} |", flush=True)


def searched(data: bytes, wanted: Plan, rows: Sequence[Decision]) -> tuple[int, Decision | None]:
    """Return the encodes of one search and what is to be remembered of it."""

    def decide(saving: Saving) -> tuple[Saving, Remembered]:
        return saving, told(page_of(wanted, saving, rows))

    made = render(data, wanted, decide=decide)
    assert made.saving is not None
    return made.result.encodes, Page(wanted, made.saving, rows).outcome(made.result)[1]


def encodes(sources: Sequence[bytes]) -> None:
    """Print the second table."""
    print("\n| | | encodes without | with | after one without | with |\n|---|---|---|---|---|---|")
    for name in ("webp", "avif", "jxl"):
        rows = [searched(data, planned(data, 0.8, 0.02, name), ())[1] for data in sources]
        known = [[row] if row else [] for row in rows]
        for what, (share, target) in ASKED.items():
            plans = [planned(data, share, target, name) for data in sources]
            without = [searched(*pair, ())[0] for pair in zip(sources, plans, strict=True)]
            given = [searched(*pair)[0] for pair in zip(sources, plans, known, strict=True)]
            means = " | ".join(f"{statistics.mean(found):.2f}" for found in (without, given))
            ones = " | ".join(f"{found.count(1) / len(found):.0%}" for found in (without, given))
            print(f"| {name} | {what} | {means} | {ones} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=30)
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix in (".png", ".jpg", ".jpeg", ".webp"))
    sources = [path.read_bytes() for path in paths[:: max(1, len(paths) // arguments.most)][: arguments.most]]
    drift(sources)
    encodes(sources)


if __name__ == "__main__":
    main()
