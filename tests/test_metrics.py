"""Scores: the contract's DSSIM, alpha over black and white, frames, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity

from foveola.codecs import jfif, jpeg
from foveola.errors import ArgumentError
from foveola.metrics import Reference, Score, compare
from foveola.picture import Picture

Pixels = NDArray[np.uint8]


def picture(*frames: Pixels) -> Picture:
    return Picture(np.stack([f if f.ndim == 3 else f[:, :, None] for f in frames]))


def photo(height: int = 120, width: int = 150) -> Pixels:
    pixels: Pixels = data.astronaut()[100 : 100 + height, 150 : 150 + width]
    return pixels


def with_alpha(pixels: Pixels, seed: int = 0) -> Pixels:
    alpha = np.random.default_rng(seed).integers(0, 256, pixels.shape[:2], np.uint8)
    return np.dstack([pixels, alpha])


def worse(pixels: Pixels, quality: int = 30) -> Pixels:
    """Return the pixels after JPEG; alpha stays."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(file, "JPEG", quality=quality)
    return np.dstack([np.asarray(Image.open(file)), pixels[..., 3:]])


def luma_over(pixels: Pixels, ground: int) -> Pixels:
    """Return the luma of pixels composited by Pillow's own arithmetic in floats."""
    alpha = pixels[..., 3:] / 255
    over = np.floor(np.round(pixels[..., :3] * alpha + ground * (1 - alpha), 9) + 0.5).astype(np.uint8)
    return np.asarray(Image.fromarray(over).convert("L"))


def truth(a: Pixels, b: Pixels) -> Score:
    """Return the score of two luma planes by scikit-image's map."""
    _, whole = structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    dssims = (1 - whole[5:-5, 5:-5]) / 2
    rows, columns = dssims.shape
    blocks = [dssims[y : y + 16, x : x + 16].mean() for y in range(0, rows, 16) for x in range(0, columns, 16)]
    return Score(dssims.mean(), max(blocks), float(np.percentile(blocks, 95)), dssims.mean())


def close(score: Score, expected: Score, within: float = 1e-5) -> bool:
    pairs = zip((score.dssim, score.worst, score.p95), (expected.dssim, expected.worst, expected.p95), strict=True)
    return all(abs(a - b) <= within for a, b in pairs)


def test_a_score_is_of_the_luma_of_the_colours() -> None:
    a, b = photo(), worse(photo())
    lumas = (np.asarray(Image.fromarray(pixels).convert("L")) for pixels in (a, b))

    assert close(compare(picture(a), picture(b)), truth(*lumas))


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (11, 11), (70, 33)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_is_0_from_itself(shape: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, channels), np.uint8)
    same = picture(pixels)

    assert compare(same, picture(pixels.copy())) == Score(0.0, 0.0, 0.0, 0.0)
    assert Reference(same).sampled(same) == 0.0


def test_alpha_counts_over_black_and_over_white_and_the_worse_is_stated() -> None:
    a = with_alpha(photo())
    b = worse(a)
    over = [truth(luma_over(a, ground), luma_over(b, ground)) for ground in (0, 255)]
    expected = Score(*(max(getattr(s, name) for s in over) for name in ("dssim", "worst", "p95", "worst_frame")))

    assert close(compare(picture(a), picture(b)), expected)
    assert Reference(picture(a)).sampled(picture(b)) == pytest.approx(expected.dssim, abs=1e-5)


def test_what_is_invisible_does_not_count() -> None:
    a, b = with_alpha(photo()), with_alpha(photo())
    a[:60, :, 3] = b[:60, :, 3] = 0
    b[:60, :, :3] = 255 - b[:60, :, :3]

    assert compare(picture(a), picture(b)) == Score(0.0, 0.0, 0.0, 0.0)


