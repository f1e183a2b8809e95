from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.codecs import codec
from foveola.codecs.jxlheader import header
from foveola.errors import ImageError
from foveola.picture import Header
from foveola.settings import JxlSettings
from tests.drawn import drawn, picture

imagecodecs = pytest.importorskip("imagecodecs")


def bits(*fields: tuple[int, int]) -> bytes:
    """Pack (value, count) pairs, the lowest bit first, after the signature."""
    number = at = 0
    for value, count in fields:
        number |= value << at
        at += count
    return b"\xff\x0a" + number.to_bytes((at + 7) // 8, "little") + bytes(30)


PLAIN = (1, 1)  # all metadata at their defaults


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3, 4]))
def test_the_size_is_that_of_the_picture(height: int, width: int, channels: int) -> None:
    data = codec("jxl").encode(picture(height, width, channels), 50, JxlSettings(effort=1))

    assert header(data) == Header("jxl", width, height, channels, channels == 4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 16), (64, 64), (90, 120), (400, 600), (9, 5000), (300, 1)])
def test_short_forms_of_a_size_are_read(height: int, width: int) -> None:
    assert (header(imagecodecs.jpegxl_encode(drawn(height, width), effort=1))).width == width


@pytest.mark.parametrize(("ratio", "width"), [(1, 300), (2, 360), (3, 400), (4, 450), (5, 533), (6, 375), (7, 600)])
def test_a_ratio_gives_the_width(ratio: int, width: int) -> None:
    found = header(bits((0, 1), (0, 2), (299, 9), (ratio, 3), PLAIN))

    assert (found.width, found.height) == (width, 300)


@pytest.mark.parametrize(
    ("pixels", "options", "expected"),
    [
        (drawn(bits=16), {}, Header("jxl", 56, 40, 3, alpha=False, bits=16)),
        (drawn(channels=4, bits=16), {"lossless": True}, Header("jxl", 56, 40, 4, alpha=True, bits=16)),
        (drawn(channels=1)[..., 0], {}, Header("jxl", 56, 40, 1, alpha=False)),
        (drawn().astype(np.float32) / 255, {}, Header("jxl", 56, 40, 3, alpha=False, bits=32)),
        (drawn(), {"usecontainer": True}, Header("jxl", 56, 40, 3, alpha=False)),
    ],
    ids=["16 bit", "16 bit alpha", "grey", "float", "boxes"],
)
def test_depth_alpha_and_boxes_are_read(pixels: Any, options: dict[str, Any], expected: Header) -> None:
    assert header(imagecodecs.jpegxl_encode(np.ascontiguousarray(pixels), **options)) == expected


SIZE = ((0, 1), (0, 2), (39, 9), (0, 3), (0, 2), (55, 9))
"""56 by 40 pixels, each side in nine bits."""
EIGHT = ((0, 1), (0, 2))
"""Integers of 8 bit."""
XYB_SRGB = ((1, 1), (1, 1))


@pytest.mark.parametrize(("orientation", "swapped"), [(1, False), (3, False), (5, True), (6, True)])
@pytest.mark.parametrize(
    "preview",
    [
        ((0, 1),),
        ((1, 1), (1, 1), (0, 2), (0, 3), (1, 2)),  # 16 and 32 eighths
        ((1, 1), (1, 1), (2, 2), (4, 5), (1, 3)),  # five eighths, square
        ((1, 1), (0, 1), (0, 2), (9, 6), (0, 3), (1, 2), (0, 8)),
    ],
)
@pytest.mark.parametrize("intrinsic", [((0, 1),), ((1, 1), (1, 1), (4, 5), (1, 3))])
def test_a_turned_picture_is_upright(orientation: int, swapped: bool, preview: Any, intrinsic: Any) -> None:
    """The decoder turns it; sizes of a preview and of the screen come between and do not count."""
    fields = ((0, 1), (1, 1), (orientation - 1, 3), *intrinsic, *preview, (0, 1), *EIGHT, (1, 1), (0, 2), *XYB_SRGB)
    found = header(bits(*SIZE, *fields))

    assert (found.width, found.height) == ((40, 56) if swapped else (56, 40))
    assert (found.bands, found.bits) == (3, 8)


@pytest.mark.parametrize(
    ("extra", "alpha"),
    [
        (((1, 1),), True),  # all default
        (((0, 1), (0, 2), *EIGHT, (0, 2), (1, 2), (2, 4), (0x6261, 16), (0, 1)), True),  # alpha named "ab"
        (((0, 1), (1, 2), *EIGHT, (0, 2), (0, 2)), False),  # depth
        (((0, 1), (2, 2), (0, 4), *EIGHT, (0, 2), (0, 2), (0, 64)), False),  # a spot colour
        (((0, 1), (2, 2), (3, 4), *EIGHT, (0, 2), (0, 2), (0, 2)), False),  # a colour filter
    ],
    ids=["default", "named", "depth", "spot", "filter"],
)
@pytest.mark.parametrize("grey", [False, True])
def test_extra_channels_are_skipped_but_alpha(extra: Any, alpha: bool, grey: bool) -> None:
    colour = ((1, 1), (0, 1), (1, 1), (1, 2)) if grey else ((1, 1), (0, 1), (1, 1), (0, 2))
    found = header(bits(*SIZE, (0, 1), (0, 1), *EIGHT, (1, 1), (1, 2), *extra, *colour))

    assert (found.alpha, found.bands) == (alpha, (1 if grey else 3) + alpha)


def test_a_box_of_more_than_four_gigabytes_is_stepped_over() -> None:
    """Its size is in eight bytes; here it says less than that."""
    stream = bits(*SIZE, PLAIN)
    start = b"\0\0\0\x0cJXL \r\n\x87\n"
    wide = b"\0\0\0\1free" + (20).to_bytes(8, "big") + b"skip"
    last = b"\0\0\0\0jxlc" + stream

    assert header(start + wide + last).width == 56
    with pytest.raises(ImageError, match="Expected a JPEG XL codestream"):
        header(start + b"\0\0\0\1free" + bytes(8) + last)


def test_a_size_of_a_milliard_a_side_is_read_from_a_few_bytes() -> None:
    found = header(bits((0, 1), (3, 2), (2**30 - 1, 30), (1, 3), PLAIN))

    assert found.width == found.height == 2**30


def test_animations_are_refused() -> None:
    with pytest.raises(ImageError, match="Expected a still picture in JPEG XL, got an animation"):
        header(imagecodecs.jpegxl_encode(np.stack([drawn(), drawn()[::-1]])))


@pytest.mark.parametrize("data", [b"\xff\x0a", b"\xff\x0a\x00", b"\0\0\0\x0cJXL \r\n\x87\n", b""])
def test_a_header_that_breaks_off_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="Expected a"):
        header(data)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_end_soon(data: bytes, boxed: bool) -> None:
    start = b"\0\0\0\x0cJXL \r\n\x87\n" if boxed else b"\xff\x0a"
    try:
        found = header(start + data)
    except ImageError:
        return
    assert min(found.width, found.height) >= 1
