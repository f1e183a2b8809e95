"""What the kernels keep of a picture between calls, whichever of the two implementations made it.

Both are opaque outside this package: the layout of the statistics depends on the width of the processor's vectors, and
that of the coefficients suits the inverse transform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 11
"""Pixels across the Gaussian window of SSIM."""
BLOCK = 16
"""Rows and columns of the SSIM map whose mean is one local value."""

Bytes = NDArray[np.uint8]
Reserve = Callable[[int], NDArray[np.uint8]]
"""From a number of bytes to a buffer of that size, aligned to 64 bytes."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A reference with its Gaussian statistics, to be read by any number of threads.

    Args:
        shape: rows and columns of the picture.
        luma: (H, W) uint8; a side under 11 pixels is padded.
        step: 1 where the whole map is computed, 3 for every third row.
        statistics: local means and variances, in an order of the implementation's own.
    """

    shape: tuple[int, int]
    luma: Bytes
    step: int
    statistics: NDArray[Any]

    @property
    def map_shape(self) -> tuple[int, int]:
        """Rows that are computed and columns of the SSIM map."""
        height, width = self.luma.shape
        return -(-(height - WINDOW + 1) // self.step), width - WINDOW + 1

    @property
    def block_sides(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many computed rows, and columns, of the map lie in each row and column of its 16x16 blocks."""
        rows, columns = self.map_shape
        return np.bincount(np.arange(rows) * self.step // BLOCK), np.bincount(np.arange(columns) // BLOCK)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The 8x8 forward DCT of a luma plane.

    Args:
        shape: rows and columns of the picture.
        blocks: (rows of blocks, groups a row, 8, 4, 8) int16: sixteen times the JPEG coefficient; a group is four
            blocks side by side, its axes are vertical frequency, block, horizontal frequency.
    """

    shape: tuple[int, int]
    blocks: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class JpegPlanes:
    """The 8x8 forward DCT of the three planes that a JPEG encoder makes of RGB pixels.

    Args:
        luma: of Y.
        chroma: (2, rows of blocks, groups a row, 8, 4, 8) int16: blocks of Cb and Cr as `Coefficients` has them.
        halved: chroma has half the rows and columns, rounded up (4:2:0), not all (4:4:4).
    """

    luma: Coefficients
    chroma: NDArray[np.int16]
    halved: bool

    @property
    def chroma_shape(self) -> tuple[int, int]:
        """Rows and columns of Cb and Cr, without what fills the last blocks."""
        return chroma_shape(self.luma.shape, self.halved)


def chroma_shape(shape: tuple[int, int], halved: bool) -> tuple[int, int]:
    """Return the rows and columns of the chroma of a picture."""
    return ((shape[0] + 1) // 2, (shape[1] + 1) // 2) if halved else shape


@dataclass(frozen=True)
class Summary:
    """One SSIM map in three numbers.

    Args:
        mean: of the map, -1..1.
        lowest: the lowest mean of a 16x16 block of the map.
        low: the 5th percentile of the means of the blocks.
    """

    mean: float
    lowest: float
    low: float
