"""The steps from a loaded picture to one that can be encoded, in imgproxy's order.

Each step is a function of the image and its stage that returns an image; a new one is a line in `STEPS`. Images are
lazy: nothing is computed until the last step, the saving, asks for pixels, but for steps that need all of them at once.
An animation goes through the steps frame by frame. Source: https://docs.imgproxy.net/about_processing_pipeline
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyvips

from foveola.codecs import vips
from foveola.codecs.vips import PROFILE, broken, computed, field
from foveola.options.values import WHITE, Colour, Gravity
from foveola.transform import colour, filters, metadata, tone, watermark
from foveola.transform.canvas import embedded
from foveola.transform.geometry import Size, even, extended
from foveola.transform.load import load
from foveola.transform.opening import opened, opening, still
from foveola.transform.placing import position
from foveola.transform.stage import Stage, loaded, staged
from foveola.transform.trim import trimmed

if TYPE_CHECKING:
    from foveola.pipeline import Plan

Step = Callable[[pyvips.Image, Stage], pyvips.Image]
_DEFAULT_DELAY = 40
"""Milliseconds a frame is shown where the file says nothing; imgproxy's."""


def transformed(source: bytes | pyvips.Image, plan: Plan, mark: bytes | None = None) -> pyvips.Image:
    """Return the picture as it goes into the encoder, lazily; frames of an animation one above the other.

    Args:
        source: the file, or an image that is already open.
        plan: what to do.
        mark: the file of the watermark.

    Raises:
        ImageError: the source is broken; of its pixels that may show later, when they are asked for.
    """
    try:
        drawn = load(mark) if mark is not None else None
        if plan.reading.frames > 1:
            image = _animated(opened(source, plan), plan, drawn)
        else:
            image = _chained(source, plan, drawn)
        lost = plan.looks.profile and not image.get_typeof(PROFILE)
        profile = field(opened(source, plan), PROFILE, None) if lost else None
        return finished(image, plan, profile)
    except pyvips.Error as error:
        raise broken(error) from error


def _animated(image: pyvips.Image, plan: Plan, mark: pyvips.Image | None) -> pyvips.Image:
    """Return an animation whose frames went through all pipelines, one above the other."""
    height = image.get_page_height()
    image = computed(image)
    frames = [
        _chained(still(image.crop(0, top, image.width, height)), plan, mark) for top in range(0, image.height, height)
    ]
    joined = pyvips.Image.arrayjoin(frames, across=1).copy()
    delays = list(field(image, "delay", ()))[: len(frames)] or [_DEFAULT_DELAY] * len(frames)
    joined.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    joined.set_type(pyvips.GValue.array_int_type, "delay", delays)
    joined.set_type(pyvips.GValue.gint_type, "loop", field(image, "loop", 0))
    return joined


def _chained(source: bytes | pyvips.Image, plan: Plan, mark: pyvips.Image | None) -> pyvips.Image:
    """Return a picture that went through all pipelines; the first opens it, as small as it can."""
    smaller = opening(source, plan)
    image = opened(source, plan) if smaller is None or plan.reading.shrink != 1 else None
    for number, options in enumerate(plan.stages):
        if options.trim.threshold is not None and plan.reading.frames == 1:
            image = computed(trimmed(vips.channels(image), options.trim))
        stage = staged(image, options, plan, number == len(plan.stages) - 1, mark)
        image, stage = loaded(image, stage, smaller)
        for step in STEPS:
            image = step(image, stage)
        smaller = None
    return image


def channels(image: pyvips.Image, stage: Stage) -> pyvips.Image:  # noqa: ARG001
    """Bring the picture to grey, RGB or RGB with alpha; other colour spaces by their profile."""
    return vips.channels(image)


