"""Short texts that stand for a picture: BlurHash and ThumbHash to show before it is there, pHash to find its likes.

All three are cosines: the picture is written as a sum of few waves, and their amounts are rounded. Each is the
published algorithm on a small picture, so that its readers everywhere understand it. Sources:
https://github.com/woltapp/blurhash/blob/master/Algorithm.md, https://evanw.github.io/thumbhash/ and
https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html (pHash).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
PHASH_SIDE = 32
"""Pixels of each side of the grey picture that a pHash is made of."""
THUMB_SIDE = 100
"""Pixels that a side of the picture may have of which a ThumbHash is made."""

Floats = NDArray[np.float64]


def blurhash(pixels: NDArray[np.uint8], across: int, down: int) -> str:
    """Return the BlurHash of a picture.

    Args:
        pixels: (H, W, 3) uint8 sRGB.
        across: waves from left to right, 1..9.
        down: waves from top to bottom, 1..9.
    """
    waves = _amounts(_linear(pixels), across, down, offset=0) * 2
    waves[0, 0] /= 2
    rest = waves.reshape(-1, 3)[1:]
    greatest = float(np.abs(rest).max(initial=0))
    step = min(max(math.floor(greatest * 166 - 0.5), 0), 82)
    most = (step + 1) / 166 if rest.size else 1.0
    digits = [_digits(across - 1 + 9 * (down - 1), 1), _digits(step, 1), _digits(_packed(waves[0, 0]), 4)]
    levels = np.floor(np.sign(rest) * np.sqrt(np.abs(rest) / most) * 9 + 9.5).clip(0, 18).astype(int)
    digits += [_digits(int(r * 361 + g * 19 + b), 2) for r, g, b in levels]
    return "".join(digits)


def thumbhash(pixels: NDArray[np.uint8]) -> bytes:
    """Return the ThumbHash of a picture.

    Args:
        pixels: (H, W, 4) uint8 sRGB and straight alpha, no side above 100.
    """
    height, width = pixels.shape[:2]
    clear = bool((pixels[..., 3] < 255).any())
    light, yellow, red, alpha = _planes(pixels)
    most = 5 if clear else 7
    nx, ny = (max(1, _rounded(most * side / max(width, height))) for side in (width, height))
    l_dc, l_waves, l_scale = _channel(light, max(3, nx), max(3, ny))
    p_dc, p_waves, p_scale = _channel(yellow, 3, 3)
    q_dc, q_waves, q_scale = _channel(red, 3, 3)
    lying = width > height
    head = _rounded(63 * l_dc) | _rounded(31.5 + 31.5 * p_dc) << 6 | _rounded(31.5 + 31.5 * q_dc) << 12
    head |= _rounded(31 * l_scale) << 18 | clear << 23
    tail = (ny if lying else nx) | _rounded(63 * p_scale) << 3 | _rounded(63 * q_scale) << 9 | lying << 15
    parts = [head.to_bytes(3, "little"), tail.to_bytes(2, "little")]
    waves = l_waves + p_waves + q_waves
    if clear:
        a_dc, a_waves, a_scale = _channel(alpha, 5, 5)
        parts.append(bytes([_rounded(15 * a_dc) | _rounded(15 * a_scale) << 4]))
        waves += a_waves
    halves = [_rounded(15 * wave) for wave in waves] + [0] * (len(waves) % 2)
    parts.append(bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2], strict=True)))
    return b"".join(parts)


def phash(grey: NDArray[np.uint8]) -> str:
    """Return the perceptual hash of a picture: 64 bits in hexadecimal.

    A bit is set where one of the 8x8 slowest waves is above the middle of all of them, the constant one first.

    Args:
        grey: (32, 32) uint8, the whole picture.
    """
    waves = _amounts(grey[..., None].astype(np.float64), 8, 8)[..., 0]
    waves[0] *= math.sqrt(0.5)  # as in the orthonormal transform, of which the usual one is a multiple
    waves[:, 0] *= math.sqrt(0.5)
    waves = waves.round(6)  # what is nothing is not to differ from nothing
    bits = (waves > np.median(waves)).ravel()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def _amounts(planes: Floats, across: int, down: int, offset: float = 0.5) -> Floats:
    """Return (down, across, channels): the mean of each channel times each wave.

    A wave is read in the middle of each pixel; BlurHash, which forgot the half, at its edge.
    """
    height, width = planes.shape[:2]
    rows, columns = _cosines(down, height, offset), _cosines(across, width, offset)
    amounts: Floats = np.einsum("yxc,ny,mx->nmc", planes, rows, columns, optimize=True) / (height * width)
    return amounts


def _cosines(count: int, size: int, offset: float) -> Floats:
    result: Floats = np.cos(np.pi / size * np.outer(np.arange(count), np.arange(size) + offset))
    return result


def _linear(pixels: NDArray[np.uint8]) -> Floats:
    levels = np.arange(256) / 255
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    result: Floats = table[pixels]
    return result


def _packed(colour: Floats) -> int:
    """Return a linear colour as 24 bits of sRGB."""
    levels = colour.clip(0, 1)
    encoded = np.where(levels <= 0.0031308, levels * 12.92, 1.055 * levels ** (1 / 2.4) - 0.055)
    r, g, b = np.floor(encoded * 255 + 0.5).astype(int)
    return int(r << 16 | g << 8 | b)


def _digits(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in reversed(range(length)))


def _planes(pixels: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return light, yellow against blue, red against green, and alpha, laid on the average colour."""
    levels = pixels / 255
    alpha = levels[..., 3]
    whole = alpha.sum()
    average = (levels[..., :3] * alpha[..., None]).sum((0, 1)) / (whole or 1)
    colour = average * (1 - alpha[..., None]) + levels[..., :3] * alpha[..., None]
    r, g, b = np.moveaxis(colour, 2, 0)
    return (r + g + b) / 3, (r + g) / 2 - b, r - g, alpha


def _channel(plane: Floats, across: int, down: int) -> tuple[float, list[float], float]:
    """Return the mean, the slower waves as 0..1, and what they were divided by."""
    amounts = _amounts(plane[..., None], across, down)[..., 0]
    waves = [
        float(amounts[y, x]) for y in range(down) for x in range(across) if (x or y) and x * down < across * (down - y)
    ]
    scale = max(map(abs, waves))
    if scale:
        waves = [0.5 + 0.5 / scale * wave for wave in waves]
    return float(amounts[0, 0]), waves, scale


def _rounded(value: float) -> int:
    """Round half up, as JavaScript does."""
    return math.floor(value + 0.5)
