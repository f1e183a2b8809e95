"""The C kernels equal their NumPy twin at every level of vector code, and the twin equals scikit-image."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity

from foveola import kernels
from foveola.errors import ArgumentError
from foveola.kernels import twin
from foveola.kernels.buffers import reserve
from tests.kernels.planes import (
    KINDS,
    LEVELS,
    SIZES,
    SMALL,
    damaged,
    jpeg,
    luma_of,
    native,
    plane_of,
    prepared_by,
    serve,
    skimage_ssim,
)

PHOTOGRAPHS = [
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "immunohistochemistry",
    "page",
    "rocket",
    "text",
]
TRUTH = 0.357959091663361
"""Of `camera` and a noisy copy: https://github.com/scikit-image/scikit-image/pull/4913#issuecomment-700653165"""


@pytest.fixture(params=[*LEVELS, "numpy"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


@pytest.fixture(params=LEVELS)
def simd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return serve(request.param, monkeypatch)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_ssim_is_scikit_images(level: str, name: str) -> None:
    """To 1e-9 in NumPy and to 1e-5 in C, at every level of vector code."""
    plane = luma_of(name)
    candidate = jpeg(plane, 60)[0]

    assert kernels.ssim(kernels.prepare(plane), candidate) == pytest.approx(
        skimage_ssim(plane, candidate), abs=1e-9 if level == "numpy" else 1e-5
    )


@pytest.mark.usefixtures("level")
def test_the_published_value() -> None:
    """MSSIM by the imdiff of IPOL, an independent program; scikit-image states it to three decimals only."""
    camera = data.camera()
    noise = np.random.RandomState(5).randn(*camera.shape)  # the pair was made with the old generator
    noisy = np.clip(camera + 20.0 * noise, 0, 255).astype(np.uint8)

    assert kernels.ssim(kernels.prepare(camera), noisy) == pytest.approx(TRUTH, abs=1e-5)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [*SIZES, *SMALL])
def test_a_picture_equals_itself_exactly(shape: tuple[int, int], kind: str, step: int) -> None:
    plane = plane_of(kind, shape)

    assert kernels.ssim(kernels.prepare(plane, step), plane.copy()) == 1.0


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SIZES)
def test_c_and_the_twin_agree_on_ssim(shape: tuple[int, int], kind: str, step: int) -> None:
    plane = plane_of(kind, shape)
    pairs = [damaged(plane), plane_of("saturated", shape, 7), plane_of("black", shape)]
    ours, theirs = (prepared_by(which, plane, step) for which in (native, twin))

    seen = [native.ssim(ours, candidate[:, :, None], 0) for candidate in pairs]

    assert seen == pytest.approx([twin.ssim(theirs, candidate[:, :, None], 0) for candidate in pairs], abs=2e-6)


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SIZES)
def test_c_and_the_twin_agree_on_blocks(shape: tuple[int, int], kind: str, step: int) -> None:
    plane = plane_of(kind, shape)
    candidate = damaged(plane)

    mean, blocks = native.block_means(prepared_by(native, plane, step), candidate[:, :, None], 0)
    twins_mean, twins_blocks = twin.block_means(prepared_by(twin, plane, step), candidate[:, :, None], 0)

    assert mean == pytest.approx(twins_mean, abs=2e-6)
    np.testing.assert_allclose(blocks, twins_blocks, atol=1e-5, rtol=0)


