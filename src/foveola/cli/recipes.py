"""What the commands of `foveola train` share: options that say how pictures are prepared, and what tells of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foveola.cli.bar import Bar
from foveola.cli.encode import read_settings
from foveola.cli.show import say
from foveola.picture import format_named

if TYPE_CHECKING:
    from foveola.train.labels import Recipe

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
FOUND = click.Path(exists=True, dir_okay=False, path_type=Path)


def prepared(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how pictures are prepared and encoded."""
    options = (
        click.option(
            "--set", "settings", metavar="NAME=VALUE", multiple=True, help="A setting of the encoder, as effort=6."
        ),
        click.option(
            "--scale",
            metavar="S",
            type=click.FloatRange(0, 1, min_open=True),
            help="By how much pictures are scaled; under 1 the blocks of a JPEG are blurred away.  [default: 0.8]",
        ),
        click.option(
            "--longest",
            metavar="N",
            type=click.IntRange(0),
            help="Pixels that a side may have at most after that; 0 for no limit.  [default: 1024]",
        ),
        click.option(
            "--keep-lossless", is_flag=True, help="Don't scale by --scale what was stored without loss (PNG, TIFF, …)."
        ),
        click.option(
            "--varied",
            is_flag=True,
            help="Measure each picture once more, smaller and of other colours (to learn from).",
        ),
        click.option("--every", metavar="N", type=click.IntRange(1), default=1, help="Take every n-th picture only."),
        click.option(
            "-j",
            "--jobs",
            metavar="N",
            type=click.IntRange(1),
            help="Pictures measured at a time.  [default: one for each core]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_recipe(format: str, options: dict[str, Any]) -> Recipe:
    """Return the recipe that the options of a command line say."""
    from foveola.train.labels import Recipe

    how = {name: options[name] for name in ("scale", "longest") if options[name] is not None}
    how |= {name: options[name] for name in ("keep_lossless", "varied")}
    return Recipe.of(format_named(format).name, read_settings(options["settings"]), **how)


def processes(options: dict[str, Any]) -> int:
    """Return how many pictures are worked on at a time."""
    return options["jobs"] or len(os.sched_getaffinity(0))


def teller(bar: Bar) -> Callable[[int, int, str, str | None], None]:
    """Return what moves a bar and says what is left out."""

    def tell(done: int, total: int, name: str, skipped: str | None) -> None:
        if skipped is not None:
            say(f"foveola: {name}: left out: {skipped}", err=True)
        bar.show(done, total)

    return tell
