"""How a head learns: its gradient is that of finite differences, and it finds what is there to be found."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from foveola.foresight.imitation import forward, level
from foveola.train.head import ROBUST, Array, backward, learn, new, robust, weight_of

KNOTS, FEATURES, QUALITIES = 3, 4, 6


def drawn_places(pictures: int, places: int, seed: int = 0) -> Array:
    dice = np.random.default_rng(seed)
    losses = np.sort(np.exp(dice.normal(-3.5, 0.7, (pictures, places, KNOTS))), axis=-1)[..., ::-1]
    return np.concatenate([losses, dice.normal(size=(pictures, places, FEATURES))], -1).astype(np.float32)


@pytest.mark.parametrize("above", [False, True])
def test_the_gradient_is_that_of_finite_differences(above: bool) -> None:
    dice = np.random.default_rng(1)
    places, told = drawn_places(5, 20), dice.normal(-3, 0.2, (5, QUALITIES))
    head = new(places, dice.normal(size=(KNOTS, QUALITIES)), np.zeros(QUALITIES), 8, 0)
    weights: dict[str, Array] = {
        name: w.astype(np.float64) + 0.1 * dice.normal(size=w.shape) for name, w in head.weights.items()
    }
    x, losses = head.scaled(places).astype(np.float64), places[..., :KNOTS].astype(np.float64)
    base = level(losses) if above else 0.0

    def loss() -> float:
        return robust(forward(weights, x, losses, base)[0] - told, np.ones_like(told))[0]

    curve, kept = forward(weights, x, losses, base)
    gradient = backward(weights, kept, robust(curve - told, np.ones_like(told))[1])
    for name, values in weights.items():
        for _ in range(4):
            at = tuple(dice.integers(0, side) for side in values.shape)
            before = values[at]
            values[at] = before + 1e-5
            more = loss()
            values[at] = before - 1e-5
            less = loss()
            values[at] = before
            assert gradient[name][at] == pytest.approx((more - less) / 2e-5, rel=1e-3, abs=1e-6), name


def test_small_errors_count_by_their_square_and_large_ones_by_their_size() -> None:
    one = np.ones((1, 1), np.float32)

    assert robust(one * 0.04, one)[0] == pytest.approx(0.04**2 / (2 * ROBUST))
    assert robust(one * 10, one)[0] == pytest.approx(10 - ROBUST / 2)
    assert robust(-one * 10, one)[1] == pytest.approx(-1)


def test_what_no_one_asks_for_hardly_counts() -> None:
    at = weight_of(np.log(np.array([[1e-5, 0.005, 0.02, 0.05, 0.6]], np.float32)))[0]

    assert at[1:4].min() > 0.9
    assert at[[0, 4]].max() < 0.02


@pytest.mark.parametrize("above", [False, True])
def test_a_head_learns_how_a_codec_strays_by_what_places_are_like(above: bool) -> None:
    """A codec that loses more where the first feature is high, by a factor that no linear map of means tells."""
    places = drawn_places(300, 60)
    strayed = places[..., :KNOTS] * np.exp(0.6 * np.tanh(2 * places[..., KNOTS : KNOTS + 1]))
    curve = np.eye(KNOTS, dtype=np.float32)
    dssim = np.log(strayed.mean(1))
    told = dssim - level(places[..., :KNOTS]) if above else dssim
    head = new(places[:240], curve, np.median(told[:240], axis=0) if above else np.zeros(KNOTS), 8, seed=0)

    trained = deque(learn(head, places[:240], told[:240], dssim[:240], seed=0, above=above), maxlen=1)[0]
    before, after = ((h.above(places[240:])[0] if above else h(places[240:])) - told[240:] for h in (head, trained))

    assert np.abs(after).mean() < 0.4 * np.abs(before).mean()
    assert np.abs(after).mean() < 0.04


def test_the_same_seed_learns_the_same() -> None:
    places = drawn_places(40, 30)
    told = level(places[..., :KNOTS])
    head = new(places, np.eye(KNOTS), np.zeros(KNOTS), 4, seed=3)

    one, two = (deque(learn(head, places, told, told, seed=3), maxlen=1)[0] for _ in range(2))

    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
    assert np.array_equal(head.weights["factor"], np.zeros((4, KNOTS)))
