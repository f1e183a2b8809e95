"""`foveola compare`: how far one picture is from another."""

from __future__ import annotations

from pathlib import Path

import click

from foveola.cli.show import Command, json_line, table


@click.command(cls=Command)
@click.argument("reference", metavar="A", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("candidate", metavar="B", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: dssim, ssim, worst, p95.")
def compare(reference: Path, candidate: Path, as_json: bool) -> None:
    """Compare picture B with picture A of the same size.

    DSSIM is (1 - SSIM) / 2 of the luma: 0 for equal pictures, at most 1. Other tools' DSSIM is on other scales. Worst
    and p95 are the DSSIM of the worst part of the picture and the value that 95 % of it keeps. Of an animation or
    several pages the first is looked at.
    """
    from foveola import library

    score = library.compare(reference.read_bytes(), candidate.read_bytes())
    rows = {"dssim": score.dssim, "ssim": 1 - 2 * score.dssim, "worst": score.worst, "p95": score.p95}
    if as_json:
        json_line({name: None if value is None else round(value, 6) for name, value in rows.items()})
    else:
        labels = {"dssim": "DSSIM", "ssim": "SSIM", "worst": "worst", "p95": "p95"}
        table(("", "value"), ((labels[name], f"{value:.5f}") for name, value in rows.items()))
