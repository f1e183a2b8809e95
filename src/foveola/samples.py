"""Sample pictures made by code, so that a first try, the tour and the tests need neither a download nor a photo.

Four kinds that encoders treat differently: a landscape with the texture, light and grain of a photo; a user interface
with text; flat, saturated areas with sharp edges; a colour gradient with transparency. The same on every run.
The landscape is fractal value noise throughout: the ranges' outlines, their relief, the clouds.
Source: Musgrave, Kolb, Mace: The synthesis and rendering of eroded fractal terrains (SIGGRAPH 1989).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[Any]
Size = tuple[int, int]

_RANGES = 7

_INK = (32, 33, 36)
_GREY = (107, 114, 128)
_LINE = (221, 224, 229)
_BRIGHT = ((229, 57, 53), (30, 136, 229), (67, 160, 71), (253, 216, 53), (142, 36, 170), (0, 172, 193))


def write_samples(folder: Path) -> list[Path]:
    """Write the sample pictures into `folder` as PNG files.

    Args:
        folder: where to; it is made if it is not there. Files of the same names are replaced.

    Returns:
        The paths of the files, in the order of `SAMPLES`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in SAMPLES]
    for path, draw in zip(paths, SAMPLES.values(), strict=True):
        draw().save(path, compress_level=6)
    return paths


def landscape(size: Size = (1536, 1024)) -> Image.Image:
    """Draw mountains under a cloudy sky: fractal relief, slanting light, haze and the grain of a sensor.

    Args:
        size: width and height in pixels.

    Returns:
        An RGB picture.
    """
    random = np.random.default_rng(1989)
    ground, near = _ground(*size, random)
    haze = (0.75 * (1 - near / (_RANGES - 1)) ** 1.4)[..., None]
    ground = ground * (1 - haze) + np.array([0.66, 0.74, 0.84]) * haze
    scene = _through_lens(np.where(near[..., None] < 0, _sky(*size, random), ground))
    grain = random.normal(0, 1, (*size[::-1], 1)) + 0.5 * random.normal(0, 1, scene.shape)
    return _image(scene + grain * (0.002 + 0.004 * np.sqrt(scene)))


def interface(size: Size = (1440, 900)) -> Image.Image:
    """Draw a window of a program: text in several sizes, a table, buttons, a chart.

    Args:
        size: width and height in pixels.

    Returns:
        An RGB picture.
    """
    image = Image.new("RGB", size, (246, 247, 249))
    draw = ImageDraw.Draw(image)
    _side_bar(draw, size[1])
    draw.text((270, 28), "Pictures served today", _INK, _font(30))
    draw.text((270, 72), "Bytes saved at DSSIM 0.02, by format and by hour", _GREY, _font(16))
    for place, label in enumerate(("Export", "Compare", "Settings")):
        left = size[0] - 420 + place * 132
        draw.rounded_rectangle((left, 34, left + 118, 70), 8, _BRIGHT[1] if place == 0 else (255, 255, 255), _LINE)
        draw.text((left + 59, 52), label, (255, 255, 255) if place == 0 else _INK, _font(15), anchor="mm")
    _chart(draw, (270, 116, size[0] - 40, 420))
    _table(draw, (270, 450, size[0] - 40, size[1] - 30))
    return image


def flat(size: Size = (1200, 1000)) -> Image.Image:
    """Draw a poster: large areas of one saturated colour each, with sharp straight and round edges.

    Args:
        size: width and height in pixels.

    Returns:
        An RGB picture.
    """
    width, height = size[0] * 2, size[1] * 2
    image = Image.new("RGB", (width, height), _BRIGHT[3])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.62, width, height), _BRIGHT[1])
    draw.ellipse((width * 0.1, height * 0.1, width * 0.62, height * 0.72), _BRIGHT[0])
    draw.polygon(
        [(width * 0.45, height * 0.85), (width * 0.7, height * 0.2), (width * 0.95, height * 0.85)], _BRIGHT[2]
    )
    draw.rectangle((width * 0.62, height * 0.08, width * 0.92, height * 0.24), _BRIGHT[4])
    for row in range(6):
        for column in range(14):
            x, y = width * (0.06 + column * 0.028), height * (0.74 + row * 0.036)
            draw.ellipse((x, y, x + width * 0.014, y + width * 0.014), (255, 255, 255))
    for stripe in range(12):
        x = width * (0.56 + stripe * 0.035)
        draw.line((x, height * 0.9, x + width * 0.05, height * 0.98), (0, 0, 0), 3 + 2 * stripe)
    return image.resize(size, Image.Resampling.BOX)


