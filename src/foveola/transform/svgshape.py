"""Where the shapes of a drawing are, and how far their outlines go: what filters, dashes and long outlines cost.

Nothing is drawn: curves are taken by their control points, which they never leave.
Source: https://www.w3.org/TR/SVG2/paths.html; https://www.w3.org/TR/SVG2/coords.html
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import reduce

from foveola.transform.svgtree import Node, number

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Shape:
    """What an outline is.

    Args:
        box: where it lies; None where there is nothing.
        steps: how far each of its straight or curved parts goes at most.
        length: of all.
    """

    box: Box | None
    steps: tuple[float, ...]
    length: float

    def crossed(self, scale: float, width: float, height: float) -> float:
        """Return how often it crosses a row of pixels, on average.

        Args:
            scale: pixels of a unit.
            width: of the pen, pixels; what crosses is wide then, and so does what is short.
            height: of the rows, pixels; longer parts leave them.
        """
        most = height - width
        if most <= 0:
            return float(len(self.steps))
        return sum(min(step * scale, most) for step in self.steps) / height + len(self.steps) * width / height


NOTHING = Shape(None, (), 0.0)


def shape(node: Node, width: float, height: float) -> Shape:
    """Return what the outline of an element is in its own coordinates.

    Args:
        node: the element.
        width: what 100 % are.
        height: likewise.
    """
    said = node.attributes

    def length(name: str, whole: float, missing: float = 0.0) -> float:
        return number(said.get(name, ""), whole, missing)

    if node.tag == "path":
        return path(said.get("d", ""))
    if node.tag in ("polygon", "polyline"):
        return path("M" + said.get("points", ""))
    if node.tag in ("circle", "ellipse"):
        middle = (length("cx", width), length("cy", height))
        across = length("r" if node.tag == "circle" else "rx", width)
        down = across if node.tag == "circle" else length("ry", height)
        return _boxed(middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)
    if node.tag == "line":
        box = _boxed(length("x1", width), length("y1", height), length("x2", width), length("y2", height))
        return Shape(box.box, box.steps[:2], sum(box.steps[:2]))
    if node.tag in ("rect", "image", "svg", "foreignObject"):
        left, top = length("x", width), length("y", height)
        return _boxed(left, top, left + length("width", width, width), top + length("height", height, height))
    return NOTHING


def path(data: str) -> Shape:
    """Return what the outline of a path is."""
    trace = _Trace()
    for command, text in _COMMAND.findall(data):
        kind = command.upper()
        found = [part for arc in _ARC.findall(text) for part in arc] if kind == "A" else _NUMBER.findall(text)
        numbers = [min(max(float(part), -_FAR), _FAR) for part in found]
        if kind == "Z":
            trace.x, trace.y = trace.begun
        elif kind in "HV":
            trace.along(numbers, kind == "H", command.islower())
        else:
            trace.through(kind, numbers, command.islower())
    return trace.shape()


class _Trace:
    """Where a path has been."""

    def __init__(self) -> None:
        self.x = self.y = 0.0
        self.begun = (0.0, 0.0)
        self.steps: list[float] = []
        self._across: list[float] = []
        self._down: list[float] = []

    def along(self, numbers: list[float], across: bool, relative: bool) -> None:
        """Go along one axis."""
        for value in numbers:
            before = self.x if across else self.y
            after = before + value if relative else value
            self.x, self.y = (after, self.y) if across else (self.x, after)
            self.steps.append(abs(after - before))
            self._across.append(self.x)
            self._down.append(self.y)

    def through(self, kind: str, numbers: list[float], relative: bool) -> None:
        """Go through the points of a command, those between which a curve stays among them."""
        count, steps, across, down = _COUNTS[kind], self.steps, self._across, self._down
        x, y = self.x, self.y
        for row in range(0, len(numbers) - count + 1, count):
            left, top = (self.x, self.y) if relative else (0.0, 0.0)
            if kind == "A":  # an arc stays within its radii around its end, and its length is a few of them
                far = abs(numbers[row + 5] + left - x) + abs(numbers[row + 6] + top - y)
                reach = max(2 * abs(numbers[row]), 2 * abs(numbers[row + 1]), far)
                steps += (3 * reach, reach)
                across += (numbers[row + 5] + left - reach, numbers[row + 5] + left + reach)
                down += (numbers[row + 6] + top - reach, numbers[row + 6] + top + reach)
            for at in range(row + (5 if kind == "A" else 0), row + count, 2):
                to_x, to_y = numbers[at] + left, numbers[at + 1] + top
                if kind != "M" or row:
                    steps.append(abs(to_x - x) + abs(to_y - y))
                across.append(to_x)
                down.append(to_y)
                x, y = to_x, to_y
            self.x, self.y = x, y
            if kind == "M" and not row:
                self.begun = (x, y)

    def shape(self) -> Shape:
        """Return what it was."""
        if not self._across:
            return NOTHING
        box = (min(self._across), min(self._down), max(self._across), max(self._down))
        return Shape(box, tuple(self.steps), sum(self.steps))


def _boxed(left: float, top: float, right: float, bottom: float) -> Shape:
    wide, high = abs(right - left), abs(bottom - top)
    box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
    return Shape(box, (wide, high, wide, high), 2 * (wide + high))


def matrix(text: str) -> Matrix:
    """Return what a list of transformations makes of points."""
    found = [_one(kind.lower(), [number(part, 0.0) for part in _SPLIT.split(inside.strip())])
             for kind, inside in _TRANSFORM.findall(text)]  # fmt: skip
    return reduce(times, found, IDENTITY)


def _one(kind: str, values: list[float]) -> Matrix:
    first, second, *_ = (*values, 0.0, 0.0)
    if kind == "matrix" and len(values) >= 6:
        a, b, c, d, e, f = values[:6]
        return a, b, c, d, e, f
    if kind.startswith("translate"):
        return 1.0, 0.0, 0.0, 1.0, 0.0 if kind.endswith("y") else first, first if kind.endswith("y") else second
    if kind.startswith("scale"):
        other = second if len(values) > 1 else first
        return 1.0 if kind == "scaley" else first, 0.0, 0.0, 1.0 if kind == "scalex" else other, 0.0, 0.0
    if kind == "rotate":
        x, y = (values[1], values[2]) if len(values) > 2 else (0.0, 0.0)
        c, s = math.cos(math.radians(first)), math.sin(math.radians(first))
        return c, s, -s, c, x - c * x + s * y, y - s * x - c * y
    slope = math.tan(math.radians(first))
    return 1.0, 0.0 if kind == "skewx" else slope, slope if kind == "skewx" else 0.0, 1.0, 0.0, 0.0


def times(one: Matrix, other: Matrix) -> Matrix:
    """Return what does `other` first, then `one`."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f


