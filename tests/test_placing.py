"""Positions are imgproxy's to the pixel, for every anchor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.options.values import ANCHORS, Anchor, Gravity
from foveola.transform.placing import offset, position

ANCHORED: list[tuple[Anchor, tuple[int, int]]] = [
    ("ce", (31, 20)),  # (100-39+1)/2 = 31, (60-20+1)/2 = 20.5, half to even
    ("no", (31, 0)),
    ("so", (31, 40)),
    ("we", (0, 20)),
    ("ea", (61, 20)),
    ("nowe", (0, 0)),
    ("noea", (61, 0)),
    ("sowe", (0, 40)),
    ("soea", (61, 40)),
    ("sm", (31, 20)),
]


@pytest.mark.parametrize(("anchor", "corner"), ANCHORED)
def test_without_offsets_an_item_of_39x20_stands_on_100x60(anchor: Anchor, corner: tuple[int, int]) -> None:
    assert position((100, 60), (39, 20), Gravity(anchor), 1.0) == corner


@pytest.mark.parametrize(
    ("anchor", "corner"),
    [
        ("ce", (35, 23)),
        ("no", (35, 3)),
        ("so", (35, 37)),
        ("we", (4, 23)),
        ("ea", (57, 23)),
        ("nowe", (4, 3)),
        ("noea", (57, 3)),
        ("sowe", (4, 37)),
        ("soea", (57, 37)),
    ],
)
def test_offsets_lead_away_from_the_anchor(anchor: Anchor, corner: tuple[int, int]) -> None:
    assert position((100, 60), (39, 20), Gravity(anchor, 4, 3), 1.0) == corner


@pytest.mark.parametrize(
    ("length", "part", "start"),
    [(10, 10, 0), (11, 10, 1), (12, 10, 2), (13, 10, 2), (14, 10, 2), (15, 10, 3), (16, 10, 4), (1, 1, 0)],
)
def test_the_middle_rounds_half_to_even_and_stays_inside(length: int, part: int, start: int) -> None:
    assert position((length, 1), (part, 1), Gravity(), 1.0) == (start, 0)


@pytest.mark.parametrize(
    ("size", "value", "dpr", "pixels"),
    [
        (100, 0, 1, 0),
        (100, 1, 1, 1),
        (100, 1, 2.5, 2),  # half to even
        (100, 3, 0.5, 2),
        (100, 0.25, 2, 25),  # shares don't know of dpr
        (10, 0.25, 1, 2),
        (10, 0.35, 1, 4),
        (10, -0.25, 3, -2),
        (10, -1.5, 1, -2),
        (100, 0.999, 1, 100),
        (100, 1e300, 1e300, 1_000_000_000),
        (100, -1e300, 1e300, -1_000_000_000),
    ],
)
def test_an_offset_is_pixels_from_one_on_and_a_share_below(size: int, value: float, dpr: float, pixels: int) -> None:
    assert offset(size, value, dpr) == pixels


@pytest.mark.parametrize(
    ("x", "y", "corner"),
    [
        (0.5, 0.5, (31, 20)),  # 50 - 39 // 2, 30 - 10
        (0, 0, (0, 0)),
        (1, 1, (61, 40)),
        (0.25, 0.75, (6, 35)),
        (0.255, 0.425, (7, 16)),  # 25.5 -> 26 - 19; 25.5 -> 26 - 10
        (0.245, 0.375, (5, 12)),  # 24.5 -> 24 - 19; 22.5 -> 22 - 10
    ],
)
def test_a_focus_point_is_the_middle_where_there_is_room(x: float, y: float, corner: tuple[int, int]) -> None:
    assert position((100, 60), (39, 20), Gravity("fp", x, y), 2.0) == corner


@pytest.mark.parametrize(
    ("anchor", "x", "overhang", "left"),
    [
        ("we", 90, False, 70),
        ("we", -90, False, 0),
        ("we", 90, True, 90),
        ("we", 900, True, 99),
        ("we", -900, True, -29),
        ("ea", 900, True, -29),
        ("ea", -20, True, 90),
        ("fp", 0, True, -15),
    ],
)
def test_what_may_overhang_keeps_a_pixel_on_the_canvas(anchor: Anchor, x: float, overhang: bool, left: int) -> None:
    assert position((100, 100), (30, 30), Gravity(anchor, x), 1.0, overhang)[0] == left


def test_an_item_larger_than_its_canvas_begins_at_the_corner_unless_it_may_overhang() -> None:
    assert position((10, 10), (30, 31), Gravity(), 1.0) == (0, 0)
    assert position((10, 10), (30, 31), Gravity(), 1.0, overhang=True) == (-10, -10)  # -9.5 -> -10, -10
    assert position((10, 10), (30, 31), Gravity("soea"), 1.0, overhang=True) == (-20, -21)


SIDES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
OFFSETS = st.floats(-5000, 5000)


@given(SIDES, SIDES, st.builds(Gravity, st.sampled_from(ANCHORS), OFFSETS, OFFSETS), st.floats(0.01, 10), st.booleans())
def test_an_item_always_touches_its_canvas(
    canvas: tuple[int, int], item: tuple[int, int], gravity: Gravity, dpr: float, overhang: bool
) -> None:
    corner = position(canvas, item, gravity, dpr, overhang)
    for at, size, part in zip(corner, canvas, item, strict=True):
        assert -part < at < size
        if not overhang:
            assert 0 <= at <= max(size - part, 0)
