"""find(): what it reports is true of the bytes that it returns."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from foveola.autoquality import Result, find, settings_for
from foveola.codecs import codec
from foveola.errors import ArgumentError, CodecError
from foveola.foresight import fitted
from foveola.goal import Autoquality, Bounds
from foveola.metrics import compare
from foveola.picture import Picture
from foveola.settings import BEST_JPEG, JpegSettings, make_settings
from tests.toys import ToyCodec, photo

TRUTH = 0.0003
PICTURE = photo()
TOY = ()
"""A codec that foveola does not know has settings of its own."""
LOSSY = ("jpeg", "webp", "avif", "jxl")


def independent(picture: Picture, data: bytes) -> float:
    """Return the DSSIM as someone without foveola measures it: Pillow decodes, scikit-image compares."""
    reference = np.asarray(Image.fromarray(picture.frames[0].squeeze()).convert("L"))
    candidate = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    ssim = structural_similarity(
        reference, candidate, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    return (1 - float(ssim)) / 2


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("target", [0.01, 0.03])
def test_the_reported_dssim_is_what_an_independent_tool_measures(name: str, target: float) -> None:
    import pillow_jxl  # noqa: F401  # lets Pillow open JPEG XL

    result = find(PICTURE, codec(name), Autoquality("dssim", target, allowed_error=0.002))

    assert result.met
    assert result.dssim == pytest.approx(independent(PICTURE, result.data), abs=TRUTH)


@pytest.mark.parametrize("name", LOSSY)
def test_always_verifying_reports_the_whole_map_of_the_decoded_file(name: str) -> None:
    result = find(PICTURE, codec(name), Autoquality("dssim", 0.02, verify="always"))

    assert result.dssim == compare(PICTURE, codec(name).decode(result.data)).dssim
    assert {probe.seen for probe in result.probes} == {"decoded"}


@pytest.mark.parametrize(
    ("target", "bounds", "why", "met", "kept"),
    [
        (0.02, (1, 100), "met", True, True),
        (0.9, (1, 100), "at_min", False, True),
        (0.0001, (1, 60), "at_max", False, False),
        (0.02, (98, 100), "at_min", False, True),
        (0.02, (2, 3), "at_max", False, False),
    ],
)
def test_met_kept_and_why_are_true_of_the_file(
    target: float, bounds: tuple[int, int], why: str, met: bool, kept: bool
) -> None:
    goal = Autoquality("dssim", target, Bounds(*bounds), 0.004)
    result = find(PICTURE, ToyCodec(), goal, TOY)
    dssim = compare(PICTURE, ToyCodec().decode(result.data)).dssim

    assert (result.why, result.met, result.kept) == (why, met, kept)
    assert result.met == (abs(dssim - target) <= 0.004)
    assert result.kept == (dssim <= target + 0.004)


def test_the_file_that_was_measured_is_the_file_that_is_returned() -> None:
    toy = ToyCodec()

    result = find(PICTURE, toy, Autoquality("dssim", 0.02, allowed_error=0.0001), TOY)

    assert len(toy.encoded) == len(set(toy.encoded)) == result.encodes
    assert result.data == ToyCodec().encode(PICTURE, result.quality or 0, None)
    assert result.bytes == len(result.data)


def test_no_two_encodes_are_of_one_setting() -> None:
    toy = ToyCodec(same=10)

    find(PICTURE, toy, Autoquality("dssim", 0.02, allowed_error=0), TOY)

    settings = [toy.setting(quality, None) for quality in toy.encoded]
    assert len(settings) == len(set(settings))


def test_a_stopped_search_returns_the_best_so_far() -> None:
    result = find(PICTURE, ToyCodec(), Autoquality("dssim", 0.02, allowed_error=0), TOY, stop=lambda: True)

    assert (result.why, result.encodes) == ("deadline", 1)
    assert result.data


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_number_of_encodes_can_be_limited(most: int) -> None:
    result = find(PICTURE, ToyCodec(), Autoquality("dssim", 0.02, allowed_error=0, max_encodes=most), TOY)

    assert (result.why, result.encodes) == ("max_encodes", most)


@pytest.mark.parametrize("name", [*LOSSY, "toy"])
@pytest.mark.parametrize("share", [0.15, 0.5])
def test_a_size_is_never_passed(name: str, share: float) -> None:
    found = ToyCodec() if name == "toy" else codec(name)
    settings = TOY if name == "toy" else make_settings(name, {})
    small, large = (len(found.encode(PICTURE, quality, settings)) for quality in (1, 100))
    budget = small + share * (large - small)

    result = find(PICTURE, found, Autoquality("size", budget), settings)

    assert result.bytes <= budget
    assert result.met
    assert result.kept
    assert result.dssim is None
    assert result.bytes >= 0.97 * budget or result.why in ("between_steps", "at_max")


def test_where_no_quality_fits_the_lowest_is_returned() -> None:
    result = find(PICTURE, codec("jpeg"), Autoquality("size", 10, Bounds(20, 90)))

    assert (result.quality, result.why, result.met, result.kept) == (20, "at_min", False, False)


class Padded(ToyCodec):
    """Writes larger files below quality 10 than above, as no curve should."""

    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:
        return super().encode(picture, quality, settings) + bytes(100_000 * (quality < 10))

    def decode(self, data: bytes) -> Picture:
        raise NotImplementedError


def test_where_no_quality_fits_the_lowest_is_returned_even_if_another_file_is_smaller() -> None:
    result = find(PICTURE, Padded(), Autoquality("size", 9000, Bounds(3, 60)), TOY)

    assert (result.quality, result.why, result.met, result.kept) == (3, "at_min", False, False)
    assert min(probe.bytes or 0 for probe in result.probes) < result.bytes
    assert result.data == Padded().encode(PICTURE, 3, TOY)


@pytest.mark.parametrize(("budget", "why"), [(10_000_000, "at_max"), (None, "between_steps")])
def test_a_size_that_fits_is_met_whatever_ended_the_search(budget: int | None, why: str) -> None:
    """`between_steps`: a coarse codec has nothing within 3 % below the budget."""
    coarse = ToyCodec(same=25)
    sizes = sorted({len(coarse.encode(PICTURE, quality, TOY)) for quality in (1, 30, 60, 90)})

    result = find(PICTURE, coarse, Autoquality("size", budget or (sizes[1] + sizes[2]) // 2), TOY)

    assert (result.met, result.kept, result.why) == (True, True, why)


def test_without_a_network_ml_is_dssim_and_says_so() -> None:
    result = find(PICTURE, codec("webp"), Autoquality("ml", 0.02))
    plain = find(PICTURE, codec("webp"), Autoquality("dssim", 0.02))

    assert result.notes == ("no_network",)
    assert result.data == plain.data


@pytest.mark.parametrize("settings", [None, JpegSettings(no_subsample=True)])
def test_with_ml_a_jpeg_is_written_by_the_best_settings_whatever_was_set(settings: JpegSettings | None) -> None:
    result = find(PICTURE, codec("jpeg"), Autoquality("ml", 0.02), settings)

    assert result.data == codec("jpeg").encode(PICTURE, result.quality or 0, BEST_JPEG)


def test_nothing_is_found_without_a_method() -> None:
    with pytest.raises(ArgumentError, match='Expected size, dssim or ml for method, got "none"'):
        find(PICTURE, ToyCodec(), Autoquality("none"), TOY)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"picture": None}, 'a Picture for picture, got "NoneType"'),
        ({"codec": "toy"}, 'a Codec for codec, got "toy"'),
        ({"goal": "dssim"}, 'an Autoquality for goal, got "dssim"'),
        (
            {"codec": codec("jpeg"), "settings": {"progressive": True}},
            "JpegSettings for settings, got {'progressive': True}",
        ),
    ],
)
def test_what_nothing_can_be_found_with_is_told(given: dict[str, Any], what: str) -> None:
    usual: dict[str, Any] = {"picture": PICTURE, "codec": ToyCodec(), "goal": Autoquality(), "settings": TOY}
    with pytest.raises(ArgumentError) as error:
        find(**usual | given)

    assert str(error.value) == f"Expected {what}"


@pytest.mark.parametrize("name", ["png", "gif"])
def test_a_format_without_quality_is_written_once(name: str) -> None:
    result = find(PICTURE, codec(name), Autoquality("dssim", 0.02))

    assert (result.quality, result.dssim, result.met, result.kept) == (None, None, None, None)
    assert (result.why, result.encodes, result.notes) == ("fixed", 1, ("no_quality",))


def test_a_format_with_one_setting_is_written_once_and_measured() -> None:
    result = find(PICTURE, codec("tiff"), Autoquality("dssim", 0.02))

    assert (result.encodes, result.dssim, result.met, result.kept, result.why) == (1, 0.0, False, True, "at_min")


class Broken(ToyCodec):
    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:  # noqa: ARG002
        raise CodecError("toy encoder failed: out of paint")


def test_a_failing_encoder_is_told() -> None:
    with pytest.raises(CodecError, match="out of paint"):
        find(PICTURE, Broken(), Autoquality(), TOY)


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("size", [(1, 1), (1, 200), (7, 5), (16, 16), (33, 11)])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_are_searched_like_others(name: str, size: tuple[int, int], channels: int) -> None:
    picture = photo(*size, channels)

    result = find(picture, codec(name), Autoquality("dssim", 0.02))

    assert result.dssim == pytest.approx(compare(picture, codec(name).decode(result.data)).dssim, abs=TRUTH)


@pytest.mark.parametrize("name", ["webp", "avif", "jxl"])
def test_with_alpha_the_worse_of_black_and_white_counts(name: str) -> None:
    picture = photo(120, 90, 4)

    result = find(picture, codec(name), Autoquality("dssim", 0.02))
    decoded = codec(name).decode(result.data)
    grounds = [compare(over(picture, ground), over(decoded, ground)).dssim for ground in (0, 255)]

    assert result.dssim == pytest.approx(max(grounds), abs=TRUTH)


def over(picture: Picture, ground: int) -> Picture:
    colour, alpha = picture.frames[..., :3].astype(float), picture.frames[..., 3:] / 255.0
    return Picture(np.rint(colour * alpha + ground * (1 - alpha)).astype(np.uint8))


@pytest.mark.parametrize("name", LOSSY)
def test_with_numbers_that_do_not_fit_the_answer_is_right_and_only_slower(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The belief is told that quality makes pictures worse."""
    numbers = {**fitted.numbers(), "variants": {}}
    for variant, found in fitted.numbers()["variants"].items():
        spoiled = {**found}
        for kind in {"dssim", "bits", "residual"} & found.keys():
            spoiled[kind] = {**found[kind], "mean": [2 * value + 1 for value in found[kind]["mean"][::-1]]}
        if "imitation" in found:
            left = {**found["imitation"]["left"], "mean": np.ones(len(found["imitation"]["qualities"]))}
            spoiled["imitation"] = {**found["imitation"], "left": left}
        numbers["variants"][variant] = spoiled
    monkeypatch.setattr(fitted, "numbers", lambda: numbers)
    monkeypatch.setattr("foveola.foresight.transform.numbers", lambda: numbers)
    fitted._imitation.cache_clear()
    request.addfinalizer(fitted._imitation.cache_clear)

    result = find(PICTURE, codec(name), Autoquality("dssim", 0.02, allowed_error=0.005))

    assert result.met
    assert result.dssim == pytest.approx(truth_of(PICTURE, result), abs=TRUTH)


