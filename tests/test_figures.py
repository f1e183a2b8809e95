"""Figures of foreseen qualities, on curves made by hand whose answers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.networks.heads import crossing
from foveola.settings import BEST_JPEG, WebpSettings
from foveola.train import figures
from foveola.train.figures import Figure, Foreseen, by_source, constant, curves, first_encode, judge
from foveola.train.labels import Labels, Recipe

LINE = np.log(0.1) - np.arange(100) * math.log(10) / 33
"""A straight curve: 0.1 at quality 1, 0.01 at 34, 0.001 at 67."""


def labels(dssim: list[list[float]], qualities: tuple[int, ...] = (10, 50, 90), format: str = "webp") -> Labels:
    n = len(dssim)
    names = tuple(f"{'even' if k % 2 == 0 else 'odd'}/{k}.png" for k in range(n))
    sizes, counts = np.full((n, 2), 64), np.full((n, len(qualities)), 100)
    return Labels(Recipe.of(format, {}), names, sizes, qualities, np.array(dssim), counts)


@pytest.mark.parametrize(
    ("target", "quality"), [(0.1, 1), (0.2, 1), (0.01, 34), (0.001, 67), (0.0001, 100), (10**-1.5, 17.5), (1e-9, 100)]
)
def test_the_truth_is_the_lowest_quality_that_meets_the_target(target: float, quality: float) -> None:
    assert crossing(LINE, target) == pytest.approx(quality, abs=1e-6)


def test_a_curve_that_rises_again_meets_the_target_where_it_does_for_good() -> None:
    curve = np.log(np.r_[np.full(40, 0.05), np.full(10, 0.01), np.full(10, 0.03), np.full(40, 0.005)])

    assert crossing(figures.falling(curve), 0.02) == pytest.approx(60 + math.log(0.03 / 0.02) / math.log(0.03 / 0.005))


def test_measured_curves_pass_through_what_was_measured() -> None:
    known = curves(labels([[0.1, 0.02, 0.003], [0.05, 0.06, 0.001]]))

    assert np.exp(known[0, [9, 49, 89]]) == pytest.approx([0.1, 0.02, 0.003])
    assert np.exp(known[1, [9, 49, 89]]) == pytest.approx([0.06, 0.06, 0.001])
    assert (np.diff(known) <= 0).all()
    assert np.exp(known[0, [0, 99]]) == pytest.approx([0.1, 0.003])


def test_a_jpeg_curve_is_straight_on_the_scale_of_its_quantiser() -> None:
    """At quality 33 the steps are about 1.5 times those of 50, at 25 twice."""
    known = curves(labels([[0.1, 0.02, 0.002]], (25, 50, 90), format="jpeg"))

    share = math.log(1.5) / math.log(2)
    assert known[0, 32] == pytest.approx(share * math.log(0.1) + (1 - share) * math.log(0.02), abs=0.04)
    assert known[0, 32] < (17 * math.log(0.1) + 8 * math.log(0.02)) / 25 - 0.1


def test_the_first_encode_is_where_the_curve_is_at_a_whole_quality() -> None:
    seen = first_encode(np.stack([LINE] * 4), np.array([33.6, 66.51, 120.0, np.nan]))

    assert seen[:2] == pytest.approx([0.01, 0.001])
    assert seen[2] == pytest.approx(math.exp(LINE[99]))
    assert np.isnan(seen[3])


def test_figures_of_a_known_case() -> None:
    foreseen = Foreseen(
        np.array([50.5, 52.0, 55.0, 60.0]), np.array([0.021, 0.0178, 0.016, 0.0101]), np.array([1.0, 1.0, 2.0, 4.0])
    )

    found = judge(foreseen, np.full(4, 50.0), 0.02, 0.005)

    assert found.pictures == 4
    assert found.mae.value == pytest.approx((0.5 + 2 + 5 + 10) / 4)
    assert [f.value for f in (found.within_1, found.within_2, found.within_5)] == [0.25, 0.5, 0.75]
    assert (found.tolerable.value, found.allowed.value) == (0.25, 0.75)
    assert found.encodes is not None
    assert found.encodes.value == 2.0
    assert found.mae.low < found.mae.value < found.mae.high


def test_a_difference_of_just_the_tolerance_is_within_it() -> None:
    found = judge(Foreseen(np.array([50.0]), np.array([0.022])), np.array([50.0]), 0.02)

    assert found.tolerable == Figure(1.0, 1.0, 1.0)
    assert found.encodes is None


@pytest.mark.parametrize(
    ("quality", "dssim", "good"), [(1.0, 0.004, 1), (1.4, 0.09, 0), (100.0, 0.03, 1), (99.6, 0.01, 0), (2.0, 0.004, 0)]
)
def test_at_a_bound_nothing_better_could_be_foreseen(quality: float, dssim: float, good: int) -> None:
    assert judge(Foreseen(np.array([quality]), np.array([dssim])), np.array([50.0]), 0.02).tolerable.value == good


def test_what_was_not_foreseen_is_a_miss() -> None:
    found = judge(Foreseen(np.array([np.nan, 50.0]), np.array([np.nan, 0.02])), np.array([50.0, 50.0]), 0.02)

    assert (found.within_5.value, found.tolerable.value) == (0.5, 0.5)
    assert found.mae.value == pytest.approx(99 / 2)


def test_figures_of_each_source_are_of_its_pictures_only() -> None:
    truth, said = np.array([50.0, 50, 50, 50]), Foreseen(np.array([51.0, 60, 53, 70]), np.array([0.02, 0.1, 0.02, 0.1]))

    found = by_source(said, truth, ("b", "a", "b", "a"), 0.02)

    assert list(found) == ["a", "b"]
    assert (found["a"].mae.value, found["b"].mae.value) == (15, 2)
    assert (found["a"].tolerable.value, found["b"].tolerable.value, found["a"].pictures) == (0, 1, 2)


def test_an_interval_covers_the_mean_as_often_as_it_says() -> None:
    """95 of 100 samples of 80 numbers; 200 trials err by four of 100."""
    dice = np.random.default_rng(5)
    trials = [figures.intervals(dice.exponential(3.0, (80, 1)))[0] for _ in range(200)]

    covered = np.mean([trial.low <= 3.0 <= trial.high for trial in trials])

    assert 0.88 <= covered <= 0.99
    assert figures.intervals(np.ones((5, 2))) == [Figure(1, 1, 1)] * 2
    assert figures.intervals(np.eye(4)) == figures.intervals(np.eye(4))


def test_the_constant_is_the_median_of_the_truth() -> None:
    known = labels([[0.1, 0.02, 0.003], [0.02, 0.01, 0.001], [0.1, 0.09, 0.02]])

    assert constant(known, [0.02]) == {0.02: pytest.approx(50)}


def test_the_family_is_what_is_known_of_every_picture() -> None:
    webp = figures.family("webp", WebpSettings(), [0.005, 0.02, 0.1])
    jpeg = figures.family("jpeg", BEST_JPEG, [0.02])

    assert 1 <= webp[0.1] < webp[0.02] < webp[0.005] <= 100
    assert 20 < jpeg[0.02] < 90


@given(st.lists(st.floats(1e-5, 0.5), min_size=3, max_size=3), st.floats(1e-4, 0.4))
def test_the_truth_meets_the_target_and_nothing_below_it_does(losses: list[float], target: float) -> None:
    curve = curves(replace(labels([[0.1, 0.02, 0.003]]), dssim=np.array([losses])))[0]
    quality = crossing(curve, target)

    above, below = math.ceil(quality + 1e-9), math.floor(quality - 1e-9)
    assert above > 100 or quality == 100 or curve[above - 1] <= math.log(target) + 1e-9
    assert below < 1 or curve[below - 1] > math.log(target) - 1e-9