def gradient_alpha(size: Size = (1200, 1000)) -> Image.Image:
    """Draw a smooth gradient of colours whose opacity falls off from a disc and a soft wave.

    Args:
        size: width and height in pixels.

    Returns:
        An RGBA picture.
    """
    width, height = size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    phase = np.stack([x, x * 0.7 + y * 0.5 + 0.33, y + 0.66], axis=-1)
    colour = 0.5 + 0.5 * np.cos(2 * np.pi * phase)
    disc = 1 / (1 + np.exp((np.hypot(x - 0.5, (y - 0.5) * height / width) - 0.33) * 40))
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (3 * x + 0.5 * np.sin(4 * y)))
    return _image(np.dstack([colour, disc * (0.55 + 0.45 * wave)]))


SAMPLES: dict[str, Callable[[], Image.Image]] = {
    "landscape": landscape,
    "interface": interface,
    "flat": flat,
    "gradient-alpha": gradient_alpha,
}


def _image(values: Array) -> Image.Image:
    """Return values 0..1, (H, W, 3 | 4), as a picture of 8 bits."""
    return Image.fromarray(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))


def _font(points: int) -> Any:
    return ImageFont.load_default(points)


def _lattice(grid: Array, x: Array, y: Array) -> Array:
    """Return the smooth interpolation of the wrapping `grid` of 64 x 64 random values at (x, y)."""
    column, row = np.floor(x), np.floor(y)
    u, v = x - column, y - row
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    left, top = column.astype(np.int32) & 63, row.astype(np.int32) & 63
    right, bottom = (left + 1) & 63, (top + 1) & 63
    upper = grid[top, left] * (1 - u) + grid[top, right] * u
    lower = grid[bottom, left] * (1 - u) + grid[bottom, right] * u
    return np.asarray(upper * (1 - v) + lower * v)


def _fractal(x: Array, y: Array, random: np.random.Generator, octaves: int, gain: float) -> Array:
    """Return value noise summed over octaves, each turned, twice as fine and `gain` as strong; about -0.5..0.5."""
    total, strength = np.zeros(x.shape, np.float32), 1 - gain
    for _ in range(octaves):
        total += strength * _lattice(random.uniform(-1, 1, (64, 64)).astype(np.float32), x, y)
        x, y, strength = 1.6 * x - 1.2 * y + 17.3, 1.2 * x + 1.6 * y + 5.1, strength * gain
    return total


def _sky(width: int, height: int, random: np.random.Generator) -> Array:
    """Return a blue that pales downwards, under clouds seen in perspective; (H, W, 3)."""
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    across = np.linspace(-1.5, 1.5, width, dtype=np.float32)
    deep = 0.9 / (up + 0.16)
    cover = _fractal(across * deep + 40, np.broadcast_to(deep * 3, (height, width)), random, 6, 0.55)
    cloud = np.clip(cover * 2.6 - 0.05, 0, 1)[..., None]
    blue = np.array([0.22, 0.42, 0.74]) + (1 - up[..., None]) ** 1.5 * np.array([0.56, 0.46, 0.20])
    white = (0.98 - 0.2 * np.clip(cover * 2 - 0.5, 0, 1))[..., None] * np.array([1.0, 0.985, 0.97])
    return np.asarray(blue * (1 - cloud) + white * cloud)


def _ridges(width: int, height: int, random: np.random.Generator) -> Array:
    """Return the row at which each mountain range begins, far to near, (ranges, W)."""
    across = np.linspace(0, 1, width, dtype=np.float32)
    rows = []
    for k in range(_RANGES):
        nearness = k / (_RANGES - 1)
        shape = _fractal(across * (5 - 3 * nearness) + 7.7 * k, np.full_like(across, k), random, 9, 0.5)
        rows.append(height * (0.34 + 0.48 * nearness**1.3 - (0.34 - 0.24 * nearness) * (shape + 0.15)))
    return np.stack(rows)