@pytest.mark.parametrize(
    "settings",
    [
        JpegSettings(),
        JpegSettings(progressive=True),
        JpegSettings(no_subsample=True),
        JpegSettings(progressive=True, optimize_scans=True),
        *(JpegSettings(quant_table=table) for table in range(1, 9)),
    ],
)
@pytest.mark.parametrize("quality", [3, 30, 50, 85, 92])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_is_known_before_it_is_written(settings: JpegSettings, quality: int, channels: int) -> None:
    """Of saturated, dark and clipped colours too: one encode, and its DSSIM is that of the decoded file."""
    frame = photo(97, 75, channels, grain=60).frames
    picture = Picture(np.clip(frame * 2.0 - 128, 0, 255).astype(np.uint8))

    result = find(picture, codec("jpeg"), Autoquality("dssim", 0.02, Bounds(quality, quality)), settings)

    assert ([probe.seen for probe in result.probes], result.encodes) == (["transform"], 1)
    assert result.dssim == pytest.approx(truth_of(picture, result), abs=1e-7)


@pytest.mark.parametrize("settings", [BEST_JPEG, JpegSettings(overshoot_deringing=True)])
def test_a_jpeg_whose_coefficients_mozjpeg_changes_is_decoded(settings: JpegSettings) -> None:
    result = find(PICTURE, codec("jpeg"), Autoquality("dssim", 0.02, Bounds(60, 60)), settings)

    assert [probe.seen for probe in result.probes] == ["decoded"]


