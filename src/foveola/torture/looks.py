"""Sound pictures of kinds that are rare: every sort of transparency, and more than eight bits."""

from __future__ import annotations

import io
from random import Random

import numpy as np
from PIL import Image

from foveola.codecs import codec
from foveola.picture import Picture
from foveola.settings import SETTINGS
from foveola.torture.kind import Kind, Made

_ALPHAS = ("none", "half", "whole", "one", "noise", "edge")


def _alpha(random: Random, shape: tuple[int, int]) -> np.ndarray:
    """Return how opaque each pixel is: not at all, half, wholly but for one, by chance, on one side."""
    alpha = np.full(shape, {"none": 0, "half": 128, "whole": 255}.get(kind := random.choice(_ALPHAS), 255), np.uint8)
    if kind == "one":
        alpha[random.randrange(shape[0]), random.randrange(shape[1])] = 0
    if kind == "noise":
        alpha[:] = np.frombuffer(random.randbytes(alpha.size), np.uint8).reshape(shape)
    if kind == "edge":
        alpha[:, : random.randint(0, shape[1])] = 0
    return alpha


def _noise(random: Random, *shape: int) -> np.ndarray:
    return np.frombuffer(random.randbytes(int(np.prod(shape))), np.uint8).reshape(shape)


def alpha(random: Random) -> Made:
    """Be transparent: straight, wholly, in grey, in a palette, in a frame."""
    height, width = random.randint(1, 64), random.randint(1, 64)
    suffix = random.choice(("png", "webp", "avif", "tiff", "gif", "ico", "jxl", "bmp"))
    mask = _alpha(random, (height, width))
    if suffix in ("png", "gif") and random.random() < 0.6:
        grey = Image.fromarray(np.dstack([_noise(random, height, width), mask]))
        file = io.BytesIO()
        palette = suffix == "gif" or random.random() < 0.5
        (grey.convert("RGBA").quantize(random.randint(2, 256)) if palette else grey).save(file, suffix)
        return f"alpha.{suffix}", file.getvalue()
    frame = np.dstack([_noise(random, height, width, 3), mask])
    return f"alpha.{suffix}", codec(suffix).encode(Picture(frame[None]), 60, SETTINGS[suffix]())


def deep(random: Random) -> Made:
    """Have 12 or 16 bit, with alpha or without, in grey or in colour."""
    suffix, channels = random.choice(("png", "tiff", "avif")), random.choice((1, 3, 4))
    height, width = random.randint(1, 64), random.randint(1, 64)
    words = np.frombuffer(random.randbytes(2 * height * width * channels), np.uint16)
    frame = words.reshape(height, width, channels)
    return f"deep-{channels}.{suffix}", codec(suffix).encode(Picture(frame[None]), 60, SETTINGS[suffix]())


LOOKS = (
    Kind("alpha", "every sort of transparency", alpha),
    Kind("deep", "12 and 16 bit in grey, in colour, with alpha", deep),
)
