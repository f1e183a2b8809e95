"""Goals: what each level may say, and which level wins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.errors import ArgumentError
from foveola.goal import Asked, Autoquality, Bounds, Configured, resolve

NOTHING = Asked()


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("dssim:0.02:70:80:0.001", Autoquality("dssim", 0.02, Bounds(70, 80), 0.001)),
        ("size:10240:10:80", Autoquality("size", 10240, Bounds(10, 80))),
        ("ml:0.02:70:80:0.001", Autoquality("ml", 0.02, Bounds(70, 80), 0.001)),
        ("none", Autoquality("none")),
        ("", Autoquality()),
        (":::65:", Autoquality(bounds=Bounds(1, 65))),
        ("dssim:0.004::100:0.001", Autoquality("dssim", 0.004, Bounds(1, 100), 0.001)),
        ("ml::::0.007", Autoquality("ml", 0.02, Bounds(1, 100), 0.007)),
        ("dssim:0:0:0:0", Autoquality("dssim", 0, Bounds(1, 100), 0)),
        ("dssim:1e-2", Autoquality("dssim", 0.01)),
        ("dssim:.5", Autoquality("dssim", 0.5)),
    ],
)
def test_a_goal_is_read_as_imgproxy_writes_it(text: str, goal: Autoquality) -> None:
    assert Autoquality.parse(text) == goal


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("best", 'Expected one of none, size, dssim, ml for method, got "best"'),
        ("dssim:x", 'Expected a number for target, got "x"'),
        ("dssim:nan", 'Expected a number for target, got "nan"'),
        ("dssim:inf", 'Expected a number for target, got "inf"'),
        ("dssim:1_0", 'Expected a number for target, got "1_0"'),
        ("dssim:-1", "Expected a number 0 or more for target, got -1.0"),
        ("dssim:2", "Expected a DSSIM 0..1 with method dssim for target, got 2.0"),
        ("dssim:1e999", "Expected a number 0 or more for target, got inf"),
        ("size", 'Expected a number of bytes with method size for target, got ""'),
        ("size:0", "Expected a number of bytes, 1 or more, with method size for target, got 0.0"),
        ("dssim:0.02:80:70", "Expected at most max (70) for min, got 80"),
        ("dssim:0.02:101", "Expected integer 0..100 for min, got 101"),
        ("dssim:0.02::101", "Expected integer 0..100 for max, got 101"),
        ("dssim:0.02:1.5", 'Expected integer 0..100 for min, got "1.5"'),
        ("dssim:0.02:-1", "Expected integer 0..100 for min, got -1"),
        ("dssim::::2", "Expected a number 0..1 for allowed_error, got 2.0"),
        ("dssim:::::1", 'Expected at most 5 arguments for autoquality, got "dssim:::::1"'),
    ],
)
def test_what_can_not_be_read_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentError) as error:
        Autoquality.parse(text)

    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("format", "url", "configured", "bounds"),
    [
        ("jpeg", NOTHING, Configured(), (70, 80)),
        ("avif", NOTHING, Configured(), (60, 65)),
        ("jpeg", NOTHING, Configured(Asked(min=10, max=80)), (10, 80)),
        ("avif", NOTHING, Configured(Asked(min=10, max=80)), (10, 80)),
        ("avif", NOTHING, Configured(Asked(min=10, max=80), {}, {"avif": 50}), (10, 50)),
        ("avif", NOTHING, Configured(Asked(min=70, max=80), {"avif": 40}, {"avif": 50}), (40, 50)),
        ("avif", Asked(max=90), Configured(Asked(min=70, max=80), {"avif": 40}, {"avif": 50}), (40, 90)),
        ("avif", Asked(min=90), Configured(Asked(min=70, max=80), {"avif": 40}, {"avif": 50}), (90, 90)),
        ("avif", NOTHING, Configured(Asked(min=70)), (70, 70)),
        ("avif", NOTHING, Configured(Asked(max=50)), (50, 50)),
        ("jpeg", NOTHING, Configured(Asked(min=90, max=95), {}, {"jpeg": 50}), (50, 50)),
        ("jpeg", Asked(min=1, max=100), Configured(Asked(min=70, max=80)), (1, 100)),
    ],
)
def test_each_side_of_the_bounds_comes_from_the_most_specific_level(
    format: str, url: Asked, configured: Configured, bounds: tuple[int, int]
) -> None:
    assert resolve(format, url, configured).bounds == Bounds(*bounds)


@pytest.mark.parametrize(
    ("url", "configured", "method", "target"),
    [
        (NOTHING, Asked(), "none", 0.02),
        (NOTHING, Asked("dssim", 0.01), "dssim", 0.01),
        (Asked("ml"), Asked("dssim", 0.01), "ml", 0.01),
        (Asked("dssim"), Asked("size", 10240), "dssim", 0.02),
        (Asked("size", 500), Asked("dssim", 0.01), "size", 500),
        (NOTHING, Asked("size", 10240), "size", 10240),
        (Asked("size"), Asked(None, 10240), "size", 10240),
        (Asked("dssim"), Asked(None, 0.03), "dssim", 0.03),
        (Asked("dssim"), Asked("none", 10240), "dssim", 0.02),
        (Asked(target=0.05), Asked("dssim", 0.01), "dssim", 0.05),
    ],
)
def test_a_target_is_inherited_by_methods_of_its_unit_only(
    url: Asked, configured: Asked, method: str, target: float
) -> None:
    goal = resolve("jpeg", url, Configured(configured))

    assert (goal.method, goal.target) == (method, target)


def test_size_without_a_target_is_refused_on_every_level() -> None:
    with pytest.raises(ArgumentError):
        resolve("jpeg", Asked("size"), Configured(Asked("dssim", 0.02)))


def test_a_format_whose_own_bounds_cross_is_refused() -> None:
    with pytest.raises(ArgumentError):
        Configured(NOTHING, {"avif": 60}, {"avif": 50})


@pytest.mark.parametrize("values", [{"max_encodes": 0}, {"verify": "never"}, {"target": -0.1}, {"method": "auto"}])
def test_a_goal_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        Autoquality(**values)  # type: ignore[arg-type]


HALF, HUGE = 0.5, 10**400
ODD = [None, True, -1, HUGE, HALF, float("nan"), float("inf"), "", "x", b"x", [], {}, object(), np.ones(2), 1j]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_whatever_is_said_of_a_goal_the_error_is_ours(value: Any) -> None:
    for name in ("min", "max"):
        assert not taken(partial(Bounds, min=1, max=100), name, value)
    for name in ("method", "bounds", "verify"):
        assert not taken(Autoquality, name, value)
    for name in ("target", "allowed_error"):
        assert taken(Autoquality, name, value) == (value is HALF)
    assert taken(Autoquality, "max_encodes", value) == (value is None or value is HUGE)
    for name in ("method", "target", "min", "max", "allowed_error"):
        half = name in ("target", "allowed_error") and value is HALF
        assert taken(Asked, name, value) == (value is None or half)


def taken(what: Callable[..., object], name: str, value: object) -> bool:
    try:
        what(**{name: value})
    except ArgumentError:
        return False
    return True


@pytest.mark.parametrize("text", [None, 5, b"dssim", ["dssim"]])
def test_only_a_text_is_read(text: Any) -> None:
    with pytest.raises(ArgumentError, match="Expected a text for autoquality, got "):
        Autoquality.parse(text)


_side = st.one_of(st.none(), st.integers(1, 100))


@given(st.sampled_from(["jpeg", "avif"]), st.tuples(*[_side] * 6))
def test_bounds_never_cross(format: str, sides: tuple[int | None, ...]) -> None:
    """Whatever the levels say, the bounds are in order and the URL's own sides stand."""
    try:
        url = Asked(min=sides[0], max=sides[1])
        settings = Configured(
            Asked(min=sides[4], max=sides[5]),
            {} if sides[2] is None else {format: sides[2]},
            {} if sides[3] is None else {format: sides[3]},
        )
    except ArgumentError:
        return

    bounds = resolve(format, url, settings).bounds

    assert 1 <= bounds.min <= bounds.max <= 100
    assert bounds.min == sides[0] or sides[0] is None
    assert bounds.max == sides[1] or sides[1] is None