def test_alpha_may_be_on_one_side_only() -> None:
    """An opaque picture looks the same over any ground."""
    opaque = photo()
    seen_through = with_alpha(opaque)
    full = np.dstack([opaque, np.full(opaque.shape[:2], 255, np.uint8)])
    lumas = [luma_over(seen_through, ground) for ground in (0, 255)]
    plain = np.asarray(Image.fromarray(opaque).convert("L"))
    expected = max(truth(plain, luma).dssim for luma in lumas)

    assert compare(picture(opaque), picture(full)).dssim == 0.0
    assert compare(picture(full), picture(opaque)).dssim == 0.0
    assert compare(picture(opaque), picture(seen_through)).dssim == pytest.approx(expected, abs=1e-5)
    assert compare(picture(seen_through), picture(opaque)).dssim == pytest.approx(expected, abs=1e-5)


def test_grey_and_rgb_are_compared_by_luma() -> None:
    grey = np.asarray(Image.fromarray(photo()).convert("L"))

    assert compare(picture(photo()), picture(grey)) == Score(0.0, 0.0, 0.0, 0.0)
    assert compare(picture(grey), picture(np.dstack([grey] * 3))) == Score(0.0, 0.0, 0.0, 0.0)


def test_frames_count_by_their_mean_and_the_worst_of_them() -> None:
    good, bad = worse(photo(), 90), worse(photo(), 10)
    singles = [compare(picture(photo()), picture(frame)) for frame in (photo(), good, bad)]
    together = compare(picture(photo(), photo(), photo()), picture(photo(), good, bad))
    reference = Reference(picture(photo(), photo(), photo()))

    assert together.dssim == pytest.approx(np.mean([s.dssim for s in singles]))
    assert together.p95 == pytest.approx(np.mean([s.p95 for s in singles]))
    assert together.worst == max(s.worst for s in singles)
    assert reference.sampled(picture(photo(), good, bad)) == pytest.approx(together.dssim)


@pytest.mark.parametrize(
    ("height", "width", "whole", "step"), [(400, 499, False, 1), (400, 500, False, 3), (400, 500, True, 1)]
)
def test_small_pictures_are_measured_whole(height: int, width: int, whole: bool, step: int) -> None:
    """Every row of the map under 0.2 megapixels, every third from there."""
    reference = Reference(picture(np.zeros((height, width), np.uint8)), whole=whole)

    assert reference.step == step


@pytest.mark.parametrize("name", ["camera", "astronaut", "coffee", "brick", "gravel", "grass", "chelsea", "rocket"])
@pytest.mark.parametrize("quality", [30, 60, 85])
def test_every_third_row_is_within_the_truth(name: str, quality: int) -> None:
    """0.0003 of the whole map, the error that a reported value may have."""
    pixels = np.dstack([getattr(data, name)()] * 3)[..., :3] if name in MONOCHROME else getattr(data, name)()
    pixels = np.tile(pixels, (2, 2, 1))[:500, :700]
    reference, candidate = Reference(picture(pixels)), picture(worse(pixels, quality))

    assert reference.step == 3
    assert reference.sampled(candidate) == pytest.approx(reference.full(candidate).dssim, abs=3e-4)


MONOCHROME = {"camera", "brick", "gravel", "grass"}


@pytest.mark.parametrize("quality", [25, 50, 80, 95])
def test_the_transform_foresees_a_grey_jpeg_exactly(quality: int) -> None:
    grey = data.camera()
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    decoded = Image.open(file)
    table = np.reshape(decoded.quantization[0], (8, 8))  # type: ignore[attr-defined]
    reference = Reference(picture(grey))

    assert reference.transform(table) == reference.sampled(picture(np.asarray(decoded)))


def test_the_transform_of_alpha_and_frames_follows_the_same_rules() -> None:
    table = np.full((8, 8), 24.0)
    animated = picture(with_alpha(photo(), 1), with_alpha(photo(), 2))
    grounds = [[picture(luma_over(frame, ground)) for ground in (0, 255)] for frame in animated.frames]
    expected = np.mean([max(Reference(plane).transform(table) for plane in planes) for planes in grounds])

    assert Reference(animated).transform(table) == pytest.approx(expected)


