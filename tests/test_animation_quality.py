"""Autoquality on animations: one quality, the mean of the frames decides, the worst is told, three encodes at most.

What is said is held to scikit-image on the frames that Pillow decodes.
"""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from foveola.autoquality import MOST_OF_ANIMATION, find
from foveola.codecs import codec
from foveola.errors import ArgumentError
from foveola.goal import Autoquality, Bounds
from foveola.metrics import Reference, compare
from foveola.picture import Picture
from foveola.settings import WebpSettings
from tests.toys import photo

COUNT, WIDTH, HEIGHT = 6, 120, 88


def panned(seed: int = 0, channels: int = 3) -> Picture:
    """Return a look that passes over a picture: every pixel changes."""
    wide = photo(240, 160, channels, seed).frames[0]
    frames = [wide[5 * n : 5 * n + HEIGHT, 9 * n : 9 * n + WIDTH] for n in range(COUNT)]
    return Picture(np.stack(frames), delays=(80,) * COUNT)


def passed(seed: int = 0) -> Picture:
    """Return a square that passes before a picture: most pixels stay."""
    still = photo(WIDTH, HEIGHT, 3, seed).frames[0]
    frames = np.stack([still] * COUNT)
    for number in range(COUNT):
        frames[number, 20:50, 10 + 12 * number : 40 + 12 * number] = still[50:80, 60:90]
    return Picture(frames, delays=(80,) * COUNT)


def faded() -> Picture:
    """Return frames that lose their contrast, so that a frame loses as much as it has."""
    still = photo(WIDTH, HEIGHT).frames[0].astype(float)
    shares = np.linspace(1, 0.2, COUNT)[:, None, None, None]
    return Picture((128 + (still - 128) * shares).astype(np.uint8), delays=(80,) * COUNT)


