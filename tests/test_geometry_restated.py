"""Sizes are what a second, plain statement of imgproxy's arithmetic makes of the same request, to the pixel.

The statement follows imgproxy's documented rules step by step, in its order of operations on floats, and shares no line
with `foveola.transform.geometry`. Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foveola.options.values import RESIZING_TYPES, Crop, Extend, ProcessingOptions
from foveola.transform.geometry import measure


def away(value: float) -> int:
    """Round half away from zero; values are never negative here."""
    low = math.floor(value)
    return low + 1 if value - low >= 0.5 else low


def sized(side: int, factor: float) -> int:
    return away(side * factor) if side else 0


def smaller(wanted: int, there: int) -> int:
    """Return the lesser of two, of which 0 counts as nothing said."""
    if wanted == 0 or there == 0:
        return wanted + there
    return min(wanted, there)


@dataclass
class Request:
    """One request on its way through the rules."""

    width: int
    height: int
    options: ProcessingOptions
    wscale: float = 1.0
    hscale: float = 1.0
    dpr: float = 1.0

    def crop(self) -> None:
        """Rule 1 and 2: what is scaled."""
        sides = []
        for side, part in ((self.width, self.options.crop.width), (self.height, self.options.crop.height)):
            cut = 0 if part == 0 else int(part) if part >= 1 else max(1, sized(side, part))
            sides.append(smaller(cut, side))
        self.width, self.height = sides

    def scales(self) -> None:
        """Rules 2 to 4: what each side is multiplied with."""
        o, w, h = self.options, float(self.width), float(self.height)
        to_w, to_h = float(o.width or self.width), float(o.height or self.height)
        ws, hs = w / to_w, h / to_h
        kind: str = o.resizing_type
        if kind == "auto":
            kind = "fill" if (w - h >= 0) is (to_w - to_h >= 0) else "fit"
        if (ws != 1 or hs != 1) and kind != "force":
            if o.width == 0:
                ws = hs
            elif o.height == 0:
                hs = ws
            else:
                ws = hs = max(ws, hs) if kind == "fit" else min(ws, hs)
        ws, hs = ws / o.zoom[0], hs / o.zoom[1]
        dpr = o.dpr
        if not o.enlarge:
            small = min(ws, hs)
            if small < 1:
                ws, hs = ws / small, hs / small
                dpr = dpr if o.extend.on else dpr / small
            dpr = min(dpr, ws, hs)
        if o.min_width > 0 and w / o.min_width < ws:
            bound = w / o.min_width
            ws, hs = bound, hs / (ws / bound)
        if o.min_height > 0 and h / o.min_height < hs:
            bound = h / o.min_height
            ws, hs = ws / (hs / bound), bound
        ws, hs = min(ws / dpr, w), min(hs / dpr, h)
        self.wscale, self.hscale, self.dpr = 1 / ws, 1 / hs, dpr

    def box(self) -> tuple[int, int]:
        """Rule 5: what was asked, 0 where nothing was."""
        o = self.options
        return sized(o.width, self.dpr * o.zoom[0]), sized(o.height, self.dpr * o.zoom[1])

    def cut(self) -> tuple[int, int]:
        """Rule 5: the size after scaling and cutting off."""
        box, large = self.box(), (sized(self.width, self.wscale), sized(self.height, self.hscale))
        if self.options.resizing_type == "fill-down" and not self.options.enlarge:
            over = box[0] / large[0], box[1] / large[1]
            if over[0] > over[1] and over[0] > 1:
                box = large[0], sized(large[0], box[1] / box[0])
            elif over[1] > over[0] and over[1] > 1:
                box = sized(large[1], box[0] / box[1]), large[1]
        return smaller(box[0], large[0]), smaller(box[1], large[1])

    def ratio(self) -> tuple[int, int]:
        """Rule 5: the canvas of the asked aspect ratio, (0, 0) for none."""
        box, size = self.box(), self.cut()
        if not self.options.extend_aspect_ratio.on or 0 in box:
            return 0, 0
        over = box[0] / size[0], box[1] / size[1]
        if over[1] > over[0]:
            return size[0], sized(size[0], box[1] / box[0])
        return (sized(size[1], box[0] / box[1]), size[1]) if over[0] > over[1] else (0, 0)

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        top, right, bottom, left = (round(side * self.dpr) for side in self.options.padding)
        return size[0] + left + right, size[1] + top + bottom

    def result(self) -> tuple[int, int]:
        """Return the size of the whole."""
        size = self.cut()
        for on, canvas in ((self.options.extend.on, self.box()), (True, self.ratio())):
            if on and (canvas[0] > size[0] or canvas[1] > size[1]):
                size = canvas[0] or size[0], canvas[1] or size[1]
        return self.padded(size)

    def limited(self, limit: int) -> None:
        """Rule 6: everything becomes so many times smaller that it fits, once."""
        longest = max(self.result())
        if 0 < limit < longest:
            less = limit / longest
            self.wscale = max(self.wscale * less, 1 / self.width)
            self.hscale = max(self.hscale * less, 1 / self.height)
            self.dpr *= less


def restated(width: int, height: int, options: ProcessingOptions, limit: int = 0) -> Request:
    request = Request(width, height, options)
    request.crop()
    request.scales()
    request.limited(limit)
    return request


SIDE = st.one_of(st.integers(1, 40), st.integers(1, 3000))
WANTED = st.one_of(st.just(0), SIDE)
RATIO = st.one_of(st.just(1.0), st.sampled_from([0.25, 0.5, 1.5, 2.0, 3.0]), st.floats(0.05, 6))
PADDING = st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.integers(0, 60)] * 4))
CROPPED = st.builds(Crop, *[st.one_of(st.just(0.0), st.floats(0.001, 0.999), st.integers(1, 3000).map(float))] * 2)
OPTIONS = st.builds(
    ProcessingOptions,
    resizing_type=st.sampled_from(RESIZING_TYPES),
    width=WANTED,
    height=WANTED,
    min_width=st.one_of(st.just(0), st.integers(0, 1000)),
    min_height=st.one_of(st.just(0), st.integers(0, 1000)),
    zoom=st.one_of(st.just((1.0, 1.0)), st.tuples(RATIO, RATIO)),
    dpr=RATIO,
    enlarge=st.booleans(),
    extend=st.builds(Extend, st.booleans()),
    extend_aspect_ratio=st.builds(Extend, st.booleans()),
    crop=st.one_of(st.just(Crop()), CROPPED),
    padding=PADDING,
)


def compared(width: int, height: int, options: ProcessingOptions) -> None:
    found, stated = measure(width, height, options), restated(width, height, options)

    assert found.result == stated.result()
    assert found.factors == pytest.approx((stated.wscale, stated.hscale), rel=1e-12)
    assert found.dpr == pytest.approx(stated.dpr, rel=1e-12)


@settings(max_examples=400, deadline=None)
@given(SIDE, SIDE, OPTIONS)
def test_sizes_are_those_of_the_second_statement(width: int, height: int, options: ProcessingOptions) -> None:
    compared(width, height, options)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 24),
    st.integers(1, 24),
    st.builds(
        ProcessingOptions,
        resizing_type=st.sampled_from(RESIZING_TYPES),
        width=st.integers(0, 12),
        height=st.integers(0, 12),
        dpr=st.sampled_from([0.5, 1.0, 1.5, 2.0]),
        enlarge=st.booleans(),
        extend=st.builds(Extend, st.booleans()),
        padding=st.tuples(*[st.integers(0, 3)] * 4),
    ),
)
def test_halves_fall_to_the_same_side_in_small_pictures(width: int, height: int, options: ProcessingOptions) -> None:
    compared(width, height, options)


@settings(max_examples=200, deadline=None)
@given(SIDE, SIDE, OPTIONS, st.integers(1, 2000))
@example(200, 100, ProcessingOptions(width=300, height=300, padding=(10, 10, 10, 10), enlarge=True), 100)
def test_a_limit_makes_everything_smaller_alike(
    width: int, height: int, options: ProcessingOptions, limit: int
) -> None:
    """One step in imgproxy; where rounding leaves a side a pixel too long, ours goes on until it fits."""
    found, stated = measure(width, height, options, limit=limit), restated(width, height, options, limit)

    if max(stated.result()) <= limit:
        assert found.result == stated.result()
        assert found.dpr == pytest.approx(stated.dpr, rel=1e-12)
    else:
        assert max(found.result) <= max(stated.result())


@pytest.mark.parametrize(
    ("options", "result"),
    [
        (ProcessingOptions(width=50, height=50), (50, 25)),
        (ProcessingOptions("fill-down", width=300, height=125), (200, 83)),
        (ProcessingOptions("fill-down", width=250, height=300), (83, 100)),
        (ProcessingOptions(width=300, height=125, extend_aspect_ratio=Extend(True)), (240, 100)),
        (ProcessingOptions(width=250, height=500, extend_aspect_ratio=Extend(True)), (200, 400)),
        (ProcessingOptions(width=300, extend=Extend(True)), (300, 100)),
        (ProcessingOptions("fill", width=300, height=125, enlarge=True), (300, 125)),
        (ProcessingOptions(width=100, dpr=2, padding=(10, 20, 30, 40)), (320, 180)),
        (ProcessingOptions(width=300, dpr=2, padding=(10, 10, 10, 10)), (220, 120)),  # dpr at most 1
    ],
)
def test_the_statement_itself_is_held_to_imgproxys_table(options: ProcessingOptions, result: tuple[int, int]) -> None:
    """Of a source of 200x100 pixels."""
    assert restated(200, 100, options).result() == result
