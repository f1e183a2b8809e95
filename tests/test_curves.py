"""Beliefs about a curve: conditioning is exact, and never makes anybody less sure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveola.foresight.curves import Curve, flat

Array = NDArray[np.float64]


def some(seed: int, count: int = 12, rank: int = 3) -> Curve:
    rng = np.random.default_rng(seed)
    return Curve(rng.normal(size=count), rng.normal(size=(count, rank)), rng.random(count) * 0.1 + 0.01)


def covariance(curve: Curve) -> Array:
    shared: Array = curve.factors @ curve.factors.T
    return shared


def test_conditioning_is_that_of_a_gaussian() -> None:
    """The low-rank update equals the textbook formula on whole matrices."""
    curve = some(1)
    shared = covariance(curve)
    total = shared[4, 4] + curve.noise[4]
    others = [i for i in range(12) if i != 4]

    after = curve.given(4, 0.7)

    mean = curve.mean + shared[:, 4] * (0.7 - curve.mean[4]) / total
    assert np.allclose(after.mean[others], mean[others])
    left = shared - np.outer(shared[:, 4], shared[4]) / total
    assert np.allclose(covariance(after)[np.ix_(others, others)], left[np.ix_(others, others)])


def test_what_was_seen_is_certain() -> None:
    after = some(1).given(4, 0.7)

    assert (after.mean[4], after.sd[4]) == (0.7, 0)


@given(st.integers(0, 1000), st.lists(st.tuples(st.integers(0, 11), st.floats(-3, 3)), max_size=6))
@settings(max_examples=100, deadline=None)
def test_seeing_more_never_makes_less_sure(seed: int, seen: list[tuple[int, float]]) -> None:
    curve = some(seed)
    for index, value in seen:
        after = curve.given(index, value)

        assert (after.sd <= curve.sd + 1e-9).all()
        curve = after


def test_order_does_not_matter() -> None:
    one = some(2).given(1, 0.5).given(9, -0.2)
    other = some(2).given(9, -0.2).given(1, 0.5)

    assert np.allclose(one.mean, other.mean)
    assert np.allclose(one.sd, other.sd)


def test_what_nobody_shares_teaches_nothing() -> None:
    alone = Curve(np.zeros(3), np.zeros((3, 1)), np.ones(3))

    assert np.array_equal(alone.given(1, 5.0).mean, [0, 5, 0])


def test_a_sum_adds_means_and_variances() -> None:
    one, other = some(3), some(4)

    both = one + other

    assert np.allclose(both.mean, one.mean + other.mean)
    assert np.allclose(both.sd**2, one.sd**2 + other.sd**2)


def test_a_curve_is_spread_linearly_between_its_knots() -> None:
    knots = np.array([0.0, 1.0, 3.0])
    curve = Curve(np.array([0.0, 1.0, 2.0]), np.array([[1.0], [3.0], [3.0]]), np.array([0.1, 0.2, 0.2]))

    between = curve.spread(knots, np.array([0.5, 2.0]))

    assert np.allclose(between.mean, [0.5, 1.5])
    assert np.allclose(between.factors, [[2.0], [3.0]])


def test_what_was_seen_inexactly_moves_a_curve_less() -> None:
    """As if the error were a part of that quality's own noise, for all the others."""
    curve = some(6)
    doubtful = Curve(curve.mean, curve.factors, curve.noise + 0.3 * np.eye(12)[4])

    after, textbook = curve.given(4, 0.7, 0.3), doubtful.given(4, 0.7)

    others = [i for i in range(12) if i != 4]
    assert np.allclose(after.mean[others], textbook.mean[others])
    assert np.allclose(after.sd[others], textbook.sd[others])
    assert 0 < after.sd[4] < curve.sd[4]
    assert abs(after.mean[4] - 0.7) < abs(curve.mean[4] - 0.7)


@pytest.mark.parametrize("length", [1, 2, 100])
def test_who_knows_nothing_still_has_an_opinion(length: int) -> None:
    falling, rising = flat(length), flat(length, rising=True)

    assert falling.mean.shape == (length,)
    assert (np.diff(falling.mean) < 0).all()
    assert (np.diff(rising.mean) > 0).all()
    assert np.isfinite(falling.given(0, -4.0).mean).all()
