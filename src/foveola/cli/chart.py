"""The chart of `foveola curve --chart`: two panels over one scale of quality, drawn with Pillow alone.

DSSIM is drawn on a logarithmic scale, on which encoders' curves are nearly straight; bytes on a linear one. A chart
library would cost more to install than all of foveola.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from foveola.cli.show import size

Point = tuple[float, float]

_SCALE = 2  # drawn twice as large and averaged: Pillow's lines have no soft edges
_SIZE = (1000, 720)
_INK, _GREY, _GRID = (32, 33, 36), (107, 114, 128), (226, 229, 234)
_CURVE, _BYTES, _TARGET = (30, 100, 200), (200, 100, 20), (190, 30, 60)


@dataclass(frozen=True)
class Panel:
    """One pair of axes: where it is in pixels, and what its edges mean."""

    left: int
    top: int
    right: int
    bottom: int
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False

    def place(self, x: float, y: float) -> Point:
        """Return the pixel of a value."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        low, high, value = (math.log(v) for v in (*self.y, y)) if self.log else (*self.y, y)
        up = (value - low) / ((high - low) or 1)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)


def draw(points: Sequence[tuple[int, float, int]], target: float, title: str) -> Image.Image:
    """Draw DSSIM and bytes over quality.

    Args:
        points: (quality, DSSIM 0..1, bytes) in rising order of quality, at least one.
        target: the DSSIM to mark, above 0.
        title: the line above the chart.

    Returns:
        An RGB picture, 1000 x 720 pixels.
    """
    image = Image.new("RGB", (_SIZE[0] * _SCALE, _SIZE[1] * _SCALE), "white")
    canvas = ImageDraw.Draw(image)
    _text(canvas, (80, 22), title, _INK, 20)
    across = (points[0][0], points[-1][0])
    losses = [max(loss, 1e-5) for _, loss, _ in points]
    upper = Panel(80, 80, 970, 390, across, _decades([*losses, target]), log=True)
    lower = Panel(80, 460, 970, 660, across, (0, max(count for _, _, count in points) * 1.05))
    _axes(canvas, upper, "DSSIM (log scale)", _log_ticks(*upper.y), lambda value: f"{value:g}")
    _axes(canvas, lower, "Bytes", _ticks(lower.y[1], 4), lambda value: size(round(value)))
    _mark(canvas, upper, lower, points, target)
    _line(canvas, [upper.place(q, loss) for (q, _, _), loss in zip(points, losses, strict=True)], _CURVE)
    _line(canvas, [lower.place(q, count) for q, _, count in points], _BYTES)
    return image.resize(_SIZE, Image.Resampling.BOX)


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the limits of a logarithmic axis around `values`."""
    return min(values) / 1.25, max(values) * 1.25


def _log_ticks(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [d * 10.0**e for e in exponents for d in (1, 2, 5) if low <= d * 10.0**e <= high]


def _ticks(high: float, about: int) -> list[float]:
    """Return round values from 0 to `high`, `about` so many."""
    step = 10.0 ** math.floor(math.log10(max(high, 1) / about))
    step *= next(m for m in (1, 2, 5, 10) if high / (step * m) <= about + 1)
    return [n * step for n in range(int(high / step) + 1)]


def _axes(canvas: Any, panel: Panel, label: str, ticks: Sequence[float], show: Callable[[float], str]) -> None:
    for value in ticks:
        y = panel.place(panel.x[0], value)[1]
        _stroke(canvas, [(panel.left, y), (panel.right, y)], _GRID, 1)
        _text(canvas, (panel.left - 8, y), show(value), _GREY, 13, "rm")
    for quality in range(math.ceil(panel.x[0] / 10) * 10, int(panel.x[1]) + 1, 10):
        x = panel.place(quality, panel.y[1])[0]
        _stroke(canvas, [(x, panel.top), (x, panel.bottom)], _GRID, 1)
        _text(canvas, (x, panel.bottom + 6), str(quality), _GREY, 13, "mt")
    _stroke(canvas, [(panel.left, panel.top), (panel.left, panel.bottom), (panel.right, panel.bottom)], _GREY, 1.5)
    _text(canvas, (panel.left, panel.top - 8), label, _INK, 15, "lb")
    _text(canvas, (panel.right, panel.bottom + 26), "quality", _GREY, 13, "rt")


def _mark(canvas: Any, upper: Panel, lower: Panel, points: Sequence[tuple[int, float, int]], target: float) -> None:
    """Draw the target across the upper panel, and the lowest quality at or under it through both."""
    y = upper.place(upper.x[0], target)[1]
    _stroke(canvas, [(upper.left, y), (upper.right, y)], _TARGET, 1.5)
    _text(canvas, (upper.right, y - 4), f"target {target:g}", _TARGET, 14, "rb")
    enough = min((point for point in points if point[1] <= target), default=None)
    if enough is None:
        return
    quality, loss, count = enough
    for panel, value in ((upper, max(loss, 1e-5)), (lower, count)):
        x, y = panel.place(quality, value)
        _stroke(canvas, [(x, y), (x, panel.bottom)], _TARGET, 1.5)
        _dot(canvas, (x, y), 6, _TARGET)
    x, y = lower.place(quality, count)
    # The curve rises: above left and below right of a point there is room.
    along, down, anchor = (-10, -6, "rb") if x > (lower.left + lower.right) / 2 else (10, 6, "lt")
    _text(canvas, (x + along, y + down), f"quality {quality}: {size(count)}", _TARGET, 14, anchor)


def _line(canvas: Any, points: Sequence[Point], colour: tuple[int, int, int]) -> None:
    _stroke(canvas, points, colour, 2)
    for point in points:
        _dot(canvas, point, 3, colour)


def _stroke(canvas: Any, points: Sequence[Point], colour: tuple[int, int, int], width: float) -> None:
    if len(points) > 1:
        canvas.line([(x * _SCALE, y * _SCALE) for x, y in points], colour, round(width * _SCALE), joint="curve")


def _dot(canvas: Any, centre: Point, radius: float, colour: tuple[int, int, int]) -> None:
    canvas.circle((centre[0] * _SCALE, centre[1] * _SCALE), radius * _SCALE, colour)


def _text(canvas: Any, at: Point, text: str, colour: tuple[int, int, int], points: int, anchor: str = "lm") -> None:
    font = ImageFont.load_default(points * _SCALE)
    canvas.text((at[0] * _SCALE, at[1] * _SCALE), text, colour, font, anchor=anchor)
