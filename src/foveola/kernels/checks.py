"""What the public functions of the kernels accept: shapes, types and ranges, checked before any pointer is passed on.

Small planes are padded here too, because SSIM's window is 11 pixels wide.
Source: Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (IEEE TIP 13, 2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola.errors import ArgumentError, expected
from foveola.kernels.prepared import WINDOW, Bytes


def _described(array: NDArray[np.generic]) -> str:
    return f"{array.shape} {array.dtype}"


def check_plane(plane: Bytes, name: str) -> None:
    """Refuse what isn't a luma plane."""
    if plane.ndim != 2 or plane.dtype != np.uint8 or 0 in plane.shape:
        raise ArgumentError(expected("an array (H, W) uint8", name, _described(plane)))


def check_quantiser(table: ArrayLike, dead_zone: float) -> NDArray[np.float64]:
    """Return the table as doubles; refuse steps or a dead zone out of range."""
    steps = np.asarray(table, np.float64)
    if steps.shape != (8, 8) or not (np.isfinite(steps).all() and steps.min() > 0):
        raise ArgumentError(expected("8x8 positive numbers", "table", steps.tolist()))
    if not 0 <= dead_zone <= 0.5:
        raise ArgumentError(expected("number 0..0.5", "dead_zone", dead_zone))
    return steps


def check_pixels(pixels: Bytes, background: int, name: str) -> None:
    """Refuse what isn't 8-bit pixels, or a background that isn't a grey."""
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ArgumentError(expected("an array (H, W, 1 | 3 | 4) uint8", name, _described(pixels)))
    if not 0 <= background <= 255:
        raise ArgumentError(expected("integer 0..255", "background", background))


def check_colours(pixels: Bytes) -> None:
    """Refuse what isn't three channels."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ArgumentError(expected("an array (H, W, 3) uint8", "pixels", _described(pixels)))


def padded(plane: Bytes) -> Bytes:
    """Return the plane with sides of 11 pixels at least, mirrored with the edge pixel repeated."""
    missing = [max(0, WINDOW - side) for side in plane.shape]
    if not any(missing):
        return plane
    return np.pad(plane, [(lack // 2, lack - lack // 2) for lack in missing], mode="symmetric")
