"""From a file to a file: `plan` decides what happens to the pixels, `saving` how they are written, `render` does both.

A plan can be printed, tested and argued about without a picture; nothing in `render` decides. How large the result is
is known for sure only once its pixels are at hand, because borders may be trimmed, so what depends on it is decided
then, by `saving`. The library, the command line and the server's workers call all three; nothing here reads the
environment or a clock, and what works on pictures is imported when it is first needed, because the server's front reads
URLs with these names and never touches a pixel.
Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from foveola.errors import ArgumentError, UrlError
from foveola.goal import Asked, Autoquality, resolve
from foveola.kinds import UNWRITTEN
from foveola.options.values import STAGE, ProcessingOptions, Unsharp, changed
from foveola.picture import FORMATS, LARGEST, LONGEST_SIDE, Header, Limits
from foveola.pipeline.formats import chosen, untouched
from foveola.pipeline.values import Accepted, Defaults, Looks, Plan, Reading, Rendered, Saving, limits
from foveola.settings import BEST_JPEG, SETTINGS
from foveola.transform.geometry import Geometry, Size, measure
from foveola.transform.turning import Turn

if TYPE_CHECKING:
    import pyvips

    from foveola.autoquality import Note
    from foveola.remembered import Remembered

__all__ = [
    "LONGEST",
    "Accepted",
    "Defaults",
    "Plan",
    "Rendered",
    "Saving",
    "check",
    "geometries",
    "limits",
    "may_search",
    "never",
    "plan",
    "render",
    "saving",
]

T = TypeVar("T")

LONGEST: Mapping[str, int] = {"jpeg": 65500, "webp": 16383, "avif": 16384, "gif": 65535, "ico": 256}
"""Pixels that a side may have, by format; a larger result is made smaller."""
_BLANK = ProcessingOptions()
_SHRINKING = frozenset({"jpeg", "webp", "svg", "heic", "avif"})
"""Formats whose decoders can make a picture smaller, or that may have a smaller one inside."""


def never() -> bool:
    """Return False: a picture that nobody waits for in vain."""
    return False


def check(options: ProcessingOptions, defaults: Defaults) -> None:
    """Refuse options that can't be done for any picture, before one is fetched.

    Raises:
        UrlError: the goal of the search has no target, or the format can't be written.
    """
    if options.format in UNWRITTEN and options.format != "svg":
        raise UrlError(f"Format {options.format} can't be written", status=422)
    try:
        resolve(options.format or "jpeg", options.autoquality, defaults.autoquality)
    except ArgumentError as error:
        raise UrlError(str(error)) from None


def may_search(options: ProcessingOptions, defaults: Defaults) -> bool:
    """Return whether a quality may be searched for; only a picture's header can tell that it is."""
    return resolve(options.format or "jpeg", options.autoquality, defaults.autoquality).method != "none"


def plan(
    header: Header,
    options: ProcessingOptions,
    defaults: Defaults,
    accepted: Accepted = Accepted(),  # noqa: B008  # frozen
) -> Plan:
    """Decide everything about the pixels of one picture.

    Args:
        header: what the source says of itself.
        options: what the URL asks for.
        defaults: what is done where it says nothing.
        accepted: what the client accepts.

    Raises:
        UrlError: the options can't be done.
        ImageError: the source is over a limit.
    """
    check(options, defaults)
    stages = tuple(_stage(part, defaults) for part in (options, *options.chained))
    most = limits(options, defaults)
    whole = untouched(header, options, defaults)
    format, frames = (header.format, 1) if whole else chosen(header, options, defaults, accepted, most)
    reading = _reading(header, options, defaults, most, frames)
    if header.format != "svg":
        most.check(replace(header, frames=max(reading.frames, reading.stacked)))
    longest = _said(options.max_result_dimension, defaults.max_result_dimension)
    limit = min(filter(None, (longest, LONGEST.get(format, 0))), default=0)
    looks = _looks(header, format, options, defaults)
    free = _foreseen(header, stages, reading, looks, longest)
    held = limit != longest and (longest > 0 or max(free.result) > limit)
    geometry = _foreseen(header, stages, reading, looks, limit) if held else free
    if max(*geometry.scaled, *geometry.result) > LONGEST_SIDE:
        raise UrlError(f"Expected sides of at most {LONGEST_SIDE} pixels, got {geometry.scaled}", status=422)
    losses: tuple[tuple[Note, bool], ...] = (
        ("first_frame", header.pages > max(frames, reading.stacked) == 1 and not whole),
        ("side_limited", free.result != geometry.result and not whole),
    )
    notes = tuple(note for note, applies in losses if applies)
    return Plan(header, stages, format, reading, looks, whole, limit, geometry, notes, options, defaults)


