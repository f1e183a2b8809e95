"""What a picture is like, in thirty numbers: how its blocks are textured, and how bright they are.

A codec lies above the transform by more in some pictures than in others: segments, filters and prediction treat smooth
blocks unlike textured ones. A linear map from these numbers to that distance is fitted with the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveola.kernels import Coefficients
from foveola.kernels.quantiser import SCALE

Array = NDArray[np.float64]
BANDS = (1, 3, 6, 10, 15, 21, 28, 36, 49, 64)
"""Where each band of frequencies begins, by the sum of the two frequencies as far as that goes."""
SMOOTH = (64, 640, 6400)
"""Energies without the mean, of a whole block, below which it is very, fairly and hardly smooth."""
MOST = 1024
"""Blocks that are looked at, at most."""
ORDER = np.array(sorted(range(64), key=lambda k: (k // 8 + k % 8, k)))
"""Places in an 8x8 block, row by row, by rising frequency."""


def features(coefficients: Coefficients) -> Array:
    """Return the numbers.

    Args:
        coefficients: of luma, of a whole picture or of tiles of it.

    Returns:
        (30,) logs of the energies of bands (mean, and mean of the logs) and of blocks (quantiles, mean, spread), shares
        of smooth blocks, and mean, spread and darkness of the blocks' brightness.
    """
    down, groups = coefficients.blocks.shape[:2]
    step = max(1, -(-down * groups * 4 // MOST))
    some = coefficients.blocks.reshape(-1, 8, 4, 8)[::step].swapaxes(1, 2).reshape(-1, 64)
    levels = some.astype(np.float32)[:, ORDER] / SCALE
    energy = levels * levels
    bands = np.add.reduceat(energy, BANDS[:-1], axis=1)[:, : len(BANDS) - 1]
    bands = bands / np.diff(BANDS)
    whole = energy[:, 1:].sum(1)
    logs, bright = np.log(whole + 16), levels[:, 0] / 8 + 128
    parts = (
        np.log(bands.mean(0) + 0.01),
        np.log(bands + 1).mean(0),
        np.quantile(logs, (0.1, 0.25, 0.75, 0.9)),
        [logs.mean(), logs.std()],
        [float((whole < most).mean()) for most in SMOOTH],
        [bright.mean() / 255, bright.std() / 255, float((bright < 32).mean())],
    )
    return np.concatenate([np.asarray(part, np.float64) for part in parts])
