"""`foveola config`: the settings that a server would have here, and what is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from foveola.cli.show import Command, json_line, say

if TYPE_CHECKING:
    from foveola.config import Examined

_PLAIN = re.compile(r"[^\s'\"\\$#]*")


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: settings, problems and warnings.")
@click.option("--check", is_flag=True, help="Print problems and warnings only.")
@click.pass_context
def config(ctx: click.Context, as_json: bool, check: bool) -> None:
    """Print the settings that `foveola serve` would read here, and where each comes from.

    Each is a line NAME=value with `default`, `environment` or `file` behind it; secrets are not shown. What can't be
    used is said on stderr, and the exit code is 1 then. Addresses, files and networks are first tried by `serve`.
    """
    from foveola.config import examine

    found = examine(os.environ)
    if as_json:
        json_line(_as_dict(found, check))
    else:
        for name, value, origin in () if check else _lines(found):
            say(f"{name}={value if _PLAIN.fullmatch(value) else _quoted(value)}  # {origin}")
        for sentence in found.problems:
            say(f"problem: {sentence}", err=not check)
        for sentence in found.warnings:
            say(f"warning: {sentence}", err=not check)
    ctx.exit(int(bool(found.problems)))


def _lines(found: Examined) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the value and the origin of each setting."""
    from foveola.config import SETTINGS

    for row in SETTINGS:
        text, origin = found.settings.text(row), found.origins.get(row.name, "default")
        yield row.name, "…" if row.secret and text and origin != "default" else text, origin


def _as_dict(found: Examined, check: bool) -> dict[str, object]:
    rows = [dict(zip(("name", "value", "from"), line, strict=True)) for line in _lines(found)]
    shown: dict[str, object] = {"problems": found.problems, "warnings": found.warnings}
    return shown if check else {"settings": rows, **shown}


def _quoted(value: str) -> str:
    """Return a value as a file of settings has it."""
    inside = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f"'{value}'" if not re.search(r"['\\\n]", value) else f'"{inside}"'
