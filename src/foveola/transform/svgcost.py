"""What drawing an SVG would cost, judged before it is drawn: a file of 300 bytes can ask for minutes.

librsvg can't be interrupted, so the tree is walked as it would be: what `use`, patterns, masks, clips and markers
repeat counts each time, filters by what they do to how many pixels, outlines by how often they cross a row of pixels.
All numbers are microseconds, fitted to measurements of librsvg in libvips 8.18 (bench/README.md), most from above.
Elements that are drawn again and again are walked once for each size.
Source: https://www.w3.org/TR/SVG2/; https://www.w3.org/TR/filter-effects-1/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from foveola.errors import ImageError
from foveola.transform import svgfilter
from foveola.transform.svg import PUBLIC
from foveola.transform.svgshape import IDENTITY, NOTHING, Box, Matrix, Shape, matrix, moved, norm, shape, times, union
from foveola.transform.svgtree import Node, Tree, number, numbers

MOST = 5e6
"""Microseconds that a drawing may cost by our reckoning, which is mostly above the truth."""
MOST_SURFACES = 400e6
"""Bytes of surfaces that lie above each other while it is drawn."""
TILE = 2000
"""Pixels of the sides of the parts that libvips has a drawing made in; each is drawn as if it were the whole."""


@dataclass(frozen=True, slots=True)
class Pen:
    """What elements inherit."""

    fill: str = "black"
    stroke: str = "none"
    width: float = 1.0
    dashes: str = "none"
    markers: tuple[str, ...] = ()
    font: float = 16.0


@dataclass
class Estimate:
    """The cost of one drawing at one size.

    Args:
        tree: the drawing.
        width: of its pixels.
        height: likewise.
        area: returns the pixels of a picture in the drawing, by its address.
    """

    tree: Tree
    width: int
    height: int
    area: Callable[[str], int]
    _known: dict[tuple[Any, ...], float] = field(default_factory=dict)
    _boxes: dict[int, Box | None] = field(default_factory=dict)
    _shapes: dict[int, Shape] = field(default_factory=dict)
    _under: list[int] = field(default_factory=list)
    _surfaces: int = 0
    _unit: float = 1.0

    def __post_init__(self) -> None:
        self._canvas = float(self.width * self.height)
        self._surface = 4 * min(self.width, TILE) * min(self.height, TILE)
        self._tiles = -(-self.width // TILE) * -(-self.height // TILE)

    def check(self, scale: float) -> float:
        """Return the cost.

        Args:
            scale: pixels of a unit of the drawing where it has no `viewBox`.

        Raises:
            ImageError: it is above what any honest drawing takes.
        """
        self._unit = self._root_scale(scale)
        cost = self._tiles * self._inside(self.tree.root, self._unit, self._inherited(self.tree.root, Pen()))
        self._bound(cost)
        return cost

    def _bound(self, cost: float) -> float:
        if cost * self._tiles > MOST:
            size = f"{self.width}x{self.height}"
            message = f"Expected a drawing that can be drawn in seconds, got one that can't at {size}"
            raise ImageError(message, public=PUBLIC)
        return cost

    def _root_scale(self, scale: float) -> float:
        across, down = _viewed(self.tree.root)
        return max(self.width / across, self.height / down) if across and down else scale

    def drawn(self, node: Node, scale: float, pen: Pen) -> float:
        """Return what it costs to draw an element where a unit is `scale` pixels; nothing where it is being drawn."""
        if node.tag in _HIDDEN or id(node) in self._under:
            return 0.0
        pen = self._inherited(node, pen)
        scale *= norm(self._matrix(node)) * self._zoom(node, scale)
        if not node.children and "id" not in node.attributes and node.tag != "use":
            return self._with_effects(node, min(scale, 1e9), pen)
        key = (id(node), round(2 * math.log2(max(scale, 1e-9))), pen)
        if key not in self._known:
            self._under.append(id(node))
            self._known[key] = self._bound(self._with_effects(node, min(scale, 1e9), pen))
            self._under.pop()
        return self._known[key]

    def _with_effects(self, node: Node, scale: float, pen: Pen) -> float:
        style, cost = node.style, _ELEMENT
        if _EFFECTS.isdisjoint(style):
            return cost + self._inside(node, scale, pen)
        isolated = style.get("opacity", "1") not in ("1", "1.0") or not _PLAIN.issuperset(
            style.get(name, "none") for name in ("filter", "mask", "mix-blend-mode", "isolation")
        )
        if isolated:
            self._surfaces += 1
            cost += _SURFACE * self._canvas
            if self._surfaces * self._surface > MOST_SURFACES:
                message = "Expected groups that fit into memory, got many that lie above each other"
                raise ImageError(message, public=PUBLIC)
        cost += self._inside(node, scale, pen)
        for name in _urls(style.get("clip-path", "")):
            cost += self._content(name, node, scale)
        for name in _urls(style.get("mask", "")):
            cost += _MASK * self._canvas + self._content(name, node, scale)
        if style.get("filter", "none") not in _PLAIN:
            cost += self._filtered(style["filter"], node, scale)
        self._surfaces -= isolated
        return cost

    def _inside(self, node: Node, scale: float, pen: Pen) -> float:
        if node.tag == "use":
            target = self.tree.named.get(node.target)
            if target is None:
                return 0.0
            return (
                self._inside(target, scale, self._inherited(target, pen))
                if target.tag == "symbol"
                else self.drawn(target, scale, pen)
            )
        cost = self._shown(node, scale, pen) if node.tag in _SHAPES else 0.0
        if node.tag in _TEXTS:
            cost += self._written(node, scale, pen)
        elif node.tag == "image" and node.attributes.get("href"):
            cost += _IMAGE + _PIXEL * self.area(node.attributes["href"].strip()) + _SMOOTH * self._canvas
        for child in node.children:
            cost += self.drawn(child, scale, pen)
            self._bound(cost)
        return cost

    def _content(self, name: str, node: Node, scale: float) -> float:
        """Return what it costs to draw what is in a mask, a clip, a pattern or a marker."""
        found = self.tree.named.get(name)
        if found is None or id(found) in self._under:
            return 0.0
        if any(found.attributes.get(key) == "objectBoundingBox" for key in _CONTENT):
            box = self.box(node) or (0.0, 0.0, 1.0, 1.0)
            scale *= max(box[2] - box[0], box[3] - box[1], 1e-9)
        scale *= self._zoom(found, scale) * norm(matrix(found.attributes.get("patternTransform", "")))
        key = (id(found), round(2 * math.log2(max(scale, 1e-9))))
        if key not in self._known:
            self._under.append(id(found))
            inner = self._inside(found, min(scale, 1e9), self._inherited(found, Pen()))
            inner += sum(self._content(one, found, scale) for key_ in ("clip-path", "mask") for one in _urls(
                found.style.get(key_, "")
            ))  # fmt: skip
            if found.target and not found.children:
                inner += self._content(found.target, node, scale)
            self._known[key] = self._bound(inner)
            self._under.pop()
        return self._known[key]

    def _shown(self, node: Node, scale: float, pen: Pen) -> float:
        found = self._shape(node)
        pixels, parts = self._pixels(found.box, scale), len(found.steps)
        cost = 0.2 * parts + self._paint(pen.fill, node, scale, pixels) + self._paint(pen.stroke, node, scale, pixels)
        if parts > _FEW and pen.fill != "none":
            cost += _CROSSING * found.crossed(scale, 0.0, self.height) ** 2
        if pen.stroke != "none":
            cost += parts + self._dashed(found.length, parts, pen)
            if parts > _FEW:
                cost += _CROSSING * found.crossed(scale, pen.width * scale, self.height) ** 2
        for name in pen.markers:
            cost += parts * (50.0 + 0.05 * parts + self._content(name, node, scale * max(pen.width, 1.0)))
        return cost

    def _dashed(self, length: float, parts: int, pen: Pen) -> float:
        """Return what dashes cost, none of which are left out because it is too small or outside."""
        values = [abs(number(part, 100.0)) for part in re.split(r"[\s,]+", pen.dashes.strip()) if part]
        if not sum(values) or pen.dashes == "none":
            return 0.0
        return parts + _DASH * length * len(values) / sum(values)

    def _paint(self, value: str, node: Node, scale: float, pixels: float) -> float:
        cost = _FILL * pixels if value != "none" else 0.0
        for name in _urls(value):
            found = self.tree.named.get(name)
            if found is None:
                continue
            if found.tag == "pattern":
                cost += self._tile(found, node, scale) + self._content(name, node, scale)
            else:
                stops, depth = self._stops(found)
                each = _STOP_PIXEL if found.tag == "radialGradient" else 0.0
                cost += 5.0 * (stops + depth) + pixels * (_SMOOTH + each * stops)
        return cost

    def _tile(self, pattern: Node, node: Node, scale: float) -> float:
        """Return what the pixels of a pattern cost, which are drawn once for each use of it."""
        box = self.box(node) or (0.0, 0.0, 0.0, 0.0)
        own = pattern.attributes.get("patternUnits") == "userSpaceOnUse"
        whole = (self.width / scale, self.height / scale) if own else (box[2] - box[0], box[3] - box[1])
        sides = [number(pattern.attributes.get(name, ""), one, one if pattern.target else 0.0) if own or "%" in
                 pattern.attributes.get(name, "") else one * number(pattern.attributes.get(name, ""), 1.0)
                 for name, one in zip(("width", "height"), whole, strict=True)]  # fmt: skip
        grown = norm(matrix(pattern.attributes.get("patternTransform", ""))) * scale
        return 100.0 + _SURFACE * min(abs(sides[0] * sides[1]) * grown * grown, 4e8)

    def _stops(self, gradient: Node) -> tuple[int, int]:
        """Return how many stops a gradient has, and how many others it leads through."""
        seen: set[int] = set()
        found: Node | None = gradient
        while found is not None and id(found) not in seen:
            seen.add(id(found))
            if len(seen) > _CHAIN:
                raise ImageError(
                    f"Expected gradients that lead through at most {_CHAIN} others, got more", public=PUBLIC
                )
            if stops := sum(child.tag == "stop" for child in found.children):
                return stops, len(seen)
            found = self.tree.named.get(found.target)
        return 0, len(seen)

    def _written(self, node: Node, scale: float, pen: Pen) -> float:
        """Return what a text costs; its characters are laid out in one line, all with all."""
        count = node.text
        cost = 100.0 + 40.0 * count + 0.15 * count * count
        size = min(pen.font * scale, 3.0 * self.height)
        cost += count * size * size * _FILL
        if pen.stroke != "none":
            cost += 20.0 * count + self._dashed(count * pen.font * 6, count * 10, pen)
        return cost

    def _filtered(self, value: str, node: Node, scale: float) -> float:
        cost, box = 0.0, self.box(node)
        for name in _urls(value):
            found = self.tree.named.get(name)
            if found is not None:
                pixels = svgfilter.region(found, box, scale, (self.width, self.height))
                relative = found.attributes.get("primitiveUnits") == "objectBoundingBox"
                unit = max(self.width, self.height) / scale if relative else 1.0
                cost += 100.0 + _SURFACE * self._canvas
                cost += sum(self._step(step, pixels, scale, unit) for step in found.children)
        return cost + svgfilter.functions(value) * self._pixels(box, scale, 1.5)

    def _step(self, step: Node, pixels: float, scale: float, unit: float) -> float:
        said = step.attributes
        if step.tag != "feImage" or not said.get("href"):
            return svgfilter.step(step, scale * unit) * pixels
        target = self.tree.named.get(step.target)
        if target is not None:
            return _SMOOTH * pixels + self.drawn(target, scale, Pen())
        return _PIXEL * self.area(said["href"].strip()) + _SMOOTH * self._canvas

    def _pixels(self, box: Box | None, scale: float, more: float = 1.0) -> float:
        if box is None:
            return self._canvas
        across, down = (box[2] - box[0]) * scale * more, (box[3] - box[1]) * scale * more
        return min(across, self.width) * min(down, self.height)

    def box(self, node: Node) -> Box | None:
        """Return where an element lies, in the coordinates in which it is drawn; None where that is not known."""
        if id(node) not in self._boxes:
            self._boxes[id(node)] = None
            self._boxes[id(node)] = self._box(node)
        return self._boxes[id(node)]

    def _box(self, node: Node) -> Box | None:
        if node.tag in _TEXTS or node.tag == "svg":
            return None
        if node.tag in _SHAPES or node.tag == "image":
            return self._shape(node).box
        found: list[Node] = node.children
        if node.tag == "use":
            target = self.tree.named.get(node.target)
            if target is None or target.tag in ("symbol", "svg"):
                return None
            found = [target]
        whole: Box | None = None
        for child in found:
            if child.tag in _HIDDEN or child.tag not in _BOXED:
                continue
            inner = moved(self.box(child), self._matrix(child))
            if inner is None:
                return None
            whole = union(whole, inner)
        return whole

    def _shape(self, node: Node) -> Shape:
        if id(node) not in self._shapes:
            whole = (self.width / self._unit, self.height / self._unit)
            self._shapes[id(node)] = shape(node, *whole) if node.tag in {*_SHAPES, "image"} else NOTHING
        return self._shapes[id(node)]

    def _matrix(self, node: Node) -> Matrix:
        text = node.style.get("transform", "")
        found = matrix(text) if text else IDENTITY
        if node.tag == "use":
            x, y = (number(node.attributes.get(name, ""), self.width / self._unit) for name in ("x", "y"))
            found = times(found, (1.0, 0.0, 0.0, 1.0, x, y))
        return found

    def _zoom(self, node: Node, scale: float) -> float:
        """Return by how much what is in an element with a `viewBox` becomes larger."""
        if node.tag not in ("svg", "symbol", "marker", "pattern"):
            return 1.0
        across, down = _viewed(node)
        if not across or not down:
            return 1.0
        wide = number(node.attributes.get("width", ""), self.width / scale, self.width / scale)
        high = number(node.attributes.get("height", ""), self.height / scale, self.height / scale)
        return max(abs(wide) / across, abs(high) / down, 1e-9)

    def _inherited(self, node: Node, pen: Pen) -> Pen:
        style = node.style
        if _INHERITED.isdisjoint(style):
            return pen
        said: dict[str, Any] = {}
        for name in ("fill", "stroke"):
            if style.get(name, "inherit") != "inherit":
                said[name] = style[name]
        if "stroke-dasharray" in style:
            said["dashes"] = style["stroke-dasharray"]
        if "stroke-width" in style:
            said["width"] = abs(number(style["stroke-width"], self.width / self._unit, 1.0))
        if "font-size" in style:
            said["font"] = abs(number(style["font-size"], 16.0, 24.0))
        markers = [name for key in _MARKERS for name in _urls(style.get(key, ""))]
        return replace(pen, **said, markers=tuple(markers) or pen.markers)


def _viewed(node: Node) -> tuple[float, float]:
    """Return the sides of the part of a drawing that is seen, 0 where that is not said."""
    values = numbers(node.attributes.get("viewBox", ""))
    return (abs(values[2]), abs(values[3])) if len(values) == 4 else (0.0, 0.0)


def _urls(value: str) -> Iterator[str]:
    """Yield the names of the elements that a value refers to."""
    return (found[1] for found in _URL.finditer(value))


_ELEMENT, _FILL, _SMOOTH, _STOP_PIXEL, _SURFACE, _MASK = 20.0, 0.001, 0.02, 0.0007, 0.007, 0.02
_IMAGE, _PIXEL, _DASH, _CROSSING = 500.0, 0.01, 0.5, 2.0
_CHAIN = 50
_FEW = 20
"""Parts of an outline that cross too little to count."""
_SHAPES = frozenset({"path", "rect", "circle", "ellipse", "line", "polygon", "polyline"})
_TEXTS = frozenset({"text", "tspan", "tref", "textPath"})
_HIDDEN = frozenset(
    {"defs", "symbol", "clipPath", "mask", "pattern", "marker", "linearGradient", "radialGradient", "filter", "style"}
    | {"title", "desc", "metadata", "script", "stop", "foreignObject", "font", "namedview"}
)
"""What is not drawn where it stands."""
_BOXED = _SHAPES | _TEXTS | {"g", "a", "use", "image", "svg", "switch"}
_CONTENT = ("clipPathUnits", "maskContentUnits", "patternContentUnits")
_MARKERS = ("marker", "marker-start", "marker-mid", "marker-end")
_INHERITED = frozenset({"fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", *_MARKERS})
_EFFECTS = frozenset({"opacity", "filter", "mask", "clip-path", "mix-blend-mode", "isolation"})
_PLAIN = frozenset({"none", "normal", "auto", "inherit", "initial", "unset", ""})
_URL = re.compile(r"url\(\s*[\"']?\s*#([^\"')]+?)\s*[\"']?\s*\)", re.IGNORECASE)