def test_bits_are_of_all_frames() -> None:
    table = np.full((8, 8), 24.0)
    one, two = photo(), photo()[::-1]
    bits = [Reference(picture(frame)).bits(table, table) for frame in (one, two)]

    assert Reference(picture(one, two)).bits(table, table) == tuple(map(sum, zip(*bits, strict=True)))
    assert Reference(picture(one, two)).pixels == 2 * one.shape[0] * one.shape[1]


@pytest.mark.parametrize("halved", [True, False])
def test_bits_are_those_of_a_jpeg(halved: bool) -> None:
    """But for the zeros that are stuffed into it."""
    frame, tables = photo(320, 240), jpeg.tables(80)
    headless = len(jfif.write(picture(frame), tables, halved).rpartition(b"\xff\xda")[2])

    assert sum(Reference(picture(frame)).bits(*tables, 0.0, halved)) / 8 == pytest.approx(headless, rel=0.01)


def test_bits_of_chroma_are_none_in_grey_and_those_of_the_colours_under_alpha() -> None:
    table = np.full((8, 8), 24.0)
    colours, grey = photo(), photo()[:, :, :1]
    clear = np.dstack((colours, np.full(colours.shape[:2], 255, np.uint8)))

    assert Reference(picture(grey)).bits(table, table)[1] == 0
    assert Reference(picture(clear)).bits(table, table) == Reference(picture(colours)).bits(table, table)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3, 4]), st.integers(0, 2**32 - 1))
def test_a_score_is_in_range_and_in_order(height: int, width: int, channels: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = (picture(random.integers(0, 256, (height, width, channels), np.uint8)) for _ in range(2))

    score = compare(a, b)

    assert 0 <= score.dssim <= score.worst + 1e-6 <= 1 + 1e-6
    assert 0 <= score.p95 <= score.worst
    assert score.dssim == pytest.approx(compare(b, a).dssim, abs=5e-5)


SMALL = picture(np.zeros((20, 30, 3), np.uint8))
DEEP = picture(np.zeros((20, 30, 3), np.uint16))
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "size": (lambda: compare(SMALL, picture(np.zeros((30, 20, 3), np.uint8))), r"1 frame\(s\) of 20 x 30"),
    "frames": (lambda: compare(SMALL, Picture(np.zeros((2, 20, 30, 3), np.uint8))), r"1 frame\(s\)"),
    "sampled": (lambda: Reference(SMALL).sampled(picture(np.zeros((20, 31, 3), np.uint8))), "for candidate"),
    "depth of the reference": (lambda: Reference(DEEP), 'Expected uint8 for frames, got "uint16"'),
    "depth of the candidate": (lambda: compare(SMALL, DEEP), 'Expected uint8 for frames, got "uint16"'),
    "table": (lambda: Reference(SMALL).transform(np.zeros((8, 8))), "8x8 positive numbers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_say_what_was_expected(what: str) -> None:
    call, words = REFUSED[what]

    with pytest.raises(ArgumentError, match=words):
        call()


def test_a_large_picture_is_compared_in_bands_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of 256 rows of the map, and the last one smaller: mean, worst and percentile are those of one piece."""
    rng = np.random.default_rng(5)
    one = rng.integers(0, 256, (700, 90, 3), np.uint8)
    other = np.clip(one + rng.normal(0, 20, one.shape), 0, 255).astype(np.uint8)
    table = np.full((8, 8), 30.0)
    kept = compare(picture(one), picture(other)), Reference(picture(one)).transform(table, whole=True)

    monkeypatch.setattr("foveola.metrics.KEPT_BELOW", 0.0)
    banded = compare(picture(one), picture(other)), Reference(picture(one)).transform(table, whole=True)

    assert (banded[0].dssim, banded[1]) == pytest.approx((kept[0].dssim, kept[1]), abs=1e-7)
    assert (banded[0].worst, banded[0].p95) == pytest.approx((kept[0].worst, kept[0].p95), abs=1e-6)
