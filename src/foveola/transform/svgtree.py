"""A drawing as a tree of what costs time: elements, what they refer to, and what style sheets say of them.

It is read for `foveola.transform.svgcost`, which says what drawing it would take. Style sheets are not matched, only
asked what they might say: of several values the costliest holds, so a drawing can hide nothing behind a selector.
Source: https://www.w3.org/TR/SVG2/; https://www.w3.org/TR/css-syntax-3/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from foveola.transform.svg import DEEPEST, MOST_BYTES, parse, readable, refused, unescaped

MOST_ELEMENTS = 100_000
"""librsvg takes 2 kB for each."""
MOST_MATCHING = 2_000_000.0
"""Microseconds that matching style sheets may take."""
Style = dict[str, str]


@dataclass(slots=True, eq=False)
class Node:
    """One element.

    Args:
        tag: its local name.
        attributes: local names and values.
        style: properties that may hold for it; of those that it inherits only what it says itself.
        children: the elements inside.
        text: characters directly inside.
    """

    tag: str
    attributes: Style
    style: Style = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    text: int = 0

    @property
    def target(self) -> str:
        """The name of the element that it refers to by its address, empty where there is none."""
        address = self.attributes.get("href", "").strip()
        return address[1:] if address.startswith("#") else ""


@dataclass
class Tree:
    """A drawing.

    Args:
        root: the element `svg`.
        named: elements by their name.
        sheet: whether there are style sheets.
    """

    root: Node
    named: dict[str, Node]


def read(data: bytes) -> Tree:
    """Read a drawing.

    Raises:
        ImageError: no XML, too large, too many elements or too deep, or style sheets that take long to match.
    """
    if len(data) > MOST_BYTES:
        raise refused(f"a drawing of at most {MOST_BYTES} bytes", len(data))
    reader = _Reader()
    parse(data, reader)
    rules = list(_rules("".join(reader.sheets)))
    _check_matching(reader, [selector for selector, _ in rules])
    by_key: dict[str, Style] = {}
    for selector, style in rules:
        _merge(by_key.setdefault(_key(selector), {}), style)
    for node in reader.nodes:
        _styled(node, by_key)
    return Tree(reader.nodes[0], reader.named)


def plain(data: bytes) -> bool:
    """Return whether a drawing surely has few elements and no style sheets: no need to look what reading it costs."""
    marks = (b"<!ENTITY", b"<style", b":style")
    few = len(data) <= MOST_BYTES and data.count(b"<") <= MOST_ELEMENTS
    return few and readable(data) and not any(mark in data for mark in marks)


class _Reader:
    """Builds the tree while the document is parsed."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.named: dict[str, Node] = {}
        self.sheets: list[str] = []
        self.deepest = self.widest = 0
        self._open: list[Node] = []

    def start(self, name: str, attributes: Style) -> None:
        node = Node(name.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()})
        self.nodes.append(node)
        if len(self.nodes) > MOST_ELEMENTS or len(self._open) > DEEPEST:
            raise refused(f"at most {MOST_ELEMENTS} elements, {DEEPEST} deep", f"{len(self.nodes)}, {len(self._open)}")
        if self._open:
            self._open[-1].children.append(node)
            self.widest = max(self.widest, len(self._open[-1].children))
        self._open.append(node)
        self.deepest = max(self.deepest, len(self._open))
        if "id" in attributes:
            self.named.setdefault(attributes["id"], node)

    def end(self, name: str) -> None:  # noqa: ARG002
        self._open.pop()

    def text(self, text: str) -> None:
        node = self._open[-1]
        if node.tag == "style":
            self.sheets.append(text)
        else:
            node.text += len(text)


def _check_matching(reader: _Reader, selectors: list[str]) -> None:
    """Refuse sheets and elements that are so many that librsvg, which tries each with each, takes seconds."""
    each = sum(
        0.5 + 0.05 * (reader.deepest if _BELOW.search(one) else 0) + 0.05 * (reader.widest if "~" in one else 0)
        for one in selectors
    )
    if each * len(reader.nodes) > MOST_MATCHING:
        raise refused("style sheets that can be matched", f"{len(selectors)} rules for {len(reader.nodes)} elements")


