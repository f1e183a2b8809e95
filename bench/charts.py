"""Draw the charts of docs/how-it-works.md from real runs, on pictures that foveola draws itself.

foveola samples pictures
python -m bench.charts pictures --out docs/charts
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from bench.search import cpu, fresh
from foveola.autoquality import find
from foveola.codecs import codec
from foveola.codecs.vips import from_picture
from foveola.foresight.curves import Curve
from foveola.foresight.fitted import belief
from foveola.foresight.mosaic import encode_mosaic, offers
from foveola.foresight.transform import foresee_dssim
from foveola.goal import Autoquality, Bounds
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.search import Search, Step, Target, steps_of
from training.scan import VARIANTS, open_picture

GOAL = Autoquality("dssim", 0.02, Bounds(1, 100), 0.001)
NAMES = {"jpeg": "JPEG", "jpeg-best": "JPEG, best mozjpeg", "webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL"}
COLOURS = {"jpeg": "#0072b2", "jpeg-best": "#56b4e9", "webp": "#d55e00", "avif": "#009e73", "jxl": "#cc79a7"}
PARTS = {"foresight": "#999999", "looks": "#e69f00", "mosaic": "#56b4e9", "encode": "#0072b2", "decode": "#d55e00"}
MEASURE = {"metric": "#009e73"}


def measured(reference: Reference, variant: str, quality: int) -> float:
    """Return the DSSIM of a file."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    return reference.full(found.decode(found.encode(reference.picture, quality, settings))).dssim


def steps(variant: str) -> tuple[Step, ...]:
    """Return the distinct settings of a codec."""
    format, settings = VARIANTS[variant]
    return steps_of(GOAL, [(quality, codec(format).setting(quality, settings)) for quality in range(1, 101)])


def curves(picture: Picture, out: Path) -> None:
    """Draw DSSIM over quality in four codecs."""
    figure, axes = plt.subplots(figsize=(7, 4))
    reference, qualities = Reference(picture, whole=True), range(2, 99, 4)
    for variant in ("jpeg", "webp", "avif", "jxl"):
        values = [measured(reference, variant, quality) for quality in qualities]
        axes.plot(qualities, values, color=COLOURS[variant], label=NAMES[variant])
    window(axes)
    axes.set(yscale="log", xlabel="quality", ylabel="DSSIM", ylim=(0.001, 0.3))
    axes.legend()
    write(figure, out / "curves.svg")


def window(axes: Any) -> None:
    """Mark what a search accepts."""
    axes.axhspan(GOAL.target - GOAL.allowed_error, GOAL.ceiling, color="#f0e442", alpha=0.6, lw=0)


def one_search(picture: Picture, variant: str, out: Path) -> None:
    """Draw what is believed of one picture's curve, from knowing nothing to the end of the search."""
    format, settings = VARIANTS[variant]
    found, places, reference = codec(format), steps(variant), Reference(picture)
    foresight = foresee_dssim(reference, found, settings, places)
    assert foresight is not None
    search = Search(Target.of(GOAL), places, foresight.curve)
    states: list[tuple[str, Curve, int | None]]
    states = [("before the picture is seen", belief(found, settings, places, "dssim"), None)]
    while (index := search.ask()) is not None and foresight.look(index):
        search.believe(foresight.curve)
    assert index is not None
    states.append(("after looks without an encode", foresight.curve, index))
    offer = offers(reference, found, settings, places[index].quality)[1]
    mosaic = encode_mosaic(reference, found, settings, places[index], offer.count)
    foresight.hinted(index, mosaic.above, mosaic.variance)
    search.believe(foresight.curve)
    index = search.ask()
    assert index is not None
    states.append((f"after a mosaic of {offer.count} tiles", foresight.curve, index))
    foresight.measured(index, measured(reference, variant, places[index].quality))
    states.append(("after one encode", foresight.curve, index))
    qualities = [step.quality for step in places]
    seen = range(0, len(places), 5)
    truth = [measured(reference, variant, qualities[i]) for i in seen]
    figure, panels = plt.subplots(2, 2, figsize=(8, 6), sharex=True, sharey=True, layout="constrained")
    for axes, (name, curve, chosen) in zip(panels.flat, states, strict=True):
        band(axes, qualities, curve)
        axes.plot([qualities[i] for i in seen], truth, "k.", ms=4, label="files, scanned afterwards")
        window(axes)
        if chosen is not None:
            axes.axvline(qualities[chosen], color="#d55e00", lw=1, label=f"next, or chosen: {qualities[chosen]}")
        axes.set_title(name, fontsize=10)
        axes.set(yscale="log", ylim=(0.002, 0.3))
        axes.legend(fontsize=7, loc="upper right")
    figure.supxlabel(f"quality of {NAMES[variant]}", fontsize=10)
    figure.supylabel("DSSIM", fontsize=10)
    write(figure, out / "search.svg")


def band(axes: Any, qualities: Sequence[int], curve: Curve) -> None:
    """Draw a belief: its middle, and one and two standard deviations to each side."""
    for times, alpha in ((2, 0.15), (1, 0.25)):
        low, high = (np.exp(curve.mean + side * times * curve.sd) for side in (-1, 1))
        axes.fill_between(qualities, low, high, color="#0072b2", alpha=alpha, lw=0)
    axes.plot(qualities, np.exp(curve.mean), color="#0072b2", lw=1)


