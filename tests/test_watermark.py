"""A watermark stands where imgproxy puts it, is mixed as light through glass, and changes nothing beside itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveola.codecs.vips import from_picture, to_picture
from foveola.errors import ImageError
from foveola.options.values import POSITIONS, Position, Watermark
from foveola.picture import Picture
from foveola.transform.colour import from_array
from foveola.transform.watermark import watermarked
from tests.drawn import drawn

Array = NDArray[Any]
P3, SGREY = (bytes(pyvips.Operation.call("profile_load", name)) for name in ("p3", "sgrey"))
RED, BLUE = (255, 0, 0), (0, 0, 255)


def plain(width: int, height: int, *colour: int) -> pyvips.Image:
    return from_array(np.full((height, width, len(colour)), colour, np.uint8))


def pixels(image: pyvips.Image) -> Array:
    found: Array = to_picture(image).frames[0]
    return found


def covered(image: pyvips.Image) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what is red on a grey picture."""
    y, x = np.nonzero(pixels(image)[..., 0] > 200)
    return int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1


def laid(position: Position, x: float = 0, y: float = 0, scale: float = 0, **options: Any) -> pyvips.Image:
    """Lay 39x20 red pixels on 100x60 grey ones."""
    return watermarked(plain(100, 60, 50, 50, 50), plain(39, 20, *RED), Watermark(1, position, x, y, scale), **options)


@pytest.mark.parametrize(
    ("position", "corner"),
    [
        ("ce", (31, 20)),
        ("no", (31, 0)),
        ("so", (31, 40)),
        ("we", (0, 20)),
        ("ea", (61, 20)),
        ("nowe", (0, 0)),
        ("noea", (61, 0)),
        ("sowe", (0, 40)),
        ("soea", (61, 40)),
    ],
)
def test_a_watermark_stands_at_its_position(position: Position, corner: tuple[int, int]) -> None:
    assert covered(laid(position)) == (*corner, 39, 20)


@pytest.mark.parametrize(
    ("position", "x", "y", "dpr", "place"),
    [
        ("nowe", 4, 3, 1, (4, 3, 39, 20)),
        ("nowe", 4, 3, 2.5, (10, 8, 39, 20)),  # 7.5 to even
        ("soea", 4, 3, 1, (57, 37, 39, 20)),
        ("nowe", 0.1, 0.25, 3, (10, 15, 39, 20)),
        ("ce", -0.1, 0.1, 1, (21, 26, 39, 20)),
        ("nowe", -10, -5, 1, (0, 0, 29, 15)),
        ("soea", -10, -5, 1, (71, 45, 29, 15)),
        ("nowe", -500, 500, 1, (0, 59, 1, 1)),
    ],
)
def test_offsets_lead_away_and_what_sticks_out_is_cut_off(
    position: Position, x: float, y: float, dpr: float, place: tuple[int, int, int, int]
) -> None:
    assert covered(laid(position, x, y, dpr=dpr)) == place


@pytest.mark.parametrize(
    ("scale", "size", "extent"),
    [
        (0, (0, 0), (39, 20)),
        (0.5, (0, 0), (50, 26)),  # 50x30; 20 * 50 / 39 = 25.64
        (1, (0, 0), (100, 51)),
        (0.5, (10, 10), (50, 26)),  # the share goes before
        (0.001, (0, 0), (1, 1)),
        (0, (78, 0), (78, 40)),
        (0, (0, 10), (20, 10)),  # 19.5 away from zero
        (0, (78, 10), (20, 10)),
        (0, (78, 500), (78, 40)),
    ],
)
def test_a_watermark_fits_its_size(scale: float, size: tuple[int, int], extent: tuple[int, int]) -> None:
    assert covered(laid("nowe", scale=scale, size=size))[2:] == extent


@pytest.mark.parametrize("scale", [3, 1000])
def test_a_watermark_larger_than_the_picture_is_clipped(scale: float) -> None:
    for position in POSITIONS:
        after = laid(position, scale=scale)

        assert (after.width, after.height) == (100, 60)
        assert covered(after) == (0, 0, 100, 60)


@pytest.mark.parametrize(
    ("degrees", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 2)), (270, (0, 2)), (-90, (0, 2))]
)
def test_a_watermark_is_turned_clockwise(degrees: float, corner: tuple[int, int]) -> None:
    mark = np.zeros((2, 3, 3), np.uint8)
    mark[0, 0] = RED
    turned = watermarked(plain(10, 10, 50, 50, 50), from_array(mark), Watermark(1, "nowe"), rotate=degrees)
    y, x = np.nonzero(pixels(turned)[..., 0] > 200)

    if degrees % 180:
        assert (int(x[0]), int(y[0])) == corner
    else:
        assert (int(x[0]), int(y[0])) == ((0, 0) if degrees == 0 else (2, 1))


