"""Where a crop would lie, in shares of the picture, with the roundings of the processing option `crop`.

Source: https://docs.imgproxy.net/usage/processing#crop and #gravity
"""

from __future__ import annotations

from collections.abc import Callable

import pyvips

from foveola.options.values import Crop, Gravity
from foveola.transform.geometry import scale


def place(crop: Crop, size: tuple[int, int], small: Callable[[], pyvips.Image]) -> dict[str, float]:
    """Return the left, the top, the width and the height of a crop, each 0..1.

    Args:
        crop: its size and gravity; the centre where it has none.
        size: width and height of the upright picture, pixels.
        small: returns the upright picture, as small as it may be, for the gravity that looks at it.
    """
    gravity = crop.gravity or Gravity()
    box = _side(crop.width, size[0]), _side(crop.height, size[1])
    if gravity.anchor == "sm":
        left, top = _drawing_attention(box, size, small())
    else:
        left = _start(size[0], box[0], gravity.x, _side_of(gravity, "we", "ea"))
        top = _start(size[1], box[1], gravity.y, _side_of(gravity, "no", "so"))
    return {
        "left": left / size[0],
        "top": top / size[1],
        "width": box[0] / size[0],
        "height": box[1] / size[1],
    }


def _side(said: float, whole: int) -> int:
    return min(int(said) if said >= 1 else max(1, scale(whole, said)), whole)


def _side_of(gravity: Gravity, low: str, high: str) -> str:
    """Return `low`, `high`, `point` or `middle`: what the gravity says along one axis."""
    if gravity.anchor == "fp":
        return "point"
    return "low" if low in gravity.anchor else "high" if high in gravity.anchor else "middle"


def _start(size: int, part: int, offset: float, side: str) -> int:
    """Return where a part begins along one axis; offsets lead away from the side, half pixels go to even ones."""
    away = round(offset) if abs(offset) >= 1 else round(size * offset)
    starts = {
        "point": lambda: round(size * offset) - part // 2,
        "low": lambda: away,
        "high": lambda: size - part - away,
        "middle": lambda: round((size - part + 1) / 2) + away,
    }
    return min(max(starts[side](), 0), size - part)


def _drawing_attention(box: tuple[int, int], size: tuple[int, int], small: pyvips.Image) -> tuple[float, float]:
    """Return the left and the top of what draws attention, pixels of the whole picture."""
    factors = small.width / size[0], small.height / size[1]
    width, height = (max(1, round(part * factor)) for part, factor in zip(box, factors, strict=True))
    found = small.smartcrop(width, height, interesting="attention")
    left, top = -found.xoffset / factors[0], -found.yoffset / factors[1]
    return min(left, size[0] - box[0]), min(top, size[1] - box[1])
