"""The kernels in C: a plain shared library without Python.h, opened by cffi, which releases the interpreter's lock.

One library serves every version of Python. The functions are those of `twin`; arguments have been checked, arrays only
need their rows contiguous. Importing this module fails where no library was built.
Source: https://cffi.readthedocs.io/en/stable/overview.html (ABI mode).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI
from numpy.typing import NDArray

from foveola.errors import ConfigError, expected
from foveola.kernels.prepared import Bytes, Coefficients, JpegPlanes, Prepared, Reserve, chroma_shape
from foveola.kernels.quantiser import fixed_point

LEVELS = ("generic", "avx2", "avx512")
_HERE = Path(__file__).parent
_ffi = FFI()


def _library() -> Path:
    found = [path for name in ("libfoveola.so", "libfoveola.dylib") if (path := _HERE / name).exists()]
    if not found:
        raise ImportError("the C kernels were not built: no C compiler was found at installation")
    return found[0]


def levels() -> tuple[str, ...]:
    """Return the levels of vector code that this processor runs, the widest last."""
    return LEVELS[: _c.foveola_best_level() + 1]


def _level() -> int:
    """Return the level to use: the processor's best, or the lower one that FOVEOLA_SIMD names."""
    wanted = os.environ.get("FOVEOLA_SIMD") or levels()[-1]
    if wanted not in levels():
        raise ConfigError(expected("one of " + ", ".join(levels()), "FOVEOLA_SIMD", wanted))
    return LEVELS.index(wanted)


def use(level: str) -> None:
    """Compute at `level` from now on; what was prepared before can't be compared any more."""
    global _LEVEL, SIMD
    _LEVEL, SIMD = LEVELS.index(level), level


PATH = _library()
_ffi.cdef((_HERE / "api.h").read_text())
_c: Any = _ffi.dlopen(str(PATH))
_LEVEL = _level()
SIMD = LEVELS[_LEVEL]


def luma(pixels: Bytes, background: int, out: Bytes) -> None:
    """Write the luma of (H, W, 3 | 4) `pixels` into `out`."""
    pixels = _together(pixels)
    height, width, channels = pixels.shape
    _c.foveola_luma(_LEVEL, _bytes(pixels), *pixels.strides[:2], channels, width, height, background, _bytes(out))


def prepare(luma: Bytes, step: int, reserve: Reserve) -> NDArray[np.float32]:
    """Return the statistics of the reference in the order of the level's vectors."""
    floats = _c.foveola_statistics_size(_LEVEL, luma.shape[1], luma.shape[0], step)
    statistics = reserve(4 * floats).view(np.float32)
    _done(_c.foveola_prepare(_LEVEL, *_plane(luma), *luma.shape[::-1], step, _floats(statistics)))
    return statistics


def ssim(prepared: Prepared, candidate: Bytes, background: int) -> float:
    """Return the mean SSIM of the map or of its sampled rows."""
    return _compared(prepared, candidate, background, _ffi.NULL)


def block_means(prepared: Prepared, candidate: Bytes, background: int) -> tuple[float, NDArray[np.float64]]:
    """Return the mean SSIM and the means of 16x16 blocks of the map or of its sampled rows."""
    sums, sizes, into = _blocks(prepared)
    mean = _compared(prepared, candidate, background, into)
    return mean, sums / sizes


