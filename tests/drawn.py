"""Pictures for tests of codecs: drawn by code, with smooth parts, edges and some grain in every channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.picture import Picture


def drawn(height: int = 40, width: int = 56, channels: int = 3, bits: int = 8) -> NDArray[Any]:
    """Return an array (height, width, channels); alpha falls to clear."""
    grain = np.random.default_rng(7).normal(0, 0.02, (height, width, channels))
    y, x = np.mgrid[0:height, 0:width] / 16
    planes = [0.5 + 0.3 * np.sin(x * (1 + c / 3) + c) * np.cos(y - c) for c in range(channels)]
    picture = np.stack(planes, axis=2) + grain + 0.15 * ((x + y) % 2 > 1)[..., None]
    if channels == 4:
        picture[..., 3] = np.linspace(0.9, 0, width)
    most = 2**bits - 1
    levels: NDArray[Any] = (picture.clip(0, 1) * most).round().astype(np.uint8 if bits == 8 else np.uint16)
    return levels


def picture(height: int = 40, width: int = 56, channels: int = 3, bits: int = 8, **metadata: Any) -> Picture:
    return Picture(drawn(height, width, channels, bits)[None], **metadata)


def animation(channels: int = 3) -> Picture:
    still = drawn(channels=channels)
    return Picture(np.stack([still, still[::-1], still[:, ::-1]]), delays=(40, 50, 60), loop=0)
