"""`foveola train evaluate` and `inspect`: how good a network is, and what it says of itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from foveola.cli import files
from foveola.cli.bar import Bar
from foveola.cli.encode import read_settings
from foveola.cli.recipes import FILE, FOLDER, FOUND, prepared, processes, read_recipe, teller
from foveola.cli.show import Command, json_line, say, size, table
from foveola.errors import ArgumentError, expected
from foveola.picture import format_named

if TYPE_CHECKING:
    from foveola.train.evaluate import Evaluation
    from foveola.train.labels import Labels, Recipe


@click.command(
    cls=Command,
    epilog="Exit code: 0 evaluated, 1 the network or no picture can be used, 2 wrong usage, 130 interrupted (labels "
    "are kept).",
)
@click.argument("network", metavar="NET", type=FOUND)
@click.argument("folder", metavar="FOLDER", type=FOLDER)
@click.option("-f", "--format", metavar="NAME", help="Format to foresee.  [default: what the sidecar says]")
@click.option(
    "--targets",
    metavar="DSSIM,…",
    default="0.002,0.005,0.01,0.02,0.05,0.1",
    show_default=True,
    help="Targets to evaluate at.",
)
@click.option(
    "--allowed-error",
    metavar="DSSIM",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.002,
    show_default=True,
    help="How far from the target the searches may end.",
)
@click.option(
    "--labels", "kept", metavar="NPZ", type=FILE, help="Label file of FOLDER: read, or made for the next time."
)
@click.option(
    "--against",
    metavar="NPZ",
    type=FOUND,
    help="Label file that the network was fitted on: gives the constant to compare with.",
)
@click.option("--no-search", is_flag=True, help="Leave out the real searches, which take longest.")
@click.option("--chart", metavar="PNG", type=FILE, help="Draw a chart to a file.")
@click.option("-o", "--out", metavar="MD", type=FILE, help="Write all tables to a file, in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each target, source and way.")
@prepared
def evaluate(network: Path, folder: Path, targets: str, as_json: bool, **options: Any) -> None:
    """Say how good NET is on the pictures of FOLDER, which it has not seen.

    Each picture is labelled first, as by `foveola train label`, with the settings that the sidecar names. Beside the
    network stand real searches with it (ml) and without (dssim), and what needs no network: the picture's transform,
    the curve family of the codec, one quality for all.
    """
    from foveola.train import evaluate as evaluation
    from foveola.train.extras import needed
    from foveola.train.labels import Labels

    if options["chart"] is not None:
        needed("matplotlib", "--chart")
    found = read_targets(targets)
    recipe = recipe_for(network, options)
    evaluation.loaded(network, recipe.format)
    against = None if options["against"] is None else Labels.read(options["against"])
    labels = _labels(folder, recipe, options)
    question = evaluation.Question(
        folder, recipe, network, found, options["allowed_error"], recipe.usual and not options["no_search"]
    )
    with Bar("Evaluating") as bar:
        made = evaluation.evaluate(question, labels, against=against, processes=processes(options), report=teller(bar))
    _tell(made, as_json, options["out"], options["chart"])


def read_targets(text: str) -> tuple[float, ...]:
    """Read DSSIMs separated by commas, each once and rising.

    Raises:
        ArgumentError: one is no number between 0 and 1.
    """
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise ArgumentError(expected("numbers separated by commas", "--targets", text)) from error
    if not all(0 < target < 1 for target in found) or any(map(math.isnan, found)):
        raise ArgumentError(expected("DSSIMs above 0 and below 1", "--targets", text))
    return tuple(found)


def recipe_for(network: Path, options: dict[str, Any]) -> Recipe:
    """Return how to label: as the label file is, else as the command line and the sidecar say."""
    from foveola.networks import sidecar
    from foveola.train.labels import Labels, Recipe

    said = any(
        options[name] not in (None, (), False) for name in ("settings", "scale", "longest", "keep_lossless", "varied")
    )
    kept: Path | None = options["kept"]
    if kept is not None and kept.exists():
        recipe = Labels.read(kept).recipe
        format = recipe.format if options["format"] is None else format_named(options["format"]).name
        return recipe if format == recipe.format and not said else read_recipe(format, options)
    beside = sidecar.read(network) or sidecar.Sidecar()
    word = options["format"] or beside.format
    if not word:
        raise ArgumentError(f"Expected --format: {network} has no sidecar that says it")
    format, asked = format_named(word).name, read_settings(options["settings"])
    own = beside.settings if beside.format == format else {}
    recipe = read_recipe(format, options)
    how = {name: getattr(recipe, name) for name in ("scale", "longest", "keep_lossless", "varied")}
    return Recipe.of(format, {**own, **asked}, **how)


def _labels(folder: Path, recipe: Recipe, options: dict[str, Any]) -> Labels:
    from foveola.train.labelling import label

    with TemporaryDirectory(prefix="foveola-") as aside, Bar("Labelling") as bar:
        out = options["kept"] or Path(aside) / "labels.npz"
        made = label(folder, out, recipe, every=options["every"], processes=processes(options), report=teller(bar))
    return made.labels


def _tell(made: Evaluation, as_json: bool, out: Path | None, chart: Path | None) -> None:
    from foveola.train import tables

    if out is not None:
        files.write(out, tables.markdown(made).encode("utf-8", "backslashreplace"))
    if chart is not None:
        files.write(chart, tables.chart(made))
    if as_json:
        for row in made.rows:
            json_line(row.as_dict())
        return
    say(f"{len(made.labels)} pictures as {made.labels.format}; in brackets 95 % intervals")
    heads = ("target", "way", "MAE", "within 2", "first encode ±0.002", "encodes")
    rows = []
    for row in made.rows:
        if not row.source:
            found = row.figures
            encodes = tables.number(found.encodes) if found.encodes else ""
            rows.append(
                (
                    f"{row.target:g}",
                    row.way,
                    tables.number(found.mae),
                    tables.share(found.within_2),
                    tables.share(found.tolerable),
                    encodes,
                )
            )
    table(heads, rows)


@click.command(cls=Command, epilog="Exit code: 0 it can be read, 1 it can't, 2 wrong usage.")
@click.argument("network", metavar="NET", type=FOUND)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(network: Path, as_json: bool) -> None:
    """Say what NET is: its container, input and output, how it is read, and what its sidecar says."""
    from foveola.train.networks import described

    found = described(network)
    if as_json:
        json_line(found)
    else:
        table(("what", "found"), _facts(found), right=False)


def _facts(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "file", f"{found['file']}, {size(found['bytes'])}"
    yield "container", found["container"]
    for kind in ("inputs", "outputs"):
        for end in found[kind]:
            yield kind[:-1], f"{end['name']}, {'x'.join(end['shape'])}, {end['type']}"
    yield "head", found["head"]
    yield "usable", found["problem"] or "yes"
    yield (
        "sha256",
        found["sha256"] + {True: ", as in the sidecar", False: ", NOT as in the sidecar", None: ""}[found["intact"]],
    )
    if found["sidecar"] is None:
        yield "sidecar", "none: read as a foreign network"
    for name, value in (found["sidecar"] or {}).items():
        if name != "sha256":
            for below, one in value.items() if isinstance(value, dict) else [("", value)]:
                yield f"{name} {below}".rstrip(), str(one)
