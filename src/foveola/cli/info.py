"""`foveola info`: what a file says of itself and what its pixels look like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from foveola.cli.show import Command, json_line, table
from foveola.errors import ArgumentError, UrlError


@click.command(cls=Command)
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--option",
    "asked",
    metavar="NAME:VALUE",
    multiple=True,
    help="An option of /info URLs, such as palette:8, dc:1 or exif:0; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as the server's /info answers.")
def info(file: Path, asked: tuple[str, ...], as_json: bool) -> None:
    """Print what is known of FILE: its format and size, its metadata, and more where options ask for it."""
    from foveola.info import tell
    from foveola.info.options import InfoOptions, apply
    from foveola.library import LIMITS

    options = InfoOptions()
    try:
        for said in asked:
            name, *texts = said.split(":")
            options = apply(options, name, texts or ["1"], security=True)
    except UrlError as error:
        raise ArgumentError(str(error)) from error
    told = tell(file.read_bytes(), options, LIMITS)
    if as_json:
        json_line(told)
    else:
        table(("fact", "value"), _rows(told), right=False)


def _rows(told: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the facts one by one; a fact within another is named by both, a colour as in CSS."""
    for name, value in told.items():
        if isinstance(value, dict) and "R" not in value:
            yield from _rows(value, f"{above}{name}.")
        else:
            yield above + name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        if "R" not in value:
            return ", ".join(f"{name}={_text(part)}" for name, part in value.items())
        seen = [value[band] for band in "RGBA" if value.get(band, 255) != 255 or band != "A"]
        return "#" + "".join(f"{part:02x}" for part in seen)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())