def test_a_watermark_turned_by_45_degrees_is_a_rhombus_without_a_dark_rim() -> None:
    mark = plain(40, 40, *RED)
    after = pixels(watermarked(plain(80, 80, 255, 255, 255), mark, Watermark(1), rotate=45)).astype(int)

    assert after[40, 40].tolist() == list(RED)
    assert after[40, 14].tolist() == list(RED)
    assert after[14, 14].tolist() == [255] * 3
    assert abs((after[..., 1] < 128).sum() - 1600) < 40
    assert after[..., 0].min() >= 253  # a transparent black would show


def test_a_turned_watermark_fits_its_size_as_it_stands() -> None:
    assert covered(laid("nowe", size=(20, 0), rotate=90))[2:] == (20, 39)


@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_are_mixed_by_opacity_and_alpha(opacity: float, bits: int, channels: int) -> None:
    most = 2**bits - 1
    before, mark = drawn(channels=channels, bits=bits), drawn(30, 20, 4)
    after = pixels(watermarked(from_array(before), from_array(mark), Watermark(opacity, "nowe", 5, 7), 0.5))
    share = mark[..., 3:] / 255 * opacity * 0.5
    under = before[7:37, 5:25] / most
    rest = (1 - share) * (under[..., 3:] if channels == 4 else 1)
    mixed = (mark[..., :3] / 255 * share + under[..., :3] * rest) / (share + rest)

    assert after.shape == before.shape
    assert np.abs(after[7:37, 5:25, :3] - mixed * most).max() <= (0.51 if bits == 8 else 1)
    if channels == 4:
        assert np.abs(after[7:37, 5:25, 3:] - (share + rest) * most).max() <= (0.51 if bits == 8 else 1)
    after[7:37, 5:25] = before[7:37, 5:25]
    assert np.array_equal(after, before)


def test_what_is_clear_everywhere_leaves_each_pixel_even_under_it() -> None:
    before = drawn(channels=4)
    before[0, 0] = 0
    mark = from_array(np.zeros((5, 5, 4), np.uint8))
    after = pixels(watermarked(from_array(before), mark, Watermark(1, "re")))

    assert np.array_equal(after, before)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("grey", "bands"), [(True, 1), (False, 3)])
def test_a_grey_picture_becomes_rgb_only_under_a_coloured_watermark(bits: int, grey: bool, bands: int) -> None:
    before = drawn(channels=1, bits=bits)
    mark = plain(4, 4, 200) if grey else plain(4, 4, 200, 0, 10)
    after = watermarked(from_array(before), mark, Watermark(1, "nowe"))
    shown, scale = pixels(after), 257 if bits == 16 else 1

    assert after.bands == bands
    assert shown[1, 1].tolist() == [part * scale for part in ([200] if grey else [200, 0, 10])]
    assert np.array_equal(shown[5:], before[5:].repeat(bands, 2))


def test_a_grey_watermark_with_alpha_keeps_a_picture_grey_too() -> None:
    mark = np.zeros((4, 4, 2), np.uint8) + np.array([200, 128], np.uint8)
    image = pyvips.Image.new_from_memory(mark, 4, 4, 2, "uchar").copy(interpretation="b-w")
    after = watermarked(plain(8, 8, 100), image, Watermark(1, "nowe"))

    assert after.bands == 1
    assert pixels(after)[0, 0].tolist() == [150]


def test_a_deep_watermark_on_a_picture_of_eight_bits_loses_its_low_byte() -> None:
    mark = from_array(np.full((2, 2, 3), 0x80FF, np.uint16))

    assert pixels(watermarked(plain(4, 4, *BLUE), mark, Watermark(1)))[2, 2].tolist() == [0x80] * 3


