"""How large everything is on the way to the result, in integers and with imgproxy's roundings: no picture is touched.

Sizes round half away from zero, positions half to even (`foveola.transform.placing`), as imgproxy's do; a size that is
one pixel off is a picture that does not fit its place on a page. All sizes are those of the upright picture.
Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/about_processing_pipeline
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from foveola.options.values import ProcessingOptions, ResizingType

Size = tuple[int, int]
"""Width and height, pixels; 0 where nothing is said."""
_FARTHEST = 1e9
"""How many times smaller, or larger, a side is made at most."""


@dataclass(frozen=True)
class Geometry:
    """The way from one size to another: crop, scale, crop to what was asked, and a larger canvas.

    Args:
        source: of the upright source.
        crop: what is cut out before scaling; 0 keeps a side.
        factors: what each side is multiplied with.
        dpr: what offsets and padding are multiplied with.
        target: what was asked, at that `dpr`; 0 where a side was not.
        cut: what is cut out after scaling; 0 keeps a side.
        canvas: of the asked aspect ratio; (0, 0) for none.
        result: of the whole, padding included.
    """

    source: Size
    crop: Size
    factors: tuple[float, float]
    dpr: float
    target: Size
    cut: Size
    canvas: Size
    result: Size

    @property
    def whole(self) -> Size:
        """What is scaled."""
        return _least(self.crop, self.source)

    @property
    def scaled(self) -> Size:
        """What it is scaled to."""
        return scaled(self.whole, self.factors)


def measure(width: int, height: int, options: ProcessingOptions, *, vector: bool = False, limit: int = 0) -> Geometry:
    """Return the sizes that `options` ask for.

    Args:
        width: pixels of the source, upright.
        height: pixels of the source, upright.
        options: what is done to it.
        vector: whether it may be enlarged without being asked to.
        limit: pixels that a side of the result may have at most; 0 for any.
    """
    source = (width, height)
    crop = _crop(source, options)
    whole = _least(crop, source)
    factors, dpr = _factors(whole, options, vector)
    found = _sized(source, crop, factors, dpr, options)
    while 0 < limit < (longest := max(found.result)):
        factors, dpr = _shrunk(whole, found, limit / longest)
        if (factors, dpr) == (found.factors, found.dpr):
            break
        found = _sized(source, crop, factors, dpr, options)
    return found


def preshrunk(geometry: Geometry, loaded: Size) -> Geometry:
    """Return what is left to do to a source that was made smaller, or larger, by its decoder.

    Args:
        geometry: what was to be done to the whole.
        loaded: the size of what the decoder made, upright.
    """
    shrinks = (geometry.source[0] / loaded[0], geometry.source[1] / loaded[1])
    factors = (geometry.factors[0] * shrinks[0], geometry.factors[1] * shrinks[1])
    left = tuple(1.0 if scale(side, factor) == side else factor for side, factor in zip(loaded, factors, strict=True))
    crop = tuple(max(scale(side, 1 / by), 1) if side else 0 for side, by in zip(geometry.crop, shrinks, strict=True))
    return replace(geometry, source=loaded, factors=(left[0], left[1]), crop=(crop[0], crop[1]))


def scaled(size: Size, factors: tuple[float, float]) -> Size:
    """Return a size times a factor for each side, at least one pixel."""
    return max(scale(size[0], factors[0]), 1), max(scale(size[1], factors[1]), 1)


def scale(size: int, factor: float) -> int:
    """Return a size times a factor, rounded half away from zero; only 0 becomes 0."""
    return math.floor(min(size * factor, _FARTHEST**2) + 0.5)


def even(size: int, factor: float) -> int:
    """Return a size times a factor, rounded half to even."""
    return round(size * factor)


def _least(wanted: Size, there: Size) -> Size:
    """Return for each side the lesser, where something is wanted."""
    return min(wanted[0] or there[0], there[0]), min(wanted[1] or there[1], there[1])


def _crop(source: Size, options: ProcessingOptions) -> Size:
    """Return what is cut out before scaling, 0 for sides that are kept."""
    crop = (_part(source[0], options.crop.width), _part(source[1], options.crop.height))
    ratio, grows = options.crop_aspect_ratio
    return _of_ratio(_least(crop, source), ratio, source if grows else (0, 0)) if ratio else crop


def _part(side: int, part: float) -> int:
    return int(part) if part >= 1 or not part else max(1, scale(side, part))


def _of_ratio(size: Size, ratio: float, room: Size) -> Size:
    """Return a size of an aspect ratio: the largest within `size`, or the smallest around it that has `room`."""
    width, height = size
    wide = width > height * ratio
    if room == (0, 0):
        made = (scale(height, ratio), height) if wide else (width, scale(width, 1 / ratio))
    else:
        made = (width, scale(width, 1 / ratio)) if wide else (scale(height, ratio), height)
        less = min(room[0] / made[0], room[1] / made[1], 1.0)
        made = (scale(made[0], less), scale(made[1], less))
    return max(made[0], 1), max(made[1], 1)


def _factors(whole: Size, options: ProcessingOptions, vector: bool) -> tuple[tuple[float, float], float]:
    """Return what each side is multiplied with, and offsets and padding."""
    across, down = _shrinks(whole, options)
    across, down = across / _held(options.zoom[0]), down / _held(options.zoom[1])
    dpr = _held(options.dpr)
    if not options.enlarge and not vector:
        least = min(across, down)
        if least < 1:
            across, down = across / least, down / least
            # padding and offsets shrink with the picture, unless a canvas keeps the size that was asked
            dpr = dpr if options.extend.on else dpr / least
        dpr = min(dpr, across, down)
    across, down = _raised(whole, (across, down), options)
    return (1 / min(across / dpr, whole[0]), 1 / min(down / dpr, whole[1])), dpr


def _held(factor: float) -> float:
    """Return a factor that sizes can be computed with; what lies beyond makes no picture anyway."""
    return max(1 / _FARTHEST, min(factor, _FARTHEST))


def _raised(whole: Size, shrinks: tuple[float, float], options: ProcessingOptions) -> tuple[float, float]:
    """Return by how much each side is divided so that none is below its minimum."""
    across, down = shrinks
    if options.min_width and (most := whole[0] / options.min_width) < across:
        across, down = most, down / (across / most)
    if options.min_height and (most := whole[1] / options.min_height) < down:
        across, down = across / (down / most), most
    return across, down


def _shrinks(whole: Size, options: ProcessingOptions) -> tuple[float, float]:
    """Return by how much each side is divided, by the resizing type."""
    across = whole[0] / (options.width or whole[0])
    down = whole[1] / (options.height or whole[1])
    kind = _kind(whole, options)
    if kind == "force" or across == down == 1:
        return across, down
    if not options.width:
        return down, down
    if not options.height:
        return across, across
    both = max(across, down) if kind == "fit" else min(across, down)
    return both, both


def _kind(whole: Size, options: ProcessingOptions) -> ResizingType:
    """Resolve `auto`: fill where both are upright or both are lying, else fit."""
    if options.resizing_type != "auto":
        return options.resizing_type
    wanted = (options.width or whole[0]) - (options.height or whole[1])
    return "fill" if (whole[0] - whole[1] >= 0) == (wanted >= 0) else "fit"


def _sized(source: Size, crop: Size, factors: tuple[float, float], dpr: float, options: ProcessingOptions) -> Geometry:
    """Return the sizes that follow from what sides are multiplied with."""
    large = scaled(_least(crop, source), factors)
    target = (scale(options.width, dpr * _held(options.zoom[0])), scale(options.height, dpr * _held(options.zoom[1])))
    cut = target
    if options.resizing_type == "fill-down" and not options.enlarge:
        cut = _shrunk_box(target, large)
    inner = _least(cut, large)
    canvas = _canvas(inner, target) if options.extend_aspect_ratio.on else (0, 0)
    return Geometry(source, crop, factors, dpr, target, cut, canvas, _result(inner, target, canvas, dpr, options))


def _shrunk_box(box: Size, large: Size) -> Size:
    """Return a box that keeps its shape and fits into the scaled picture."""
    across, down = box[0] / large[0], box[1] / large[1]
    if across > down and across > 1:
        return large[0], scale(large[0], box[1] / box[0])
    if down > across and down > 1:
        return scale(large[1], box[0] / box[1]), large[1]
    return box


def _canvas(inner: Size, target: Size) -> Size:
    """Return the smallest canvas of the target's aspect ratio, (0, 0) where there is none or no need."""
    if not all(target):
        return 0, 0
    across, down = target[0] / inner[0], target[1] / inner[1]
    if down > across:
        return inner[0], scale(inner[0], target[1] / target[0])
    return (scale(inner[1], target[0] / target[1]), inner[1]) if across > down else (0, 0)


def _result(inner: Size, target: Size, canvas: Size, dpr: float, options: ProcessingOptions) -> Size:
    size = extended(inner, target) if options.extend.on else inner
    size = extended(size, canvas)
    top, right, bottom, left = (even(side, dpr) for side in options.padding)
    return size[0] + left + right, size[1] + top + bottom


def extended(size: Size, canvas: Size) -> Size:
    """Return the size of a picture on a canvas, its own where the canvas is not larger."""
    if canvas[0] <= size[0] and canvas[1] <= size[1]:
        return size
    return canvas[0] or size[0], canvas[1] or size[1]


def _shrunk(whole: Size, geometry: Geometry, less: float) -> tuple[tuple[float, float], float]:
    """Return factors and dpr that are as many times less, but for sides that would have no pixel."""
    across, down = geometry.factors
    return (max(across * less, 1 / whole[0]), max(down * less, 1 / whole[1])), geometry.dpr * less
