"""`foveola curve`: DSSIM and bytes over quality, measured, as a table or a chart."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import click

from foveola.cli import files
from foveola.cli.show import Command, json_line, printable, size, table
from foveola.errors import ArgumentError, expected
from foveola.goal import DEFAULT_TARGET, Bounds
from foveola.picture import format_named


@click.command(cls=Command)
@click.argument("source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-f", "--format", metavar="NAME", required=True, help="Format to encode to.")
@click.option(
    "--min", "low", metavar="N", type=click.IntRange(1, 100), default=5, show_default=True, help="Lowest quality."
)
@click.option(
    "--max", "high", metavar="N", type=click.IntRange(1, 100), default=100, show_default=True, help="Highest quality."
)
@click.option(
    "--step",
    metavar="N",
    type=click.IntRange(1, 99),
    default=5,
    show_default=True,
    help="From one quality to the next.",
)
@click.option(
    "--target",
    metavar="DSSIM",
    type=click.FloatRange(0, 1, min_open=True),
    default=DEFAULT_TARGET,
    show_default=True,
    help="DSSIM to mark: the lowest quality measured that is at or under it.",
)
@click.option(
    "--chart", metavar="PNG", type=click.Path(dir_okay=False, path_type=Path), help="Draw the curve to a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each quality: quality, dssim, bytes.")
def curve(
    source: Path, format: str, low: int, high: int, step: int, target: float, chart: Path | None, as_json: bool
) -> None:
    """Encode IN at several qualities and print what each costs and loses."""
    from foveola import library

    if math.isnan(target):
        raise ArgumentError(expected("a DSSIM above 0, at most 1", "--target", target))
    name, bounds = format_named(format).name, Bounds(low, high)
    if chart is not None and chart.exists() and chart.samefile(source):
        raise ArgumentError("Expected another file than the source for --chart")
    probes = library.curve(source.read_bytes(), name, range(bounds.min, bounds.max + 1, step))
    points = [(p.quality, p.dssim, p.bytes) for p in probes if p.dssim is not None and p.bytes is not None]
    if chart is not None:
        _draw(chart, points, target, printable(f"{source.name} as {name}"))
    for quality, loss, count in points if as_json else ():
        json_line({"quality": quality, "dssim": round(loss, 6), "bytes": count})
    if not as_json:
        enough = min((quality for quality, loss, _ in points if loss <= target), default=None)
        mark = {enough: f"<- lowest here at or under {target:g}"}
        table(
            ("quality", "DSSIM", "size", "mark"), ((str(q), f"{d:.5f}", size(b), mark.get(q, "")) for q, d, b in points)
        )


def _draw(path: Path, points: Sequence[tuple[int, float, int]], target: float, title: str) -> None:
    from foveola.cli.chart import draw

    picture = io.BytesIO()
    draw(points, target, title).save(picture, "PNG")
    files.write(path, picture.getvalue())