TILED = [
    # 3x3 pixels on 9x9: the middle one at 3
    ("re", 0, 0, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ("re", 1, 0, [0, 1, 3, 4, 5, 7, 8]),  # tiles of 4, the gap right of the mark: 12 columns, cut by 1 and 2
    ("re", 2, 0, [0, 3, 4, 5, 8]),
    ("re", 0.25, 0, [0, 3, 4, 5, 8]),
    ("re", 500, 0, [3, 4, 5]),
    ("re", 501, 0, [3, 4, 5]),
]


@pytest.mark.parametrize(("position", "x", "y", "columns"), TILED)
def test_watermarks_all_over_stand_around_the_one_in_the_middle(
    position: Position, x: float, y: float, columns: list[int]
) -> None:
    after = watermarked(plain(9, 9, 50, 50, 50), plain(3, 3, *RED), Watermark(1, position, x, y))

    assert np.nonzero(pixels(after)[4, :, 0] > 200)[0].tolist() == columns


def test_gaps_grow_with_dpr() -> None:
    whole = watermarked(plain(9, 9, 50, 50, 50), plain(3, 3, *RED), Watermark(1, "re", 1, 1), dpr=2)

    assert np.nonzero(pixels(whole)[4, :, 0] > 200)[0].tolist() == [0, 3, 4, 5, 8]


@pytest.mark.parametrize(("width", "height"), [(9, 9), (10, 7), (4, 4), (3, 3), (2, 9), (1, 1), (25, 13)])
def test_a_chessboard_leaves_every_second_place_empty(width: int, height: int) -> None:
    after = watermarked(plain(width, height, 50, 50, 50), plain(3, 3, *RED), Watermark(1, "ch"))
    found = pixels(after)[..., 0] > 200
    across, down = (-(-n // 3) // 2 * 2 + 1 for n in (width, height))
    board = np.add.outer(np.arange(down) - down // 2, np.arange(across) - across // 2) % 2 == 0
    whole = board.repeat(3, 0).repeat(3, 1)
    left, top = (across * 3 - width) // 2, (down * 3 - height) // 2

    assert np.array_equal(found, whole[top : top + height, left : left + width])


@pytest.mark.parametrize("position", ["nowe", "re", "ch"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_frame_of_an_animation_gets_what_a_picture_gets(position: Position, channels: int) -> None:
    frames = np.stack([drawn(channels=channels), drawn(channels=channels)[::-1], drawn(channels=channels)[:, ::-1]])
    value, mark = Watermark(0.5, position, 2, -6), plain(9, 9, *RED)
    roll = from_picture(Picture(frames, delays=(10, 20, 30), loop=2))
    after = to_picture(watermarked(roll, mark, value))

    assert (after.delays, after.loop) == ((10, 20, 30), 2)
    for frame, shown in zip(frames, after.frames, strict=True):
        assert np.array_equal(shown, pixels(watermarked(from_array(frame), mark, value)))


def test_a_watermark_is_laid_on_in_the_pictures_own_colours() -> None:
    after = to_picture(watermarked(from_array(drawn(), P3), plain(6, 6, *RED), Watermark(1, "nowe")))
    shown = after.frames[0][1, 1].astype(int)

    assert after.icc == P3
    assert np.abs(shown - [234, 51, 35]).max() <= 3  # the red of sRGB, in Display P3
    assert np.array_equal(after.frames[0][6:], drawn()[6:])


def test_a_grey_profile_does_not_stay_on_a_picture_that_has_become_rgb() -> None:
    after = to_picture(watermarked(from_array(drawn(channels=1), SGREY), plain(6, 6, *RED), Watermark(1, "nowe")))

    assert (after.icc, after.channels) == (None, 3)
    assert after.frames[0][1, 1].tolist() == list(RED)


def test_a_watermark_with_a_profile_is_brought_to_srgb() -> None:
    mark = from_array(np.full((4, 4, 3), (234, 51, 35), np.uint8), P3)
    shown = pixels(watermarked(plain(4, 4, 0, 0, 0), mark, Watermark(1)))[1, 1].astype(int)

    assert np.abs(shown - RED).max() <= 4


@pytest.mark.parametrize(("opacity", "setting"), [(0, 1), (1, 0)])
def test_an_opacity_of_zero_is_the_very_picture(opacity: float, setting: float) -> None:
    image = plain(4, 4, *BLUE)

    assert watermarked(image, plain(2, 2, *RED), Watermark(opacity), setting) is image


def test_pictures_that_are_read_from_top_to_bottom_can_be_marked() -> None:
    data = from_array(np.tile(drawn(), (30, 1, 1))).jpegsave_buffer(Q=90)
    for position in POSITIONS:
        image = pyvips.Image.jpegload_buffer(data, access="sequential")
        assert pixels(watermarked(image, plain(9, 300, *RED), Watermark(1, position))).shape == (1200, 56, 3)


def test_a_broken_watermark_is_told() -> None:
    data = from_array(drawn(400, 400)).jpegsave_buffer()[:9000]
    with pytest.raises(ImageError):
        watermarked(plain(4, 4, *BLUE), pyvips.Image.jpegload_buffer(data, fail_on="truncated"), Watermark(1))


SIDES = st.tuples(st.integers(1, 12), st.integers(1, 12))
VALUES = st.builds(
    Watermark,
    st.floats(0.01, 1),
    st.sampled_from(POSITIONS),
    st.floats(-20, 20),
    st.floats(-20, 20),
    st.one_of(st.just(0.0), st.floats(0.001, 3)),
)


@settings(max_examples=80, deadline=None)
@given(SIDES, SIDES, st.sampled_from([1, 3, 4]), VALUES, st.floats(-400, 400), st.floats(0.1, 4))
def test_any_watermark_leaves_size_and_channels(
    size: tuple[int, int], extent: tuple[int, int], channels: int, value: Watermark, degrees: float, dpr: float
) -> None:
    image, mark = from_array(drawn(*size, channels)), from_array(drawn(*extent, channels))
    after = watermarked(image, mark, value, rotate=degrees, dpr=dpr)

    assert pixels(after).shape == (*size, channels)
