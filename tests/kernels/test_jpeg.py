"""The decoder's luma, foreseen from coefficients, is what Pillow decodes of the file that it wrote, bit for bit."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile
from skimage import data

from foveola import kernels
from foveola.errors import ArgumentError
from foveola.kernels import twin
from foveola.kernels.buffers import reserve
from tests.kernels.planes import LEVELS, Plane, Table, native, serve

EDGES = (1, 2, 3, 4, 5, 6, 8, 9, 16, 17, 18, 33, 40)
"""Around the widths at which blocks, pairs and the triangle filter begin and end."""
QUALITIES = (1, 10, 25, 44, 50, 51, 62, 75, 88, 94, 100)
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "colorwheel")
COLOURS = ("noise", "primaries", "dark", "bright", "slope", "red", "white", "flat")
HALVED = pytest.mark.parametrize("halved", [True, False], ids=["420", "444"])


@pytest.fixture(params=[*LEVELS, "numpy"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


@pytest.fixture(params=LEVELS)
def simd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


@pytest.fixture(autouse=True)
def _room_for_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow can't write an optimised file that is bigger than its buffer, as noise at 4:4:4 is."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 23)


WHOLE = 1 << 15
"""Rows and columns that no picture has."""


@cache
def picture(kind: str, height: int, width: int) -> Plane:
    """Return a part of a photograph, or RGB pixels that clip, but for the slope."""
    if kind in PHOTOS:
        crop: Plane = getattr(data, kind)()[:height, :width, :3]
        return np.ascontiguousarray(crop)
    random = np.random.default_rng([height, width])
    shape = height, width, 3
    down, across = np.mgrid[:height, :width]
    slope = np.stack([5 * down, 128 + 3 * across, 255 - 2 * down - across], axis=2)
    drawings: dict[str, NDArray[Any]] = {
        "noise": random.integers(0, 256, shape),
        "primaries": 255 * random.integers(0, 2, shape),
        "dark": random.integers(0, 12, shape),
        "bright": random.integers(244, 256, shape),
        "slope": slope,
        "white": np.full(shape, 255),
        "flat": np.indices((2, 2, 2)).reshape(3, 8).T[down // 16 * 3 % 8 ^ across // 16 % 8] * 255,
        "red": np.where(random.random((height, width, 1)) < 0.1, 0, [255, 0, 0]),
    }
    pixels: Plane = np.clip(drawings[kind], 0, 255).astype(np.uint8)
    return pixels


@cache
def decoded(kind: str, height: int, width: int, quality: int, halved: bool) -> tuple[Plane, Table, Table]:
    """Return the luma of the file that Pillow writes and decodes, and the file's two tables."""
    file = io.BytesIO()
    image = Image.fromarray(picture(kind, height, width))
    image.save(file, "JPEG", quality=quality, optimize=True, subsampling=2 if halved else 0)
    seen = Image.open(file)
    tables = [np.reshape(table, (8, 8)) for table in seen.quantization.values()]  # type: ignore[attr-defined]
    return np.asarray(seen.convert("L")), tables[0], tables[-1]


def wrong(kind: str, height: int, width: int, qualities: tuple[int, ...], halved: bool) -> list[int]:
    """Return the qualities at which a pixel differs from the decoder's."""
    planes = kernels.prepare_jpeg(picture(kind, height, width), halved)
    truths = ((quality, decoded(kind, height, width, quality, halved)) for quality in qualities)
    return [q for q, (truth, *tables) in truths if not np.array_equal(kernels.decoded_luma(planes, *tables), truth)]


@HALVED
@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("height", EDGES)
def test_every_size_is_a_decoders(height: int, halved: bool) -> None:
    for width in EDGES:
        for kind in COLOURS[:3]:
            assert not wrong(kind, height, width, (5, 75, 100), halved), (kind, width)


@HALVED
@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("kind", COLOURS)
@pytest.mark.parametrize("size", [(37, 130), (130, 67), (200, 259), (6, 1030)])
def test_every_quality_is_a_decoders(size: tuple[int, int], kind: str, halved: bool) -> None:
    assert not wrong(kind, *size, QUALITIES, halved)


