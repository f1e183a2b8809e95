"""The last step: a picture becomes a file, by a search, by steps down to a number of bytes, or at once.

Where nothing is searched libvips saves its lazy image, and no array is made but for AVIF and JPEG XL. `max_bytes` is
imgproxy's: it only goes down, by a quarter to three quarters of the quality at a time, and gives up at 10.
Source: https://docs.imgproxy.net/usage/processing#max-bytes
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from foveola.autoquality import Note, Result, find
from foveola.codecs import codec
from foveola.codecs.vips import computed, to_picture
from foveola.errors import ConfigError
from foveola.metrics import Reference
from foveola.networks import Absent, Predictor, choose
from foveola.remembered import NOTHING, Remembered
from foveola.transform.svg import sanitise
from foveola.transform.svgabout import About

if TYPE_CHECKING:
    import pyvips

    from foveola.goal import Autoquality
    from foveola.picture import Picture
    from foveola.pipeline import Plan, Saving

_log = logging.getLogger("foveola.networks")
LOWEST = 10
"""The quality at which `max_bytes` is given up."""


def passed(source: bytes, plan: Plan) -> Result:
    """Return the source as it is, an SVG without what could do harm and its metadata if the settings say so."""
    if plan.source.format == "svg" and plan.defaults.sanitize_svg:
        about = None if plan.looks.metadata else About(plan.looks.copyright)
        source = sanitise(source, unlimited=plan.reading.unlimited, about=about)
    return Result(plan.format, "none", None, source, None, None, None, "fixed", "none", 0)


def save(
    image: pyvips.Image,
    plan: Saving,
    stop: Callable[[], bool],
    remembered: Remembered | None = None,
    workers: int = 1,
) -> Result:
    """Write the transformed picture as planned.

    Args:
        image: what the steps have made.
        plan: what to do.
        stop: asked between encodes; once it is true the best so far is returned. It is asked once before the first,
            for those who measure how long one takes.
        remembered: what earlier searches have found.
        workers: how many encodes may run side by side, 1 or 2.

    Raises:
        ImageError: the source is broken.
        CodecError: the encoder failed.
    """
    if not plan.searched:
        return _save_fixed(image, plan, stop)
    return _search(image, plan, stop, remembered or NOTHING, workers)


def next_quality(quality: int, size: int, most: int) -> int:
    """Return imgproxy's next quality for a file that is too large.

    Args:
        quality: of the file.
        size: its bytes.
        most: bytes wanted.
    """
    ratio = size / most
    factor = 0.25 if ratio > 3 else 0.5 if ratio > 1.5 else 0.75
    return max(1, min(quality - 1, int(quality * factor + 0.5)))


def _save_fixed(image: pyvips.Image, plan: Saving, stop: Callable[[], bool]) -> Result:
    writer = codec(plan.format)
    if plan.max_bytes:
        image = computed(image)

    def write(quality: int) -> bytes:
        return writer.save(image, quality, plan.settings)

    stop()
    first = write(plan.quality or 0)
    result = Result(plan.format, plan.goal.method, plan.quality, first, None, None, None, "fixed", "none", 1)
    return _lower(replace(result, notes=plan.notes), plan.max_bytes, write, stop)


def _search(
    image: pyvips.Image, plan: Saving, stop: Callable[[], bool], remembered: Remembered, workers: int
) -> Result:
    writer = codec(plan.format)
    picture = to_picture(image)
    stop()
    found = find(
        picture,
        writer,
        plan.goal,
        plan.settings,
        stop=stop,
        predictor=_predictor(plan),
        remembered=remembered,
        workers=workers,
    )
    lowered: tuple[Note, ...] = ("max_bytes",) if found.why == "fixed" else ()  # as it was when it was remembered
    found = replace(found, notes=(*plan.notes, *found.notes, *lowered))

    def write(quality: int) -> bytes:
        return writer.encode(picture, quality, plan.settings)

    result = _lower(found, plan.max_bytes, write, stop)
    return result if result is found else _judged(result, picture, plan.goal)


def _predictor(plan: Saving) -> Predictor | Absent:
    """Return the network of a plan; one that can't be read any more is none."""
    if plan.goal.method != "ml":
        return "no_network"
    try:
        return choose(plan.network, plan.format, inference=plan.inference)
    except ConfigError as error:
        _log.warning("Searching without a network: %s", error)
        return "network_failed"


def _lower(result: Result, most: int, write: Callable[[int], bytes], stop: Callable[[], bool]) -> Result:
    """Go down from a file that is larger than `most` bytes; `result` itself where it is not."""
    while most and result.bytes > most and result.quality is not None and result.quality > LOWEST:
        if stop():
            return replace(result, why="deadline")
        quality = next_quality(result.quality, result.bytes, most)
        notes: tuple[Note, ...] = tuple(dict.fromkeys((*result.notes, "max_bytes")))
        result = replace(
            result, quality=quality, data=write(quality), why="fixed", encodes=result.encodes + 1, notes=notes
        )
    return result


def _judged(result: Result, picture: Picture, goal: Autoquality) -> Result:
    """State what is true of a file that is not the one the search has chosen."""
    if goal.method == "size":
        fits = result.bytes <= goal.target
        return replace(result, dssim=None, worst_frame=None, met=fits, kept=fits)
    score = Reference(picture).full(codec(result.format).decode(result.data))
    met = abs(score.dssim - goal.target) <= goal.allowed_error
    worst = score.worst_frame if len(picture.frames) > 1 else None
    return replace(result, dssim=score.dssim, worst_frame=worst, met=met, kept=score.dssim <= goal.ceiling)