def norm(by: Matrix) -> float:
    """Return by how much a length grows at most."""
    a, b, c, d = by[:4]
    half = (a * a + b * b + c * c + d * d) / 2
    return math.sqrt(half + math.sqrt(max(half * half - (a * d - b * c) ** 2, 0.0)))


def moved(box: Box | None, by: Matrix) -> Box | None:
    """Return a box that holds the transformed one."""
    if box is None or by == IDENTITY:
        return box
    a, b, c, d, e, f = by
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in box[::2] for y in box[1::2]]
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)


def union(one: Box | None, other: Box | None) -> Box | None:
    """Return the box that holds both."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


_COUNTS = {"M": 2, "L": 2, "T": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "A": 7, "Z": 0}
_FAR = 1e12
_COMMAND = re.compile(r"([MLTHVCSQAZmlthvcsqaz])([^MLTHVCSQAZmlthvcsqaz]*)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_ARC = re.compile(r"[\s,]*".join((*[f"({_NUMBER.pattern})"] * 3, "([01])", "([01])", *[f"({_NUMBER.pattern})"] * 2)))
"""Its flags need nothing between them."""
_SPLIT = re.compile(r"[\s,]+")
_TRANSFORM = re.compile(r"(matrix|translate[xy]?|scale[xy]?|rotate|skew[xy])\s*\(([^()]*)\)", re.IGNORECASE)