@HALVED
@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_are_a_decoders(name: str, halved: bool) -> None:
    assert not wrong(name, WHOLE, WHOLE, (1, 30, 75, 92, 100), halved)


@pytest.mark.slow
@HALVED
@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("name", PHOTOS[:4])
def test_all_qualities_of_a_photograph_are_a_decoders(name: str, halved: bool) -> None:
    assert not wrong(name, 183, 245, tuple(range(1, 101)), halved)


@pytest.mark.parametrize("name", ["astronaut", "rocket"])
def test_it_sees_the_clipping_that_the_probe_doesnt(name: str) -> None:
    """Where the probe's plane is off, so that the tests above can't be met by coefficients of luma alone."""
    pixels = picture(name, WHOLE, WHOLE)
    truth, table, _ = decoded(name, WHOLE, WHOLE, 20, True)
    plane = kernels.reconstruct(kernels.forward_dct(kernels.luma(pixels)), table)

    assert np.abs(plane.astype(int) - truth).max() > 10


@HALVED
@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 33), (64, 64), (29, 515)])
def test_c_and_the_twin_have_the_same_coefficients(size: tuple[int, int], halved: bool) -> None:
    for kind in COLOURS:
        pixels = picture(kind, *size)
        ours, theirs = (which.chroma(pixels, halved, reserve) for which in (native, twin))

        assert np.array_equal(ours, theirs)


@HALVED
@pytest.mark.usefixtures("level")
def test_pixels_may_be_apart(halved: bool) -> None:
    """Every fourth byte is skipped, rows end in a gap, or channels come backwards."""
    pixels = picture("noise", 21, 150)
    tables = np.full((8, 8), 9), np.full((8, 8), 17)
    expected = kernels.decoded_luma(kernels.prepare_jpeg(pixels, halved), *tables)
    wide = np.zeros((21, 160, 4), np.uint8)
    wide[:, :150, :3] = pixels
    backwards = np.ascontiguousarray(pixels[:, :, ::-1])[:, :, ::-1]
    for view in (wide[:, :150, :3], backwards, np.repeat(pixels, 2, axis=1)[:, ::2]):
        assert np.array_equal(kernels.decoded_luma(kernels.prepare_jpeg(view, halved), *tables), expected)


@pytest.mark.usefixtures("level")
def test_coefficients_of_luma_are_shared() -> None:
    pixels = picture("noise", 30, 50)
    luma = kernels.forward_dct(kernels.luma(pixels))

    assert kernels.prepare_jpeg(pixels, True, luma).luma is luma


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4), np.uint8), r"\(H, W, 3\) uint8 for pixels"),
        (np.zeros((4, 4, 4), np.uint8), r"\(H, W, 3\) uint8 for pixels"),
        (np.zeros((0, 4, 3), np.uint8), r"\(H, W, 3\) uint8 for pixels"),
        (np.zeros((4, 4, 3), np.uint16), r"\(H, W, 3\) uint8 for pixels"),
    ],
)
def test_other_arrays_are_refused(pixels: Plane, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        kernels.prepare_jpeg(pixels, True)


def test_coefficients_of_another_size_are_refused() -> None:
    luma = kernels.forward_dct(np.zeros((8, 9), np.uint8))

    with pytest.raises(ArgumentError, match=r"coefficients of \(8, 8\)"):
        kernels.prepare_jpeg(np.zeros((8, 8, 3), np.uint8), True, luma)


@pytest.mark.parametrize("place", [0, 1])
def test_other_tables_are_refused(place: int) -> None:
    planes = kernels.prepare_jpeg(np.zeros((8, 8, 3), np.uint8), True)
    tables = [np.ones((8, 8)), np.ones((8, 8))]
    tables[place] = np.zeros((8, 8))

    with pytest.raises(ArgumentError, match="8x8 positive numbers"):
        kernels.decoded_luma(planes, *tables)
