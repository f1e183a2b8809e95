"""The pixels of a file, decoded once for all that is asked of them.

A picture without alpha streams through the decoder, which shrinks it where it can, into one that is small enough for
colours and hashes. One with alpha is decoded whole, because a single transparent pixel counts.
Source: https://www.libvips.org/API/current/method.Image.resize.html
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyvips
from numpy.typing import NDArray

from foveola.codecs.vips import channels, computed, eight_bits, to_picture
from foveola.picture import Header
from foveola.transform.colour import strip, to_srgb, upright
from foveola.transform.load import JPEG_SHRINKS, load

SIDE = 160
"""Pixels that the longer side of the small picture has at most: enough for a palette, and for a ThumbHash's 100."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """What was decoded.

    Args:
        small: the upright picture, at most `SIDE` wide and high; sRGB with or without alpha, 8 bit.
        whole: (H, W, 4) uint8 sRGB and straight alpha, not turned; None where there is no alpha.
    """

    small: pyvips.Image
    whole: NDArray[np.uint8] | None

    @property
    def colours(self) -> NDArray[np.uint8]:
        """The small picture as (H, W, 4) uint8; opaque where there is no alpha, (0, 0, 0, 0) where nothing is seen."""
        pixels = _array(self.small)
        pixels[pixels[..., 3] == 0] = 0
        return pixels

    def flat(self) -> NDArray[np.uint8]:
        """Return the small picture as (H, W, 3) uint8 on white."""
        return _array(_on_white(self.small))[..., :3]

    def within(self, side: int) -> NDArray[np.uint8]:
        """Return the picture as (H, W, 4) uint8 with no side above `side` pixels."""
        return _array(_fitted(self.small, side))

    def grey(self, side: int) -> NDArray[np.uint8]:
        """Return the picture on white as (side, side) uint8 grey, whatever its shape is."""
        grey = _on_white(self.small).colourspace("b-w")
        return to_picture(grey.resize(side / grey.width, vscale=side / grey.height)).frames[0, ..., 0]

    def transparent(self) -> bool:
        """Return whether any pixel lets something through."""
        return self.whole is not None and bool((self.whole[..., 3] < 255).any())

    def average(self, ignore: bool) -> tuple[int, int, int, int]:
        """Return the mean red, green, blue and alpha of all pixels.

        Args:
            ignore: leave out those that are quite transparent; where all are, the mean is (0, 0, 0, 0).
        """
        pixels = _array(self.small) if self.whole is None else self.whole
        seen = pixels[..., 3] >= int(ignore)
        count = int(seen.sum())
        sums = [int(pixels[..., band].sum(where=seen, dtype=np.uint64)) for band in range(4)]
        red, green, blue, alpha = ((total + count // 2) // max(count, 1) for total in sums)
        return red, green, blue, alpha


def decode(data: bytes, header: Header, page: int) -> Pixels:
    """Decode a file.

    Args:
        data: the file; it must stay unchanged while the pixels are used.
        header: what it says of itself.
        page: the page or frame, from 0.

    Raises:
        ImageError: it is broken, or has no such page.
    """
    shrink = 1.0 if header.alpha else _shrink(header)
    image = load(data, page=page, shrink=shrink, sequential=True)
    image = eight_bits(to_srgb(channels(image)))
    if not image.hasalpha():
        return Pixels(strip(upright(computed(_fitted(image, SIDE)))), None)
    image = computed(image)
    return Pixels(strip(upright(computed(_fitted(image, SIDE)))), _array(image))


def _shrink(header: Header) -> float:
    """Return what the decoder may divide the sides by so that at least twice `SIDE` is left to average over."""
    longest = max(header.width, header.height) / (2 * SIDE)
    if header.format == "jpeg":
        return next((shrink for shrink in JPEG_SHRINKS if shrink <= longest), 1)
    if header.format == "webp" and header.frames == 1:
        return max(longest, 1)
    return 1


def _fitted(image: pyvips.Image, side: int) -> pyvips.Image:
    """Make an image smaller, without the sharp edges that a better kernel draws in colours that are not there."""
    scale = side / max(image.width, image.height)
    if scale >= 1:
        return image
    if not image.hasalpha():
        return _resized(image, scale)
    space = image.interpretation
    return _resized(image.premultiply(), scale).unpremultiply().rint().cast("uchar").copy(interpretation=space)


def _resized(image: pyvips.Image, scale: float) -> pyvips.Image:
    across, down = (max(scale, 1 / side) for side in (image.width, image.height))
    return image.resize(across, vscale=down, kernel="linear")


def _on_white(image: pyvips.Image) -> pyvips.Image:
    return image.flatten(background=[255]) if image.hasalpha() else image


def _array(image: pyvips.Image) -> NDArray[np.uint8]:
    frame = to_picture(image).frames[0]
    if frame.shape[2] == 4:
        return np.array(frame)
    height, width, bands = frame.shape
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = np.broadcast_to(frame, (height, width, 3)) if bands == 1 else frame
    return pixels
