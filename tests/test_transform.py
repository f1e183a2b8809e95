"""Sizes are imgproxy's to the pixel, and every step does one thing."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from foveola.codecs.vips import to_picture
from foveola.options import RESIZING_TYPES, ProcessingOptions, ResizingType
from foveola.pipeline import Defaults, plan
from foveola.transform.geometry import centred, fit_within, measure, scale
from foveola.transform.load import header_of, read
from foveola.transform.steps import STEPS, transformed
from tests.toys import photo

FIT = "50x50→50x25 50x20→40x20 20x50→20x10 300x300→200x100 300x50→100x50 100x300→100x50 0x50→100x50 50x0→50x25"
CASES: list[tuple[ResizingType, bool, str]] = [
    ("fit", False, FIT + " 0x200→200x100 0x0→200x100"),
    ("fit", True, "300x300→300x150 300x125→250x125 250x300→250x125 0x200→400x200"),
    ("fill", False, "50x20→50x20 300x300→200x100 300x50→200x50 100x300→100x100"),
    ("fill", True, "300x125→300x125"),
    ("fill-down", False, "300x300→100x100 300x125→200x83 250x300→83x100 50x20→50x20"),
    ("fill-down", True, "300x300→300x300"),
    ("force", False, "50x50→50x50 50x0→50x100 0x50→200x50 300x50→200x33"),
    ("force", True, "300x50→300x50 300x0→300x100"),
    ("auto", False, "50x20→50x20 20x50→20x10"),
]
TABLE = [(kind, enlarge, case) for kind, enlarge, cases in CASES for case in cases.split()]


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


@pytest.mark.parametrize(("kind", "enlarge", "case"), TABLE)
def test_a_source_of_200x100_becomes_what_imgproxy_makes_of_it(kind: ResizingType, enlarge: bool, case: str) -> None:
    wanted, result = (size(text) for text in case.split("→"))

    assert measure(200, 100, ProcessingOptions(kind, *wanted, enlarge=enlarge)).result == result


OPTIONS = st.builds(
    ProcessingOptions, st.sampled_from(RESIZING_TYPES), st.integers(0, 3000), st.integers(0, 3000), st.booleans()
)
SIDE = st.integers(1, 5000)


@given(SIDE, SIDE, OPTIONS, st.integers(0, 4000))
@example(1, 3, ProcessingOptions("fill-down", 2, 0), 1)
@example(2, 1, ProcessingOptions("fill", 1, 3, enlarge=True), 1)
def test_a_result_is_a_part_of_what_was_scaled_and_within_the_limit(
    width: int, height: int, options: ProcessingOptions, most: int
) -> None:
    found = measure(width, height, options, most)

    assert all(1 <= part <= whole for part, whole in zip(found.result, found.scaled, strict=True))
    assert not most or max(found.result) <= most
    if not options.enlarge:
        assert found.scaled[0] <= width
        assert found.scaled[1] <= height


@given(SIDE, SIDE, OPTIONS, st.integers(1, 2000))
def test_a_result_is_made_to_fit_within_a_limit(
    width: int, height: int, options: ProcessingOptions, limit: int
) -> None:
    found = fit_within(measure(width, height, options), limit)

    assert max(found.result) <= limit
    assert all(1 <= part <= whole for part, whole in zip(found.result, found.scaled, strict=True))


@pytest.mark.parametrize(("most", "result"), [(0, (200, 100)), (100, (100, 50)), (50, (50, 25)), (500, (200, 100))])
def test_no_side_is_longer_than_the_limit(most: int, result: tuple[int, int]) -> None:
    assert measure(200, 100, ProcessingOptions(), most).result == result
    assert measure(200, 100, ProcessingOptions("fill", 100, 100), 50).result == (50, 50)


@pytest.mark.parametrize(
    ("length", "part", "position"), [(10, 10, 0), (11, 10, 1), (12, 10, 2), (13, 10, 2), (14, 10, 2), (15, 10, 3)]
)
def test_positions_round_half_to_even(length: int, part: int, position: int) -> None:
    assert centred(length, part) == position


@pytest.mark.parametrize(("length", "factor", "result"), [(5, 0.5, 3), (3, 0.5, 2), (0, 2.0, 0), (4, 1.124, 4)])
def test_sizes_round_half_away_from_zero(length: int, factor: float, result: int) -> None:
    assert scale(length, factor) == result


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(data: bytes, options: ProcessingOptions | None = None) -> NDArray[Any]:
    """Return what goes into the encoder, (H, W, channels)."""
    made = plan(header_of(data), options or ProcessingOptions(format="png"), Defaults())
    found: NDArray[Any] = to_picture(transformed(data, made)).frames[0]
    return found


def with_orientation(orientation: int, format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(photo(48, 32).pillow, format, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(orientation: int) -> None:
    data = with_orientation(orientation, "PNG")

    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(pixels(data), np.asarray(expected))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(orientation: int) -> None:
    turned = pixels(with_orientation(orientation), ProcessingOptions("fill", 20, 10, format="png"))

    assert turned.shape[:2] == (10, 20)


@pytest.mark.parametrize(
    "data",
    [
        encoded(photo(40, 30).pillow),
        encoded(photo(40, 30, 1).pillow),
        encoded(photo(40, 30, 4).pillow),
        encoded(photo(40, 30).pillow.convert("CMYK"), "JPEG"),
        encoded(photo(40, 30).pillow.convert("P")),
        encoded(Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)),
        with_orientation(6),
    ],
    ids=["rgb", "grey", "alpha", "cmyk", "palette", "16 bit", "turned"],
)
def test_nothing_asked_for_is_the_picture_as_it_is_read(data: bytes) -> None:
    assert np.array_equal(pixels(data), read(data).frames[0])


def test_what_is_transparent_is_laid_on_white_for_jpeg_only() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 16, 32))
    data = encoded(clear)

    flat = pixels(data, ProcessingOptions(format="jpeg"))

    assert flat.shape == (32, 32, 3)
    assert flat[0, 0].tolist() == [0, 0, 255]
    assert flat[0, 31].tolist() == [255, 255, 255]
    assert pixels(data, ProcessingOptions(format="webp")).shape == (32, 32, 4)


def test_the_colour_of_what_is_transparent_does_not_bleed() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 31, 64))

    small = pixels(encoded(clear), ProcessingOptions(width=16, format="png"))

    seen = small[small[..., 3] > 40]
    assert seen[:, 0].max() <= 2
    assert seen[:, 2].min() >= 250


def test_a_crop_is_the_middle() -> None:
    found = pixels(encoded(photo(60, 40).pillow), ProcessingOptions("fill", 40, 40, format="png"))

    assert np.array_equal(found, photo(60, 40).frames[0][:, 10:50])


def test_scaling_is_libvips_with_lanczos() -> None:
    source = photo(100, 70)
    image = pyvips.Image.new_from_array(source.frames[0])

    found = pixels(encoded(source.pillow), ProcessingOptions(width=37, format="png"))

    assert np.array_equal(found, image.resize(0.37, kernel="lanczos3").numpy())


def test_the_steps_stand_in_imgproxys_order() -> None:
    names = [step.__name__ for step in STEPS]

    assert names == ["channels", "scale", "upright", "crop", "flatten", "srgb", "eight_bits", "strip"]
