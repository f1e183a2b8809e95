"""Thirty numbers tell a smooth picture from a textured one, and are the same for a picture of any size."""

from __future__ import annotations

import numpy as np

from foveola import kernels
from foveola.foresight.features import features
from tests.toys import photo


def of(grain: float, width: int = 320, height: int = 320) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return features(kernels.forward_dct(kernels.luma(photo(width, height, grain=grain).frames[0])))


def test_there_are_thirty_finite_numbers() -> None:
    for luma in (np.zeros((1, 1), np.uint8), np.full((40, 9), 255, np.uint8)):
        found = features(kernels.forward_dct(luma))

        assert found.shape == (30,)
        assert np.isfinite(found).all()


def test_texture_is_energy() -> None:
    smooth, textured = of(2), of(30)

    assert (textured[:18] > smooth[:18]).all()
    assert (textured[24:27] <= smooth[24:27]).all()


def test_of_a_large_picture_some_blocks_are_seen() -> None:
    """The same texture over four times the blocks that are looked at."""
    large, small = of(12, 1024, 1024), of(12, 512, 512)

    assert large.size == small.size
    assert np.abs(large - small).max() < 0.25
