"""The chart of `foveola curve`: whatever the points, it is drawn, and what it marks is where it says."""

from __future__ import annotations

import numpy as np
import pytest

from foveola.cli.chart import Panel, draw

RED = (190, 30, 60)


@pytest.mark.parametrize(
    ("points", "target"),
    [
        ([(50, 0.02, 1000)], 0.02),
        ([(1, 0.5, 100), (100, 0.0, 90_000_000)], 0.02),
        ([(q, 0.001, 5) for q in range(10, 30)], 0.5),
        ([(70, 0.0, 1), (71, 0.0, 1)], 1e-4),
    ],
    ids=["one", "wide", "flat", "lossless"],
)
def test_any_curve_can_be_drawn(points: list[tuple[int, float, int]], target: float) -> None:
    assert draw(points, target, "a picture").size == (1000, 720)


def marked(points: list[tuple[int, float, int]], target: float) -> set[int]:
    """Return the columns in the middle of the upper panel's lower end in which something is marked."""
    rows = np.asarray(draw(points, target, ""))[370:389, 82:969]
    return set(np.flatnonzero((np.abs(rows.astype(int) - RED).sum(axis=2) < 30).all(axis=0)) + 82)


def test_the_lowest_quality_that_keeps_the_target_is_marked() -> None:
    points = [(0, 0.2, 1), (25, 0.09, 2), (50, 0.04, 3), (75, 0.015, 4), (100, 0.01, 5)]
    upper = Panel(80, 80, 970, 390, (0, 100), (0, 1))

    for target, quality in ((0.02, 75), (0.05, 50)):
        (column,) = {round(column / 2) for column in marked(points, target)}  # the line may be two pixels wide
        assert column == pytest.approx(upper.place(quality, 0)[0] / 2, abs=1)


def test_nothing_is_marked_where_no_quality_keeps_the_target() -> None:
    assert marked([(10, 0.3, 100), (90, 0.2, 1000)], 0.1) == set()


def test_a_panel_puts_its_limits_on_its_edges() -> None:
    straight, log = Panel(10, 20, 110, 220, (1, 3), (0, 4)), Panel(10, 20, 110, 220, (1, 3), (0.01, 1), log=True)

    assert (straight.place(1, 0), straight.place(3, 4), straight.place(2, 1)) == ((10, 220), (110, 20), (60, 170))
    assert log.place(2, 0.1) == pytest.approx((60, 120))
