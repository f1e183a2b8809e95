"""How large the result is, in integers and with imgproxy's roundings: no picture is touched here.

Sizes round half away from zero, positions half to even, as imgproxy's do; a size that is one pixel off is a picture
that does not fit its place on a page. Source: https://docs.imgproxy.net/usage/processing#resizing-type
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from foveola.options import ProcessingOptions, ResizingType


@dataclass(frozen=True)
class Geometry:
    """The way from one size to another: scale, then crop around the centre.

    Args:
        source: width and height of the upright source, pixels.
        factors: what each side is multiplied with.
        result: width and height after cropping, pixels.
    """

    source: tuple[int, int]
    factors: tuple[float, float]
    result: tuple[int, int]

    @property
    def scaled(self) -> tuple[int, int]:
        """Width and height after scaling, pixels."""
        return _scaled(self.source, self.factors)

    @property
    def megapixels(self) -> float:
        """Area of the result in millions of pixels."""
        return self.result[0] * self.result[1] / 1e6


def measure(width: int, height: int, options: ProcessingOptions, max_dimension: int = 0) -> Geometry:
    """Return the sizes that `options` ask for.

    Args:
        width: pixels of the source, upright.
        height: pixels of the source, upright.
        options: the size, the resizing type and whether to enlarge.
        max_dimension: pixels that a side of the result may have at most; 0 for any.
    """
    across, down = _shrinks(width, height, options)
    whole = (1 / across, 1 / down)
    found = _cropped((width, height), whole, (options.width, options.height), options)
    longest = max(found.result)
    if not 0 < max_dimension < longest:
        return found
    less = max_dimension / longest
    box = (scale(options.width, less), scale(options.height, less))
    box = (max(box[0], min(options.width, 1)), max(box[1], min(options.height, 1)))  # 0 would mean any
    smaller = _cropped((width, height), (whole[0] * less, whole[1] * less), box, options)
    return fit_within(smaller, max_dimension)  # rounding may have kept a side one pixel too long


def fit_within(geometry: Geometry, limit: int) -> Geometry:
    """Return `geometry` made smaller so that no side is longer than `limit` pixels, for the formats that have one."""
    longest = max(geometry.result)
    if longest <= limit:
        return geometry
    less = limit / longest
    factors = (geometry.factors[0] * less, geometry.factors[1] * less)
    scaled = _scaled(geometry.source, factors)
    width, height = (max(scale(side, less), 1) for side in geometry.result)
    return Geometry(geometry.source, factors, (min(width, scaled[0]), min(height, scaled[1])))


def scale(size: int, factor: float) -> int:
    """Return a size times a factor, rounded half away from zero; only 0 becomes 0."""
    return math.floor(size * factor + 0.5)


def centred(size: int, part: int) -> int:
    """Return where a part of a side begins when it is in the middle, as imgproxy rounds it: half to even."""
    return min(round((size - part + 1) / 2), size - part)


def _scaled(size: tuple[int, int], factors: tuple[float, float]) -> tuple[int, int]:
    return max(scale(size[0], factors[0]), 1), max(scale(size[1], factors[1]), 1)


def _cropped(
    source: tuple[int, int], factors: tuple[float, float], wanted: tuple[int, int], options: ProcessingOptions
) -> Geometry:
    scaled = _scaled(source, factors)
    box = (wanted[0] or scaled[0], wanted[1] or scaled[1])
    if options.resizing_type == "fill-down" and not options.enlarge:
        box = _shrunk_box(box, scaled)
    return Geometry(source, factors, (min(box[0], scaled[0]), min(box[1], scaled[1])))


def _shrunk_box(box: tuple[int, int], scaled: tuple[int, int]) -> tuple[int, int]:
    """Return a box that keeps its shape and fits into the scaled picture."""
    less = min(scaled[0] / box[0], scaled[1] / box[1], 1.0)
    return max(scale(box[0], less), 1), max(scale(box[1], less), 1)


def _shrinks(width: int, height: int, options: ProcessingOptions) -> tuple[float, float]:
    """Return by how much each side is divided."""
    across = width / (options.width or width)
    down = height / (options.height or height)
    kind = _kind(width, height, options)
    if kind != "force":
        if not options.width:
            across = down
        elif not options.height:
            down = across
        else:
            across = down = max(across, down) if kind == "fit" else min(across, down)
    least = min(across, down)
    if not options.enlarge and least < 1:
        across, down = across / least, down / least
    return min(across, width), min(down, height)


def _kind(width: int, height: int, options: ProcessingOptions) -> ResizingType:
    """Resolve `auto`: fill where both are upright or both are lying, else fit."""
    if options.resizing_type != "auto":
        return options.resizing_type
    wanted = (options.width or width) - (options.height or height)
    return "fill" if (width - height >= 0) == (wanted >= 0) else "fit"