def _ground(width: int, height: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Return the colour of the ground, (H, W, 3), and the number of the range at each pixel, (H, W), -1 for the sky."""
    ridges = _ridges(width, height, random)
    row = np.arange(height, dtype=np.float32)[:, None]
    near = np.full((height, width), -1)
    for k, ridge in enumerate(ridges):
        near[row >= ridge] = k
    below = row - ridges[near, np.arange(width)]
    scale = np.float32(0.012) * 1.35 ** (_RANGES - 1 - near).astype(np.float32)
    x = (np.arange(width, dtype=np.float32) - width / 2) * scale
    relief = _fractal(x + 13 * near, (row + 0.5 * below) * scale, random, 7, 0.62)
    slope = 4 * np.diff(relief, axis=1, append=relief[:, -1:]) + 3 * np.diff(relief, axis=0, append=relief[-1:])
    light = np.clip(0.78 - 1.6 * slope * (0.012 / scale) ** 0.3 + 0.25 * relief, 0.1, 1.5)
    return _paint(near, below / height, relief) * light[..., None], near


def _paint(near: Array, below: Array, relief: Array) -> Array:
    """Return the colour of each point of the ground in full light: snow on far ranges, then rock, then grass."""
    nearness = (near / (_RANGES - 1))[..., None]
    relief = relief[..., None]
    snow = np.clip(1.6 - 3.8 * nearness - 7 * below[..., None] + 1.8 * relief, 0, 1)
    green = np.clip(nearness * 3 - 1.2 + 2.2 * relief, 0, 1)
    meadow = np.array([0.20, 0.30, 0.10]) + np.array([0.24, 0.20, 0.10]) * np.clip(nearness + 1.6 * relief, 0, 1)
    bare = np.array([0.52, 0.46, 0.40]) * (1 - green) + meadow * green
    return np.asarray(bare * (1 - snow) + np.array([1.0, 1.0, 1.02]) * snow)


def _through_lens(scene: Array) -> Array:
    """Return the scene a little soft, as a lens draws it, clipped to 0..1."""
    wide = np.pad(scene, ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = wide[:, 1:-1] / 2 + (wide[:, :-2] + wide[:, 2:]) / 4
    return np.asarray(np.clip(tall[1:-1] / 2 + (tall[:-2] + tall[2:]) / 4, 0, 1))


def _side_bar(draw: ImageDraw.ImageDraw, height: int) -> None:
    draw.rectangle((0, 0, 230, height), (28, 35, 49))
    draw.text((24, 28), "foveola", (255, 255, 255), _font(28))
    for place, label in enumerate(
        ("Overview", "Pictures", "Formats", "Sources", "Presets", "Signatures", "Limits", "Log")
    ):
        top = 100 + place * 46
        if place == 1:
            draw.rounded_rectangle((12, top - 10, 218, top + 28), 6, _BRIGHT[1])
        draw.ellipse((26, top + 2, 38, top + 14), _BRIGHT[place % len(_BRIGHT)])
        draw.text((52, top), label, (226, 232, 240), _font(15))


def _chart(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw.rounded_rectangle(box, 10, (255, 255, 255), _LINE)
    for line in range(6):
        y = bottom - 40 - line * (bottom - top - 70) // 5
        draw.line((left + 56, y, right - 20, y), _LINE)
        draw.text((left + 48, y), f"{line * 20} MB", _GREY, _font(12), anchor="rm")
    hours = np.arange(24)
    step = (right - left - 90) / 24
    for number, colour in enumerate(_BRIGHT[:3]):
        level = 0.45 + 0.35 * np.sin((hours + 5 * number) / 3.1) + 0.06 * np.cos(hours * (2.3 + number))
        for hour in hours:
            x = left + 64 + hour * step + number * step * 0.27
            draw.rectangle(
                (x, bottom - 40 - level[hour] * (bottom - top - 70) * 0.9, x + step * 0.22, bottom - 40), colour
            )
    for hour in hours[::3]:
        draw.text((left + 64 + hour * step, bottom - 30), f"{hour:02}:00", _GREY, _font(12))


def _table(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw.rounded_rectangle(box, 10, (255, 255, 255), _LINE)
    heads = ("Picture", "Format", "Quality", "DSSIM", "Before", "After", "Saved")
    formats = ("JPEG", "WebP", "AVIF", "JPEG XL")
    for row in range((bottom - top) // 32):
        y = top + 16 + row * 32
        before, after = 1900 + 733 * row % 2711, 210 + 97 * row % 389
        cells = (
            f"holiday/{1040 + 37 * row}.jpg",
            formats[row % 4],
            str(61 + 7 * row % 23),
            f"0.0{181 + 13 * row % 39}",
        )
        sizes = (f"{before} kB", f"{after} kB", f"{100 - 100 * after / before:.1f} %")
        for place, text in enumerate(heads if row == 0 else (*cells, *sizes)):
            x = left + 20 + (0, 330, 450, 560, 690, 830, 970)[place]
            draw.text((x, y), text, _GREY if row == 0 else _INK, _font(14), anchor="lm")
        draw.line((left, y + 16, right, y + 16), _LINE)