def saving(planned: Plan, size: Size, alpha: bool) -> Saving:
    """Decide everything about the file, now that the pixels are there.

    Args:
        planned: what was decided about them.
        size: width and height, pixels.
        alpha: whether some may be transparent.

    Raises:
        UrlError: there are more pixels than any file is written of.
    """
    options, defaults = planned.options, planned.defaults
    if math.prod(size) * planned.reading.frames > LARGEST:
        raise UrlError(f"Expected at most {LARGEST} pixels for the result, got {size[0]}x{size[1]}", status=422)
    format = planned.format
    if format == "avif" and min(size) < defaults.smallest_avif:
        format = "png" if alpha else "jpeg"
    facts = FORMATS[format]
    goal, quality = _quality(format, options, defaults)
    obstacles = _obstacles(planned, format, size, goal)
    searched = goal.method != "none" and not obstacles
    return Saving(
        format,
        size,
        goal,
        searched,
        quality if facts.quality and not searched else None,
        options.max_bytes if facts.quality else 0,
        _settings(format, goal, searched, options, defaults),
        (*planned.notes, *obstacles),
        defaults.networks.get(format, "") if searched and goal.method == "ml" else "",
        defaults.inference,
    )


def render(
    source: bytes | pyvips.Image,
    planned: Plan,
    stop: Callable[[], bool] = never,
    decide: Callable[[Saving], tuple[Saving, Remembered | None]] = lambda saving: (saving, None),
    workers: int = 1,
    mark: bytes | None = None,
) -> Rendered:
    """Do what was planned.

    Args:
        source: the file, or an image that is already open.
        planned: what to do.
        stop: asked between encodes; once it is true the best so far is returned.
        decide: shown how the file will be written, once that is decided; returns how it is to be written instead, and
            what earlier searches have found.
        workers: how many encodes may run side by side, 1 or 2.
        mark: the file of the watermark.

    Raises:
        ImageError: the source or the watermark is broken, or the watermark is over a limit.
        UrlError: the result is too large.
        CodecError: the encoder failed.
    """
    from foveola.transform.load import header_of
    from foveola.transform.saving import passed, save
    from foveola.transform.steps import transformed

    if planned.untouched:
        assert isinstance(source, bytes)
        return Rendered(passed(source, planned), planned, None, planned.source.upright, planned.source.upright)
    if mark is not None:
        planned.limits.check(header_of(mark))
    image = transformed(source, planned, mark)
    size = (image.width, image.get_page_height())
    decided, remembered = decide(saving(planned, size, bool(image.hasalpha())))
    result = save(image, decided, stop, remembered, workers)
    return Rendered(result, planned, decided, planned.source.upright, size)


def _said(said: T | None, otherwise: T) -> T:
    return otherwise if said is None else said


def _stage(options: ProcessingOptions, defaults: Defaults) -> ProcessingOptions:
    """Return what one pipeline does to pixels, without all that concerns the file and the request."""
    mask = options.unsharp_masking
    sharpened = Unsharp(
        _said(mask.mode, defaults.unsharp.mode),
        _said(mask.weight, defaults.unsharp.weight),
        _said(mask.divider, defaults.unsharp.divider),
    )
    said = {name: getattr(options, name) for name in STAGE}
    return changed(_BLANK, **said | {"unsharp_masking": sharpened})


