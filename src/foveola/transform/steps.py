"""The steps from a loaded picture to one that can be encoded, in imgproxy's order.

Each step is a function of the image and the plan that returns an image; a new one is a line in `STEPS`. Images are
lazy: nothing is computed until the last step, the saving, asks for pixels. Turning comes after scaling, when there is
less to turn, and the sides are measured accordingly. Source: https://docs.imgproxy.net/about_processing_pipeline
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyvips

from foveola.codecs.vips import orientation
from foveola.errors import ImageError
from foveola.transform import colour
from foveola.transform.geometry import centred
from foveola.transform.load import load

if TYPE_CHECKING:
    from foveola.pipeline import Plan

Step = Callable[[pyvips.Image, "Plan"], pyvips.Image]


def transformed(source: bytes | pyvips.Image, plan: Plan) -> pyvips.Image:
    """Return the picture as it goes into the encoder, lazily.

    Args:
        source: the file, or an image that is already open.
        plan: what to do.

    Raises:
        ImageError: the source is broken; of its pixels that may show later, when they are asked for.
    """
    image = load(source, sequential=True) if isinstance(source, bytes) else source
    try:
        for step in STEPS:
            image = step(image, plan)
    except pyvips.Error as error:
        raise _broken(error) from error
    return image


def channels(image: pyvips.Image, plan: Plan) -> pyvips.Image:  # noqa: ARG001
    """Bring the picture to grey, RGB or RGB with alpha; other colour spaces by their profile."""
    return colour.channels(image)


def scale(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Resize with Lanczos' kernel, what is transparent without its colour."""
    across, down = plan.geometry.factors
    if plan.source.orientation >= 5:
        across, down = down, across
    if (across, down) == (1.0, 1.0):
        return image
    if not image.hasalpha():
        return image.resize(across, vscale=down)
    depth = image.format
    return image.premultiply().cast(depth).resize(across, vscale=down).unpremultiply().cast(depth)


def upright(image: pyvips.Image, plan: Plan) -> pyvips.Image:  # noqa: ARG001
    """Turn the picture as its Exif says; its pixels are computed first, since files are read from top to bottom."""
    return colour.upright(image if orientation(image) == 1 else in_memory(image))


def crop(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Cut what is wanted out of the middle."""
    width, height = (min(pair) for pair in zip(plan.geometry.result, (image.width, image.height), strict=True))
    if (width, height) == (image.width, image.height):
        return image
    return image.crop(centred(image.width, width), centred(image.height, height), width, height)


def flatten(image: pyvips.Image, plan: Plan) -> pyvips.Image:
    """Lay what is transparent on white where the result can't hold it."""
    return colour.flatten(image) if plan.flatten else image


def srgb(image: pyvips.Image, plan: Plan) -> pyvips.Image:  # noqa: ARG001
    """Apply the colour profile and leave it out."""
    return colour.to_srgb(image)


def eight_bits(image: pyvips.Image, plan: Plan) -> pyvips.Image:  # noqa: ARG001
    """Cut 16 bit to 8."""
    return colour.eight_bits(image)


def strip(image: pyvips.Image, plan: Plan) -> pyvips.Image:  # noqa: ARG001
    """Leave metadata out."""
    return colour.strip(image)


STEPS: tuple[Step, ...] = (channels, scale, upright, crop, flatten, srgb, eight_bits, strip)


def in_memory(image: pyvips.Image) -> pyvips.Image:
    """Compute the pixels now, so that they can be asked for in any order and more than once.

    Raises:
        ImageError: the file behind the lazy image is broken.
    """
    try:
        return image.copy_memory()
    except pyvips.Error as error:
        raise _broken(error) from error


def _broken(error: pyvips.Error) -> ImageError:
    return ImageError(f"Expected a whole picture, got {str(error.detail or error.message).strip()}")
