"""Filters that look at a pixel's neighbours: blurring, sharpening, pixelating and unsharp masking.

What is transparent has a colour that nobody sees, and a filter would smear it into what is seen; so pictures with alpha
are premultiplied first. Each filter keeps size, channels and depth, and looks at pixels again and again, which is why
lazy pictures are computed before. Source: https://docs.imgproxy.net/usage/processing#blur and
https://docs.imgproxy.net/configuration/options#unsharp-masking
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import pyvips

from foveola.codecs.vips import computed
from foveola.options.values import Unsharp

_LARGEST_BLUR, _LARGEST_SHARPENING = 1000.0, 10.0
"""The greatest sigmas that libvips takes."""
_WEIGHT, _DIVIDER = 1.0, 24.0


def blurred(image: pyvips.Image, sigma: float) -> pyvips.Image:
    """Blur with a Gaussian.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        sigma: of the Gaussian, pixels; 0 blurs nothing, above 1000 counts as 1000.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    if sigma <= 0:
        return image
    return _filtered(image, lambda it: it.gaussblur(min(sigma, _LARGEST_BLUR)))


def sharpened(image: pyvips.Image, sigma: float) -> pyvips.Image:
    """Sharpen the lightness.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        sigma: of the Gaussian that finds the edges, pixels; 0 sharpens nothing, above 10 counts as 10.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    if sigma <= 0:
        return image
    return _filtered(image, lambda it: it.sharpen(sigma=min(sigma, _LARGEST_SHARPENING)))


def pixelated(image: pyvips.Image, side: int) -> pyvips.Image:
    """Show squares of one colour each, the mean of what they cover.

    Squares that stick out at the right and below are filled up by the mirrored picture.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        side: of a square, pixels; up to 1 nothing changes.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    side = min(side, max(image.width, image.height))
    if side <= 1:
        return image
    return _filtered(image, lambda it: _squares(it, side))


def unsharp(image: pyvips.Image, value: Unsharp, shrunk: bool) -> pyvips.Image:
    """Raise each pixel above the eight around it: p + weight / divider times the sum of p - neighbour.

    imgproxy publishes no formula. With its defaults, 1 and 24, this is the mild mask that libvips' thumbnailer has had.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        value: when and how strongly; what is None is imgproxy's default.
        shrunk: whether the picture was made smaller and is not sharpened otherwise, as mode `auto` asks.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    mode = value.mode or "auto"
    if mode == "none" or (mode == "auto" and not shrunk):
        return image
    share = (_WEIGHT if value.weight is None else value.weight) / (_DIVIDER if value.divider is None else value.divider)
    mask = pyvips.Image.new_from_array([[-share] * 3, [-share, 1 + 8 * share, -share], [-share] * 3])
    return _filtered(image, lambda it: it.conv(mask, precision="float").rint())


def _filtered(image: pyvips.Image, change: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    depth, space = image.format, image.interpretation
    image = computed(image)
    if not image.hasalpha():
        return change(image).cast(depth).copy(interpretation=space)
    changed = change(image.premultiply().rint().cast(depth))
    return changed.unpremultiply().rint().cast(depth).copy(interpretation=space)


def _squares(image: pyvips.Image, side: int) -> pyvips.Image:
    width, height = (ceil(length / side) * side for length in (image.width, image.height))
    whole = image.embed(0, 0, width, height, extend="mirror").shrink(side, side).zoom(side, side)
    return whole.crop(0, 0, image.width, image.height)
