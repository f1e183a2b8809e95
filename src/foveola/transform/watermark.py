"""A picture laid on another: once, at a place, or all over.

Sizes and places are imgproxy's: the size rounds to full pixels, positions and gaps half to even, and what sticks out is
cut off. Pixels beside the watermark stay exactly what they are, which libvips' compositing does not promise where the
picture is translucent; so the mixing is done here, in floats. Source: https://docs.imgproxy.net/features/watermark
"""

from __future__ import annotations

import pyvips

from foveola.codecs.vips import PROFILE, channels, computed, eight_bits, field, without
from foveola.options.values import Gravity, Watermark
from foveola.transform import colour
from foveola.transform.placing import offset, position

_GREYS = ("b-w", "grey16")
_LARGEST = 100_000
"""Pixels that a side of the watermark may be asked to have; only what is seen is computed."""


def watermarked(
    image: pyvips.Image,
    mark: pyvips.Image,
    value: Watermark,
    opacity: float = 1.0,
    size: tuple[int, int] = (0, 0),
    rotate: float = 0.0,
    dpr: float = 1.0,
) -> pyvips.Image:
    """Lay a watermark on a picture, or on each frame of an animation.

    The watermark is turned, then made to fit its size, then laid over the picture in the picture's own colours.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit; frames stand one above the other, as `page-height` says.
        mark: the watermark as it is stored, of any kind.
        value: where it is laid, how opaque, and how large as a share of the picture.
        opacity: 0..1, times that of `value`.
        size: width and height in pixels that it has to fit where `value` says no share; 0 for what the other gives.
        rotate: degrees clockwise.
        dpr: what offsets in pixels are multiplied with, above 0.

    Returns:
        The picture with its size, depth, alpha channel and profile; RGB where a grey one gets a coloured watermark.

    Raises:
        ImageError: the watermark, or the file behind the lazy picture, is broken.
    """
    share = min(value.opacity * opacity, 1.0)
    if share <= 0:
        return image
    image, mark = _alike(image, colour.upright(computed(mark)))
    frame = image.width, image.get_page_height()
    mark = _sized(_turned(mark, rotate), _box(frame, value.scale, size))
    if value.position == "re" or value.position == "ch":
        gaps = offset(frame[0], value.x, dpr), offset(frame[1], value.y, dpr)
        layer, corner = _tiled(mark, frame, gaps, value.position == "ch"), (0, 0)
    else:
        gravity = Gravity(value.position, value.x, value.y)
        layer, corner = _seen(mark, frame, position(frame, (mark.width, mark.height), gravity, dpr, overhang=True))
    if image.height > frame[1]:
        layer = computed(layer.embed(*corner, *frame)).replicate(1, image.height // frame[1])
        corner = 0, 0
    below = image.crop(*corner, layer.width, layer.height)
    return image.insert(_over(layer, below, share), *corner)


def _alike(image: pyvips.Image, mark: pyvips.Image) -> tuple[pyvips.Image, pyvips.Image]:
    """Return both with the same colours and depth, the watermark with alpha."""
    grey = mark.interpretation in _GREYS
    if image.interpretation in _GREYS and not grey:
        image = colour.to_srgb(image)
        image = image.colourspace("srgb" if image.format == "uchar" else "rgb16")
    mark = colour.to_srgb(channels(mark))
    if image.format == "uchar":
        mark = eight_bits(mark)
    elif mark.format == "uchar":
        mark = (mark.cast("ushort") * 257).cast("ushort").copy(interpretation="grey16" if mark.bands == 1 else "rgb16")
    if not mark.hasalpha():
        mark = mark.addalpha()
    if image.interpretation in _GREYS:
        mark = (
            mark.extract_band(0).bandjoin(mark.extract_band(mark.bands - 1)).copy(interpretation=image.interpretation)
        )
    elif mark.bands == 2:
        mark = mark.colourspace(image.interpretation)
    if profile := field(image, PROFILE, None):
        mark = without(colour.to_profile(mark, profile), PROFILE)
    return image, mark


def _turned(mark: pyvips.Image, degrees: float) -> pyvips.Image:
    quarters, rest = divmod(degrees % 360, 90)
    if rest:
        depth = mark.format
        turned = mark.premultiply().rotate(degrees % 360, interpolate=pyvips.Interpolate.new("bicubic"))
        return turned.unpremultiply().rint().cast(depth)
    return mark.rot(f"d{90 * (int(quarters) % 4)}")


def _box(frame: tuple[int, int], scale: float, size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height that a watermark has to fit, 0 for any."""
    if scale <= 0:
        return min(size[0], _LARGEST), min(size[1], _LARGEST)
    width, height = (max(round(min(side * scale, _LARGEST)), 1) for side in frame)
    return width, height


def _sized(mark: pyvips.Image, box: tuple[int, int]) -> pyvips.Image:
    """Make a watermark as large as fits, however small it is."""
    factors = [most / side for most, side in zip(box, (mark.width, mark.height), strict=True) if most]
    factor = min(factors, default=1.0)
    if factor == 1.0:
        return mark
    across, down = max(factor, 1 / mark.width), max(factor, 1 / mark.height)
    depth = mark.format
    return mark.premultiply().resize(across, vscale=down).unpremultiply().rint().cast(depth)


def _seen(mark: pyvips.Image, frame: tuple[int, int], corner: tuple[int, int]) -> tuple[pyvips.Image, tuple[int, int]]:
    """Return the part of a watermark that lies on the picture, and where."""
    left, top = (max(at, 0) for at in corner)
    right, bottom = (min(at + n, m) for at, n, m in zip(corner, (mark.width, mark.height), frame, strict=True))
    return mark.crop(left - corner[0], top - corner[1], right - left, bottom - top), (left, top)


def _tiled(mark: pyvips.Image, frame: tuple[int, int], gaps: tuple[int, int], chess: bool) -> pyvips.Image:
    """Fill a frame with a watermark in the middle and others around it; on a chessboard every second place is empty."""
    tile = _tile(mark, frame, gaps)
    across, down = (-(-m // n) // 2 * 2 + 1 for m, n in zip(frame, (tile.width, tile.height), strict=True))
    left, top = (across * tile.width - frame[0]) // 2, (down * tile.height - frame[1]) // 2
    if not chess:
        return tile.replicate(across, down).crop(left, top, *frame)
    blank = (tile * 0).cast(tile.format)
    rows = tile.join(blank, "horizontal"), blank.join(tile, "horizontal")
    board = computed(rows[0].join(rows[1], "vertical")).replicate(across // 2 + 1, down // 2 + 1)
    first = tile.width * ((across // 2 + down // 2) % 2)  # so that the place in the middle is not empty
    return board.crop(first + left, top, *frame)


def _tile(mark: pyvips.Image, frame: tuple[int, int], gaps: tuple[int, int]) -> pyvips.Image:
    """Return a watermark with its share of the gaps around, no larger than the frame."""
    # A gap beyond the frame shows one watermark, as the next smaller one that is even or odd alike does.
    held = [max(min(gap, side + (gap - side) % 2), 0) for gap, side in zip(gaps, frame, strict=True)]
    tile = mark.embed(held[0] // 2, held[1] // 2, mark.width + held[0], mark.height + held[1])
    width, height = min(tile.width, frame[0]), min(tile.height, frame[1])
    return computed(tile.crop((tile.width - width) // 2, (tile.height - height) // 2, width, height))


def _over(layer: pyvips.Image, below: pyvips.Image, opacity: float) -> pyvips.Image:
    """Lay a layer with alpha over a picture of the same size."""
    most, count = 65535 if below.format == "ushort" else 255, layer.bands - 1
    share = layer.extract_band(count) * (opacity / most)
    top, under = layer.extract_band(0, n=count), below.extract_band(0, n=count)
    if not below.hasalpha():
        mixed = top * share + under * (1 - share)
    else:
        rest = (1 - share) * below.extract_band(count) / most
        whole = share + rest
        mixed = ((top * share + under * rest) / whole).bandjoin(whole * most)
    mixed = mixed.rint().cast(below.format).copy(interpretation=below.interpretation)
    return (share == 0).ifthenelse(below, mixed)
