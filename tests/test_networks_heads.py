"""What the numbers of a network mean: curve logits as they were defined, and other targets than the network's own."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveola.codecs import codec
from foveola.errors import NetworkError
from foveola.foresight.fitted import belief
from foveola.networks.heads import Prediction, crossing, read
from foveola.search import Step
from foveola.settings import BEST_JPEG, make_settings

FORMATS = ("jpeg", "webp", "avif", "jxl")
T0, SIGMA = 0.02, 0.15


def logits(curve: NDArray[np.float64], target: float = T0, sigma: float = SIGMA) -> NDArray[np.float64]:
    """Hide a curve of log DSSIM, by the definition."""
    hidden: NDArray[np.float64] = -(((curve - math.log(target)) / sigma) ** 2) / 2
    return hidden


def decoded(numbers: NDArray[np.float64], target: float = T0, sigma: float = SIGMA) -> list[float]:
    """Read a curve by the rules of docs/networks.md, one quality at a time."""
    away = [sigma * math.sqrt(max(-2 * number, 0)) for number in numbers]
    k = max(range(100), key=lambda q: numbers[q])
    found = []
    for sign in (1, -1):
        curve = [math.log(target) + (d if q < k else -d if q > k else sign * d) for q, d in enumerate(away)]
        near = curve[max(k - 3, 0) : k + 3]
        rough = sum(abs(a - 2 * b + c) for a, b, c in zip(near, near[1:], near[2:], strict=False))
        found.append((rough, curve))
    (rough, above), (smoother, under) = found
    falling = under if rough - smoother > 1e-6 else above
    return [min(falling[: q + 1]) for q in range(100)]


falling_curves = st.tuples(
    st.floats(math.log(0.001), math.log(0.5)), st.floats(0.3, 9), st.floats(0.5, 3), st.integers(0, 2**32 - 1)
)


def line(start: float, fall: float) -> NDArray[np.float64]:
    """Return a curve that falls by so much from quality to quality."""
    made: NDArray[np.float64] = start - fall * np.arange(100, dtype=np.float64)
    return made


def curve_of(start: float, fall: float, bend: float, seed: int, grain: float = 0.3) -> NDArray[np.float64]:
    steps = np.random.default_rng(seed).uniform(1 - grain, 1 + grain, 100) * np.linspace(0.2, 1, 100) ** bend
    made: NDArray[np.float64] = start - fall * np.cumsum(steps) / steps.sum()
    return made


@given(falling_curves)
@example((-1.2205390073275515, 3.19921875, 2.5625, 2162))  # equally smooth on both sides of the target
def test_a_curve_is_read_as_it_was_defined(drawn: tuple[float, float, float, int]) -> None:
    numbers = logits(curve_of(*drawn))
    said = read(numbers, "curve", T0, SIGMA, 1)

    assert said.curve is not None
    assert said.curve == pytest.approx(decoded(numbers), abs=1e-9)
    assert said.quality == int(numbers.argmax()) + 1
    assert all(a >= b for a, b in pairwise(said.curve))


@given(falling_curves, st.sampled_from([0.005, 0.02, 0.05]), st.sampled_from([0.1, 0.15, 0.5]))
def test_a_smooth_curve_comes_back(drawn: tuple[float, float, float, int], target: float, sigma: float) -> None:
    """But for the one place where the sign may be told wrong: the greatest logit's."""
    curve = curve_of(*drawn, grain=0)
    said = read(logits(curve, target, sigma), "curve", target, sigma, 1)

    assert said.curve is not None
    off = np.abs(said.curve - curve)
    peak = int(logits(curve, target, sigma).argmax())
    assert np.delete(off, range(peak, min(peak + 2, 100))).max() < 1e-6
    assert off.max() <= 2 * abs(curve[peak] - math.log(target)) + 1e-6


@pytest.mark.parametrize("at", [0, 1, 98, 99])
@pytest.mark.parametrize("by", [-0.02, 0.02])
def test_a_curve_is_read_where_it_ends(at: int, by: float) -> None:
    curve = math.log(T0) + by - 0.1 * (np.arange(100.0) - at)

    said = read(logits(curve), "curve", T0, SIGMA, 1)

    assert said.curve == pytest.approx(curve, abs=1e-9)


def test_logits_above_zero_and_as_floats_are_clipped() -> None:
    numbers = logits(math.log(T0) - 0.05 * (np.arange(100.0) - 40)).astype(np.float32)
    numbers[40] = np.float32(1e-6)

    said = read(numbers, "curve", T0, SIGMA, 1)

    assert said.curve is not None
    assert said.curve[40] == math.log(T0)