def forward_dct(luma: Bytes, reserve: Reserve) -> NDArray[np.int16]:
    """Return the blocks, see `Coefficients`."""
    down, groups = -(-luma.shape[0] // 8), -(-luma.shape[1] // 32)
    blocks = reserve(down * groups * 512).view(np.int16).reshape(down, groups, 8, 4, 8)
    _c.foveola_forward_dct(_LEVEL, *_plane(luma), *luma.shape[::-1], _shorts(blocks))
    return blocks


def probe(
    prepared: Prepared, coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float
) -> tuple[float, NDArray[np.float64]]:
    """Return the mean SSIM after quantising with `table`, and the means of the blocks."""
    constants, total = fixed_point(table, dead_zone), _ffi.new("double *")
    quantiser = _ffi.from_buffer("uint16_t[]", constants)
    sums, sizes, into = _blocks(prepared)
    _done(_c.foveola_probe(*_reference(prepared), _shorts(coefficients.blocks), quantiser, into, total))
    return _mean(total, prepared), sums / sizes


def reconstruct(coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float, out: Bytes) -> None:
    """Write the plane after quantising with `table`."""
    quantiser = _ffi.from_buffer("uint16_t[]", fixed_point(table, dead_zone))
    sizes = coefficients.shape[::-1]
    _c.foveola_reconstruct(_LEVEL, _shorts(coefficients.blocks), quantiser, *sizes, *_plane(out))


def symbols(coefficients: Coefficients, table: NDArray[np.float64], dead_zone: float) -> NDArray[np.int64]:
    """Return (272,) counts of baseline JPEG's DC categories and AC run/size symbols."""
    counts = np.zeros(272, np.int64)
    quantiser = _ffi.from_buffer("uint16_t[]", fixed_point(table, dead_zone))
    sizes = coefficients.shape[::-1]
    into = _ffi.from_buffer("int64_t[]", counts)
    _c.foveola_symbols(_LEVEL, _shorts(coefficients.blocks), quantiser, *sizes, into)
    return counts


def chroma(pixels: Bytes, halved: bool, reserve: Reserve) -> NDArray[np.int16]:
    """Return the blocks of Cb and Cr of (H, W, 3) `pixels`, see `JpegPlanes`."""
    pixels = _together(pixels)
    rows, columns = chroma_shape(pixels.shape[:2], halved)
    down, groups = -(-rows // 8), -(-columns // 32)
    blocks = reserve(2 * down * groups * 512).view(np.int16).reshape(2, down, groups, 8, 4, 8)
    sizes = *pixels.strides[:2], *pixels.shape[1::-1], halved
    _done(_c.foveola_chroma(_LEVEL, _bytes(pixels), *sizes, *map(_shorts, blocks)))
    return blocks


def decoded_luma(
    planes: JpegPlanes, luma_table: NDArray[np.float64], chroma_table: NDArray[np.float64], out: Bytes
) -> None:
    """Write the luma of the picture that a decoder shows after quantising with the two tables."""
    blocks = map(_shorts, (planes.luma.blocks, *planes.chroma))
    constants = fixed_point(luma_table, 0), fixed_point(chroma_table, 0)
    quantisers = [_ffi.from_buffer("uint16_t[]", each) for each in constants]
    sizes = planes.luma.shape[::-1]
    _done(_c.foveola_decoded_luma(_LEVEL, *blocks, *quantisers, *sizes, planes.halved, _bytes(out)))


def tokens(
    planes: JpegPlanes | Coefficients,
    luma_table: NDArray[np.float64],
    chroma_table: NDArray[np.float64],
    room: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the tokens of a scan, in `room`, and the (544,) counts of their symbols."""
    luma = planes.luma if isinstance(planes, JpegPlanes) else planes
    blue, red = map(_shorts, planes.chroma) if isinstance(planes, JpegPlanes) else (_ffi.NULL, _ffi.NULL)
    halved = isinstance(planes, JpegPlanes) and planes.halved
    constants = fixed_point(luma_table, 0), fixed_point(chroma_table, 0)
    quantisers = [_ffi.from_buffer("uint16_t[]", each) for each in constants]
    counts, used = np.zeros(544, np.int64), _ffi.new("size_t *")
    into = _words(room), used, _ffi.from_buffer("int64_t[]", counts)
    _done(_c.foveola_tokens(_LEVEL, _shorts(luma.blocks), blue, red, *quantisers, *luma.shape[::-1], halved, *into))
    return room[: used[0]], counts


def huffman(counts: NDArray[np.int64], codes: NDArray[np.uint32]) -> bytes:
    """Return an alphabet as a DHT segment has it, and write length << 16 | code of each symbol into `codes`."""
    numbers, values = _ffi.new("uint8_t[16]"), _ffi.new("uint8_t[256]")
    given = _ffi.cast("int64_t *", counts.__array_interface__["data"][0])
    found = _c.foveola_huffman(given, counts.size, numbers, values, _words(codes))
    return bytes(numbers) + bytes(values[0:found])


def code(tokens: NDArray[np.uint32], codes: NDArray[np.uint32], out: Bytes) -> Bytes:
    """Return the bytes of `tokens`, in `out`."""
    return out[: _c.foveola_code(_words(tokens), tokens.size, _words(codes), _bytes(out))]


def _compared(prepared: Prepared, candidate: Bytes, background: int, blocks: Any) -> float:
    pixels, total = _together(candidate), _ffi.new("double *")
    seen = _bytes(pixels), *pixels.strides[:2], pixels.shape[2], background
    _done(_c.foveola_ssim(*_reference(prepared), *seen, blocks, total))
    return _mean(total, prepared)


def _blocks(prepared: Prepared) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """Return room for the sums of the blocks, how much of the map each has, and the room as C takes it."""
    sizes = np.outer(*prepared.block_sides).astype(np.float64)
    sums = np.empty_like(sizes)
    return sums, sizes, _ffi.cast("double *", sums.__array_interface__["data"][0])


def _mean(total: Any, prepared: Prepared) -> float:
    rows, columns = prepared.map_shape
    return float(total[0]) / (rows * columns)


def _reference(prepared: Prepared) -> tuple[Any, ...]:
    luma = prepared.luma
    return _LEVEL, *_plane(luma), *luma.shape[::-1], prepared.step, _floats(prepared.statistics)


def _together(pixels: Bytes) -> Bytes:
    """Return the pixels with the bytes of each side by side, and a luma plane without gaps."""
    channels = pixels.shape[2]
    good = pixels.strides[1] == 1 if channels == 1 else pixels.strides[2] == 1
    return pixels if good else np.ascontiguousarray(pixels)


def _plane(plane: Bytes) -> tuple[Any, int]:
    return _bytes(plane), plane.strides[0]


def _bytes(array: Bytes) -> Any:
    return _ffi.cast("uint8_t *", array.__array_interface__["data"][0])


def _shorts(array: NDArray[np.int16]) -> Any:
    return _ffi.cast("int16_t *", array.__array_interface__["data"][0])


def _floats(array: NDArray[np.float32]) -> Any:
    return _ffi.cast("float *", array.__array_interface__["data"][0])


def _words(array: NDArray[np.uint32]) -> Any:
    return _ffi.cast("uint32_t *", array.__array_interface__["data"][0])


def _done(status: int) -> None:
    if status:
        raise MemoryError("no memory for the scratch of a kernel")
