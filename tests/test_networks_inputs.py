"""A picture of any size and kind becomes the square that a network sees, exactly as docs/networks.md says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from foveola.errors import ArgumentError
from foveola.networks.inputs import coloured, mosaic, resize, square, tensor
from foveola.networks.sidecar import Input, Layout, Scale
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
    grey = photo(20, 30, channels=1).frames[0]

    assert (coloured(grey) == grey).all()
    assert coloured(grey).shape == (30, 20, 3)


def test_alpha_is_laid_on_white() -> None:
    colour, alpha = (plane.astype(np.uint8) for plane in np.mgrid[0:256, 0:256])
    pixels = np.stack([colour, 255 - colour, colour // 2, alpha], axis=2)
    over = pixels[..., :3] * (pixels[..., 3:] / 255) + 255 * (1 - pixels[..., 3:] / 255)

    assert (coloured(np.concatenate([pixels] * 3)) == np.rint(np.concatenate([over] * 3))).all()


@pytest.mark.parametrize("how", ["resize", "mosaic"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_first_frame_is_coloured_and_made_a_square(how: Input, channels: int) -> None:
    picture = photo(500, 430, channels)
    moving = Picture(np.concatenate([picture.frames, picture.frames[:, ::-1]]), delays=(10, 10))
    made = {"resize": resize, "mosaic": mosaic}[how](coloured(picture.frames[0]), 416)

    assert (square(picture, how, 416) == made).all()
    assert (square(moving, how, 416) == made).all()


def test_other_pixels_are_refused_as_a_search_refuses_them() -> None:
    with pytest.raises(ArgumentError, match='Expected uint8 for frames, got "uint16"'):
        square(Picture(np.zeros((1, 9, 9, 3), np.uint16)), "mosaic", 416)


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
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[1, 2] = [0, 51, 255]

    made = tensor(pixels, layout, scale, floats)

    assert made.shape == ((1, 4, 4, 3) if layout == "NHWC" else (1, 3, 4, 4))
    assert made.dtype == (np.float32 if floats else np.uint8)
    assert made.flags.c_contiguous
    assert (made[0, 1, 2] if layout == "NHWC" else made[0, :, 1, 2]) == pytest.approx(values, abs=1e-6)
