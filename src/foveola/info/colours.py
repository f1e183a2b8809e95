"""Few colours that stand for all of a picture: its palette, and its vibrant and muted colours.

The palette is cut at the mean along the axis that varies most (Wan, Wong and Prusinkiewicz 1988), then each colour
moves to the middle of its pixels (Lloyd 1982). What makes a colour vibrant or muted, and which is best, is Android's:
https://developer.android.com/reference/androidx/palette/graphics/Target
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]
RGBA = tuple[int, int, int, int]
Floats = NDArray[np.float64]

MOVES = 4
"""How often the colours of a palette move; further moves change nothing that is seen."""
SWATCHES = 64
"""Of how many colours the dominant ones are chosen."""
_OPAQUE = 125
"""Alpha from which a pixel's colour is seen well enough to dominate."""
_BLACK, _WHITE = 0.05, 0.95
"""Lightness, of HSL, up to which and from which a colour is none that could be vibrant or muted."""


def palette(pixels: NDArray[np.uint8], most: int) -> list[tuple[RGBA, int]]:
    """Return the colours of a picture and how many pixels each stands for, the most frequent first.

    A picture of no more colours than asked has exactly those.

    Args:
        pixels: (H, W, 4) or (N, 4) uint8 sRGB and straight alpha.
        most: how many colours at most.
    """
    packed = np.ascontiguousarray(pixels.reshape(-1, 4)).view("<u4")[:, 0]
    values, counts = np.unique(packed, return_counts=True)
    colours = values.astype("<u4").view(np.uint8).reshape(-1, 4)
    if len(colours) <= most:
        return _frequent(zip(colours.tolist(), counts.tolist(), strict=True))
    points, weights = colours.astype(np.float64), counts.astype(np.float64)
    nearest = _settled(points, weights, _cut(points, weights, most))
    found: dict[RGBA, int] = {}
    for place in np.unique(nearest):
        own = nearest == place
        colour = _typical(points[own], weights[own])
        found[colour] = found.get(colour, 0) + int(weights[own].sum())
    return _frequent(found.items())


@dataclass(frozen=True)
class Target:
    """What a dominant colour should be like; all are 0..1 of HSL.

    Args:
        light: the best lightness, between the least and the greatest.
        saturation: likewise.
    """

    light: tuple[float, float, float]
    saturation: tuple[float, float, float]

    def allows(self, saturation: float, light: float) -> bool:
        """Return whether a colour may be this one."""
        least, _, most = self.saturation
        return least <= saturation <= most and self.light[0] <= light <= self.light[2]

    def score(self, saturation: float, light: float, share: float) -> float:
        """Return how good a colour is, 0..1; its share of the most frequent one counts too."""
        near = 0.24 * (1 - abs(saturation - self.saturation[1])) + 0.52 * (1 - abs(light - self.light[1]))
        return near + 0.24 * share


_LIGHT, _NORMAL, _DARK = (0.55, 0.74, 1.0), (0.3, 0.5, 0.7), (0.0, 0.26, 0.45)
_VIBRANT, _MUTED = (0.35, 1.0, 1.0), (0.0, 0.3, 0.4)
TARGETS: dict[str, Target] = {
    "vibrant": Target(_NORMAL, _VIBRANT),
    "light_vibrant": Target(_LIGHT, _VIBRANT),
    "dark_vibrant": Target(_DARK, _VIBRANT),
    "muted": Target(_NORMAL, _MUTED),
    "light_muted": Target(_LIGHT, _MUTED),
    "dark_muted": Target(_DARK, _MUTED),
}


def dominant(pixels: NDArray[np.uint8], build: bool) -> dict[str, RGB]:
    """Return the dominant colours of a picture by their names in `TARGETS`; without `build`, those that are there.

    Args:
        pixels: (H, W, 4) uint8 sRGB and straight alpha.
        build: make those that are not there from those that are.
    """
    seen = pixels[pixels[..., 3] >= _OPAQUE]
    if not len(seen):
        return {}
    seen[:, 3] = 255
    swatches = [(colour[:3], count) for colour, count in palette(seen, SWATCHES)]
    most = swatches[0][1]
    found: dict[str, RGB] = {}
    for name, target in TARGETS.items():
        scores = [
            (target.score(saturation, light, count / most), colour)
            for colour, count in swatches
            if colour not in found.values()
            for _, light, saturation in [_hls(colour)]
            if _BLACK < light < _WHITE and target.allows(saturation, light)
        ]
        if scores:
            found[name] = max(scores, key=lambda score: score[0])[1]
    if build and found:
        found |= {name: _built(name, found) for name in TARGETS if name not in found}
    return dict(sorted(found.items()))


