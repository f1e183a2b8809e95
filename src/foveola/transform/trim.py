"""Cutting off a border of one colour.

Where the border ends is libvips' finding, as imgproxy's is: rows and columns are counted in from each side until one
differs from the colour of the border, after a median filter that takes specks away. What is transparent counts as
magenta, so that `FF00FF` trims it. Source: https://docs.imgproxy.net/usage/processing#trim
"""

from __future__ import annotations

import pyvips

from foveola.codecs.vips import computed
from foveola.options.values import Trim

_MAGENTA = (255, 0, 255)
_MEDIAN = 3
"""Pixels of the median filter's sides; libvips refuses smaller pictures unless it goes without."""


def trimmed(image: pyvips.Image, value: Trim) -> pyvips.Image:
    """Cut a border off; a picture that is nothing but border stays as it is.

    The pixels are computed at once, since the whole picture has to be looked at first.

    Args:
        image: one frame of any colour space and depth; a profile has no say.
        value: what the border is and what may be cut.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    if value.threshold is None:
        return image
    image = computed(image)
    seen = image.colourspace("srgb")
    if seen.hasalpha():
        seen = seen.flatten(background=_MAGENTA)
    border = value.colour or seen.getpoint(0, 0)
    tiny = min(image.width, image.height) < _MEDIAN
    left, top, width, height = seen.find_trim(threshold=value.threshold, background=list(border), line_art=tiny)
    if not (width and height):
        return image
    right, bottom = image.width - left - width, image.height - top - height
    if value.equal_hor:
        left = right = min(left, right)
    if value.equal_ver:
        top = bottom = min(top, bottom)
    return image.crop(left, top, image.width - left - right, image.height - top - bottom)