def _rules(sheet: str) -> Iterator[tuple[str, Style]]:
    """Yield each selector of a style sheet, with what matters of its properties; what `@media` holds too."""
    for selectors, block in _RULE.findall(_COMMENT.sub(" ", unescaped(sheet))):
        style = dict(_declared(block))
        for selector in _bare(selectors).split(","):
            yield selector, style


def _bare(selector: str) -> str:
    """Return a selector without what stands in brackets."""
    while (shorter := _BRACKETS.sub("", selector)) != selector:
        selector = shorter
    return selector


def _key(selector: str) -> str:
    """Return the one thing that an element must have for a selector to be about it: `#name`, `.class`, a tag or `*`."""
    last = _BELOW.split(selector.strip())[-1]
    for kind in ("#", "."):
        if found := re.search(rf"\{kind}([\w-]+)", last):
            return kind + found[1]
    found = re.match(r"(?:\w*\|)?([\w-]+)", last)
    return found[1] if found else "*"


def _styled(node: Node, by_key: dict[str, Style]) -> None:
    """Say what may hold for an element, by its attributes, its style and the sheets."""
    said = node.attributes
    for name in PROPERTIES & said.keys():
        node.style[name] = said[name]
    styles = [dict(_declared(unescaped(said["style"])))] if "style" in said else []
    if by_key:
        classes = (f".{name}" for name in said.get("class", "").split())
        keys = ("*", node.tag, f"#{said.get('id', '')}", *classes)
        styles += [by_key[key] for key in keys if key in by_key]
    for style in styles:
        _merge(node.style, style)


def _merge(style: Style, other: Style) -> None:
    """Say in one style what may hold of another."""
    for name, value in other.items():
        style[name] = _costlier(name, style.get(name, ""), value)


def _declared(block: str) -> Iterator[tuple[str, str]]:
    """Yield the properties of a block that matter."""
    for part in block.split(";"):
        name, _, value = part.partition(":")
        if (name := name.strip().lower()) in PROPERTIES:
            yield name, value.partition("!")[0].strip()


def _costlier(name: str, one: str, other: str) -> str:
    """Return that of two values which takes longer to draw; the later where that can't be told."""
    if not one or one in ("none", "normal", "inherit"):
        return other
    if name in ("stroke-width", "font-size"):
        return max(one, other, key=lambda text: number(text, 0.0))
    return one if ("(" in one and "(" not in other) or other in ("none", "normal", "inherit", "1") else other


def number(text: str, whole: float, missing: float = 0.0) -> float:
    """Return a length in pixels.

    Args:
        text: with or without a unit.
        whole: what 100 % are.
        missing: what there is where it can't be understood.
    """
    found = _LENGTH.match(text)
    if not found:
        return missing
    value = min(max(float(found[1]), -1e9), 1e9)
    return value * (whole / 100 if found[2] == "%" else UNITS.get((found[2] or "").lower(), 1.0))


def numbers(text: str) -> list[float]:
    """Return the numbers of a list."""
    return [number(part, 1.0) for part in re.split(r"[\s,]+", text.strip()) if part]


UNITS = {"mm": 3.78, "cm": 37.8, "in": 96.0, "pt": 1.34, "pc": 16.0, "em": 16.0, "ex": 8.0, "ch": 8.0}
PROPERTIES = frozenset(
    {"filter", "mask", "clip-path", "fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size"}
    | {"mix-blend-mode", "isolation", "transform", "marker", "marker-start", "marker-mid", "marker-end"}
)
"""What says how long drawing takes."""
_LENGTH = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([a-zA-Z]{2}|%)?")
_RULE = re.compile(r"([^{};]*)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_BELOW = re.compile(r"\s*[>+~]\s*|\s+(?=[^\s>+~])")