def _reading(header: Header, options: ProcessingOptions, defaults: Defaults, most: Limits, frames: int) -> Reading:
    area = header.width * header.height
    vector = header.format == "svg"
    paged = frames == 1 and header.format in FORMATS and FORMATS[header.format].paged
    page = min(options.page, header.pages - 1) if paged else 0
    stacked = min(options.pages, header.pages - page) if paged else 1
    still = frames == stacked == 1 and options.trim.threshold is None
    return Reading(
        page=page,
        frames=frames,
        stacked=stacked,
        shrink=math.sqrt(area / most.pixels) if vector and 0 < most.pixels < area else 1.0,
        shrinks=still and header.format in _SHRINKING and (vector or not defaults.disable_shrink_on_load),
        vector=vector,
        unlimited=defaults.unlimited(header.format),
    )


def _looks(header: Header, format: str, options: ProcessingOptions, defaults: Defaults) -> Looks:
    facts = FORMATS[format]
    strips = _said(options.strip_metadata, defaults.strip_metadata)
    return Looks(
        alpha=facts.alpha,
        deep=facts.deep and header.bits > 8 and _said(options.preserve_hdr, defaults.preserve_hdr),
        linear=defaults.use_linear_colorspace,
        profile=facts.profile and not _said(options.strip_color_profile, defaults.strip_color_profile),
        metadata=not strips,
        copyright=_said(options.keep_copyright, defaults.keep_copyright),
        dpi=options.dpi or (defaults.strip_metadata_dpi if strips else 0),
        oriented=defaults.auto_rotate,
        opacity=defaults.watermark_opacity,
    )


def geometries(planned: Plan) -> tuple[Geometry, ...]:
    """Return the geometry of each pipeline of a plan, as far as it is known beforehand; the last is the plan's own."""
    if len(planned.stages) == 1:
        return (planned.geometry,)
    return _measured(planned.source, planned.stages, planned.reading, planned.looks, planned.limit)


def _foreseen(
    header: Header, stages: tuple[ProcessingOptions, ...], reading: Reading, looks: Looks, limit: int
) -> Geometry:
    """Return the geometry of the last pipeline, if nothing is trimmed and pages are of one size."""
    return _measured(header, stages, reading, looks, limit)[-1]


def _measured(
    header: Header, stages: tuple[ProcessingOptions, ...], reading: Reading, looks: Looks, limit: int
) -> tuple[Geometry, ...]:
    size = (header.width, header.height * reading.stacked)
    size = (max(round(size[0] / reading.shrink), 1), max(round(size[1] / reading.shrink), 1))
    found: list[Geometry] = []
    for number, options in enumerate(stages):
        oriented = looks.upright(options) and not found
        turn = Turn.of(header.orientation if oriented else 1, options)
        last = number == len(stages) - 1
        vector = reading.vector and not found
        found.append(measure(*turn.size(size), options, vector=vector, limit=limit if last else 0))
        size = found[-1].result
    return tuple(found)


def _quality(format: str, options: ProcessingOptions, defaults: Defaults) -> tuple[Autoquality, int]:
    """Return what is asked of the search and the ordinary quality.

    A quality in the URL is more specific than a search in the settings, a search in the URL more than either.
    """
    goal = resolve(format, options.autoquality, defaults.autoquality)
    said = options.quality or dict(options.format_quality).get(format, 0)
    if said and options.autoquality == Asked():
        goal = replace(goal, method="none")
    return goal, said or defaults.format_quality.get(format, 0) or defaults.quality


def _obstacles(planned: Plan, format: str, size: Size, goal: Autoquality) -> tuple[Note, ...]:
    """Return why a goal is not searched for, nothing where it is."""
    if goal.method == "none":
        return ()
    most = planned.defaults.max_resolution
    reasons: tuple[tuple[Note, bool], ...] = (
        ("no_quality", not FORMATS[format].quality),
        ("over_max_resolution", 0 < most < math.prod(size) / 1e6),
        ("deep", planned.looks.deep),
    )
    return tuple(note for note, applies in reasons if applies)


def _settings(format: str, goal: Autoquality, searched: bool, options: ProcessingOptions, defaults: Defaults) -> Any:
    """Return the codec's settings; with method `ml` JPEG has the best there are, whatever was configured or asked."""
    if format == "jpeg" and searched and goal.method == "ml":
        return BEST_JPEG
    configured = defaults.settings.get(format) or SETTINGS[format]()
    return replace(configured, **dict(getattr(options, f"{format}_options", ())))
