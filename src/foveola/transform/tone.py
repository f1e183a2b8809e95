"""Changes of each pixel by itself: brightness, contrast, saturation, shades of one colour and mixtures of two.

imgproxy names these options and publishes no formula, so they are ours: straight lines on the stored (not linear)
values, with luma as everywhere here, 0.299 R + 0.587 G + 0.114 B. Numbers are not rounded or cut off between the parts
of one step. Alpha stays, and so does grey wherever no colour was asked for.
Source: https://docs.imgproxy.net/usage/processing#adjust
"""

from __future__ import annotations

from collections.abc import Callable

import pyvips

from foveola.options.values import Colour, Duotone, Monochrome

_LUMA = (0.299, 0.587, 0.114)
_STRONGEST = 1e4
"""Where the least difference has long become that of black and white; more would end in infinity."""
_MOST = {"uchar": 255, "ushort": 65535}


def adjusted(image: pyvips.Image, brightness: int, contrast: float, saturation: float) -> pyvips.Image:
    """Change brightness, then contrast, then saturation.

    A value v becomes v + brightness; that becomes 127.5 + contrast (v - 127.5); and that moves along its distance from
    the pixel's luma y to y + saturation (v - y).

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        brightness: -255..255 levels of 8 bit; 0 changes nothing.
        contrast: above 0; 1 changes nothing, above 10000 counts as that.
        saturation: 0 or more; likewise.
    """
    if (brightness, contrast, saturation) == (0, 1, 1):
        return image
    contrast, saturation = min(contrast, _STRONGEST), min(saturation, _STRONGEST)

    def change(colours: pyvips.Image, most: int) -> pyvips.Image:
        if colours.bands == 3 and saturation != 1:
            rows = [[(1 - saturation) * part + saturation * (i == j) for j, part in enumerate(_LUMA)] for i in range(3)]
            colours = colours.cast("double").recomb(pyvips.Image.new_from_array(rows))
        return colours.linear(contrast, contrast * brightness * (most / 255) + (1 - contrast) * most / 2)

    return _changed(image, change)


def monochrome(image: pyvips.Image, value: Monochrome) -> pyvips.Image:
    """Turn all colours into shades of one, as bright as they were.

    The shades lead in straight lines from black through the colour, at its own luma, to white; so a grey colour makes a
    grey picture, and every shade has the luma of the pixel that it stands for.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        value: the colour, and how much of the change is made.

    Returns:
        RGB where the colour is not grey.
    """
    middle = sum(share * part for share, part in zip(_LUMA, value.colour, strict=True)) / 255

    def shades(luma: pyvips.Image) -> list[pyvips.Image]:
        dark = _within(luma * (1 / middle)) if middle else luma.linear(0, 1)
        light = _within((luma - middle) * (1 / (1 - middle))) if middle < 1 else luma.linear(0, 0)
        return [dark * part + light * (255 - part) for part in value.colour]

    return _painted(image, value.intensity, (value.colour,), shades)


def duotone(image: pyvips.Image, value: Duotone) -> pyvips.Image:
    """Turn all colours into mixtures of two: with a luma of y (0..1), 1 - y parts of the dark one and y of the light.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit.
        value: both colours, and how much of the change is made.

    Returns:
        RGB where one of the colours is not grey.
    """

    def mixtures(luma: pyvips.Image) -> list[pyvips.Image]:
        return [luma * (light - dark) + dark for dark, light in zip(value.dark, value.light, strict=True)]

    return _painted(image, value.intensity, (value.dark, value.light), mixtures)


def _painted(
    image: pyvips.Image,
    intensity: float,
    colours: tuple[Colour, ...],
    paint: Callable[[pyvips.Image], list[pyvips.Image]],
) -> pyvips.Image:
    """Mix what `paint` makes of luma (0..1), in levels 0..255, into a picture."""
    if intensity <= 0:
        return image
    coloured = any(len(set(colour)) > 1 for colour in colours)

    def change(before: pyvips.Image, most: int) -> pyvips.Image:
        luma = before if before.bands == 1 else before.cast("double").recomb(pyvips.Image.new_from_array([list(_LUMA)]))
        parts = paint(luma.cast("double") * (1 / most))
        after = parts[0].bandjoin(parts[1:]) if coloured or before.bands == 3 else parts[0]
        return before * (1 - intensity) + after * (intensity * most / 255)

    return _changed(image, change)


def _changed(image: pyvips.Image, change: Callable[[pyvips.Image, int], pyvips.Image]) -> pyvips.Image:
    """Change the colours of a picture, given the greatest level, and round once; alpha stays."""
    depth, count = image.format, image.bands - image.hasalpha()
    after = change(image.extract_band(0, n=count), _MOST[depth]).rint().cast(depth)
    space = image.interpretation
    if after.bands > count:
        space = "srgb" if depth == "uchar" else "rgb16"
    if image.hasalpha():
        after = after.bandjoin(image.extract_band(count))
    return after.copy(interpretation=space)


def _within(image: pyvips.Image) -> pyvips.Image:
    """Cut values off at 0 and 1."""
    return (image < 0).ifthenelse(0, (image > 1).ifthenelse(1, image))
