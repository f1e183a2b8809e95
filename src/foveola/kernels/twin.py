"""The kernels in NumPy: what serves where no compiler was found, and what the C kernels are tested against.

The same functions as `native`, slower and in double precision: SSIM equals scikit-image's to 1e-9. Work goes band by
band, so that the scratch memory doesn't grow with the height of the picture.
Sources: Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (IEEE TIP 13, 2004); Loeffler, Ligtenberg,
Moschytz: Practical fast 1-D DCT algorithms with 11 multiplications (ICASSP 1989), in the fixed point of jfdctint;
ITU-T T.871 (JFIF) for the colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.kernels.prepared import BLOCK, WINDOW, Bytes, Coefficients, JpegPlanes, Prepared, Reserve, chroma_shape
from foveola.kernels.quantiser import fixed_point

Doubles = NDArray[np.floating[Any]]
Rows = Callable[[int, int], Bytes]
"""From a first and a last row (not included) to those rows of a candidate."""

TAPS: Doubles = np.exp(-0.5 * (np.arange(WINDOW) - 5.0) ** 2 / 1.5**2)
TAPS /= TAPS.sum()
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
CENTRE = 128.0
BAND = 6 * BLOCK
"""Map rows computed at a time, a multiple of 16 and of 3."""

ZIGZAG = np.array(sorted(range(64), key=lambda k: (sum(d := divmod(k, 8)), d[(sum(d) + 1) % 2])))
"""Natural positions 8 * row + column in the order in which JPEG codes them."""


def luma(pixels: Bytes, background: int, out: Bytes) -> None:
    """Write the luma of (H, W, 1 | 3 | 4) `pixels` into `out`."""
    for top in range(0, len(out), BAND):
        out[top : top + BAND] = _luma(pixels[top : top + BAND], background)


def _luma(pixels: Bytes, background: int) -> Bytes:
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    colour = pixels[:, :, :3].astype(np.uint32)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.uint32)
        colour = (colour * alpha + background * (255 - alpha) + 127) // 255
    weighted: NDArray[np.uint32] = colour @ np.array([19595, 38470, 7471], np.uint32)
    return ((weighted + 0x8000) >> 16).astype(np.uint8)


def prepare(luma: Bytes, step: int, reserve: Reserve) -> NDArray[Any]:
    """Return (2, map rows, map columns) float64: means (less 128) and variances of the reference."""
    shape = Prepared(luma.shape, luma, step, luma).map_shape
    statistics = reserve(2 * shape[0] * shape[1] * 8).view(np.float64).reshape(2, *shape)
    for band, rows in _bands(shape[0], step):
        centred = luma[rows] - CENTRE
        mean = _blur(centred, step)
        statistics[0, band] = mean
        statistics[1, band] = _blur(centred * centred, step) - mean * mean
    return statistics


def ssim(prepared: Prepared, candidate: Bytes, background: int) -> float:
    """Return the mean SSIM of the map or of its sampled rows."""
    return block_means(prepared, candidate, background)[0]


def block_means(prepared: Prepared, candidate: Bytes, background: int) -> tuple[float, Doubles]:
    """Return the mean SSIM and the means of 16x16 blocks of the map or of its sampled rows."""
    return _means(prepared, lambda top, bottom: _luma(candidate[top:bottom], background))


def forward_dct(luma: Bytes, reserve: Reserve) -> NDArray[np.int16]:
    """Return the blocks, see `Coefficients`; bit for bit jfdctint's."""
    down, groups = -(-luma.shape[0] // 8), -(-luma.shape[1] // 32)
    blocks = reserve(down * groups * 512).view(np.int16).reshape(down, groups, 8, 4, 8)
    for row in range(down):
        blocks[row] = _grouped(luma[8 * row : 8 * row + 8], groups)
    return blocks


def chroma(pixels: Bytes, halved: bool, reserve: Reserve) -> NDArray[np.int16]:
    """Return the blocks of Cb and Cr of (H, W, 3) `pixels`, see `JpegPlanes`."""
    rows, columns = chroma_shape(pixels.shape[:2], halved)
    down, groups = -(-rows // 8), -(-columns // 32)
    blocks = reserve(2 * down * groups * 512).view(np.int16).reshape(2, down, groups, 8, 4, 8)
    size = 16 if halved else 8
    for row in range(down):
        for i, plane in enumerate(_colours(pixels[size * row : size * row + size], halved)):
            blocks[i, row] = _grouped(plane, groups)
    return blocks


def decoded_luma(
    planes: JpegPlanes, luma_table: NDArray[np.float64], chroma_table: NDArray[np.float64], out: Bytes
) -> None:
    """Write the luma of the picture that a decoder shows after quantising with the two tables."""
    for top in range(0, len(out), BAND):
        bottom = min(top + BAND, len(out))
        y = _rows(planes.luma, luma_table, 0, top, bottom).astype(np.int64)
        blue, red = (_chroma_rows(planes, i, chroma_table, top, bottom) - 128 for i in range(2))
        green = y + (2**15 - 22554 * blue - 46802 * red >> 16)
        colours = y + (91881 * red + 2**15 >> 16), green, y + (116130 * blue + 2**15 >> 16)
        out[top:bottom] = _luma(np.clip(np.stack(colours, axis=2), 0, 255).astype(np.uint8), 0)


def probe(prepared: Prepared, coefficients: Coefficients, table: Doubles, dead_zone: float) -> tuple[float, Doubles]:
    """Return the mean SSIM after quantising with `table`, and the means of the blocks."""
    return _means(prepared, lambda top, bottom: _rows(coefficients, table, dead_zone, top, bottom))


def reconstruct(coefficients: Coefficients, table: Doubles, dead_zone: float, out: Bytes) -> None:
    """Write the plane after quantising with `table`."""
    for top in range(0, len(out), BAND):
        bottom = min(top + BAND, len(out))
        out[top:bottom] = _rows(coefficients, table, dead_zone, top, bottom)


def symbols(coefficients: Coefficients, table: Doubles, dead_zone: float) -> NDArray[np.int64]:
    """Return (272,) counts of baseline JPEG's DC categories and AC run/size symbols."""
    counts = np.zeros(272, np.int64)
    last, across = 0, -(-coefficients.shape[1] // 8)
    constants = fixed_point(table, dead_zone)
    for blocks in coefficients.blocks:
        levels = _levels(_natural(blocks[None]), constants)[0, :across, ZIGZAG].T
        counts[:16] += np.bincount(_sizes(np.diff(levels[:, 0], prepend=last)), minlength=16)
        counts[16:] += _runs(levels)
        last = levels[-1, 0]
    return counts


def _bands(map_rows: int, step: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows of the map with the rows of the picture that they need."""
    for first in range(0, map_rows, BAND):
        last = min(first + BAND, map_rows)
        yield slice(first, last), slice(first * step, (last - 1) * step + WINDOW)


def _blur(plane: Doubles, step: int) -> Doubles:
    """Return the windowed means of a band, every `step`-th row, windows fully inside."""
    return _along(_along(plane, step).T, 1).T


def _along(plane: Doubles, step: int) -> Doubles:
    size = len(plane) - WINDOW + 1
    blurred: Doubles = TAPS[5] * plane[5 : 5 + size : step]
    for k in range(5):
        blurred += TAPS[k] * (plane[k : k + size : step] + plane[10 - k : 10 - k + size : step])
    return blurred


def _maps(prepared: Prepared, candidate: Rows) -> Iterator[tuple[slice, Doubles]]:
    """Yield the SSIM map band by band; equal pictures give exactly 1, because each side is computed alike."""
    means, variances = prepared.statistics
    for band, rows in _bands(prepared.map_shape[0], prepared.step):
        x, y = prepared.luma[rows] - CENTRE, candidate(rows.start, rows.stop) - CENTRE
        mean, my = means[band], _blur(y, prepared.step)
        vy = _blur(y * y, prepared.step) - my * my
        covariance = _blur(x * y, prepared.step) - mean * my
        mean, my = mean + CENTRE, my + CENTRE
        above = (2 * (mean * my) + C1) * (2 * covariance + C2)
        yield band, above / ((mean * mean + my * my + C1) * (variances[band] + vy + C2))


def _means(prepared: Prepared, candidate: Rows) -> tuple[float, Doubles]:
    down, across = prepared.block_sides
    starts = np.concatenate(([0], np.cumsum(down)[:-1])), np.arange(len(across)) * BLOCK
    sums = np.zeros((len(down), len(across)))
    for band, ssims in _maps(prepared, candidate):
        first, last = np.searchsorted(starts[0], (band.start, band.start + len(ssims)))
        sums[first:last] = np.add.reduceat(
            np.add.reduceat(ssims, starts[1], axis=1), starts[0][first:last] - band.start, axis=0
        )
    return float(sums.sum() / (down.sum() * across.sum())), sums / np.outer(down, across)


def _dct_matrix() -> Doubles:
    """Return jfdctint's transform of 8 samples in 13-bit fixed point: sums of its own rounded constants."""
    whole = 8192.0
    even = np.array(
        [[whole] * 4, [10703, 4433, -4433, -10703], [whole, -whole, -whole, whole], [4433, -10704, 10704, -4433]]
    )
    odd = [
        [11363, 9633, 6437, 2260],
        [9633, -2259, -11362, -6436],
        [6437, -11362, 2261, 9633],
        [2260, -6436, 9633, -11363],
    ]
    matrix = np.empty((8, 8))
    matrix[0::2] = np.hstack([even, np.fliplr(even)])
    matrix[1::2] = np.hstack([odd, -np.fliplr(odd)])
    return matrix


FORWARD = _dct_matrix()


def _blocks_of(rows: Bytes, across: int) -> Doubles:
    """Return (across, 8, 8) blocks less 128; the last row and column are repeated as libjpeg does."""
    padding = (0, 8 - rows.shape[0]), (0, 8 * across - rows.shape[1])
    return np.pad(rows, padding, mode="edge").reshape(8, across, 8).swapaxes(0, 1) - CENTRE


def _grouped(rows: Bytes, groups: int) -> Doubles:
    """Return (groups, 8, 4, 8) transforms of eight rows."""
    return _forward(_blocks_of(rows, 4 * groups)).reshape(groups, 4, 8, 8).swapaxes(1, 2)


def _forward(blocks: Doubles) -> Doubles:
    """Return (n, 8, 8) transforms, vertical frequency first: rows, then columns, rounded as jfdctint rounds."""
    by_rows = np.floor(blocks @ FORWARD.T / 2**11 + 0.5)
    return 2 * np.floor(FORWARD @ by_rows / 2**15 + 0.5)


def _natural(blocks: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return (rows, columns, 64) coefficients of rows of grouped blocks, vertical frequency first."""
    down, groups = blocks.shape[:2]
    return blocks.swapaxes(2, 3).reshape(down, 4 * groups, 64).astype(np.int64)


def _levels(coefficients: NDArray[np.int64], constants: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return the quantised coefficients."""
    bias, reciprocal, shift = constants[:3].astype(np.int64)
    sizes: NDArray[np.int64] = ((np.abs(coefficients) + bias) * reciprocal >> 16) * shift >> 16
    return np.where(coefficients < 0, -sizes, sizes)


def _rows(coefficients: Coefficients, table: Doubles, dead_zone: float, top: int, bottom: int) -> Bytes:
    """Return rows of the reconstruction: columns, then rows, rounded as jidctint rounds."""
    constants = fixed_point(table, dead_zone)
    blocks = _natural(coefficients.blocks[top // 8 : -(-bottom // 8)])
    lift, step = constants[3:].astype(np.int64)
    levels = _levels(blocks, constants)
    values = -np.sign(levels) * (-2 * np.abs(levels) * lift * step + 2**14 >> 15)
    down, across = blocks.shape[:2]
    by_columns = np.floor(FORWARD.T @ values.reshape(down, across, 8, 8) / 2**15 + 0.5)
    pixels = np.floor(by_columns @ FORWARD / 2**18 + (CENTRE + 0.5))
    plane: Bytes = np.clip(pixels, 0, 255).astype(np.uint8).swapaxes(1, 2).reshape(8 * down, 8 * across)
    return plane[top % 8 : top % 8 + bottom - top, : coefficients.shape[1]]


def _colours(pixels: Bytes, halved: bool) -> Bytes:
    """Return Cb and Cr of rows of pixels, as jccolor rounds; halved as jcsample does, up and down in turn."""
    factors = np.array([[-11059, 32768], [-21709, -27439], [32768, -5329]])
    planes: NDArray[np.int64] = np.moveaxis(pixels.astype(np.int64) @ factors + (128 * 2**16 + 2**15 - 1) >> 16, 2, 0)
    if halved:
        odd, missing = pixels.shape[0] % 2, -pixels.shape[1] % 16
        planes = np.pad(planes, ((0, 0), (0, odd), (0, missing)), mode="edge")
        sums = planes[:, ::2, ::2] + planes[:, 1::2, ::2] + planes[:, ::2, 1::2] + planes[:, 1::2, 1::2]
        planes = sums + 1 + np.arange(sums.shape[2]) % 2 >> 2
    return planes.astype(np.uint8)


def _chroma_rows(planes: JpegPlanes, index: int, table: Doubles, top: int, bottom: int) -> NDArray[np.int64]:
    """Return the rows of Cb or Cr that belong to rows of Y: halved ones by jdsample's triangle filter."""
    coefficients = Coefficients(planes.chroma_shape, planes.chroma[index])
    if not planes.halved:
        return _rows(coefficients, table, 0, top, bottom).astype(np.int64)
    rows, columns = planes.chroma_shape
    first, last = max(top // 2 - 1, 0), min((bottom + 3) // 2, rows)
    half: NDArray[np.int64] = _rows(coefficients, table, 0, first, last).astype(np.int64)
    row, column = np.arange(top, bottom), np.arange(planes.luma.shape[1])
    if columns <= 2:  # not filtered then
        return np.take(half[row // 2 - first], column // 2, axis=1)
    others = np.clip(row // 2 - 1 + row % 2 * 2, 0, rows - 1)
    sums: NDArray[np.int64] = 3 * half[row // 2 - first] + half[others - first]
    sides = np.clip(column // 2 - 1 + column % 2 * 2, 0, columns - 1)
    return 3 * sums[:, column // 2] + sums[:, sides] + 8 - column % 2 >> 4


def _sizes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many bits the absolute values have."""
    return np.frexp(np.abs(values).astype(np.float64))[1].astype(np.int64)


def _runs(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (256,) counts of run/size symbols of (n, 64) levels in zigzag order."""
    block, place = np.nonzero(levels[:, 1:])
    first = np.diff(block, prepend=-1) > 0
    run = np.diff(place, prepend=-1) - 1
    run[first] = place[first]
    symbol = (run & 15) << 4 | _sizes(levels[:, 1:][block, place])
    counts = np.bincount(symbol, minlength=256)
    counts[0xF0] += (run >> 4).sum()
    counts[0] += np.count_nonzero(levels[:, 63] == 0)
    return counts
