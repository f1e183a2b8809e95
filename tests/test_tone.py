"""Tones are the formulas of the docstrings, held to NumPy; alpha and grey stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveola.codecs.vips import to_picture
from foveola.options.values import Colour, Duotone, Monochrome
from foveola.transform.colour import from_array
from foveola.transform.tone import adjusted, duotone, monochrome
from tests.drawn import drawn

Array = NDArray[Any]
LUMA = np.array([0.299, 0.587, 0.114])
RED, NAVY, CREAM, PLAIN = (255, 0, 0), (10, 20, 90), (255, 240, 200), (0xB3, 0xB3, 0xB3)
STEPS: dict[str, Callable[[pyvips.Image], pyvips.Image]] = {
    "adjusted": lambda image: adjusted(image, 20, 1.3, 0.5),
    "monochrome": lambda image: monochrome(image, Monochrome(1, PLAIN)),
    "duotone": lambda image: duotone(image, Duotone(0.7, (10, 10, 10), (200, 200, 200))),
}


def pixels(image: pyvips.Image) -> Array:
    found: Array = to_picture(image).frames[0]
    return found


def one(*values: int, bits: int = 8) -> pyvips.Image:
    """Return a picture of one pixel."""
    return from_array(np.array(values, np.uint8 if bits == 8 else np.uint16).reshape(1, 1, -1))


def near(found: Array, expected: Array) -> bool:
    """Whether levels are those expected, rounded and cut off; halves may fall to either side."""
    most = np.iinfo(found.dtype).max
    return bool(np.abs(found - expected.clip(0, most)).max() <= 0.5 + 1e-6 * most)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(40, 56), (1, 1), (1, 3)])
def test_size_channels_depth_and_alpha_stay(name: str, channels: int, bits: int, shape: tuple[int, int]) -> None:
    before = drawn(*shape, channels, bits)
    image = from_array(before, b"profile")
    after = STEPS[name](image)

    assert (after.width, after.height, after.bands) == (shape[1], shape[0], channels)
    assert (after.format, after.interpretation) == (image.format, image.interpretation)
    assert to_picture(after).icc == b"profile"
    if channels == 4:
        assert np.array_equal(pixels(after)[..., 3], before[..., 3])


@pytest.mark.parametrize("name", STEPS)
def test_grey_in_colour_becomes_what_grey_alone_becomes(name: str) -> None:
    grey = drawn(channels=1)
    alone, coloured = pixels(STEPS[name](from_array(grey))), pixels(STEPS[name](from_array(grey.repeat(3, 2))))

    assert np.abs(coloured.astype(int) - alone).max() <= 1
    assert np.array_equal(coloured[..., 0], coloured[..., 1])
    assert np.array_equal(coloured[..., 0], coloured[..., 2])


@pytest.mark.parametrize(
    ("brightness", "contrast", "saturation", "before", "after"),
    [
        (0, 1, 1, (10, 20, 30), (10, 20, 30)),
        (40, 1, 1, (10, 20, 240), (50, 60, 255)),
        (-15, 1, 1, (10, 20, 240), (0, 5, 225)),
        (255, 1, 1, (0, 0, 0), (255, 255, 255)),
        (-255, 1, 1, (255, 255, 255), (0, 0, 0)),
        (0, 2, 1, (127, 128, 190), (126, 128, 252)),  # 126.5 to even
        (0, 0.5, 1, (0, 255, 127), (64, 191, 127)),  # 63.75, 191.25, 127.25
        (0, 1, 0, (255, 0, 0), (76, 76, 76)),
        (0, 1, 2, (100, 50, 50), (135, 35, 35)),  # luma 64.95
        (10, 2, 1, (100, 100, 100), (92, 92, 92)),  # 127.5 + 2 (110 - 127.5), the brightness first
        (100, 1, 0.5, (200, 100, 100), (255, 215, 215)),  # 264.95 is cut off at the end only
        (0, 1, 3, (90,), (90,)),
        (12, 1, 1, (90,), (102,)),
    ],
)
def test_a_pixel_is_adjusted(
    brightness: int, contrast: float, saturation: float, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    assert near(pixels(adjusted(one(*before), brightness, contrast, saturation)), np.array([[after]]))


@given(st.integers(-255, 255), st.floats(0.01, 20), st.floats(0.01, 20), st.sampled_from([8, 16]))
def test_adjusting_is_the_formula(brightness: int, contrast: float, saturation: float, bits: int) -> None:
    before = drawn(5, 6, 3, bits)
    most = 2**bits - 1
    moved = (before + brightness * most / 255 - most / 2) * contrast + most / 2
    luma = (moved @ LUMA)[..., None]

    assert near(
        pixels(adjusted(from_array(before), brightness, contrast, saturation)), luma + saturation * (moved - luma)
    )


@pytest.mark.parametrize("strength", [1e-300, 1e5, 1e308])
@pytest.mark.parametrize("bits", [8, 16])
def test_any_strength_is_taken(strength: float, bits: int) -> None:
    most = 2**bits - 1
    found = pixels(adjusted(one(0, most // 2, most, bits=bits), 255, strength, strength))

    assert np.isin(found, [0, most] if strength > 1 else [most // 2, most // 2 + 1]).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_the_default_colour_makes_a_grey_picture_of_the_same_luma(bits: int) -> None:
    before = drawn(bits=bits)
    after = pixels(monochrome(from_array(before), Monochrome(1)))

    assert near(after, (before @ LUMA)[..., None].repeat(3, 2))


@pytest.mark.parametrize("colour", [RED, NAVY, CREAM, (0, 0, 255), PLAIN])
def test_shades_keep_luma_and_contain_the_colour_itself(colour: Colour) -> None:
    before = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    after = pixels(monochrome(from_array(before), Monochrome(1, colour)))
    exact = np.array(colour).reshape(1, 1, 3)
    shown = pixels(monochrome(from_array(exact.astype(np.uint8)), Monochrome(1, colour)))

    assert np.abs(after @ LUMA - before[..., 0]).max() <= 0.51 if after.shape[2] == 3 else np.array_equal(after, before)
    assert np.abs(shown.astype(int) - exact).max() == 0


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)])
def test_shades_of_black_and_of_white_are_greys(colour: Colour) -> None:
    before = drawn()

    assert near(pixels(monochrome(from_array(before), Monochrome(1, colour))), (before @ LUMA)[..., None].repeat(3, 2))


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (Duotone(1), (255, 0, 0), (76, 76, 76)),
        (Duotone(1, NAVY, CREAM), (0, 0, 0), NAVY),
        (Duotone(1, NAVY, CREAM), (255, 255, 255), CREAM),
        (Duotone(1, NAVY, CREAM), (51, 51, 51), (59, 64, 112)),  # a fifth of the way
        (Duotone(0.5, NAVY, CREAM), (255, 255, 255), (255, 247.5, 227.5)),
        (Duotone(0), (1, 2, 3), (1, 2, 3)),
        (Duotone(1, NAVY, CREAM), (51,), (59, 64, 112)),
        (Duotone(1, (0, 0, 0), (100, 100, 100)), (51,), (20,)),
    ],
)
def test_a_pixel_becomes_a_mixture(value: Duotone, before: tuple[int, ...], after: tuple[float, ...]) -> None:
    assert near(pixels(duotone(one(*before), value)), np.array([[after]]))


def test_a_mixture_in_sixteen_bits() -> None:
    found = pixels(duotone(one(13107, 13107, 13107, bits=16), Duotone(1, NAVY, CREAM)))

    assert near(found, np.array([[[59, 64, 112]]]) * 257)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_colour_makes_a_grey_picture_coloured(bits: int) -> None:
    image = from_array(drawn(channels=1, bits=bits))
    for after in (monochrome(image, Monochrome(0.5, RED)), duotone(image, Duotone(0.5, NAVY, CREAM))):
        assert after.bands == 3
        assert after.interpretation == ("srgb" if bits == 8 else "rgb16")
        assert pixels(after).shape == (40, 56, 3)


def test_half_the_intensity_is_half_the_change() -> None:
    before = drawn()
    image = from_array(before)
    whole, half = (pixels(monochrome(image, Monochrome(share, NAVY))) for share in (1, 0.5))

    assert np.abs(half - (before / 2 + whole / 2)).max() <= 1


def test_intensity_zero_is_the_very_picture() -> None:
    image = from_array(drawn())

    assert monochrome(image, Monochrome(0, RED)) is image
    assert duotone(image, Duotone(0, NAVY, CREAM)) is image
    assert adjusted(image, 0, 1, 1) is image
