"""The scan of a baseline JPEG with the best Huffman codes, bit for bit as libjpeg-turbo's optimising encoder writes it.

A search has the coefficients in its hands already; writing them costs a third of giving the pixels to an encoder that
transforms them again. There is no NumPy twin: without the C kernels Pillow writes the same file, slower.
Source: ITU-T T.81, annexes F.1.2 and K.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola.errors import ConfigError
from foveola.kernels.buffers import reserve
from foveola.kernels.checks import check_quantiser
from foveola.kernels.prepared import Coefficients, JpegPlanes

DC, ALL = 16, 272
"""Symbols of the DC alphabet of a component, and of both: 256 of AC follow."""
MOST = 64
"""Tokens that a block can have."""


@dataclass(frozen=True)
class Scan:
    """One scan.

    Args:
        codes: the alphabets (DC, AC; of luma, then of chroma where there is some): how many codes of 1..16 bits there
            are, 16 bytes, then the symbols in the order of their codes, as a DHT segment has them.
        data: the entropy-coded bytes.
    """

    codes: tuple[bytes, ...]
    data: bytes


def scan(planes: JpegPlanes | Coefficients, luma_table: ArrayLike, chroma_table: ArrayLike) -> Scan:
    """Code a picture's coefficients.

    Args:
        planes: of an RGB picture, or the coefficients of a grey one.
        luma_table: (8, 8) steps of Y, integers 1..255, vertical frequency first.
        chroma_table: (8, 8) steps of Cb and Cr.

    Returns:
        The codes and the bytes.

    Raises:
        ArgumentError: a table isn't of positive numbers.
        ConfigError: the C kernels are not there.
    """
    try:
        native = import_module("foveola.kernels.native")
    except (ImportError, OSError) as error:
        raise ConfigError(f"Expected the C kernels for a scan, got none ({error})") from error
    tables = check_quantiser(luma_table, 0), check_quantiser(chroma_table, 0)
    room = reserve(4 * MOST * _blocks(planes)).view(np.uint32)
    tokens, counts = native.tokens(planes, *tables, room)
    alphabets = [slice(0, DC), slice(DC, ALL)]
    if isinstance(planes, JpegPlanes):
        alphabets += [slice(ALL, ALL + DC), slice(ALL + DC, 2 * ALL)]
    codes = np.zeros(2 * ALL, np.uint32)
    written = tuple(native.huffman(counts[alphabet], codes[alphabet]) for alphabet in alphabets)
    out = reserve(2 * (_bits(counts, codes) // 8 + 4))
    return Scan(written, native.code(tokens, codes, out).tobytes())


def _blocks(planes: JpegPlanes | Coefficients) -> int:
    """Return how many blocks a scan has at most."""
    if isinstance(planes, Coefficients):
        return planes.blocks.size // 64
    rows, columns = (-(-side // (16 if planes.halved else 8)) for side in planes.luma.shape)
    return rows * columns * (6 if planes.halved else 3)


def _bits(counts: NDArray[np.int64], codes: NDArray[np.uint32]) -> int:
    """Return the bits of a scan."""
    symbols = np.arange(2 * ALL) % ALL
    follow = np.where(symbols < DC, symbols, symbols - DC & 15)
    return int(counts @ (follow + (codes >> 16).astype(np.int64)))
