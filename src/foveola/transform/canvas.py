"""A picture on a larger canvas: transparent, or filled at once with the colour that it will be laid on anyway.

Source: https://docs.imgproxy.net/usage/processing#extend and #padding
"""

from __future__ import annotations

import pyvips

from foveola.options.values import Colour


def embedded(
    image: pyvips.Image, size: tuple[int, int], at: tuple[int, int], background: Colour | None
) -> pyvips.Image:
    """Return an image on a canvas.

    Args:
        image: grey, RGB or RGB with alpha, 8 or 16 bit.
        size: width and height of the canvas, pixels.
        at: where the left and the top of the image stand on it.
        background: what the canvas is filled with; None leaves it transparent, which a picture with alpha is anyway.
    """
    if background is None or image.hasalpha():
        return _with_alpha(image).embed(*at, *size, extend="black")
    if image.bands == 1 and len(set(background)) > 1:
        image = _coloured(image)
    depth = 257 if image.format == "ushort" else 1
    return image.embed(*at, *size, extend="background", background=[depth * part for part in background[: image.bands]])


def _with_alpha(image: pyvips.Image) -> pyvips.Image:
    """Return RGB with alpha, opaque where there was none."""
    image = _coloured(image) if image.bands == 1 else image
    return image if image.hasalpha() else image.bandjoin(65535 if image.format == "ushort" else 255)


def _coloured(image: pyvips.Image) -> pyvips.Image:
    return image.colourspace("rgb16" if image.format == "ushort" else "srgb")
