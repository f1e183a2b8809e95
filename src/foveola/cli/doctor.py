"""`foveola doctor`: what this installation can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from foveola.cli.show import Command, json_line, table

if TYPE_CHECKING:
    from foveola.doctor import Report


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> None:
    """Say which kernels are active, the versions of the libraries, formats in and out, networks, and the sandbox."""
    from foveola.doctor import examine

    report = examine()
    if as_json:
        json_line(report.as_dict())
    else:
        table(("what", "found"), _rows(report), right=False)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield "foveola", report.foveola
    yield "python", report.python
    yield "kernels", f"{report.kernels} ({report.kernels_detail})"
    for name, version in report.libraries.items():
        yield name, version or "missing"
    yield "formats in", " ".join(report.formats_in)
    yield "formats out", " ".join(report.formats_out)
    for format, found in report.networks.items():
        yield f"network {format}", found[:16]  # of a digest
    for layer, said in report.sandbox.items():
        yield f"sandbox {layer}", said
    misfits = (f"{name} {version}" for name, version in report.misfits.items())
    yield "fitted for", ", ".join(misfits) or "these encoders"
    for name, sentence in report.outdated.items():
        yield f"outdated: {name}", sentence
    for name, problem in report.problems.items():
        yield f"problem: {name}", problem