def truth_of(picture: Picture, result: Result) -> float:
    return compare(picture, codec(result.format).decode(result.data)).dssim


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("method", ["dssim", "size"])
def test_two_encodes_side_by_side_are_as_true_as_one_after_the_other(name: str, method: Any) -> None:
    """A narrow window, so that one look is not likely to do."""
    goal = Autoquality("dssim", 0.02, allowed_error=0.0003) if method == "dssim" else Autoquality("size", 3000)
    single, double = (find(PICTURE, codec(name), goal, workers=workers) for workers in (1, 2))

    assert (double.met, double.kept) == (single.met, single.kept)
    assert double.data == codec(name).encode(PICTURE, double.quality or 0, settings_for(codec(name), goal))
    whole = [probe for probe in double.probes if probe.seen == "decoded"]
    assert len({probe.quality for probe in whole}) == len(whole) <= double.encodes
    if method == "dssim":
        assert double.dssim == pytest.approx(truth_of(PICTURE, double), abs=TRUTH)


def test_two_encodes_side_by_side_are_within_what_is_allowed() -> None:
    for most in (1, 2, 3):
        goal = Autoquality("dssim", 0.02, allowed_error=0.0, max_encodes=most)
        assert find(PICTURE, codec("webp"), goal, workers=2).encodes <= most


@pytest.mark.parametrize("workers", [0, 3, "2", True])
def test_other_numbers_of_workers_are_refused(workers: Any) -> None:
    with pytest.raises(ArgumentError, match="Expected 1 or 2 for workers"):
        find(PICTURE, codec("webp"), Autoquality(), workers=workers)
