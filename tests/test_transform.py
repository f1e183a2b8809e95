"""Sizes are imgproxy's to the pixel, and every step does one thing."""

from __future__ import annotations

import io
import math
from dataclasses import replace
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
from foveola.options.values import Crop, Extend
from foveola.pipeline import Defaults, plan
from foveola.transform.geometry import measure, preshrunk, scale
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

    said = ProcessingOptions(kind, width=wanted[0], height=wanted[1], enlarge=enlarge)
    assert measure(200, 100, said).result == result


EXTENDED: list[tuple[ProcessingOptions, str]] = [
    (ProcessingOptions(extend=Extend(True)), "300x300→300x300 0x200→200x200 300x0→300x100 50x50→50x50"),
    (ProcessingOptions(extend_aspect_ratio=Extend(True)), "300x300→200x200 300x125→240x100 250x500→200x400"),
    (ProcessingOptions("fill-down", extend=Extend(True)), "300x125→300x125"),
    (ProcessingOptions(dpr=2), "50x50→100x50 300x300→200x100"),
    (ProcessingOptions("fill", dpr=2), "50x50→100x100 100x300→100x100"),
    (ProcessingOptions(dpr=2, padding=(1, 2, 3, 4)), "50x50→112x58 0x0→206x104"),
    (ProcessingOptions(zoom=(2, 2)), "50x50→100x50 150x0→200x100"),
    (ProcessingOptions(zoom=(2, 1)), "50x25→100x25"),
    (ProcessingOptions(min_width=80), "50x50→50x40 20x0→20x40"),
    (ProcessingOptions("force", min_height=50), "50x20→50x20"),
    (ProcessingOptions(crop=Crop(0.5, 20)), "0x0→100x20 50x0→50x10"),
    (ProcessingOptions(crop=Crop(500, 0)), "0x0→200x100"),
    (ProcessingOptions(crop_aspect_ratio=(1, False)), "0x0→100x100 50x0→50x50"),
    (ProcessingOptions(crop=Crop(40, 20), crop_aspect_ratio=(1, False)), "0x0→20x20"),
    (ProcessingOptions(crop=Crop(40, 20), crop_aspect_ratio=(1, True)), "0x0→40x40"),
    (ProcessingOptions(crop=Crop(150, 20), crop_aspect_ratio=(1, True)), "0x0→100x100"),
    (ProcessingOptions(padding=(10, 0, 0, 5)), "100x0→105x60"),
]


@pytest.mark.parametrize(
    ("options", "case"), [(options, case) for options, cases in EXTENDED for case in cases.split()]
)
def test_canvases_crops_and_padding_have_the_size_that_was_asked(options: ProcessingOptions, case: str) -> None:
    wanted, result = (size(text) for text in case.split("→"))

    assert measure(200, 100, replace(options, width=wanted[0], height=wanted[1])).result == result


RATIO = st.floats(0.1, 4)
OPTIONS = st.builds(
    ProcessingOptions,
    st.sampled_from(RESIZING_TYPES),
    width=st.integers(0, 3000),
    height=st.integers(0, 3000),
    min_width=st.integers(0, 300),
    min_height=st.integers(0, 300),
    zoom=st.tuples(RATIO, RATIO),
    dpr=RATIO,
    enlarge=st.booleans(),
    extend=st.builds(Extend, st.booleans()),
    extend_aspect_ratio=st.builds(Extend, st.booleans()),
    crop=st.builds(Crop, st.floats(0, 5000), st.floats(0, 1)),
    crop_aspect_ratio=st.tuples(st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans()),
    padding=st.tuples(*[st.integers(0, 500)] * 4),
)
SIDE = st.integers(1, 5000)


@given(SIDE, SIDE, OPTIONS, st.integers(0, 4000))
@example(1, 3, ProcessingOptions("fill-down", width=2), 1)
@example(2, 1, ProcessingOptions("fill", width=1, height=3, enlarge=True), 1)
def test_no_side_is_without_pixels_or_over_the_limit(
    width: int, height: int, options: ProcessingOptions, most: int
) -> None:
    found = measure(width, height, options, limit=most)

    assert all(side >= 1 for side in (*found.result, *found.scaled, *found.whole))
    assert not most or max(found.result) <= most


@pytest.mark.parametrize("dpr", [5e-324, 1.0, 1e308])
@pytest.mark.parametrize("zoom", [5e-324, 1e308])
@pytest.mark.parametrize("ratio", [5e-324, 1e308])
@pytest.mark.parametrize("width", [0, 10**18 - 1])
def test_numbers_that_no_picture_has_can_be_computed_with(dpr: float, zoom: float, ratio: float, width: int) -> None:
    for kind in RESIZING_TYPES:
        said = ProcessingOptions(
            kind, width=width, enlarge=True, dpr=dpr, zoom=(zoom, 1.0), crop_aspect_ratio=(ratio, True), min_height=9
        )
        assert min(measure(100, 80, said).result) >= 1
        assert min(measure(100, 80, replace(said, enlarge=False), vector=True, limit=500).result) >= 1


@given(SIDE, SIDE, st.sampled_from(RESIZING_TYPES), st.integers(0, 3000), st.integers(0, 3000))
def test_nothing_becomes_larger_without_being_asked_to(
    width: int, height: int, kind: ResizingType, wide: int, high: int
) -> None:
    found = measure(width, height, ProcessingOptions(kind, width=wide, height=high))

    assert found.result[0] <= found.scaled[0] <= width
    assert found.result[1] <= found.scaled[1] <= height


@given(SIDE, SIDE, OPTIONS, st.sampled_from([2, 4, 8]))
def test_a_source_that_its_decoder_made_smaller_comes_out_as_large(
    width: int, height: int, options: ProcessingOptions, shrink: int
) -> None:
    whole = measure(width, height, replace(options, crop=Crop(), crop_aspect_ratio=(0.0, False)))
    loaded = (math.ceil(width / shrink), math.ceil(height / shrink))

    assert preshrunk(whole, loaded).scaled == pytest.approx(whole.scaled, abs=1)


@pytest.mark.parametrize(("most", "result"), [(0, (200, 100)), (100, (100, 50)), (50, (50, 25)), (500, (200, 100))])
def test_no_side_is_longer_than_the_limit(most: int, result: tuple[int, int]) -> None:
    assert measure(200, 100, ProcessingOptions(), limit=most).result == result
    assert measure(200, 100, ProcessingOptions("fill", width=100, height=100), limit=50).result == (50, 50)
    assert measure(200, 100, ProcessingOptions(padding=(10, 10, 10, 10)), limit=110).result == (110, 60)


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
    turned = pixels(with_orientation(orientation), ProcessingOptions("fill", width=20, height=10, format="png"))

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
    found = pixels(encoded(photo(60, 40).pillow), ProcessingOptions("fill", width=40, height=40, format="png"))

    assert np.array_equal(found, photo(60, 40).frames[0][:, 10:50])


def test_scaling_is_libvips_with_lanczos() -> None:
    source = photo(100, 70)
    image = pyvips.Image.new_from_array(source.frames[0])

    found = pixels(encoded(source.pillow), ProcessingOptions(width=37, format="png"))

    assert np.array_equal(found, image.resize(0.37, kernel="lanczos3").numpy())


def test_the_steps_stand_in_imgproxys_order() -> None:
    names = " ".join(step.__name__ for step in STEPS)

    assert names == "channels crop scale turn cut tones unsharp effects extend extend_aspect_ratio pad flatten mark"
