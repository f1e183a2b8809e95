"""`foveola explain`: what a server of these settings would do with a URL, without fetching anything."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from foveola.cli.show import Command, json_line, say, table
from foveola.cli.sign import settings

if TYPE_CHECKING:
    from foveola.config import Settings
    from foveola.options import ProcessingOptions
    from foveola.urls import InfoUrl, Keys

STEPS: Mapping[str, tuple[str, ...]] = {
    "trim": ("trim",),
    "crop": ("crop", "crop_aspect_ratio"),
    "resize": (
        *("resizing_type", "resizing_algorithm", "width", "height", "min_width", "min_height"),
        *("zoom", "dpr", "enlarge"),
    ),
    "turn": ("auto_rotate", "rotate", "flip"),
    "cut": ("gravity",),
    "filter": (
        *("brightness", "contrast", "saturation", "monochrome", "duotone"),
        *("blur", "sharpen", "pixelate", "unsharp_masking"),
    ),
    "extend": ("extend", "extend_aspect_ratio", "padding"),
    "flatten": ("background", "background_alpha"),
    "watermark": ("watermark", "watermark_url", "watermark_size", "watermark_rotate"),
}
"""What is done to pixels, in its order, and the options that say it."""


@click.command(cls=Command)
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def explain(ctx: click.Context, url: str, as_json: bool) -> None:
    """Say what a server with these settings would do with URL, a whole one or its path.

    Nothing is fetched: that the signature is right, what is asked of the picture once presets are laid, where it comes
    from and whether that is allowed. What would be answered with an error is told with its status; the exit code is 1.
    """
    from foveola.errors import FoveolaError

    found: dict[str, Any] = {"status": 200}
    try:
        _read(url, settings(), found)
    except FoveolaError as error:
        found |= {"status": error.status, "public": error.public, "error": str(error)}
    if as_json:
        json_line(found)
    else:
        _print(found)
    ctx.exit(int(found["status"] != 200))


def _read(url: str, settings: Settings, found: dict[str, Any]) -> None:
    """Put into `found` what can be told, as far as the server would come."""
    from foveola import urls
    from foveola.errors import UrlError
    from foveola.sources import module_of

    prefix = settings.urls.path_prefix
    target = re.sub(r"^[A-Za-z]+://[^/]*", "", url)
    rest = target.removeprefix(prefix)
    if not target.startswith(prefix) or not (rest.startswith("/") or prefix.endswith("/")):
        raise UrlError(f"Expected a path that begins with {prefix}, got {target}", public="Not found")
    info = rest.startswith(f"{urls.INFO}/")
    signature, path = urls.split(rest, urls.INFO if info else "")
    urls.verify(signature, path, settings.keys)
    found["signature"] = _signature(signature, settings.keys)
    if info:
        asked = urls.parse_info(path, settings.grammar, now=time.time())
        found |= {"source": asked.source, "info": _info(asked)}
    else:
        said = urls.parse(path, settings.grammar, now=time.time())
        found |= {"source": said.source, "request": _segments(said.options, "request"), "raw": said.options.raw}
        if not said.options.raw:
            _process(said.options, settings, found)
    module_of(found["source"], settings.reach)


def _process(options: ProcessingOptions, settings: Settings, found: dict[str, Any]) -> None:
    """Put into `found` what is done to the picture and how it is saved."""
    from foveola import pipeline

    found["pipelines"] = [_steps(stage) for stage in (options, *options.chained)]
    found |= _format(options, settings)
    pipeline.check(options, settings.defaults)
    found["quality"] = [_quality(name, options, settings) for name in found["formats"]]


def _info(asked: InfoUrl) -> dict[str, Any]:
    """Return what is asked about a picture otherwise than by a URL without options."""
    said, blank = asdict(asked.options), asdict(type(asked.options)())
    return {name: value for name, value in said.items() if value != blank[name]}


def _signature(signature: str, keys: Keys) -> str:
    if not keys.pairs:
        return "not checked"
    return "trusted" if signature in keys.trusted else "valid"


def _segments(options: ProcessingOptions, scope: str) -> list[str]:
    """Return the options of one pipeline, or of the whole request, as a URL says them."""
    from foveola.options import known, write

    said = write(replace(options, chained=()))
    return [":".join(texts) for texts in said if known(texts[0]).scope == scope]


def _steps(stage: ProcessingOptions) -> list[dict[str, Any]]:
    """Return what one pipeline does, in its order."""
    from foveola.options import known

    said: dict[str, list[str]] = {name: [] for name in STEPS}
    for segment in _segments(stage, "pipeline"):
        (field,) = known(segment.split(":")[0]).fields
        said[next(name for name, of in STEPS.items() if field in of)].append(segment)
    return [{"step": name, "options": segments} for name, segments in said.items() if segments]


def _format(options: ProcessingOptions, settings: Settings) -> dict[str, Any]:
    """Return which formats the result may have, and the rule."""
    every = settings.accepted("image/jxl,image/avif,image/webp")
    if options.format:
        rule = f"{options.format}, as the URL says"
        if every.enforced:
            rule += f"; {', '.join(every.enforced)} where the client accepts it"
        return {"formats": list(dict.fromkeys((options.format, *every.enforced))), "format_rule": rule}
    preferred = settings.defaults.preferred_formats
    rule = f"that of the source where it is one of {', '.join(preferred)}, else the first of them that can hold it"
    if every.preferred:
        rule = f"{', '.join(every.preferred)} where the client accepts it, else {rule}"
    return {"formats": list(dict.fromkeys((*every.preferred, *preferred))), "format_rule": rule}


def _quality(format: str, options: ProcessingOptions, settings: Settings) -> dict[str, Any]:
    """Return how the quality of a result in `format` is found."""
    from foveola.options import ProcessingOptions
    from foveola.picture import Header
    from foveola.pipeline import plan, saving

    if format == "svg":
        return {"format": format, "method": "none", "quality": None}
    asked = ProcessingOptions(
        format=format,
        quality=options.quality,
        format_quality=options.format_quality,
        autoquality=options.autoquality,
    )
    made = saving(plan(Header("png", 1024, 1024, 3, alpha=False), asked, settings.defaults), (1024, 1024), False)
    if not made.searched:
        return {"format": format, "method": "none", "quality": made.quality}
    goal = made.goal
    return {
        "format": format,
        "method": goal.method,
        "target": goal.target,
        "min": goal.bounds.min,
        "max": goal.bounds.max,
        "allowed_error": goal.allowed_error,
    }


def _print(found: dict[str, Any]) -> None:
    """Print what was found for people."""
    table(("what", "found"), _rows(found), right=False)
    if "error" in found:
        say(f"foveola: {found['status']} {found['public']}: {found['error']}", err=True)


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "status", str(found["status"])
    for name in ("signature", "source"):
        if name in found:
            yield name, found[name]
    for segment in found.get("request", ()):
        yield "request", segment
    for name, value in found.get("info", {}).items():
        yield "info", f"{name} {json.dumps(value)}"
    if found.get("raw"):
        yield "format", "that of the source, which is sent as it is"
    for number, steps in enumerate(found.get("pipelines", ()), 1):
        for step in steps or [{"step": "", "options": ["nothing"]}]:
            yield f"pipeline {number}", " ".join([step["step"], *step["options"]]).strip()
    if "format_rule" in found:
        yield "format", found["format_rule"]
    for row in found.get("quality", ()):
        yield f"quality of {row['format']}", _told(row)


def _told(row: dict[str, Any]) -> str:
    """Return how a quality is found, in words."""
    if row["method"] == "none":
        return "none" if row["quality"] is None else str(row["quality"])
    if row["method"] == "size":
        return f"the highest of {row['min']}..{row['max']} with at most {row['target']:g} bytes"
    return (
        f"of {row['min']}..{row['max']} for a DSSIM of {row['target']:g} ± {row['allowed_error']:g} ({row['method']})"
    )