def rgb(colour: Sequence[int]) -> dict[str, Any]:
    """Return a colour as imgproxy's JSON has it: `{"R": 189, "G": 178, "B": 169}`, with `A` where there is alpha."""
    return dict(zip("RGBA", colour, strict=False))


def _frequent(rows: Iterable[tuple[Sequence[int], int]]) -> list[tuple[RGBA, int]]:
    found = [((r, g, b, a), count) for (r, g, b, a), count in rows]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def _cut(points: Floats, weights: Floats, most: int) -> Floats:
    """Return the means of `most` boxes; each time the one with the greatest spread along an axis is cut in two."""
    boxes = [np.arange(len(points))]
    spreads = [_spread(points, weights)]
    while len(boxes) < most:
        widest = max(range(len(boxes)), key=lambda place: spreads[place][0])
        spread, axis, mean = spreads[widest]
        if spread <= 0:
            break
        box = boxes[widest]
        values = points[box, axis]
        low = values <= min(mean, float(values.max()) - 0.5)  # a mean that was rounded up would leave nothing above it
        for place, part in ((widest, box[low]), (len(boxes), box[~low])):
            boxes[place : place + 1] = [part]
            spreads[place : place + 1] = [_spread(points[part], weights[part])]
    return np.stack([np.average(points[box], axis=0, weights=weights[box]) for box in boxes])


def _spread(points: Floats, weights: Floats) -> tuple[float, int, float]:
    """Return the greatest sum of squares along an axis, that axis, and the mean on it."""
    means = np.average(points, axis=0, weights=weights)
    sums = weights @ (points - means) ** 2
    axis = int(sums.argmax())
    return (float(sums[axis]) if len(points) > 1 else 0.0), axis, float(means[axis])


def _settled(points: Floats, weights: Floats, centres: Floats) -> NDArray[np.intp]:
    """Return which colour each point belongs to, after the colours have moved."""
    for _ in range(MOVES):
        nearest = _nearest(points, centres)
        totals = np.bincount(nearest, weights, len(centres))
        sums = np.stack([np.bincount(nearest, weights * points[:, band], len(centres)) for band in range(4)], 1)
        centres = np.where(totals[:, None] > 0, sums / np.maximum(totals, 1)[:, None], centres)
    return _nearest(points, centres)


def _nearest(points: Floats, centres: Floats) -> NDArray[np.intp]:
    spots = centres.astype(np.float32)
    distances = points.astype(np.float32) @ (-2 * spots.T) + (spots**2).sum(1)
    nearest: NDArray[np.intp] = distances.argmin(1)
    return nearest


def _typical(points: Floats, weights: Floats) -> RGBA:
    """Return the colour that half of the pixels have, else their mean: flat areas keep their colour exactly."""
    most = int(weights.argmax())
    colour = points[most] if 2 * weights[most] >= weights.sum() else np.average(points, axis=0, weights=weights)
    red, green, blue, alpha = np.rint(colour).astype(int).tolist()
    return red, green, blue, alpha


def _hls(colour: RGB) -> tuple[float, float, float]:
    red, green, blue = (part / 255 for part in colour)
    return colorsys.rgb_to_hls(red, green, blue)


def _built(name: str, found: Mapping[str, RGB]) -> RGB:
    """Return the hue of the most alike colour that was found, as light and as saturated as `name` has to be."""
    target = TARGETS[name]

    def strangeness(other: str) -> tuple[bool, float]:
        return TARGETS[other].saturation != target.saturation, abs(TARGETS[other].light[1] - target.light[1])

    hue, _, saturation = _hls(found[min(found, key=strangeness)])
    least, _, most = target.saturation
    parts = colorsys.hls_to_rgb(hue, target.light[1], min(max(saturation, least), most))
    red, green, blue = (round(part * 255) for part in parts)
    return red, green, blue