def foretold(pictures: Sequence[Picture], out: Path) -> None:
    """Draw what was foreseen before any encode, and after a mosaic, against what the files came to."""
    figure, panels = plt.subplots(1, 2, figsize=(8, 4.2), sharex=True, sharey=True, layout="constrained")
    for variant in ("jpeg-best", "webp", "avif", "jxl"):
        rows = [row for picture in pictures for row in predictions(picture, variant)]
        for axes, column in zip(panels, (1, 2), strict=True):
            axes.plot(
                [r[0] for r in rows], [r[column] for r in rows], ".", color=COLOURS[variant], label=NAMES[variant]
            )
    for axes, name in zip(panels, ("before any encode", "after a mosaic"), strict=True):
        axes.plot((0.001, 0.2), (0.001, 0.2), color="k", lw=0.7)
        axes.set(
            xscale="log", yscale="log", xlabel="DSSIM of the file", title=name, xlim=(0.001, 0.2), ylim=(0.001, 0.2)
        )
        axes.set_aspect("equal")
    panels[0].set_ylabel("DSSIM foreseen")
    panels[0].legend(fontsize=8)
    write(figure, out / "foretold.svg")


def predictions(picture: Picture, variant: str) -> list[tuple[float, float, float]]:
    """Return at some qualities the DSSIM of the file, what was foreseen, and what was foreseen after a mosaic."""
    format, settings = VARIANTS[variant]
    found, places, reference = codec(format), steps(variant), Reference(picture)
    rows = []
    for index in range(len(places) // 5, len(places), len(places) // 5):
        foresight = foresee_dssim(reference, found, settings, places)
        assert foresight is not None
        while foresight.look(index):
            pass
        before = float(np.exp(foresight.curve.mean[index]))
        most = offers(reference, found, settings, places[index].quality)
        if not most:
            continue
        mosaic = encode_mosaic(reference, found, settings, places[index], most[-1].count)
        foresight.hinted(index, mosaic.above, mosaic.variance)
        after = float(np.exp(foresight.curve.mean[index]))
        rows.append((measured(reference, variant, places[index].quality), before, after))
    return rows


def costs(picture: Picture, variant: str) -> tuple[dict[str, float], float]:
    """Return the CPU time of the parts of one search, and of one libvips save, in plain encodes."""
    format, settings = VARIANTS[variant]
    found = codec(format)
    result = find(fresh(picture), found, GOAL, settings)
    assert result.quality is not None
    quality, lazy = result.quality, from_picture(picture)
    own = min(cpu(lambda: found.encode(fresh(picture), quality, settings))[0] for _ in range(3))
    save = 0.0 if format == "jxl" else min(cpu(lambda: found.save(lazy, quality, settings))[0] for _ in range(3))
    profile = cProfile.Profile(time.process_time)
    profile.runcall(find, fresh(picture), found, GOAL, settings)
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]

    def spent(name: str, caller: str) -> float:
        rows = ((key, row[4]) for key, row in stats.items() if key[2] == name and "foveola" in key[0])
        return float(sum(by[3] for _, callers in rows for who, by in callers.items() if who[2] == caller) / own)

    parts = {
        "foresight": spent("foresight", "find"),
        "looks": spent("look", "_foreseen"),
        "mosaic": spent("mosaic", "_ask"),
        "encode": spent("encode", "written"),
        "decode": spent("decode", "decoded"),
        "metric": spent("full", "decoded") + spent("shown", "_shown"),
    }
    return parts, save / own


def where_the_time_goes(picture: Picture, out: Path) -> None:
    """Draw a stacked bar a codec."""
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    for row, variant in enumerate(reversed(VARIANTS)):
        parts, save = costs(picture, variant)
        left = 0.0
        for name, colour in (PARTS | MEASURE).items():
            axes.barh(row, parts[name], left=left, color=colour, label=name if row == 0 else None)
            left += parts[name]
        if save:
            label = "one libvips save" if row == 1 else None
            axes.plot((save, save), (row - 0.45, row + 0.45), color="k", lw=2, label=label)
    axes.set_yticks(range(len(VARIANTS)), [NAMES[variant] for variant in reversed(VARIANTS)])
    axes.set_xlabel("CPU time, in plain encodes by the same encoder")
    axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.25), frameon=False)
    write(figure, out / "cpu.svg")


def write(figure: Any, path: Path) -> None:
    """Write a chart, the same bytes for the same numbers."""
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what `foveola samples` has drawn")
    parser.add_argument("--out", type=Path, default=Path("docs/charts"))
    options = parser.parse_args()
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "foveola", "svg.fonttype": "none", "axes.grid": True, "grid.alpha": 0.3})
    options.out.mkdir(parents=True, exist_ok=True)
    landscape, interface, flat = (open_picture(options.folder / f"{n}.png") for n in ("landscape", "interface", "flat"))
    half = open_picture(options.folder / "landscape.png", 0.75)
    draw: Sequence[Callable[[], None]] = (
        lambda: curves(half, options.out),
        lambda: one_search(landscape, "webp", options.out),
        lambda: foretold([landscape, half, interface, flat], options.out),
        lambda: where_the_time_goes(landscape, options.out),
    )
    for chart in draw:
        chart()


if __name__ == "__main__":
    main()
