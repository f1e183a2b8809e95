"""A border goes, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from foveola.codecs.vips import to_picture
from foveola.errors import ImageError
from foveola.options.values import Trim
from foveola.transform.colour import from_array
from foveola.transform.trim import trimmed
from tests.drawn import drawn

Array = NDArray[Any]
P3 = bytes(pyvips.Operation.call("profile_load", "p3"))
WHITE, GREY = (255, 255, 255), (200, 200, 200)


def framed(left: int, top: int, right: int, bottom: int, border: tuple[int, ...] = WHITE, scale: int = 1) -> Array:
    """Return a dark block of 12x10 pixels in a border."""
    whole = np.full((10 + top + bottom, 12 + left + right, len(border)), border, np.uint8 if scale == 1 else np.uint16)
    whole *= scale
    whole[top : top + 10, left : left + 12] = np.arange(120).reshape(10, 12, 1) // 2 * scale
    if len(border) == 4:
        whole[top : top + 10, left : left + 12, 3] = 255 * scale
    return whole


def shape(before: Array, value: Trim) -> tuple[int, int]:
    after = trimmed(from_array(before), value)
    return after.width, after.height


@pytest.mark.parametrize(
    ("border", "scale"), [(WHITE, 1), ((250,), 1), (WHITE, 257), ((250,), 257), ((1, 2, 3, 0), 1), ((1, 2, 3, 0), 257)]
)
def test_a_border_is_cut_off_exactly(border: tuple[int, ...], scale: int) -> None:
    before = framed(3, 5, 7, 4, border, scale)
    after = to_picture(trimmed(from_array(before), Trim(10))).frames[0]

    assert np.array_equal(after, before[5:15, 3:15])


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (Trim(None), (22, 19)),
        (Trim(10), (12, 10)),
        (Trim(10, equal_hor=True), (16, 10)),  # 3 on both sides
        (Trim(10, equal_ver=True), (12, 11)),  # 4 on both sides
        (Trim(10, equal_hor=True, equal_ver=True), (16, 11)),
        (Trim(10, WHITE), (12, 10)),
        (Trim(10, (0, 0, 0)), (22, 19)),
        (Trim(60, (210, 210, 210)), (12, 10)),
        (Trim(10, (210, 210, 210)), (22, 19)),
    ],
)
def test_a_border_of_3_5_7_4_pixels_loses(value: Trim, size: tuple[int, int]) -> None:
    assert shape(framed(3, 5, 7, 4), value) == size


def test_both_sides_keep_the_smaller_inset() -> None:
    before = framed(7, 4, 3, 5)
    after = to_picture(trimmed(from_array(before), Trim(10, equal_hor=True, equal_ver=True))).frames[0]

    assert np.array_equal(after, before[4:15, 3:19])


@pytest.mark.parametrize("threshold", [0, 1, 20])
@pytest.mark.parametrize("size", [(1, 1), (1, 8), (5, 5)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_of_one_colour_stays(threshold: float, size: tuple[int, int], channels: int) -> None:
    assert shape(np.full((*size, channels), 90, np.uint8), Trim(threshold)) == (size[1], size[0])


def test_a_picture_of_two_rows_is_trimmed_too() -> None:
    assert shape(np.array([[[255], [0], [0], [255], [255]]] * 2, np.uint8), Trim(10)) == (2, 2)


def test_the_threshold_says_how_much_a_border_may_vary() -> None:
    before = framed(4, 4, 4, 4)
    before[:, 2:4] = GREY
    before[:4], before[14:] = WHITE, WHITE

    assert shape(before, Trim(10)) == (14, 10)
    assert shape(before, Trim(60)) == (12, 10)


def test_what_is_transparent_is_magenta() -> None:
    before = framed(3, 3, 3, 3, (0, 0, 0, 0))

    assert shape(before, Trim(10, (255, 0, 255))) == (12, 10)
    assert shape(before, Trim(10, (0, 0, 0))) == (18, 16)


def test_a_file_that_is_read_from_top_to_bottom_is_trimmed_and_keeps_its_profile() -> None:
    data = from_array(framed(30, 500, 70, 400), P3).pngsave_buffer(keep="icc")
    after = to_picture(trimmed(pyvips.Image.pngload_buffer(data, access="sequential"), Trim(10)))

    assert (after.width, after.height, after.icc) == (12, 10, P3)


def test_a_broken_file_is_told() -> None:
    data = from_array(drawn(400, 400)).jpegsave_buffer()[:9000]
    with pytest.raises(ImageError):
        trimmed(pyvips.Image.jpegload_buffer(data, fail_on="truncated"), Trim(10))
