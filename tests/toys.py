"""Fakes that are real: a codec of ten lines, and pictures that are drawn."""

from __future__ import annotations

import math
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs.base import ALL
from foveola.goal import Bounds
from foveola.picture import Picture


def photo(width: int = 240, height: int = 160, channels: int = 3, seed: int = 0, grain: float = 12) -> Picture:
    """Return a picture with slopes, edges, colour and grain, like a photograph; alpha is a soft disc."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    base = 120 + 60 * np.sin(x / 23 + seed) * np.cos(y / 17) + 30 * ((x + y) // 40 % 2)
    texture = sum(
        np.kron(rng.normal(0, grain, (height // size + 1, width // size + 1)), np.ones((size, size)))[:height, :width]
        for size in (1, 2, 4, 8)
    )
    tint = np.array([1.0, 0.9, 0.75, 1.0])[:channels] if channels > 1 else np.ones(1)
    pixels = (base + texture)[..., None] * tint
    if channels == 4:
        pixels[..., 3] = 400 - 3 * np.hypot(x - width / 2, y - height / 2)
    frame: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return Picture(frame[None])


@dataclass
class ToyCodec:
    """Rounds pixels to steps that shrink with quality; every two qualities are one setting."""

    name: str = "toy"
    qualities: Bounds | None = ALL
    encoded: list[int] = field(default_factory=list)
    same: int = 2

    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:  # noqa: ARG002
        self.encoded.append(quality)
        step = self._step(quality)
        rounded = np.clip(np.rint(picture.frames / step) * step, 0, 255).astype(np.uint8)
        shape = np.array(picture.frames.shape, np.int64).tobytes()
        return shape + zlib.compress(rounded.tobytes(), 1)

    def save(self, image: Any, quality: int, settings: Any) -> bytes:
        raise NotImplementedError

    def decode(self, data: bytes) -> Picture:
        shape = np.frombuffer(data[:32], np.int64)
        return Picture(np.frombuffer(zlib.decompress(data[32:]), np.uint8).reshape(shape))

    def setting(self, quality: int, settings: Any) -> Hashable:  # noqa: ARG002
        return self._step(quality)

    def axis(self, quality: int) -> float:
        return math.log(self._step(quality))

    def _step(self, quality: int) -> float:
        return (102 - quality + quality % self.same) * 1.2