def crop(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Cut out what was asked, in the picture as it is stored."""
    if stage.geometry.crop == (0, 0):
        return image
    return _cut(image, stage.turn.size(stage.geometry.crop), stage.turn.before(stage.crop_gravity), 1.0)


def scale(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Resize, what is transparent without its colour, in linear light if the settings say so."""
    across, down = stage.geometry.factors
    if (across, down) == (1.0, 1.0):
        return image
    if stage.turn.swaps:
        across, down = down, across
    depth, most = image.format, {"uchar": 255, "ushort": 65535}[image.format]
    if stage.plan.looks.linear:
        image, most = colour.to_linear(image), 1
    kernel, between = stage.options.resizing_algorithm, image.format
    if image.hasalpha():
        image = image.premultiply(max_alpha=most).cast(between).resize(across, vscale=down, kernel=kernel)
        image = image.unpremultiply(max_alpha=most).cast(between)
    else:
        image = image.resize(across, vscale=down, kernel=kernel)
    return colour.from_linear(image, deep=depth == "ushort") if stage.plan.looks.linear else image


def turn(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Turn the picture as its Exif and the URL say; its pixels are computed first, for files are read top to bottom."""
    if not stage.turn.nothing:
        image = stage.turn.pixels(computed(image))
    oriented = field(image, "orientation", None)
    return metadata.told_upright(image) if oriented is not None and stage.plan.looks.upright(stage.options) else image


def cut(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Cut out what is larger than was asked."""
    return _cut(image, stage.geometry.cut, stage.options.gravity, stage.geometry.dpr)


def tones(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Change brightness, contrast and colours."""
    options = stage.options
    if (options.brightness, options.contrast, options.saturation) != (0, 1.0, 1.0):
        image = tone.adjusted(image, options.brightness, options.contrast, options.saturation)
    if options.monochrome.intensity:
        image = tone.monochrome(image, options.monochrome)
    return tone.duotone(image, options.duotone) if options.duotone.intensity else image


def unsharp(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Sharpen what was made smaller, if the URL or the settings say so."""
    shrunk = stage.shrunk and not stage.options.sharpen
    return filters.unsharp(image, stage.options.unsharp_masking, shrunk)


def effects(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Blur, sharpen and pixelate; each looks around, so the pixels are computed first."""
    options = stage.options
    if options.blur <= 0 and options.sharpen <= 0 and options.pixelate <= 1:
        return image
    image = computed(image)
    image = filters.blurred(image, options.blur) if options.blur > 0 else image
    image = filters.sharpened(image, options.sharpen) if options.sharpen > 0 else image
    return filters.pixelated(image, options.pixelate) if options.pixelate > 1 else image


def extend(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Put the picture on a canvas of the size that was asked."""
    wanted = stage.options.extend
    return _on_canvas(image, stage, stage.geometry.target, wanted.gravity) if wanted.on else image


def extend_aspect_ratio(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Put the picture on a canvas of the aspect ratio that was asked."""
    canvas = stage.geometry.canvas
    return _on_canvas(image, stage, canvas, stage.options.extend_aspect_ratio.gravity) if all(canvas) else image


def pad(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Put a border around the picture."""
    top, right, bottom, left = (even(side, stage.geometry.dpr) for side in stage.options.padding)
    if (top, right, bottom, left) == (0, 0, 0, 0):
        return image
    size = (image.width + left + right, image.height + top + bottom)
    return embedded(image, size, (left, top), _background(image, stage))


def flatten(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Lay what is transparent on the background, white where none is said."""
    if not stage.flat:
        return image
    options = stage.options
    alpha = options.background_alpha if stage.plan.looks.alpha and options.background is not None else 1.0
    return colour.flatten(image, options.background or WHITE, alpha)


def mark(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """Lay the watermark on."""
    options = stage.options
    if stage.mark is None or not options.watermark.opacity:
        return image
    return watermark.watermarked(
        computed(image),
        stage.mark,
        options.watermark,
        stage.plan.looks.opacity,
        options.watermark_size,
        options.watermark_rotate,
        stage.geometry.dpr,
    )


STEPS: tuple[Step, ...] = (
    channels,
    crop,
    scale,
    turn,
    cut,
    tones,
    unsharp,
    effects,
    extend,
    extend_aspect_ratio,
    pad,
    flatten,
    mark,
)


def finished(image: pyvips.Image, plan: Plan, profile: bytes | None) -> pyvips.Image:
    """Return the picture in the colours, the depth and with the metadata that its file has.

    Args:
        image: what the pipelines have made.
        plan: what to do.
        profile: that of the source.
    """
    looks = plan.looks
    if not looks.profile:
        image = colour.to_srgb(image)
    elif profile and not image.get_typeof(PROFILE):
        image = colour.to_profile(image, profile)
    if not looks.deep:
        image = vips.eight_bits(image)
    if not looks.metadata:
        return metadata.stripped(image, looks.profile, looks.copyright, looks.dpi)
    image = metadata.bounded(image)
    return metadata.tagged_dpi(image, looks.dpi) if looks.dpi else image


def _cut(image: pyvips.Image, wanted: Size, gravity: Gravity, dpr: float) -> pyvips.Image:
    """Cut out a part; 0 keeps a side, and so does more than there is."""
    width, height = min(wanted[0] or image.width, image.width), min(wanted[1] or image.height, image.height)
    if (width, height) == (image.width, image.height):
        return image
    if gravity.anchor == "sm":
        return computed(image).smartcrop(width, height, interesting="attention")
    left, top = position((image.width, image.height), (width, height), gravity, dpr)
    return image.crop(left, top, width, height)


def _on_canvas(image: pyvips.Image, stage: Stage, canvas: Size, gravity: Gravity) -> pyvips.Image:
    own = (image.width, image.height)
    size = extended(own, canvas)
    if size == own:
        return image
    at = position(size, own, gravity, stage.geometry.dpr)
    return embedded(image, size, at, _background(image, stage))


def _background(image: pyvips.Image, stage: Stage) -> Colour | None:
    """Return what a canvas is filled with; None where it stays transparent, if only for now."""
    direct = stage.flat and stage.options.background_alpha == 1 and not image.hasalpha()
    return (stage.options.background or WHITE) if direct else None
