"""Filters do what they say to pixels, leave size, channels and depth, and what is transparent bleeds nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from foveola.codecs.vips import to_picture
from foveola.errors import ImageError
from foveola.options.values import Unsharp
from foveola.transform.colour import from_array
from foveola.transform.filters import blurred, pixelated, sharpened, unsharp
from tests.drawn import drawn

Array = NDArray[Any]
Filter = Callable[[pyvips.Image], pyvips.Image]
ALWAYS = Unsharp("always", 1, 24)
FILTERS: dict[str, Filter] = {
    "blurred": lambda image: blurred(image, 2),
    "sharpened": lambda image: sharpened(image, 2),
    "pixelated": lambda image: pixelated(image, 7),
    "unsharp": lambda image: unsharp(image, ALWAYS, False),
}
SHAPES = [(40, 56), (1, 1), (1, 9), (9, 1), (2, 2)]


def pixels(image: pyvips.Image) -> Array:
    found: Array = to_picture(image).frames[0]
    return found


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_size_channels_and_depth_stay(name: str, channels: int, bits: int, shape: tuple[int, int]) -> None:
    before = from_array(drawn(*shape, channels, bits))
    after = FILTERS[name](before)

    assert (after.width, after.height, after.bands, after.format) == (shape[1], shape[0], channels, before.format)
    assert after.interpretation == before.interpretation
    assert pixels(after).shape == (*shape, channels)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("colour", [[7], [200, 3, 90], [200, 3, 90, 100]])
@pytest.mark.parametrize("scale", [1, 257])
def test_one_colour_stays_that_colour(name: str, colour: list[int], scale: int) -> None:
    before = np.full((12, 10, len(colour)), np.array(colour) * scale, np.uint8 if scale == 1 else np.uint16)
    after = pixels(FILTERS[name](from_array(before)))

    slack = 2 * scale if len(colour) == 4 else scale // 16  # premultiplied levels are coarser; L of CIELAB is rounded
    assert np.abs(after.astype(int) - before).max() <= slack


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("bits", [8, 16])
def test_the_colour_of_what_is_transparent_has_no_effect(name: str, bits: int) -> None:
    most = 2**bits - 1
    clear = drawn(20, 20, 4, bits)
    clear[:, :10, 3], clear[:, 10:, 3] = most, 0
    red, blue = clear.copy(), clear.copy()
    red[:, 10:, :3], blue[:, 10:, :3] = (most, 0, 0), (0, 0, most)
    after = pixels(FILTERS[name](from_array(red)))

    assert np.array_equal(after, pixels(FILTERS[name](from_array(blue))))
    assert set(np.unique(after[:, 0, 3])) == {most}
    assert set(np.unique(after[:, 19, 3])) == {0}


@pytest.mark.parametrize(
    ("filter", "changed"),
    [
        (lambda image: blurred(image, 0), False),
        (lambda image: sharpened(image, 0), False),
        (lambda image: pixelated(image, 0), False),
        (lambda image: pixelated(image, 1), False),
        (lambda image: unsharp(image, Unsharp(), False), False),
        (lambda image: unsharp(image, Unsharp("none"), True), False),
        (lambda image: unsharp(image, Unsharp("auto", 1, 24), False), False),
        (lambda image: unsharp(image, Unsharp(), True), True),
        (lambda image: unsharp(image, Unsharp("always"), False), True),
    ],
)
def test_what_asks_for_nothing_changes_nothing(filter: Filter, changed: bool) -> None:
    assert np.array_equal(pixels(filter(from_array(drawn()))), drawn()) is not changed


@pytest.mark.parametrize("filter", [blurred, sharpened])
def test_any_sigma_is_taken(filter: Callable[[pyvips.Image, float], pyvips.Image]) -> None:
    for sigma in (1e-9, 0.1, 9.9, 11, 1e6):
        assert pixels(filter(from_array(drawn(6, 5)), sigma)).shape == (6, 5, 3)


def test_blurring_spreads_a_point_as_a_gaussian_does() -> None:
    point = np.zeros((41, 41, 1), np.uint8)
    point[20, 20] = 255
    after = pixels(blurred(from_array(point), 1.5))[..., 0].astype(float)

    assert np.array_equal(after, after.T)
    assert np.array_equal(after, after[::-1])
    assert after[20, 20] == after.max()
    assert after[20, 21] / after[20, 20] == pytest.approx(np.exp(-1 / (2 * 1.5**2)), abs=0.06)
    assert abs(after.sum() - 255) < 20


def test_an_opaque_edge_of_a_picture_stays_opaque() -> None:
    before = drawn(channels=4)
    before[..., 3] = 255

    assert pixels(blurred(from_array(before), 8))[..., 3].min() == 255


def test_sharpening_steepens_an_edge_and_keeps_its_hue() -> None:
    before = np.full((20, 20, 3), (60, 80, 100), np.uint8)
    before[:, 10:] = (120, 160, 200)
    after = pixels(sharpened(from_array(before), 1)).astype(int)

    assert (after[:, 9] <= before[:, 9]).all()
    assert (after[:, 10] >= before[:, 10]).all()
    assert after[5, 10].sum() - after[5, 9].sum() > before[5, 10].sum() - before[5, 9].sum().astype(int) + 20
    assert np.array_equal(after[:, 0], before[:, 0])


def test_pixelating_shows_means() -> None:
    before = np.arange(36, dtype=np.uint8).reshape(6, 6, 1) * 7
    after = pixels(pixelated(from_array(before), 3))[..., 0].astype(int)

    for y, x in ((0, 0), (0, 3), (3, 0), (3, 3)):
        block = after[y : y + 3, x : x + 3]
        assert np.unique(block).size == 1
        assert abs(block[0, 0] - before[y : y + 3, x : x + 3].mean()) <= 0.5


def test_squares_that_stick_out_are_filled_by_the_mirrored_picture() -> None:
    before = np.array([[0, 0, 0, 10, 40]], np.uint8)[..., None]
    after = pixels(pixelated(from_array(before), 3))[0, :, 0]

    assert after.tolist() == [0, 0, 0, 30, 30]  # 10, 40 and 40 again


def test_a_square_larger_than_the_picture_is_its_mean() -> None:
    before = np.array([[0, 100], [50, 250]], np.uint8)[..., None]

    assert np.unique(pixels(pixelated(from_array(before), 100))).tolist() == [100]


def test_unsharp_masking_is_the_published_arithmetic() -> None:
    before = np.full((5, 5, 1), 100, np.uint8)
    before[2, 2] = 148
    after = pixels(unsharp(from_array(before), Unsharp("always", 2, 24), False))[..., 0]

    assert after[2, 2] == 148 + 8 * 48 * 2 // 24
    assert after[1:4, 1:4].tolist() == [[96, 96, 96], [96, 180, 96], [96, 96, 96]]
    assert after[0].tolist() == [100] * 5


def test_unsharp_masking_clips_and_works_in_sixteen_bits() -> None:
    before = np.zeros((3, 3, 1), np.uint16)
    before[1, 1] = 60000
    after = pixels(unsharp(from_array(before), Unsharp("always", 1, 8), False))[..., 0]

    assert after.tolist() == [[0, 0, 0], [0, 65535, 0], [0, 0, 0]]


@pytest.mark.parametrize("name", FILTERS)
def test_metadata_stays(name: str) -> None:
    image = from_array(drawn(channels=4), b"profile")

    assert to_picture(FILTERS[name](image)).icc == b"profile"


@pytest.mark.parametrize("name", FILTERS)
def test_files_that_are_read_from_top_to_bottom_can_be_filtered(name: str) -> None:
    data = from_array(np.tile(drawn(), (30, 1, 1))).jpegsave_buffer(Q=90)
    after = FILTERS[name](pyvips.Image.jpegload_buffer(data, access="sequential"))

    assert pixels(after).shape == (1200, 56, 3)


def test_a_broken_file_is_told() -> None:
    data = from_array(drawn(400, 400)).jpegsave_buffer()[:9000]
    with pytest.raises(ImageError):
        blurred(pyvips.Image.jpegload_buffer(data, fail_on="truncated"), 2)
