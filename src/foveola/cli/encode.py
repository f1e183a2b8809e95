"""`foveola encode`: pictures in, pictures out, a line or a JSON row for each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from foveola.cli import files
from foveola.cli.batch import Report, run
from foveola.cli.rows import Row
from foveola.cli.show import Command, Interrupted, sentence
from foveola.errors import ArgumentError, ConfigError, FoveolaError, ImageError, expected
from foveola.goal import Autoquality
from foveola.options import ResizingType
from foveola.picture import LONGEST_SIDE, format_named
from foveola.settings import SETTINGS, make_settings

if TYPE_CHECKING:
    from foveola.autoquality import Result


@dataclass(frozen=True)
class Wish:
    """How every picture of one call is encoded.

    Args:
        format: a name of `FORMATS`; None for the source's own.
        goal: what the search is asked for; None for the library's default, or a fixed quality.
        quality: a fixed quality; None to search.
        width: pixels of the result, 0 for what the height gives.
        height: pixels of the result, 0 for what the width gives.
        resize: how the picture meets width and height.
        settings: encoder settings by name, as text.
        network: path of the network of method `ml`, `none`, or ours where it is empty.
    """

    format: str | None = None
    goal: Autoquality | None = None
    quality: int | None = None
    width: int = 0
    height: int = 0
    resize: ResizingType = "fit"
    settings: dict[str, Any] = field(default_factory=dict)
    network: str = ""


@click.command(
    cls=Command,
    epilog="Exit code: 0 all written, 1 any failed or stdout was closed, 2 wrong usage (nothing is done), 3 --strict "
    "and a goal not kept, 130 interrupted (what is not finished is not written).",
)
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="OUT|DIR|-",
    help="File for one picture; else, or with a trailing slash, a folder, made if missing; - is stdout.",
)
@click.option("--in-place", is_flag=True, help="Overwrite each source with its result, in its own format.")
@click.option(
    "-f", "--format", metavar="NAME", help="Format of the result.  [default: by OUT's name, else the source's]"
)
@click.option(
    "-a",
    "--autoquality",
    metavar="GOAL",
    help="METHOD:TARGET:MIN:MAX:ALLOWED_ERROR, each may be empty: dssim:0.02, size:50000, ml:0.02:70:80.  "
    "[default: dssim:0.02:1:100:0.002]",
)
@click.option(
    "--network",
    metavar="FILE",
    default="",
    help="Network (.pb, .onnx) that says the first quality with method ml, or none.  [default: the one for the format]",
)
@click.option("-q", "--quality", metavar="N", type=click.IntRange(1, 100), help="A fixed quality instead of a search.")
@click.option(
    "--width",
    metavar="N",
    type=click.IntRange(0, LONGEST_SIDE),
    default=0,
    help="Width of the result in pixels; 0 follows the height.",
)
@click.option(
    "--height",
    metavar="N",
    type=click.IntRange(0, LONGEST_SIDE),
    default=0,
    help="Height of the result in pixels; 0 follows the width.",
)
@click.option(
    "--resize",
    type=click.Choice(["fit", "fill", "force"]),
    default="fit",
    show_default=True,
    help="Fit inside, fill and crop, or distort to width and height.",
)
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="A setting of the encoder, as effort=6.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each picture on stdout.")
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=click.IntRange(1),
    help="Pictures encoded at a time.  [default: one for each core]",
)
@click.option("--strict", is_flag=True, help="Exit with 3 when a picture was written but its goal is not kept.")
@click.pass_context
def encode(
    ctx: click.Context, /, sources: tuple[Path, ...], output: str | None, in_place: bool, **options: Any
) -> None:
    """Encode pictures at the quality that just meets a goal.

    Never overwrites a source without --in-place, writes each file whole or not at all, and goes on over pictures that
    fail: they are listed at the end, as is what a reader should know of the others.

    Of an animation or several pages the first is written. The result is upright and sRGB; Exif, XMP and the colour
    profile are left out.
    """
    if (output is not None) == in_place:
        raise ArgumentError("Expected either -o or --in-place")
    if output == "-" and options["as_json"]:
        raise ArgumentError("Expected a file or a folder for -o with --json: stdout holds one or the other")
    wish = read_wish(options)
    jobs = files.plan(sources, output, wish.format)
    for format in sorted({job.format for job in jobs if job.format}):
        make_settings(format, wish.settings)
        check_network(wish.network, format)
    place: Callable[[Path, bytes], None] = _send if output == "-" else files.write
    threads = min(options["jobs"] or len(os.sched_getaffinity(0)), len(jobs))
    report = Report(options["as_json"], output == "-")
    run(jobs, lambda job, stop: one(job, wish, place, stop), threads, report)
    report.remark()
    if report.interrupted:
        raise Interrupted(f"{report.written} of {len(jobs)} pictures were written")
    unkept = options["strict"] and any(row.kept is False for row in report.rows)
    ctx.exit(1 if report.failed or report.closed else 3 if unkept else 0)


def read_wish(options: dict[str, Any]) -> Wish:
    """Read the options that say how to encode.

    Raises:
        ArgumentError: one can't be used, or two exclude each other.
    """
    if options["autoquality"] is not None and options["quality"] is not None:
        raise ArgumentError("Expected either --autoquality or --quality")
    name = None if options["format"] is None else format_named(options["format"]).name
    goal = Autoquality.parse(options["autoquality"]) if options["autoquality"] is not None else None
    if options["network"] and (goal is None or goal.method != "ml"):
        raise ArgumentError(expected("--autoquality ml:… beside it", "--network", options["network"]))
    settings = read_settings(options["settings"])
    same = {field: options[field] for field in ("quality", "width", "height", "resize", "network")}
    return Wish(name, goal, settings=settings, **same)


def check_network(path: str, format: str) -> None:
    """Try a network before the first picture.

    Raises:
        ArgumentError: it can't be used.
    """
    from foveola.networks import choose

    try:
        if path:
            choose(path, format, name="--network")
    except ConfigError as error:
        raise ArgumentError(str(error)) from error


def read_settings(texts: Sequence[str]) -> dict[str, str]:
    """Read what was given with --set: `NAME=VALUE`; values are judged where the format is known.

    Raises:
        ArgumentError: one has another form, or no encoder has a setting of that name.
    """
    return dict(_pair(text) for text in texts)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    known = sorted({f.name for kind in SETTINGS.values() for f in fields(kind)})
    if not equals or name not in known:
        raise ArgumentError(expected("NAME=VALUE with a name of " + ", ".join(known), "--set", text))
    return name, value


def one(job: files.Job, wish: Wish, place: Callable[[Path, bytes], None], stop: Callable[[], bool]) -> Row | None:
    """Encode one picture and put it in its place, or return None if it is to stop; what goes wrong is in the row."""
    from foveola import library

    start, row = time.perf_counter(), Row(str(job.source))
    if stop():
        return None
    try:
        if job.error:
            raise job.error
        data = job.read()
        row = replace(row, source_bytes=len(data))
        if job.output == job.source:
            _check_single(data)
        result = library.encode(
            data,
            job.format,
            wish.goal,
            wish.quality,
            width=wish.width,
            height=wish.height,
            resize=wish.resize,
            stop=stop,
            network=wish.network,
            **wish.settings,
        )
        if stop():
            return None
        place(job.output or Path("-"), result.data)
    except (FoveolaError, OSError) as error:
        return replace(row, seconds=_since(start), error=sentence(error).removeprefix(f"{job.source}: "))
    return _told(row, job, result, _since(start))


def _check_single(data: bytes) -> None:
    """Refuse to replace a file by its first frame or page."""
    from foveola.transform.load import header_of

    if (pages := header_of(data).pages) > 1:
        raise ImageError(f"Expected one frame or page for --in-place, got {pages}")


def _told(row: Row, job: files.Job, result: Result, seconds: float) -> Row:
    """Return the row with what the result says."""
    return replace(
        row,
        output=None if job.output is None else str(job.output),
        format=result.format,
        method=result.method,
        quality=result.quality,
        dssim=None if result.dssim is None else round(result.dssim, 6),
        bytes=result.bytes,
        encodes=result.encodes,
        met=result.met,
        kept=result.kept,
        why=result.why,
        first=result.first,
        notes=result.notes,
        seconds=seconds,
    )


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)


def _send(_: Path, data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
