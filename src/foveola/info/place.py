"""Where a crop would lie, in shares of the picture, with the roundings of the processing option `crop`.

Source: https://docs.imgproxy.net/usage/processing#crop and #gravity
"""

from __future__ import annotations

from collections.abc import Callable

import pyvips

from foveola.options.values import Crop, Gravity
from foveola.transform.geometry import scale
from foveola.transform.placing import position


def place(crop: Crop, size: tuple[int, int], small: Callable[[], pyvips.Image]) -> dict[str, float]:
    """Return the left, the top, the width and the height of a crop, each 0..1.

    Args:
        crop: its size and gravity; the centre where it has none.
        size: width and height of the upright picture, pixels.
        small: returns the upright picture, as small as it may be, for the gravity that looks at it.
    """
    gravity = crop.gravity or Gravity()
    box = _side(crop.width, size[0]), _side(crop.height, size[1])
    looks = gravity.anchor == "sm"
    left, top = _drawing_attention(box, size, small()) if looks else position(size, box, gravity, dpr=1)
    return {"left": left / size[0], "top": top / size[1], "width": box[0] / size[0], "height": box[1] / size[1]}


def _side(said: float, whole: int) -> int:
    return min(int(said) if said >= 1 else max(1, scale(whole, said)), whole)


def _drawing_attention(box: tuple[int, int], size: tuple[int, int], small: pyvips.Image) -> tuple[float, float]:
    """Return the left and the top of what draws attention, pixels of the whole picture."""
    factors = small.width / size[0], small.height / size[1]
    width, height = (max(1, round(part * factor)) for part, factor in zip(box, factors, strict=True))
    found = small.smartcrop(width, height, interesting="attention")
    left, top = -found.xoffset / factors[0], -found.yoffset / factors[1]
    return min(left, size[0] - box[0]), min(top, size[1] - box[1])