@pytest.mark.usefixtures("level")
def test_blocks_are_means_of_the_map() -> None:
    """16x16 blocks of scikit-image's map; those at the edges are smaller."""
    plane = luma_of("coins")[:100, :75]
    candidate = damaged(plane)
    _, whole = structural_similarity(
        plane, candidate, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    ssims = whole[5:-5, 5:-5]
    means = [ssims[y : y + 16, x : x + 16].mean() for y in range(0, 90, 16) for x in range(0, 65, 16)]

    summary = kernels.ssim_map_summary(kernels.prepare(plane), candidate)

    expected = [ssims.mean(), min(means), np.percentile(means, 5)]
    assert [summary.mean, summary.lowest, summary.low] == pytest.approx(expected, abs=1e-5)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("shape", SIZES)
def test_a_step_of_three_is_every_third_row_of_the_map(shape: tuple[int, int]) -> None:
    plane = plane_of("photo", shape)
    candidate = damaged(plane)
    rows = [
        kernels.ssim(kernels.prepare(plane[top : top + 11]), candidate[top : top + 11])
        for top in range(0, shape[0] - 10, 3)
    ]

    assert kernels.ssim(kernels.prepare(plane, 3), candidate) == pytest.approx(np.mean(rows), abs=1e-6)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("shape", SMALL)
def test_sides_under_eleven_are_mirrored(shape: tuple[int, int]) -> None:
    plane, candidate = plane_of("photo", shape), plane_of("photo", shape, 5)
    before = [(max(0, 11 - side)) // 2 for side in shape]
    after = [max(0, 11 - side - lead) for side, lead in zip(shape, before, strict=True)]
    padding = list(zip(before, after, strict=True))
    truth = skimage_ssim(*(np.pad(p, padding, mode="symmetric") for p in (plane, candidate)))

    assert kernels.ssim(kernels.prepare(plane), candidate) == pytest.approx(truth, abs=1e-5)


@pytest.mark.usefixtures("level")
def test_rows_may_be_apart_and_pixels_too() -> None:
    plane = plane_of("photo", (60, 90))
    candidate = damaged(plane)
    wide = np.zeros((60, 400, 2), np.uint8)
    wide[:, 7:97, 1] = candidate

    seen = kernels.ssim(kernels.prepare(plane), wide[:, 7:97, 1])

    assert seen == kernels.ssim(kernels.prepare(plane), candidate)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("shape", [(60, 90), (11, 600), (7, 40), (33, 1010)])
@pytest.mark.parametrize(("channels", "ground"), [(1, 0), (3, 0), (4, 0), (4, 255)])
def test_pixels_are_compared_by_their_luma(shape: tuple[int, int], channels: int, ground: int) -> None:
    """The same digits as with the luma plane, for four bytes a pixel and for a view of some of them."""
    pixels = np.random.default_rng(8).integers(0, 256, (*shape, 4), np.uint8)
    prepared = kernels.prepare(plane_of("photo", shape))
    for candidate in (pixels[:, :, :channels], pixels[:, :, :channels].copy()):
        luma = kernels.luma(candidate, ground)

        assert kernels.ssim(prepared, candidate, ground) == kernels.ssim(prepared, luma)
        assert kernels.ssim_map_summary(prepared, candidate, ground) == kernels.ssim_map_summary(prepared, luma)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(1, 255))
def test_ssim_is_symmetric_and_in_range(height: int, width: int, seed: int, spread: int) -> None:
    random = np.random.default_rng(seed)
    a, b = ((random.integers(0, 256, (height, width)) * spread // 255).astype(np.uint8) for _ in range(2))

    forth, back = kernels.ssim(kernels.prepare(a), b), kernels.ssim(kernels.prepare(b), a)

    assert forth == pytest.approx(back, abs=2e-5)  # each is within 1e-5 of the definition
    assert -1 <= forth <= 1


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("shift", [1, 20, 55])
def test_a_constant_shift_has_a_closed_form(shift: int) -> None:
    a, b = 200, 200 + shift
    c1 = (0.01 * 255) ** 2
    plane = np.full((40, 50), a, np.uint8)

    seen = kernels.ssim(kernels.prepare(plane), np.full((40, 50), b, np.uint8))

    assert seen == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-5)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [*SIZES, *SMALL])
def test_luma_is_pillows(shape: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, channels), np.uint8)
    image = Image.fromarray(pixels if channels == 3 else pixels[:, :, 0])

    assert np.array_equal(kernels.luma(pixels), np.asarray(image.convert("L")))


@pytest.mark.usefixtures("level")
def test_luma_is_pillows_for_every_colour_of_the_cube() -> None:
    axis = np.array([0, 1, 2, 3, 51, 84, 127, 128, 129, 170, 201, 253, 254, 255])
    pixels = np.stack(np.meshgrid(axis, axis, np.arange(256)), axis=-1).astype(np.uint8).reshape(14 * 14, 256, 3)

    assert np.array_equal(kernels.luma(pixels), np.asarray(Image.fromarray(pixels).convert("L")))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("view", ["four bytes a pixel", "apart", "reversed", "planar", "every second"])
