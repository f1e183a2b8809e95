"""`foveola train`: labels, a network made of them, how good it is, and what it says of itself.

The guide is docs/train-your-own.md. Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foveola.cli.bar import Bar
from foveola.cli.evaluate import evaluate, inspect
from foveola.cli.recipes import FILE, FOLDER, FOUND, prepared, processes, read_recipe, teller
from foveola.cli.show import Command, Interrupted, say, table
from foveola.errors import ArgumentError, expected

if TYPE_CHECKING:
    from foveola.train.figures import Figures


@click.group()
def train() -> None:
    """Make a network for your pictures and settings: label, fit, evaluate.

    A network foresees at which quality a picture meets a target, so that method ml needs fewer encodes.
    """


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
        tell = teller(bar)

        def report(done: int, total: int, name: str, skipped: str | None) -> None:
            tell(done, total, name, skipped)
            seen[:] = done, total

        try:
            made = measure(folder, out, recipe, every=every, processes=processes(options), report=report)
        except KeyboardInterrupt:
            kept = f"{seen[0]} of {seen[1]} pictures are done; " if seen[1] else ""
            raise Interrupted(f"{kept}the same command goes on from there") from None
    labels = made.labels
    left = f", {len(made.skipped)} left out" if made.skipped else ""
    again = int(labels.varied.sum())
    count = f"{len(labels) - again} pictures{f' and {again} varied' if again else ''}"
    say(f"{out}: {count} at {len(labels.qualities)} qualities, {made.measured} new{left}")


@train.command(
    cls=Command,
    epilog="Exit code: 0 written, 1 something is missing or nothing can be learned, 2 wrong usage, 130 interrupted "
    "(nothing is written).",
)
@click.argument("folder", metavar="FOLDER", type=FOLDER)
@click.argument("labels", metavar="LABELS", type=FOUND)
@click.option("-o", "--out", metavar="PB", type=FILE, required=True, help="The network, as NAME.pb.")
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True, help="Chance that the fit starts with."
)
@click.option(
    "--credit",
    metavar="TEXT",
    default="",
    help="What the sidecar says of the pictures: sources, licences.  [default: how many, of which folders]",
)
@click.option("--force", is_flag=True, help="Overwrite the network that is there.")
def fit(folder: Path, labels: Path, out: Path, seed: int, credit: str, force: bool) -> None:
    """Fit a network on the pictures of FOLDER and their LABELS.

    Writes NAME.pb and NAME.onnx, each with a sidecar NAME.pb.json that says how to read it. A sixth of the pictures is
    held out: the figures that are printed and written are about them.
    """
    from foveola.train import fitting
    from foveola.train.labels import Labels

    known = Labels.read(labels)
    _free(out, force)
    fitting.check_installed()
    with Bar("Reading") as bar:
        material = fitting.gather(folder, known, teller(bar))
    if material.pictures < fitting.ADVISED:
        few = f"{material.pictures} pictures are few, {fitting.ADVISED} or more are better"
        say(f"foveola: {few}: compare the figures with the constant's", err=True)
    with Bar("Fitting") as bar:
        trained = fitting.fit(material, seed, bar.show)
    written = fitting.write(trained, material, folder, out, credit)
    for path in written.files:
        say(str(path))
    say(f"Of {material.pictures} pictures {written.held_out} were held out. How the network does on them:")
    heads = ("target", "MAE", "within 2", "within 5", "±0.002", "MAE of a constant")
    table(heads, (_fitted(target, found, written.constant[target]) for target, found in written.figures.items()))


def _fitted(target: float, found: Figures, constant: Figures) -> tuple[str, ...]:
    shares = (f"{100 * figure.value:.0f} %" for figure in (found.within_2, found.within_5, found.tolerable))
    return f"{target:g}", f"{found.mae.value:.2f}", *shares, f"{constant.mae.value:.2f}"


def _free(out: Path, force: bool) -> None:
    """Refuse a name that no network can have, and, unless it is forced, names that are taken."""
    from foveola.networks.sidecar import beside

    if out.suffix != ".pb" or not out.parent.is_dir():
        raise ArgumentError(expected("NAME.pb in a folder that exists", "--out", str(out)))
    names = (out, out.with_suffix(".onnx"))
    taken = (path for name in names for path in (name, beside(name)) if path.exists())
    if not force and (path := next(taken, None)):
        raise FileExistsError(errno.EEXIST, "Expected --force to overwrite a file", str(path))


train.add_command(evaluate)
train.add_command(inspect)
