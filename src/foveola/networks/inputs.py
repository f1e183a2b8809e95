"""How a picture of any size becomes the square that a network sees.

Stretching hides what decides: how sharp the picture is at full resolution. Our own networks see a mosaic of 4x4 tiles,
cut at full resolution on the grid of 8x8 blocks; a foreign one gets the whole picture, stretched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from foveola.errors import ArgumentError, expected
from foveola.networks.sidecar import Input, Layout, Scale
from foveola.picture import Picture

Pixels = NDArray[np.uint8]
SIDE = 416
"""Pixels of a side of the mosaic that our networks see."""
ACROSS = 4
"""Tiles in a row of a mosaic, and rows of them."""
BLOCK = 8
"""Pixels of a block; tiles lie on the grid of blocks."""
BAND = 256
"""Rows that are laid on white at a time."""


def square(picture: Picture, how: Input, side: int) -> Pixels:
    """Return (side, side, 3) uint8 of the first frame: grey as three equal channels, alpha over white.

    Raises:
        ArgumentError: the frames are not uint8.
    """
    if picture.frames.dtype != np.uint8:
        raise ArgumentError(expected("uint8", "frames", str(picture.frames.dtype)))
    frame: Pixels = picture.frames[0]
    return coloured(mosaic(frame, side)) if how == "mosaic" else resize(coloured(frame), side)


def coloured(pixels: Pixels) -> Pixels:
    """Return (H, W, 3) of (H, W, 1 | 3 | 4): grey as three equal channels, alpha over white."""
    if pixels.shape[2] == 3:
        return pixels
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    made = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), BAND):  # the numbers between are twice as large
        band = pixels[top : top + BAND].astype(np.uint16)
        colour, alpha = band[..., :3], band[..., 3:]
        made[top : top + BAND] = (colour * alpha + 255 * (255 - alpha) + 127) // 255  # at most 65152
    return made


def mosaic(pixels: Pixels, side: int = SIDE) -> Pixels:
    """Return 4x4 tiles that are spread evenly over a picture, in their order, at full resolution.

    Args:
        pixels: (H, W, channels) uint8; a picture smaller than a tile is mirrored beyond its edges.
        side: of the mosaic in pixels, a multiple of 32.

    Returns:
        (side, side, channels) uint8.
    """
    tile = side // ACROSS
    if min(pixels.shape[:2]) < tile:
        pixels = pixels[np.ix_(*(_mirrored(length, tile) for length in pixels.shape[:2]))]
    rows, columns = (_starts(length, tile) for length in pixels.shape[:2])
    cut = [np.concatenate([pixels[y : y + tile, x : x + tile] for x in columns], axis=1) for y in rows]
    return np.concatenate(cut)


def _starts(length: int, tile: int) -> list[int]:
    """Return where tiles begin along a side: evenly from its first to its last block."""
    room = length - tile
    return [min(BLOCK * round(i * room / (ACROSS - 1) / BLOCK), BLOCK * (room // BLOCK)) for i in range(ACROSS)]


def _mirrored(length: int, least: int) -> NDArray[np.intp]:
    """Return the places of a side, to and fro until there are enough; the last is not repeated where it turns."""
    turn = 2 * max(length - 1, 1)
    places = np.arange(max(length, least)) % turn
    return np.minimum(np.minimum(places, turn - places), length - 1)


def resize(pixels: Pixels, side: int) -> Pixels:
    """Return a picture stretched to (side, side, 3) with Lanczos."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))


def tensor(pixels: Pixels, layout: Layout, scale: Scale, floats: bool) -> NDArray[Any]:
    """Return a square of pixels as a network takes it: channels where it has them, numbers as it knows them.

    Args:
        pixels: (side, side, 3) uint8.
        layout: where channels are.
        scale: what 0..255 become.
        floats: whether it takes float32, else uint8.

    Returns:
        (1, side, side, 3) or (1, 3, side, side).
    """
    turned = np.ascontiguousarray((pixels if layout == "NHWC" else pixels.transpose(2, 0, 1))[None])
    if not floats:
        return turned
    values = turned.astype(np.float32)
    if scale == "255":
        return values
    return values / 255 if scale == "1" else values / 127.5 - 1