def test_luma_takes_any_distance_between_pixels(view: str) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (37, 101, 4), np.uint8)
    seen = {
        "four bytes a pixel": pixels[:, :, :3],
        "apart": pixels[3:30, 5:90, :3],
        "reversed": pixels[::-1, :, :3],
        "planar": np.asfortranarray(pixels[:, :, :3]),
        "every second": pixels[:, ::2, 1:],
    }[view]

    assert np.array_equal(kernels.luma(seen), kernels.luma(np.ascontiguousarray(seen)))


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (7, 33), (40, 129)])
def test_alpha_is_composited_over_the_ground_first(shape: tuple[int, int], ground: int) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (*shape, 4), np.uint8)
    pixels[..., 3].flat[::3] = 0
    pixels[..., 3].flat[1::3] = 255
    colour, alpha = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    over = np.floor(np.round(colour * alpha + ground * (1 - alpha), 9) + 0.5).astype(np.uint8)

    assert np.array_equal(kernels.luma(pixels, ground), kernels.luma(over))


def test_threads_share_a_reference() -> None:
    plane = plane_of("photo", (300, 700))
    prepared, coefficients = kernels.prepare(plane, 3), kernels.forward_dct(plane)
    tables = [np.full((8, 8), 2.0 + i) for i in range(8)]
    alone = [kernels.probe(prepared, coefficients, table) for table in tables]
    together = [0.0] * len(tables)

    def work(i: int) -> None:
        together[i] = kernels.probe(prepared, coefficients, tables[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(tables))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert together == alone


def test_a_buffer_is_used_again_but_never_shared() -> None:
    first = reserve(3_000_000)
    first[:] = 1
    view = first[1000:]
    place = first.__array_interface__["data"][0]
    del first
    second = reserve(3_000_000)
    second[:] = 2

    assert (view == 1).all()
    assert place % 64 == 0
    del view
    third = reserve(3_000_000)
    assert third.__array_interface__["data"][0] == place


GREY = np.zeros((20, 20), np.uint8)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "pixels": (lambda: kernels.luma(np.zeros((4, 4, 2), np.uint8)), r"Expected an array \(H, W, 1 \| 3 \| 4\) uint8"),
    "depth": (lambda: kernels.luma(np.zeros((4, 4, 3), np.uint16)), "uint16"),
    "empty": (lambda: kernels.prepare(np.zeros((0, 4), np.uint8)), "Expected an array"),
    "step": (lambda: kernels.prepare(GREY, 4), "Expected 1 or 3 for step, got 4"),
    "size": (lambda: kernels.ssim(kernels.prepare(GREY), GREY[:19]), "for candidate"),
    "type": (lambda: kernels.ssim(kernels.prepare(GREY), GREY.astype(float)), "float64"),
    "summary": (lambda: kernels.ssim_map_summary(kernels.prepare(GREY, 3), GREY), "step 1"),
    "zero": (lambda: kernels.reconstruct(kernels.forward_dct(GREY), np.zeros((8, 8))), "8x8 positive numbers"),
    "nan": (lambda: kernels.bits(kernels.forward_dct(GREY), np.full((8, 8), np.nan)), "8x8 positive numbers"),
    "shape": (lambda: kernels.bits(kernels.forward_dct(GREY), np.ones(64)), "8x8 positive numbers"),
    "zone": (lambda: kernels.bits(kernels.forward_dct(GREY), np.ones((8, 8)), 0.6), "Expected number 0..0.5"),
    "other": (
        lambda: kernels.probe(kernels.prepare(GREY), kernels.forward_dct(GREY[:12]), np.ones((8, 8))),
        "for coefficients",
    ),
    "background": (lambda: kernels.luma(np.zeros((4, 4, 4), np.uint8), 256), "Expected integer 0..255 for background"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_say_what_was_expected(what: str) -> None:
    call, words = REFUSED[what]

    with pytest.raises(ArgumentError, match=words):
        call()


def chosen(**environment: str) -> subprocess.CompletedProcess[str]:
    code = "from foveola import kernels; s = kernels.status(); print(kernels.ACTIVE, s.detail, s.path)"
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", LEVELS)
def test_the_environment_chooses_the_level(name: str) -> None:
    seen = chosen(FOVEOLA_KERNELS="c", FOVEOLA_SIMD=name)

    assert seen.stdout.split(maxsplit=2) == ["c", name, f"{native.PATH}\n"]


def test_the_environment_chooses_the_twin() -> None:
    assert chosen(FOVEOLA_KERNELS="numpy").stdout.split() == ["numpy", "FOVEOLA_KERNELS=numpy", "None"]


@pytest.mark.parametrize(("name", "value"), [("FOVEOLA_KERNELS", "rust"), ("FOVEOLA_SIMD", "mmx")])
def test_an_unknown_choice_is_a_clear_error(name: str, value: str) -> None:
    assert f'for {name}, got "{value}"' in chosen(**{"FOVEOLA_KERNELS": "c", name: value}).stderr
