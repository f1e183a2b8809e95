"""The search, on curves that are made up or were recorded: it always ends, and never says what it has not seen."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveola.codecs import codec
from foveola.errors import ArgumentError
from foveola.foresight.curves import Curve, flat
from foveola.foresight.fitted import Kind, belief
from foveola.goal import Autoquality
from foveola.search import Probe, Search, Step, Target, log, steps_of
from foveola.settings import make_settings

Values = Sequence[float]


def steps(count: int, first: int = 1) -> tuple[Step, ...]:
    return tuple(Step(first + i, first + i) for i in range(count))


def run(goal: Autoquality, values: Values, curve: Curve | None = None, first: int | None = None) -> Search:
    """Search `values` (DSSIM or bytes, one a step) to the end, and check what must hold of every search."""
    search = Search(Target.of(goal), steps(len(values)), curve or flat(len(values)), first)
    asked: list[int] = []
    while (index := search.ask()) is not None:
        assert 0 <= index < len(values), "left its bounds"
        assert index not in asked, "asked twice"
        asked.append(index)
        search.tell(index, probe(goal, index + 1, values[index]))
    check(search, [values[index] for index in asked])
    return search


def probe(goal: Autoquality, quality: int, value: float) -> Probe:
    if goal.method == "size":
        return Probe(quality, quality, None, int(value), b"", "decoded")
    return Probe(quality, quality, value, None, b"", "decoded")


def check(search: Search, seen: list[float]) -> None:
    """The answer is the best that was seen, and the reason is true of it."""
    target = search.target
    assert search.best is not None
    best = target.value(search.best)
    if search.why == "met":
        assert target.inside(best)
        assert best == seen[-1], "went on after it was met"
    else:
        assert not any(target.inside(value) for value in seen)
        assert target.rank(search.best) == max(target.rank(p) for p in search.probes)
    if search.why == "at_max":
        assert any(p.quality == search.steps[-1].quality for p in search.probes)
    if search.why == "at_min":
        assert any(p.quality == search.steps[0].quality for p in search.probes)
    if search.why == "between_steps":
        qualities = {p.quality for p in search.probes}
        beyond = search.curve.mean[search._low + 1] if target.rising and target.kept(best) else 0.0
        assert any(q + 1 in qualities for q in qualities) or beyond > log(target.high), (
            "the next is believed not to fit"
        )


FALLING = [0.2 * 0.95**i for i in range(100)]
RISING = [int(1000 * 1.05**i) for i in range(100)]


@pytest.mark.parametrize(
    ("goal", "values", "why", "quality"),
    [
        (Autoquality("dssim", 0.02, allowed_error=0.001), FALLING, "met", None),
        (Autoquality("dssim", 0.5, allowed_error=0.001), FALLING, "at_min", 1),
        (Autoquality("dssim", 0.0001, allowed_error=0), FALLING, "at_max", 100),
        (Autoquality("dssim", 0.0201, allowed_error=0), FALLING, "between_steps", 46),
        (Autoquality("dssim", 0, allowed_error=0), FALLING, "at_max", 100),
        (Autoquality("dssim", 0, allowed_error=0), [0.0] * 5, "met", None),
        (Autoquality("dssim", 1, allowed_error=1), FALLING, "met", None),
        (Autoquality("dssim", 0.02), [0.02], "met", 1),
        (Autoquality("dssim", 0.02), [0.1], "at_max", 1),
        (Autoquality("dssim", 0.02), [0.001], "at_min", 1),
        (Autoquality("dssim", 0.02), [0.1, 0.001], "between_steps", 2),
        (Autoquality("size", 20000), RISING, "met", None),
        (Autoquality("size", 900), RISING, "at_min", 1),
        (Autoquality("size", 1e9), RISING, "at_max", 100),
        (Autoquality("size", 1030), [1000, 2000, 3000], "met", 1),
        (Autoquality("size", 1500), [1000, 2000, 3000], "between_steps", 1),
        (Autoquality("size", 5), [9], "at_min", 1),
    ],
)
def test_the_reason_is_named(goal: Autoquality, values: Values, why: str, quality: int | None) -> None:
    search = run(goal, values)

    assert search.why == why
    assert search.best is not None
    assert quality in (None, search.best.quality)


def test_between_steps_needs_both_neighbours() -> None:
    goal = Autoquality("dssim", 0.02, allowed_error=0.001)
    values = [0.1] * 50 + [0.01] * 50

    search = run(goal, values)

    assert search.why == "between_steps"
    assert {50, 51} <= {p.quality for p in search.probes}
    assert search.best is not None
    assert search.best.quality == 51


def test_a_first_quality_is_asked_first() -> None:
    assert run(Autoquality("dssim", 0.02), FALLING, first=33).probes[0].quality == 33


def test_a_first_quality_beyond_the_bounds_is_brought_inside() -> None:
    assert run(Autoquality("dssim", 0.02), FALLING, first=500).probes[0].quality == 100


def test_a_belief_that_fits_needs_one_look() -> None:
    values = np.array(FALLING)
    sure = Curve(np.log(values), np.full((100, 1), 0.01), np.full(100, 1e-6))

    search = run(Autoquality("dssim", 0.02, allowed_error=0.001), FALLING, sure)

    assert len(search.probes) == 1


def test_a_belief_that_is_wrong_costs_looks_and_nothing_else() -> None:
    wrong = Curve(np.log(np.array(FALLING[::-1])), np.full((100, 1), 0.01), np.full(100, 1e-6))

    search = run(Autoquality("dssim", 0.02, allowed_error=0.001), FALLING, wrong)

    assert search.why == "met"
    assert len(search.probes) <= 4 + 2 * 7


def test_what_was_seen_before_is_refused() -> None:
    search = Search(Target.of(Autoquality()), steps(3), flat(3))
    search.tell(1, probe(Autoquality(), 2, 0.5))

    for index in (1, 3, -1):
        with pytest.raises(ArgumentError, match=f"Expected a step that is still open for index, got {index}"):
            search.tell(index, probe(Autoquality(), 2, 0.5))


def test_a_search_without_steps_or_with_a_belief_about_others_is_refused() -> None:
    target = Target.of(Autoquality())

    for bad, what in ((((), flat(1)), "at least one step"), ((steps(3), flat(2)), "a belief about 3 steps")):
        with pytest.raises(ArgumentError, match=f"Expected {what}"):
            Search(target, *bad)
    with pytest.raises(ArgumentError, match="Expected a Target for target"):
        Search(Autoquality(), steps(3), flat(3))  # type: ignore[arg-type]


def test_a_step_beside_a_closed_bracket_may_still_be_met() -> None:
    """Curves are not quite monotone; what lies outside the bracket closes nothing, but it counts."""
    values = [0.2, 0.02, 0.2, 0.1, 0.001]
    goal = Autoquality("dssim", 0.02, allowed_error=0.001)
    search = Search(Target.of(goal), steps(5), flat(5), first=4)
    for index in (3, 4):
        search.tell(index, probe(goal, index + 1, values[index]))

    assert (search.why, search.near(2)) == ("between_steps", [1, 2])
    search.tell(1, probe(goal, 2, values[1]))

    assert search.why == "met"
    assert search.best is not None
    assert search.best.quality == 2


def test_two_steps_stand_on_both_sides_of_the_aim_where_one_may_not_do() -> None:
    target = Target.of(Autoquality("dssim", 0.02, allowed_error=0.001))

    def searching(count: int, doubt: float) -> Search:
        belief = Curve(np.log(FALLING[:count]), np.full((count, 1), doubt), np.full(count, 1e-6))
        return Search(target, steps(count), belief)

    search = searching(100, 0.1)
    index = search.ask()
    assert index is not None
    first, second = search.pair(index)

    assert abs(first - second) in (1, 2)
    assert min(first, second) <= index <= max(first, second)
    assert searching(100, 0.001).pair(index) == (index,)
    assert searching(1, 0.1).pair(0) == (0,)


def test_only_the_best_file_is_kept() -> None:
    search = run(Autoquality("dssim", 0.0201, allowed_error=0), FALLING)

    assert all(p.data is None for p in search.probes)
    assert search.best is not None
    assert search.best.data is not None


@pytest.mark.parametrize(
    ("method", "qualities"),
    [("dssim", [60, 62, 65]), ("size", [60, 63, 65])],
)
def test_equal_settings_are_one_step_and_a_bound_stands_for_itself(method: str, qualities: list[int]) -> None:
    goal = Autoquality("size", 1000) if method == "size" else Autoquality()
    pairs = [(60, "a"), (61, "a"), (62, "b"), (63, "b"), (64, "c"), (65, "c")]

    assert [step.quality for step in steps_of(goal, pairs)] == qualities


def bumpy(rng: np.random.Generator, count: int, goal: Autoquality) -> Values:
    """Return a curve that falls (bytes: rises), with plateaus, cliffs and steps the wrong way."""
    slope = rng.gamma(0.5, 0.15, count) * (rng.random(count) > 0.2)
    slope += rng.normal(0, 0.05, count) * (rng.random() > 0.5)
    level = math.log(goal.target or 1e-3) + rng.normal(0, 2)
    path = np.cumsum(slope - slope.mean() * rng.random())
    values = np.exp(level + path) if goal.method == "size" else np.minimum(np.exp(level - path), 1)
    return [float(int(v) + 1) for v in values] if goal.method == "size" else list(values)


def recorded() -> list[dict[str, Any]]:
    """Return curves of the sample pictures at every distinct setting (`training.scan`), one a picture and codec."""
    text = (Path(__file__).parent / "data" / "curves.json").read_text()
    curves: list[dict[str, Any]] = json.loads(text)
    return curves


CURVES = recorded()


def some_curve(rng: np.random.Generator, goal: Autoquality) -> tuple[Values, Curve]:
    """Return a recorded curve within random bounds, or a random one, with a belief that fits or knows nothing."""
    if rng.random() < 0.5:
        count = int(rng.integers(1, 101))
        return bumpy(rng, count, goal), flat(count, rising=goal.method == "size")
    found = CURVES[rng.integers(len(CURVES))]
    low = int(rng.integers(0, len(found["qualities"])))
    high = int(rng.integers(low, len(found["qualities"]))) + 1
    places = [Step(quality, quality) for quality in found["qualities"][low:high]]
    kind: Kind = "bits" if goal.method == "size" else "dssim"
    name = found["variant"]
    curve = belief(codec(name), make_settings(name, {}), places, kind)
    return found["bytes" if goal.method == "size" else "dssim"][low:high], curve


def ask_and_check(rng: np.random.Generator) -> None:
    if rng.random() < 0.3:
        goal = Autoquality("size", float(rng.integers(1, 10**6)))
    else:
        error = float(rng.choice([0, 0.0005, 0.001, 0.002, 0.02]))
        goal = Autoquality("dssim", float(rng.choice([0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.5, 1])), allowed_error=error)
    values, curve = some_curve(rng, goal)
    first = int(rng.integers(1, 101)) if rng.random() < 0.3 else None
    run(goal, values, curve, first)


def test_two_thousand_searches_end_well() -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        ask_and_check(rng)


@pytest.mark.slow
@pytest.mark.no_cover  # two thousand reach the same lines
def test_a_hundred_thousand_searches_on_recorded_and_random_curves_end_well() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100_000):
        ask_and_check(rng)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1), st.floats(0, 0.1))
@settings(max_examples=300, deadline=None)
def test_any_values_at_all_end_well(values: list[float], target: float, error: float) -> None:
    search = run(Autoquality("dssim", target, allowed_error=error), values)

    assert len(search.probes) <= len(values)


def believed(mean: float, sd: float, count: int = 5) -> Curve:
    return Curve(np.full(count, mean), np.zeros((count, 1)), np.full(count, sd**2))


@pytest.mark.parametrize("method", ["dssim", "size"])
def test_hope_is_the_chance_that_a_look_meets_the_target(method: str) -> None:
    """Two thirds of a Gaussian lie within one standard deviation; the bracket is open on both sides."""
    goal = Autoquality(method, 0.02 if method == "dssim" else 10_000, allowed_error=0.001)  # type: ignore[arg-type]
    target = Target.of(goal)
    middle, half = math.log(target.low * target.high) / 2, math.log(target.high / target.low) / 2

    search = Search(target, steps(5), believed(middle, half))

    assert search.hope(2) == pytest.approx(0.6827, abs=1e-4)
    assert search.hope(2, half / 2) == pytest.approx(0.9545, abs=1e-4)


@pytest.mark.parametrize(("value", "index"), [(0.05, 4), (0.005, 0)])
def test_what_ends_at_a_bound_is_hoped_for_too(value: float, index: int) -> None:
    """Surely too bad: the highest quality ends it. Surely too good: the lowest does."""
    search = Search(Target.of(Autoquality("dssim", 0.02)), steps(5), believed(math.log(value), 0.01))

    assert search.hope(index) == pytest.approx(1)
    assert search.hope(2) == pytest.approx(0)


def test_nothing_is_certain_where_nothing_is_known() -> None:
    search = Search(Target.of(Autoquality("dssim", 0.02)), steps(5), believed(math.log(0.02), 9.0))

    assert 0 < search.hope(2) < 0.02
