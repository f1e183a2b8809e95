"""`foveola train`: labels, a network made of them, how good it is, and what it says of itself.

The guide is docs/train-your-own.md. Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foveola.cli.bar import Bar
from foveola.cli.encode import read_settings
from foveola.cli.show import Command, Interrupted, say
from foveola.picture import format_named

if TYPE_CHECKING:
    from foveola.train.labels import Recipe

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Make a network for your pictures and settings: label, fit, evaluate.

    A network foresees at which quality a picture meets a target, so that method ml needs fewer encodes.
    """


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
    return Recipe.of(
        format_named(format).name, read_settings(options["settings"]), **how, keep_lossless=options["keep_lossless"]
    )


def processes(options: dict[str, Any]) -> int:
    """Return how many pictures are worked on at a time."""
    return options["jobs"] or len(os.sched_getaffinity(0))


@train.command(
    cls=Command,
    epilog="Exit code: 0 labelled (what was left out is on stderr), 1 nothing could be labelled, 2 wrong usage, 130 "
    "interrupted (the same command goes on from there).",
)
@click.argument("folder", metavar="FOLDER", type=FOLDER)
@click.option("-f", "--format", metavar="NAME", required=True, help="Format to foresee: jpeg, webp, avif or jxl.")
@click.option("-o", "--out", metavar="NPZ", type=FILE, required=True, help="The label file; what is in it stays in it.")
@prepared
def label(folder: Path, format: str, out: Path, every: int, **options: Any) -> None:
    """Measure what each picture of FOLDER loses and weighs at 17 qualities.

    Takes every picture, in folders too, and leaves out what can't be read or is too small. Pictures are encoded as
    method ml does it, JPEG always with mozjpeg's best settings. May be stopped at any time: the same command goes on.
    """
    from foveola.train.labelling import label as measure

    recipe = read_recipe(format, options)
    if not recipe.usual:
        say("foveola: method ml writes JPEG with the best settings only, so these labels serve no server", err=True)
    seen = [0, 0]
    with Bar("Labelling") as bar:

        def report(done: int, total: int, name: str, skipped: str | None) -> None:
            if skipped is not None:
                say(f"foveola: {name}: left out: {skipped}", err=True)
            bar.show(done, total)
            seen[:] = done, total

        try:
            made = measure(folder, out, recipe, every=every, processes=processes(options), report=report)
        except KeyboardInterrupt:
            kept = f"{seen[0]} of {seen[1]} pictures are done; " if seen[1] else ""
            raise Interrupted(f"{kept}the same command goes on from there") from None
    labels = made.labels
    left = f", {len(made.skipped)} left out" if made.skipped else ""
    say(f"{out}: {len(labels)} pictures at {len(labels.qualities)} qualities, {made.measured} new{left}")
