"""Which format a result has, whether it moves, and whether the source is sent as it is.

Source: https://docs.imgproxy.net/features/format_detection and https://docs.imgproxy.net/usage/processing#format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from foveola.errors import UrlError
from foveola.options.values import ProcessingOptions
from foveola.picture import FORMATS, Header, Limits
from foveola.pipeline.values import Accepted, Defaults


def untouched(header: Header, options: ProcessingOptions, defaults: Defaults) -> bool:
    """Return whether a source is sent as it is: an SVG that nobody wants as pixels, or a format that is skipped."""
    skipped = header.format in (*defaults.skip_processing_formats, *options.skip_processing)
    if header.format != "svg":
        return skipped and options.format in ("", header.format)
    return options.format == "svg" or (not options.format and (skipped or not defaults.always_rasterize_svg))


def chosen(
    header: Header, options: ProcessingOptions, defaults: Defaults, accepted: Accepted, limits: Limits
) -> tuple[str, int]:
    """Return the result's format and how many frames it has.

    The format is enforced by the client's `Accept`, named by the URL, the client's favourite, the source's own, or the
    first preferred one that can hold what comes out.

    Raises:
        UrlError: only a drawing can be written as one.
    """
    if options.format == "svg":
        raise UrlError(f"Format svg can't be written from {header.format}", status=422)
    frames = 1 if options.disable_animation else min(header.frames, limits.frames or header.frames)
    format = _named(frames > 1, options, accepted) or _preferred(header, frames > 1, options, defaults, accepted)
    return format, frames if FORMATS[format].animation else 1


def _named(moving: bool, options: ProcessingOptions, accepted: Accepted) -> str:
    if not options.format:
        return ""
    return next(_holding(accepted.enforced, moving), options.format)


def _preferred(header: Header, moving: bool, options: ProcessingOptions, defaults: Defaults, accepted: Accepted) -> str:
    preferred = defaults.preferred_formats
    alpha = _expects_alpha(header, options)
    fitting = [name for name in _holding(preferred, moving) if FORMATS[name].alpha or not alpha]
    own = [name for name in preferred if name == header.format]
    return next(iter((*_holding(accepted.preferred, moving), *own, *fitting, *preferred)))


def _holding(names: Iterable[str], moving: bool) -> Iterator[str]:
    return (name for name in names if FORMATS[name].animation or not moving)


def _expects_alpha(header: Header, options: ProcessingOptions) -> bool:
    """Return whether some pixels of the result may be transparent."""
    stages = (options, *options.chained)
    transparent = header.alpha
    for stage in stages:
        transparent = transparent or any(stage.padding) or stage.extend.on
        transparent = transparent and stage.background is None
    return transparent