def dssims(picture: Picture, data: bytes) -> list[float]:
    """Return the DSSIM of each frame by scikit-image, of RGB."""
    shown, found = Image.open(BytesIO(data)), []
    for number, frame in enumerate(picture.frames):
        shown.seek(number)
        lumas = [np.asarray(image.convert("L"), float) for image in (Image.fromarray(np.array(frame)), shown)]
        ssim = structural_similarity(
            *lumas, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        found.append((1 - ssim) / 2)
    return found


ANIMATIONS = {"panned": panned(), "another": panned(3), "passed": passed(), "faded": faded()}


@pytest.mark.parametrize("target", [0.01, 0.03])
@pytest.mark.parametrize("picture", ANIMATIONS.values(), ids=ANIMATIONS)
def test_what_is_said_is_the_mean_of_the_decoded_frames_and_the_worst(picture: Picture, target: float) -> None:
    result = find(picture, codec("webp"), Autoquality("dssim", target, allowed_error=0.002))
    true = dssims(picture, result.data)

    assert result.dssim is not None
    assert result.dssim == pytest.approx(np.mean(true), abs=1e-5)
    assert result.worst_frame == pytest.approx(max(true), abs=1e-5)
    assert result.met == (abs(result.dssim - target) <= 0.002)
    assert result.encodes <= MOST_OF_ANIMATION
    assert all(probe.seen == "decoded" for probe in result.probes)


def test_searches_come_near_with_few_encodes() -> None:
    results = [find(p, codec("webp"), Autoquality("dssim", t)) for p in ANIMATIONS.values() for t in (0.01, 0.02, 0.04)]

    assert np.mean([result.met for result in results]) >= 0.75
    assert np.mean([result.encodes for result in results]) <= 2.5


def test_frames_that_lose_unequally_have_a_worst_that_is_worse() -> None:
    result = find(faded(), codec("webp"), Autoquality("dssim", 0.03))

    assert result.worst_frame is not None
    assert result.dssim is not None
    assert result.worst_frame > 1.2 * result.dssim


def test_all_frames_have_the_quality_that_is_told() -> None:
    picture = panned()
    result = find(picture, codec("webp"), Autoquality("dssim", 0.02))

    assert result.quality is not None
    assert result.data == codec("webp").encode(picture, result.quality, WebpSettings())


def test_a_still_picture_has_no_worst_frame() -> None:
    assert find(photo(WIDTH, HEIGHT), codec("webp"), Autoquality("dssim", 0.02)).worst_frame is None


@pytest.mark.parametrize("picture", ANIMATIONS.values(), ids=ANIMATIONS)
@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_a_number_of_bytes_is_kept_with_three_encodes(picture: Picture, share: float) -> None:
    low, high = (len(codec("webp").encode(picture, quality, WebpSettings())) for quality in (1, 95))
    budget = round(low + share * (high - low))
    result = find(picture, codec("webp"), Autoquality("size", budget))

    assert result.met
    assert 0.7 * budget <= result.bytes <= budget
    assert result.encodes <= MOST_OF_ANIMATION
    assert (result.dssim, result.worst_frame) == (None, None)


def test_fewer_encodes_than_three_may_be_allowed_but_not_more() -> None:
    for allowed, most in ((1, 1), (2, 2), (9, 3), (None, 3)):
        goal = Autoquality("dssim", 0.0201, allowed_error=0.0, max_encodes=allowed)
        assert find(panned(), codec("webp"), goal).encodes <= most


def test_ml_asks_the_first_frame_and_measures_all() -> None:
    result = find(panned(), codec("webp"), Autoquality("ml", 0.02))

    assert result.worst_frame == pytest.approx(max(dssims(panned(), result.data)), abs=1e-5)


def repeated() -> Picture:
    """Return frames of which some are equal to the one before."""
    frames = panned().frames[[0, 0, 1, 2, 2, 2]]
    return Picture(frames, delays=(40, 5, 60, 70, 80, 90))


def test_frames_that_an_encoder_merges_are_measured_each() -> None:
    picture = repeated()
    data = codec("webp").encode(picture, 70, WebpSettings())
    shown = codec("webp").decode(data)
    score = Reference(picture).full(shown)
    merged = dssims(Picture(panned().frames[:3]), data)

    assert len(shown.frames) == 3, "libwebp writes equal frames once"
    assert score.dssim == pytest.approx(np.average(merged, weights=[2, 1, 3]), abs=1e-5)
    assert score.worst_frame == pytest.approx(max(merged), abs=1e-5)
    assert Reference(picture).sampled(shown) == pytest.approx(score.dssim, abs=0.002)
    assert find(picture, codec("webp"), Autoquality("dssim", 0.02, Bounds(70, 70))).dssim == score.dssim


def test_equal_frames_become_a_still_picture_and_are_measured_so() -> None:
    picture = Picture(np.stack([photo(WIDTH, HEIGHT).frames[0]] * 4), delays=(50,) * 4)
    result = find(picture, codec("webp"), Autoquality("dssim", 0.02))

    assert len(codec("webp").decode(result.data).frames) == 1
    assert (
        result.dssim
        == result.worst_frame
        == pytest.approx(dssims(Picture(picture.frames[:1]), result.data)[0], abs=1e-5)
    )


def test_frames_that_can_not_be_told_apart_by_their_times_are_refused() -> None:
    picture = panned()
    for other in (
        Picture(picture.frames[:3], delays=(80,) * 3),
        Picture(picture.frames[:3]),
        Picture(np.concatenate([picture.frames, picture.frames[:1]]), delays=(80,) * 7),
        Picture(picture.frames[:, 1:], delays=picture.delays),
    ):
        with pytest.raises(ArgumentError, match=r"6 frame\(s\) of 88 x 120"):
            compare(picture, other)


def test_a_long_animation_is_foreseen_by_eight_frames_and_measured_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from foveola import kernels

    wide = photo(300, 160).frames[0]
    picture = Picture(np.stack([wide[:64, n : n + 64] for n in range(50)]), delays=(40,) * 50)
    seen: list[NDArray[np.uint8]] = []
    forward = kernels.forward_dct

    def counted(luma: NDArray[np.uint8]) -> kernels.Coefficients:
        seen.append(luma)
        return forward(luma)

    monkeypatch.setattr(kernels, "forward_dct", counted)
    result = find(picture, codec("webp"), Autoquality("dssim", 0.02))

    assert len(seen) <= 8
    assert result.dssim == pytest.approx(np.mean(dssims(picture, result.data)), abs=1e-5)


def test_the_statistics_of_many_pixels_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from foveola import metrics

    monkeypatch.setattr(metrics, "KEPT_BELOW", COUNT * WIDTH * HEIGHT / 1e6 - 0.001)
    picture, reference = panned(), Reference(panned())
    data = codec("webp").encode(picture, 60, WebpSettings())
    score = reference.full(codec("webp").decode(data))

    assert score.dssim == pytest.approx(np.mean(dssims(picture, data)), abs=1e-5)
    assert not any("_whole" in plane.__dict__ for frame in reference._planes for plane in frame)


@pytest.mark.parametrize(
    ("picture", "share"), [(panned(), 1), (passed(), 0.4), (Picture(photo(64, 64).frames.repeat(5, 0)), 0.2)]
)
def test_what_changes_is_a_share_of_all_blocks(picture: Picture, share: float) -> None:
    assert Reference(picture).changing == pytest.approx(share, abs=0.1)
    assert math.isclose(Reference(Picture(picture.frames[:1])).changing, 1)
