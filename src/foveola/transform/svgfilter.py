"""What filters of a drawing cost: microseconds of each pixel, and how many pixels.

Measured with librsvg in libvips 8.18 and rounded up; the filters of a page are done in full for each part of it that is
asked for. Source: https://www.w3.org/TR/filter-effects-1/
"""

from __future__ import annotations

import re

from foveola.transform.svgshape import Box
from foveola.transform.svgtree import Node, number, numbers


def step(node: Node, scale: float) -> float:
    """Return what one step costs, microseconds of each pixel.

    Args:
        node: the step.
        scale: pixels of a unit of its radii.
    """
    said = node.attributes
    if node.tag == "feMorphology":
        radius = max(map(abs, numbers(said.get("radius", "0"))), default=0.0) * scale
        return min(0.5 + 0.1 * radius * radius, 8.0)
    if node.tag == "feConvolveMatrix":
        order = max(map(abs, numbers(said.get("order", "3"))), default=3.0)
        return 0.2 + 0.025 * min(order, 30.0) ** 2
    if node.tag == "feTurbulence":
        octaves = max(numbers(said.get("numOctaves", "1")), default=1.0)
        return 0.3 + 0.2 * min(max(octaves, 1.0), 9.0)
    if node.tag == "feMerge":
        return 0.08 * len(node.children)
    return _STEPS.get(node.tag, 0.0)


def functions(value: str) -> float:
    """Return what the functions in the property `filter` cost, microseconds of each pixel."""
    return float(len(_FUNCTION.findall(value)))


def region(node: Node, box: Box | None, scale: float, canvas: tuple[int, int]) -> float:
    """Return the pixels of a filter's region.

    Args:
        node: the filter.
        box: of the element that is filtered; None where that is not known.
        scale: pixels of a unit.
        canvas: width and height of the drawing, pixels.
    """
    own = node.attributes.get("filterUnits") == "userSpaceOnUse"
    pixels = 1.0
    for name, low, side in (("width", 0, canvas[0]), ("height", 1, canvas[1])):
        text = node.attributes.get(name, "120%")
        if own:
            pixels *= min(abs(number(text, side / scale, side / scale)) * scale, side)
        elif box is None:
            pixels *= side
        else:
            pixels *= min(abs(number(text, 1.0, 1.2)) * (box[2 + low] - box[low]) * scale, side)
    return pixels


_STEPS = {
    "feGaussianBlur": 0.6, "feDropShadow": 1.0, "feDisplacementMap": 2.5, "feColorMatrix": 0.3, "feBlend": 0.3,
    "feComponentTransfer": 0.2, "feComposite": 0.3, "feDiffuseLighting": 0.4, "feSpecularLighting": 0.4,
    "feFlood": 0.05, "feOffset": 0.05, "feTile": 0.1,
}  # fmt: skip
_FUNCTION = re.compile(
    r"(?:blur|drop-shadow|brightness|contrast|grayscale|hue-rotate|invert|opacity|saturate|sepia)\(", re.IGNORECASE
)
