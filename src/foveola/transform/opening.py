"""How the source of a plan is opened: whole, as pages, as frames, smaller by its decoder, or by the thumbnail inside.

Source: https://docs.imgproxy.net/usage/processing (`page`, `pages`, `enforce_thumbnail`)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import pyvips

from foveola.codecs import heic
from foveola.codecs.vips import without
from foveola.options.values import ProcessingOptions
from foveola.picture import Header, format_of
from foveola.transform.load import header_of, load

if TYPE_CHECKING:
    from foveola.pipeline import Defaults, Plan

Opening = Callable[[float], pyvips.Image | None]
"""Opens the source so many times smaller; None where it can't be had in that size."""
THUMBNAILED = frozenset({"heic", "avif"})
"""Formats whose files may have a thumbnail inside."""


def picked(data: bytes, options: ProcessingOptions, defaults: Defaults) -> bytes:
    """Return the file of the picture that is meant: that of the thumbnail inside where one is and is asked for.

    Args:
        data: the source.
        options: what the URL asks for.
        defaults: what is done where it says nothing.

    Raises:
        ImageError: not a format that is read.
    """
    said = options.enforce_thumbnail
    wanted = defaults.enforce_thumbnail if said is None else said
    return (heic.thumbnail(data) if wanted and format_of(data) in THUMBNAILED else None) or data


def opened(source: bytes | pyvips.Image, plan: Plan) -> pyvips.Image:
    """Return the image of a source: frames one above the other, or one picture; pages one above the other are one.

    Raises:
        ImageError: the source is broken, or its pages are over a limit, which the header of the first did not say.
    """
    reading = plan.reading
    if not isinstance(source, bytes):
        return source
    if reading.stacked > 1:
        pages = (_page(source, reading.page + number, plan) for number in range(reading.stacked))
        return still(reduce(lambda above, page: _within(above.join(page, "vertical", expand=True), plan), pages))
    image = load(
        source,
        page=reading.page,
        frames=reading.frames,
        shrink=reading.shrink,
        sequential=not _trims(plan) and reading.frames == 1,
        unlimited=reading.unlimited,
    )
    return image if reading.frames > 1 else still(_within(image, plan) if reading.page else image)


def opening(source: bytes | pyvips.Image, plan: Plan) -> Opening | None:
    """Return what opens a source as small as a decoder can make it, None where it has to be read whole."""
    reading = plan.reading
    if not isinstance(source, bytes) or not reading.shrinks:
        return None

    def smaller(shrink: float) -> pyvips.Image | None:
        if shrink == 1:
            return opened(source, plan)
        if plan.source.format in THUMBNAILED:
            thumbnail = heic.thumbnail(source)
            if thumbnail is None or not _less(header_of(thumbnail), plan.source):
                return None
            return still(load(thumbnail, sequential=True))
        shrunk = reading.shrink * shrink
        return still(load(source, page=reading.page, shrink=shrunk, sequential=True, unlimited=reading.unlimited))

    return smaller


def still(image: pyvips.Image) -> pyvips.Image:
    """Return one frame without what an animation is told by."""
    return without(image, *(name for name in ("delay", "loop", "n-pages", "page-height") if image.get_typeof(name)))


def _page(source: bytes, number: int, plan: Plan) -> pyvips.Image:
    return _within(load(source, page=number), plan)


def _within(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Return an image that is not over a limit; pages may be larger than the first."""
    plan.limits.check(replace(plan.source, width=image.width, height=image.height, frames=1))
    return image


def _less(thumbnail: Header, source: Header) -> bool:
    """Return whether a thumbnail is one, by its header; otherwise it is as large as whoever made it liked."""
    return thumbnail.width < source.width and thumbnail.height < source.height


def _trims(plan: Plan) -> bool:
    return any(options.trim.threshold is not None for options in plan.stages)