def test_a_curve_that_begins_at_quality_0_is_moved_by_one() -> None:
    """Of quality 100 nothing is said: it is taken for no better than 99."""
    curve = np.log(0.3) - np.linspace(0, 1, 101) ** 1.3 * 4  # at quality 0..100
    numbers = -(((curve - math.log(T0)) / SIGMA) ** 2) / 2

    early, late = (read(part, "curve", T0, SIGMA, base) for part, base in ((numbers[:100], 0), (numbers[1:], 1)))

    assert early.quality == late.quality
    assert early.curve is not None
    assert early.curve == pytest.approx([*curve[1:100], curve[99]])
    assert crossing(early.curve, 0.05) == pytest.approx(crossing(curve[1:], 0.05))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("head", ["logits", "curve", "scalar"])
def test_numbers_that_are_none_are_an_error(head: str, bad: float) -> None:
    numbers = np.zeros(1 if head == "scalar" else 100)
    numbers[-1] = bad

    with pytest.raises(NetworkError):
        read(numbers, head, T0, SIGMA, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("peak", "base", "quality"), [(0, 1, 1), (99, 1, 100), (0, 0, 1), (1, 0, 1), (99, 0, 99)])
def test_an_index_is_a_quality(peak: int, base: int, quality: int) -> None:
    assert read(np.eye(100)[peak], "logits", T0, SIGMA, base) == Said(quality)


class Said:
    """A prediction of one quality."""

    def __init__(self, quality: int) -> None:
        self.quality = quality

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prediction) and (other.quality, other.target, other.curve) == (self.quality, T0, None)

    __hash__ = None  # type: ignore[assignment]


def test_a_crossing_lies_between_qualities() -> None:
    curve = line(math.log(0.5), 0.1)

    assert crossing(curve, 0.5) == 1
    assert crossing(curve, 0.6) == 1
    assert crossing(curve, math.exp(curve[40])) == pytest.approx(41)
    assert crossing(curve, math.exp((curve[40] + curve[41]) / 2)) == pytest.approx(41.5)
    assert crossing(curve, math.exp(curve[99])) == pytest.approx(100)
    assert crossing(curve, math.exp(curve[99]) / 2) == 100
    assert crossing(curve, 0) == 100
    assert crossing(np.zeros(100), 0.9) == 100


def test_a_level_curve_is_met_where_it_begins_to_be() -> None:
    curve = np.where(np.arange(100) < 30, math.log(0.03), math.log(0.01))

    assert 30 < crossing(curve, 0.02) < 31


def settings_of(format: str) -> object:
    return BEST_JPEG if format == "jpeg" else make_settings(format, {})


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("quality", [1, 35, 75, 100])
def test_its_own_target_is_where_the_network_says(format: str, quality: int) -> None:
    assert Prediction(quality, 0.02).at(0.02, codec(format), settings_of(format)) == quality


@pytest.mark.parametrize("format", FORMATS)
def test_other_targets_are_reached_along_the_curve_family(format: str) -> None:
    """The mean curve, moved as the family moves, so that it goes through what the network knows."""
    found, settings = codec(format), settings_of(format)
    said = Prediction(70, 0.02)
    steps = [Step(quality, found.setting(quality, settings)) for quality in range(1, 101)]
    family = belief(found, settings, steps, "dssim").given(69, math.log(0.02)).mean
    targets = [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1]

    reached = [said.at(target, found, settings) for target in targets]

    assert reached == sorted(reached, reverse=True)
    assert len(set(reached)) == len(targets)
    for target, quality in zip(targets, reached, strict=True):
        known = float(np.interp(quality, range(1, 101), np.minimum.accumulate(family)))
        assert known == pytest.approx(math.log(target), abs=1e-6) or quality in (1, 100)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("own", [0.005, 0.02, 0.08])
def test_a_stricter_target_never_asks_for_less_quality(format: str, own: float) -> None:
    """Whatever a network says, and however unlikely the codec's curves make that."""
    found, settings = codec(format), settings_of(format)
    targets = np.geomspace(0.2, 0.0005, 40)

    for quality in range(1, 101):
        said = Prediction(quality, own)
        reached = [said.at(float(target), found, settings) for target in targets]
        assert reached == sorted(reached)
        for target, other in zip(targets, reached, strict=True):
            assert other <= quality if target > own else other >= quality


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("quality", [1, 50, 100])
@pytest.mark.parametrize("target", [0.0, 1e-6, 0.02, 0.5, 1.0])
def test_any_target_is_a_quality(format: str, quality: int, target: float) -> None:
    found, settings = codec(format), settings_of(format)
    curve = line(math.log(0.3), 0.05)

    assert 1 <= Prediction(quality, 0.02).at(target, found, settings) <= 100
    assert 1 <= Prediction(quality, 0.02, curve).at(target, found, settings) <= 100


def test_a_curve_says_every_target_by_itself() -> None:
    curve = line(math.log(0.3), 0.05)
    said = Prediction(50, 0.02, curve)

    assert said.at(math.exp(curve[20]), codec("webp"), None) == pytest.approx(21)
    assert said.at(math.exp(curve[80]), codec("webp"), None) == pytest.approx(81)
