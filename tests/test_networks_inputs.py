"""A picture of any size and kind becomes the square that a network sees, exactly as docs/networks.md says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from foveola.networks.inputs import mosaic, pixels_of, resize, tensor
from foveola.networks.sidecar import Layout, Scale
from foveola.picture import Picture
from tests.toys import photo


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), np.uint8)


def mirrored(place: int, length: int) -> int:
    """Return where a place beyond the end is mirrored to; the last pixel is not repeated."""
    while place >= length:
        place = abs(2 * (length - 1) - place) if length > 1 else 0
    return place


def place(index: int, length: int) -> int:
    """Return where the tile of a row or column begins."""
    if length <= 104:
        return 0
    return min(8 * round(index * (length - 104) / (3 * 8)), 8 * ((length - 104) // 8))


@given(st.integers(1, 1300), st.integers(1, 1300))
def test_a_mosaic_is_sixteen_tiles_at_full_resolution(height: int, width: int) -> None:
    pixels = noise(height, width)
    tiles = mosaic(pixels)

    assert tiles.shape == (416, 416, 3)
    for i, j in np.ndindex(4, 4):
        down = [mirrored(place(i, height) + y, height) for y in range(104)]
        across = [mirrored(place(j, width) + x, width) for x in range(104)]
        assert (tiles[104 * i : 104 * i + 104, 104 * j : 104 * j + 104] == pixels[np.ix_(down, across)]).all()


def test_the_places_are_those_of_the_example() -> None:
    """800x600 gives rows 0, 168, 328, 496 and columns 0, 232, 464, 696."""
    y, x = np.mgrid[0:600, 0:800]
    tiles = mosaic(np.stack([y // 8, x // 8, y % 8 * 8 + x % 8], axis=2).astype(np.uint8))

    assert [8 * int(tiles[104 * i, 0, 0]) for i in range(4)] == [0, 168, 328, 496]
    assert [8 * int(tiles[0, 104 * j, 1]) for j in range(4)] == [0, 232, 464, 696]


def test_a_picture_of_the_same_size_is_its_own_mosaic() -> None:
    assert (mosaic(noise(416, 416)) == noise(416, 416)).all()


def test_a_mosaic_may_be_smaller() -> None:
    assert (mosaic(noise(256, 256), 256) == noise(256, 256)).all()


def test_a_stretched_picture_is_lanczos() -> None:
    whole = Image.fromarray(noise(50, 90)).resize((256, 256), Image.Resampling.LANCZOS)

    assert (resize(noise(50, 90), 256) == np.asarray(whole)).all()


def test_grey_is_three_equal_channels() -> None:
    picture = photo(20, 30, channels=1)

    assert (pixels_of(picture) == picture.frames[0]).all()
    assert pixels_of(picture).shape == (30, 20, 3)


def test_alpha_is_laid_on_white() -> None:
    frame = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 128], [7, 7, 7, 1]]], np.uint8)
    over = frame[..., :3] * (frame[..., 3:] / 255) + 255 * (1 - frame[..., 3:] / 255)

    assert (pixels_of(Picture(frame[None])) == np.rint(over)).all()


def test_of_an_animation_the_first_frame_is_seen() -> None:
    frames = np.stack([noise(20, 20), noise(20, 20)[::-1]])

    assert (pixels_of(Picture(frames, delays=(10, 10))) == frames[0]).all()


@pytest.mark.parametrize(
    ("scale", "floats", "values"),
    [
        ("255", True, [0.0, 51.0, 255.0]),
        ("1", True, [0.0, 0.2, 1.0]),
        ("symmetric", True, [-1.0, -0.6, 1.0]),
        ("255", False, [0, 51, 255]),
    ],
)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_pixels_are_numbers_as_a_network_knows_them(
    layout: Layout, scale: Scale, floats: bool, values: list[float]
) -> None:
    square = np.zeros((4, 4, 3), np.uint8)
    square[1, 2] = [0, 51, 255]

    made = tensor(square, layout, scale, floats)

    assert made.shape == ((1, 4, 4, 3) if layout == "NHWC" else (1, 3, 4, 4))
    assert made.dtype == (np.float32 if floats else np.uint8)
    assert made.flags.c_contiguous
    assert (made[0, 1, 2] if layout == "NHWC" else made[0, :, 1, 2]) == pytest.approx(values, abs=1e-6)
