"""Tiles stand for the picture they are of: they lie all over it, and know nothing of their seams."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import data

from foveola import kernels
from foveola.codecs.jpeg import luma_table
from foveola.foresight.tiles import Part, draw, ratio
from foveola.metrics import Reference
from foveola.picture import Picture
from tests.toys import photo


def test_tiles_are_parts_of_the_picture_in_their_order() -> None:
    pixels = np.arange(320 * 640).reshape(320, 640)
    tiles = draw((320, 640), 32, 16)
    assert tiles is not None

    taken = tiles.of(pixels)  # type: ignore[arg-type]

    assert taken.shape == (128, 128)
    for (down, across), row in np.ndenumerate(tiles.rows):
        y, x = int(row) * 32, int(tiles.columns[down, across]) * 32
        assert np.array_equal(
            taken[32 * down : 32 * down + 32, 32 * across : 32 * across + 32], pixels[y : y + 32, x : x + 32]
        )


def test_they_lie_all_over_it() -> None:
    tiles = draw((640, 640), 32, 36)
    assert tiles is not None

    places = np.stack((tiles.rows.ravel(), tiles.columns.ravel()), axis=1)

    assert len(np.unique(places // 10, axis=0)) == 4
    assert len(np.unique(places, axis=0)) == 36


def test_where_more_is_lost_more_is_drawn_and_counts_less() -> None:
    losses = np.full((40, 40), 0.001)
    losses[:, :10] = 0.1
    tiles = draw((640, 640), 32, 36, losses)
    assert tiles is not None

    drawn = tiles.columns < 5

    assert drawn.mean() > 0.6
    assert tiles.weights[drawn].max() < tiles.weights[~drawn].min()


@pytest.mark.parametrize("count", [3, 26])
def test_a_picture_without_four_times_as_many_has_no_tiles(count: int) -> None:
    assert draw((320, 320), 32, count) is None


@pytest.mark.parametrize("name", ["coffee", "rocket", "astronaut"])
@pytest.mark.parametrize("quality", [30, 75])
def test_what_tiles_lose_is_near_what_the_picture_loses(name: str, quality: int) -> None:
    """An eighth of a picture of a third of a megapixel: within a fifth; seams alone would double it."""
    luma = kernels.luma(getattr(data, name)()[..., :3])
    tiles = draw(luma.shape, 32, luma.size // 1024 // 8)
    assert tiles is not None
    table = luma_table(quality)

    sketched = float(Part(tiles, luma).transformed(table, 0.0).mean())

    whole = Reference(Picture(luma[None, ..., None]), whole=True).transform(table, whole=True)
    assert abs(math.log(sketched / whole)) < 0.2


def test_a_ratio_that_all_tiles_agree_on_is_certain() -> None:
    lost = np.array([[0.01, 0.03], [0.02, 0.05]])

    above, variance = ratio(1.25 * lost, lost, np.ones((2, 2)))

    assert above == pytest.approx(math.log(1.25))
    assert variance == pytest.approx(0, abs=1e-20)


def test_of_tiles_that_lose_nothing_nothing_is_known() -> None:
    assert ratio(np.zeros((2, 2)), np.ones((2, 2)), np.ones((2, 2))) == (0.0, math.inf)


def test_the_same_picture_loses_nothing() -> None:
    picture = photo(640, 320)
    luma = kernels.luma(picture.frames[0])
    tiles = draw(luma.shape, 64, 9)
    assert tiles is not None

    assert np.abs(Part(tiles, luma).shown(tiles.of(picture.frames[0]))).max() < 1e-6
