"""Drawings that would take minutes are refused at once, and honest ones are drawn."""

from __future__ import annotations

import time
from random import Random

import pytest

from foveola.errors import ImageError
from foveola.torture.kind import Kind
from foveola.torture.svg import drawing
from foveola.torture.svgbombs import SVG_BOMBS
from foveola.transform import svgshape, svgtree
from foveola.transform.load import header_of, load
from foveola.transform.svgcost import Estimate

LONG = frozenset({"svg-bomb-texts", "svg-bomb-elements", "svg-bomb-stops", "svg-bomb-feimage", "svg-bomb-hidden"})
"""Files of a tenth of a megabyte to several, which take as long to read."""


def cost(inside: str, size: str = "width='500' height='500'", scale: float = 1) -> float:
    tree = svgtree.read(drawing(inside, size))
    return Estimate(tree, round(500 * scale), round(500 * scale), lambda _: 1000).check(scale) / 1e6


def opened(data: bytes) -> None:
    header_of(data)
    load(data)


@pytest.mark.parametrize("kind", SVG_BOMBS, ids=lambda kind: kind.name)
def test_a_bomb_is_refused_before_it_is_drawn(kind: Kind) -> None:
    _, data = kind.make(Random(1))
    began = time.process_time()

    with pytest.raises(ImageError, match=r"^Expected (a drawing|groups|style sheets|at most|gradients)") as caught:
        opened(data)

    assert caught.value.public == "Broken or unsupported SVG image"
    assert caught.value.status == 422
    assert time.process_time() - began < (15 if kind.name in LONG else 1)


@pytest.mark.parametrize(
    ("inside", "least", "most"),
    [
        ("<rect width='500' height='500'/>", 0, 0.01),
        ("<filter id='f'><feGaussianBlur stdDeviation='9'/></filter><rect width='500' height='500' filter='url(#f)'/>",
         0.09, 0.4),
        ("<filter id='f'><feGaussianBlur stdDeviation='9'/></filter><rect width='5' height='5' filter='url(#f)'/>",
         0, 0.01),
        ("<filter id='f'><feTurbulence numOctaves='99'/></filter><rect width='500' height='500' filter='url(#f)'/>",
         0.33, 1),
        ("<text y='20'>" + "abc def " * 500 + "</text>", 0.54, 4),
        ("<g id='a'>" + "<rect width='1' height='1'/>" * 100 + "</g>" + "<use href='#a'/>" * 100, 0.2, 1),
    ],
)  # fmt: skip
def test_what_a_drawing_costs_is_near_what_was_measured(inside: str, least: float, most: float) -> None:
    assert least <= cost(inside) <= most


def test_a_drawing_costs_less_where_it_is_small() -> None:
    blurs = "<filter id='f'>" + "<feGaussianBlur stdDeviation='9'/>" * 60 + "</filter>"
    data = drawing(blurs + "<rect width='100%' height='100%' filter='url(#f)'/>", "width='2000' height='2000'")

    with pytest.raises(ImageError, match="can't at 2000x2000"):
        load(data)
    assert load(data, shrink=20).width == 100
    assert header_of(data).width == 2000


@pytest.mark.parametrize(
    "hidden",
    [
        "<style>@media all { .a, #b > rect { FILTER : url( '#f' ) } }</style>{}<rect class='a'{}/>",
        "<style>.a {{ fil\\74 er: url(#f); }} rect {{ filter: none }}</style>{}<rect class='a' filter='none'{}/>",
        "<style>:not(.b) {{ filter: url(#f) }}</style>{}<rect{}/>",
        "{}<rect style='filter:none;filter:url(\"#f\")!important'{}/>",
        "<defs><rect id='r' filter='url(#f)'{1}/></defs>{0}<use href='#r'/>",
        "<symbol id='s'><rect filter='url(#f)'{1}/></symbol>{0}<use xlink:href='#s'/>",
        "{0}<clipPath id='c'/><g clip-path='url(#c)'><svg><a><rect filter='url(#f)'{1}/></a></svg></g>",
    ],
)
def test_a_filter_is_found_wherever_it_is_named(hidden: str) -> None:
    steps = "<filter id='f'>" + "<feGaussianBlur stdDeviation='9'/>" * 30 + "</filter>"
    hidden = hidden.replace("@media all { .a, #b > rect { FILTER : url( '#f' ) } }",
                            "@media all {{ .a, #b > rect {{ FILTER : url( '#f' ) }} }}")  # fmt: skip

    assert cost(hidden.format(steps, " width='100%' height='100%'")) > 3


@pytest.mark.parametrize(
    ("data", "box", "length"),
    [
        ("M1 2L4 6", (1, 2, 4, 6), 7),
        ("m1,2 3,4z", (1, 2, 4, 6), 7),
        ("M0 0h5v-5H1V2", (0, -5, 5, 2), 5 + 5 + 4 + 7),
        ("M0 0c1 1 2 2 3 3s1-1 1.5.5", (0, 0, 4.5, 3.5), 10),
        ("M0 0C1 1 2 2 3 3L0 0", (0, 0, 3, 3), 12),
        ("M10 10a5 5 0 1110 0", (10, 0, 30, 20), 50),
        ("M.5.5-1-1e1", (-1, -10, 0.5, 0.5), 12),
        ("none", None, 0),
    ],
)
def test_a_path_is_measured(data: str, box: tuple[float, ...] | None, length: float) -> None:
    found = svgshape.path(data)

    assert found.box == box
    assert found.length == pytest.approx(length)


def test_transformations_are_read() -> None:
    assert svgshape.matrix("translate(3 4) scale(2)") == (2, 0, 0, 2, 3, 4)
    assert svgshape.norm(svgshape.matrix("rotate(30) scale(2, 5)")) == pytest.approx(5)
    assert svgshape.moved((0, 0, 1, 2), svgshape.matrix("rotate(90)")) == pytest.approx((-2, 0, 0, 1))
