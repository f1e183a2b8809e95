"""The arithmetic that a search repeats for every quality it looks at: luma, SSIM, the 8x8 DCT and its quantisation.

Each function is there twice: in C with vector code for the processor at hand, called without the interpreter's lock,
and in NumPy, which serves where no compiler was found when foveola was installed. `FOVEOLA_KERNELS=c|numpy` forces one,
`FOVEOLA_SIMD=generic|avx2|avx512` the width of the vectors. Scratch memory is small and doesn't grow with the height
of the picture. Source: Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (IEEE TIP 13, 2004).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola.errors import ArgumentError, ConfigError, expected
from foveola.kernels import twin
from foveola.kernels.buffers import reserve
from foveola.kernels.checks import check_colours, check_pixels, check_plane, check_quantiser, padded
from foveola.kernels.huffman import scan_bits
from foveola.kernels.prepared import WINDOW, Bytes, Coefficients, JpegPlanes, Prepared, Reserve, Summary
from foveola.kernels.scan import Scan, scan

__all__ = [
    "ACTIVE",
    "Coefficients",
    "JpegPlanes",
    "Prepared",
    "Scan",
    "Status",
    "Summary",
    "bits",
    "block_means",
    "compare_in_bands",
    "decoded_luma",
    "forward_dct",
    "luma",
    "prepare",
    "prepare_jpeg",
    "probe",
    "probe_means",
    "reconstruct",
    "scan",
    "ssim",
    "ssim_map_summary",
    "status",
]

BAND = 256
"""Rows of the map in a band of `compare_in_bands`; whole blocks of 16."""


class _Kernels(Protocol):
    """What `native` and `twin` both are; arguments have been checked."""

    def luma(self, pixels: Bytes, background: int, out: Bytes) -> None: ...
    def prepare(self, luma: Bytes, step: int, reserve: Reserve) -> NDArray[Any]: ...
    def ssim(self, prepared: Prepared, candidate: Bytes, background: int) -> float: ...
    def block_means(
        self, prepared: Prepared, candidate: Bytes, background: int
    ) -> tuple[float, NDArray[np.floating[Any]]]: ...
    def forward_dct(self, luma: Bytes, reserve: Reserve) -> NDArray[np.int16]: ...
    def probe(
        self, prepared: Prepared, coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float
    ) -> tuple[float, NDArray[np.floating[Any]]]: ...
    def reconstruct(
        self, coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float, out: Bytes
    ) -> None: ...
    def symbols(
        self, coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float
    ) -> NDArray[np.int64]: ...
    def chroma(self, pixels: Bytes, halved: bool, reserve: Reserve) -> NDArray[np.int16]: ...
    def decoded_luma(
        self, planes: JpegPlanes, luma_table: NDArray[np.float64], chroma_table: NDArray[np.float64], out: Bytes
    ) -> None: ...


@dataclass(frozen=True)
class Status:
    """Which kernels serve.

    Args:
        name: `c` or `numpy`.
        simd: `generic`, `avx2` or `avx512`; None for `numpy`.
        path: the shared library; None for `numpy`.
        reason: why the twin serves; None for `c`.
    """

    name: Literal["c", "numpy"]
    simd: str | None = None
    path: str | None = None
    reason: str | None = None

    @property
    def detail(self) -> str:
        """The level of SIMD, or the reason for its absence, for a line on the terminal."""
        return self.simd or self.reason or ""


def _load() -> tuple[_Kernels, Status]:
    wanted = os.environ.get("FOVEOLA_KERNELS", "")
    if wanted not in ("", "c", "numpy"):
        raise ConfigError(expected("c or numpy", "FOVEOLA_KERNELS", wanted))
    if wanted == "numpy":
        return twin, Status("numpy", reason="FOVEOLA_KERNELS=numpy")
    try:
        from foveola.kernels import native
    except (ImportError, OSError) as error:
        if wanted == "c":
            raise ConfigError(f"FOVEOLA_KERNELS=c, but the C kernels can't be loaded: {error}") from error
        return twin, Status("numpy", reason=str(error))
    return native, Status("c", native.SIMD, str(native.PATH))


_kernels, _status = _load()
ACTIVE: Literal["c", "numpy"] = _status.name
"""Which implementation serves."""


def status() -> Status:
    """Return which kernels serve, at which level of SIMD or why only the twin."""
    return _status


def luma(pixels: Bytes, background: int = 0) -> Bytes:
    """Return the luma of sRGB pixels, as Pillow's `convert("L")` rounds it.

    Args:
        pixels: (H, W, 1 | 3 | 4) uint8, straight alpha; any distance between rows and pixels.
        background: the grey, 0..255, over which pixels with alpha are composited first.

    Returns:
        (H, W) uint8; a view of one-channel pixels.

    Raises:
        ArgumentError: the array is no such picture.

    Source: ITU-R BT.601; Pillow's Convert.c, L24: (19595 R + 38470 G + 7471 B + 0x8000) >> 16.
    """
    check_pixels(pixels, background, "pixels")
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    out = reserve(pixels.shape[0] * pixels.shape[1]).reshape(pixels.shape[:2])
    _kernels.luma(pixels, background, out)
    return out


def prepare(luma: Bytes, step: int = 1) -> Prepared:
    """Compute the Gaussian statistics of a reference once, for all candidates.

    Args:
        luma: (H, W) uint8; the array is kept and must not change.
        step: 1 for the whole SSIM map, 3 for map rows 0, 3, 6, …; 2 and 4 share a factor with 8 and are biased.

    Returns:
        What `ssim` and `probe` compare with.

    Raises:
        ArgumentError: the array is no luma plane, or the step is another.
    """
    check_plane(luma, "luma")
    if step not in (1, 3):
        raise ArgumentError(expected("1 or 3", "step", step))
    plane = padded(luma)
    return Prepared(luma.shape, plane, step, _kernels.prepare(plane, step, reserve))


def ssim(prepared: Prepared, candidate: Bytes, background: int = 0) -> float:
    """Return the mean SSIM of a candidate against a prepared reference.

    Args:
        prepared: the reference.
        candidate: (H, W) uint8 luma or (H, W, 1 | 3 | 4) uint8 pixels of the same size; luma of pixels is computed as
            by `luma`, row by row on the way.
        background: the grey over which a candidate with alpha is composited.

    Returns:
        The mean over the whole map, or over its sampled rows, -1..1; exactly 1 for the same picture.

    Raises:
        ArgumentError: the candidate is no such picture of that size.
    """
    return _kernels.ssim(prepared, _fitting(prepared, candidate, background), background)


def ssim_map_summary(prepared: Prepared, candidate: Bytes, background: int = 0) -> Summary:
    """Return mean, lowest block mean and 5th percentile of the block means of the SSIM map.

    Args:
        prepared: the reference, prepared with step 1.
        candidate: luma or pixels of the same size, see `ssim`.
        background: the grey over which a candidate with alpha is composited.

    Returns:
        The three numbers; blocks are 16x16, those at the right and bottom edges may be smaller.

    Raises:
        ArgumentError: the reference has another step, or the candidate is no such picture of that size.
    """
    if prepared.step != 1:
        raise ArgumentError(expected("a reference prepared with step 1", "prepared", prepared.step))
    mean, means = block_means(prepared, candidate, background)
    return Summary(mean, float(means.min()), float(np.percentile(means, 5)))


def block_means(prepared: Prepared, candidate: Bytes, background: int = 0) -> tuple[float, NDArray[np.floating[Any]]]:
    """Return the mean SSIM of a candidate, and of each 16x16 block of the map.

    Args:
        prepared: the reference.
        candidate: luma or pixels of the same size, see `ssim`.
        background: the grey over which a candidate with alpha is composited.

    Returns:
        The mean, and (rows of blocks, blocks a row) means, over the whole map or over its sampled rows; blocks at the
        right and bottom edges may be smaller.

    Raises:
        ArgumentError: the candidate is no such picture of that size.
    """
    return _kernels.block_means(prepared, _fitting(prepared, candidate, background), background)


def compare_in_bands(luma: Bytes, candidate: Bytes, background: int = 0) -> Summary:
    """Return what `ssim_map_summary` returns, of a reference that is not prepared: one band of it after the other.

    The statistics of a band are made and forgotten, so that they take no memory with the height of the picture.

    Args:
        luma: (H, W) uint8.
        candidate: luma or pixels of the same size, see `ssim`.
        background: the grey over which a candidate with alpha is composited.

    Returns:
        Mean, lowest block mean and 5th percentile of the block means.

    Raises:
        ArgumentError: an array is no such picture, or the sizes differ.
    """
    check_plane(luma, "luma")
    if candidate.shape[:2] != luma.shape:
        raise ArgumentError(expected(f"{luma.shape} pixels", "candidate", candidate.shape))
    rows, total, means = max(luma.shape[0] - WINDOW + 1, 1), 0.0, []
    for top in range(0, rows, BAND):
        count = min(BAND, rows - top)
        part = slice(top, top + count + WINDOW - 1)
        prepared = prepare(luma[part])
        mean, blocks = _kernels.block_means(prepared, _fitting(prepared, candidate[part], background), background)
        total += mean * count
        means.append(blocks.ravel())
    blocks = np.concatenate(means)
    return Summary(total / rows, float(blocks.min()), float(np.percentile(blocks, 5)))


def forward_dct(luma: Bytes) -> Coefficients:
    """Return the 8x8 forward DCT of a luma plane, equal to libjpeg's accurate integer transform bit for bit.

    Args:
        luma: (H, W) uint8; blocks at the edges repeat the last row and column.

    Returns:
        The coefficients, 2 bytes a pixel.

    Raises:
        ArgumentError: the array is no luma plane.

    Source: ITU-T T.81, annex A.3.3; Loeffler, Ligtenberg, Moschytz (ICASSP 1989).
    """
    check_plane(luma, "luma")
    return Coefficients(luma.shape, _kernels.forward_dct(luma, reserve))


def probe(prepared: Prepared, coefficients: Coefficients, table: ArrayLike, dead_zone: float = 0.0) -> float:
    """Return the mean SSIM that quantising the coefficients leaves; see `probe_means`."""
    return probe_means(prepared, coefficients, table, dead_zone)[0]


def probe_means(
    prepared: Prepared, coefficients: Coefficients, table: ArrayLike, dead_zone: float = 0.0
) -> tuple[float, NDArray[np.floating[Any]]]:
    """Quantise, dequantise, inverse DCT, clamp, SSIM: return what quantising the coefficients leaves.

    Args:
        prepared: the reference; its sampled rows or its whole map are computed.
        coefficients: of the same picture.
        table: (8, 8) positive steps, vertical frequency first; integers behave as in JPEG.
        dead_zone: 0..0.5; levels are sign(c) * floor(|c| / step + 0.5 - dead_zone).

    Returns:
        The mean SSIM, -1..1, and the means of the blocks as `block_means` has them.

    Raises:
        ArgumentError: sizes differ, or a step or the dead zone is out of range.

    Source: ITU-T T.81, annex A.3.4.
    """
    steps = check_quantiser(table, dead_zone)
    if coefficients.shape != prepared.shape:
        raise ArgumentError(expected(f"coefficients of {prepared.shape}", "coefficients", coefficients.shape))
    if prepared.luma.shape != prepared.shape:
        return block_means(prepared, reconstruct(coefficients, steps, dead_zone))
    return _kernels.probe(prepared, coefficients, steps, dead_zone)


def reconstruct(coefficients: Coefficients, table: ArrayLike, dead_zone: float = 0.0) -> Bytes:
    """Return the luma plane that a decoder would see after quantisation.

    Args:
        coefficients: of a picture.
        table: (8, 8) positive steps, vertical frequency first.
        dead_zone: 0..0.5, see `probe`.

    Returns:
        (H, W) uint8.

    Raises:
        ArgumentError: a step or the dead zone is out of range.
    """
    steps = check_quantiser(table, dead_zone)
    out = reserve(coefficients.shape[0] * coefficients.shape[1]).reshape(coefficients.shape)
    _kernels.reconstruct(coefficients, steps, dead_zone, out)
    return out


def bits(coefficients: Coefficients, table: ArrayLike, dead_zone: float = 0.0) -> float:
    """Return the bits of a baseline JPEG scan of these coefficients with optimal Huffman tables.

    Args:
        coefficients: of a picture.
        table: (8, 8) positive steps, vertical frequency first.
        dead_zone: 0..0.5, see `probe`.

    Returns:
        Bits of luma, without headers and stuffed bytes.

    Raises:
        ArgumentError: a step or the dead zone is out of range.

    Source: ITU-T T.81, annex F.1.2.
    """
    return scan_bits(_kernels.symbols(coefficients, check_quantiser(table, dead_zone), dead_zone))


def prepare_jpeg(pixels: Bytes, halved: bool, coefficients: Coefficients | None = None) -> JpegPlanes:
    """Transform the three planes that a JPEG encoder makes of RGB pixels, once for all quantiser tables.

    Args:
        pixels: (H, W, 3) uint8; any distance between rows and pixels.
        halved: chroma of half the rows and columns (4:2:0), else of all (4:4:4).
        coefficients: of the luma of these pixels, where they are at hand.

    Returns:
        The coefficients, 3 bytes a pixel at 4:2:0, 6 at 4:4:4; `coefficients` are shared.

    Raises:
        ArgumentError: the array is no such picture, or the coefficients are of another size.

    Source: ITU-T T.871, clause 7; libjpeg's jccolor.c and jcsample.c for the rounding.
    """
    check_colours(pixels)
    y = coefficients or forward_dct(luma(pixels))
    if y.shape != pixels.shape[:2]:
        raise ArgumentError(expected(f"coefficients of {pixels.shape[:2]}", "coefficients", y.shape))
    return JpegPlanes(y, _kernels.chroma(pixels, halved, reserve), halved)


def decoded_luma(planes: JpegPlanes, luma_table: ArrayLike, chroma_table: ArrayLike) -> Bytes:
    """Return the luma of the picture that a decoder shows of the JPEG, colours clipped; bit for bit libjpeg-turbo's.

    Args:
        planes: of a picture.
        luma_table: (8, 8) steps of Y, integers 1..255, vertical frequency first.
        chroma_table: (8, 8) steps of Cb and Cr.

    Returns:
        (H, W) uint8, as `luma` has it of the decoded pixels.

    Raises:
        ArgumentError: a table isn't of positive numbers.

    Source: ITU-T T.871, clause 7; libjpeg's jdsample.c (triangle filter) and jdcolor.c for the rounding.
    """
    tables = check_quantiser(luma_table, 0), check_quantiser(chroma_table, 0)
    out = reserve(planes.luma.shape[0] * planes.luma.shape[1]).reshape(planes.luma.shape)
    _kernels.decoded_luma(planes, *tables, out)
    return out


def _fitting(prepared: Prepared, candidate: Bytes, background: int) -> Bytes:
    """Return the candidate's pixels, or its luma padded as the reference was."""
    pixels = candidate[:, :, None] if candidate.ndim == 2 else candidate
    check_pixels(pixels, background, "candidate")
    if pixels.shape[:2] != prepared.shape:
        raise ArgumentError(expected(f"{prepared.shape} pixels", "candidate", pixels.shape[:2]))
    if prepared.shape == prepared.luma.shape:
        return pixels
    return padded(luma(pixels, background))[:, :, None]
