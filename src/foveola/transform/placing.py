"""Where one rectangle stands on another: a crop on its picture, a picture on its canvas, a watermark on a picture.

The roundings are imgproxy's, because an offset that is one pixel off shows as a seam beside the same picture made by
imgproxy: shares of a side and half sides round half to even. No picture is touched here.
Source: https://docs.imgproxy.net/usage/processing#gravity
"""

from __future__ import annotations

from foveola.options.values import Gravity

_NORTH, _SOUTH = ("no", "noea", "nowe"), ("so", "soea", "sowe")
_WEST, _EAST = ("we", "nowe", "sowe"), ("ea", "noea", "soea")
_FARTHEST = 1e9
"""Pixels beyond which an offset says nothing more: libvips allows ten million a side."""


def position(
    canvas: tuple[int, int], item: tuple[int, int], gravity: Gravity, dpr: float, overhang: bool = False
) -> tuple[int, int]:
    """Return where the top left corner of an item stands on a canvas.

    Args:
        canvas: width and height in pixels, 1 or more.
        item: width and height in pixels, 1 or more; it may be larger than the canvas.
        gravity: to which side, and how far from it; `sm` counts as the centre.
        dpr: what offsets in pixels are multiplied with, above 0.
        overhang: whether the item may stick out, so that at least one of its pixels stays on the canvas.

    Returns:
        Pixels from the left and from the top. Without overhang both are 0 or more.
    """
    if gravity.anchor == "fp":
        corners = [_around(*side) for side in zip(canvas, item, (gravity.x, gravity.y), strict=True)]
    else:
        across, down = _ends(gravity.anchor)
        corners = [
            _beside(canvas[0], item[0], across, offset(canvas[0], gravity.x, dpr)),
            _beside(canvas[1], item[1], down, offset(canvas[1], gravity.y, dpr)),
        ]
    left, top = (_held(*side, overhang) for side in zip(corners, canvas, item, strict=True))
    return left, top


def offset(size: int, value: float, dpr: float) -> int:
    """Return an offset in pixels.

    Args:
        size: of the side that a share is of, pixels.
        value: a share where it lies between -1 and 1, pixels otherwise.
        dpr: what pixels are multiplied with, above 0.
    """
    wanted = value * dpr if abs(value) >= 1 else size * value
    return round(max(-_FARTHEST, min(wanted, _FARTHEST)))


def _ends(anchor: str) -> tuple[int, int]:
    """Return to which end of each side an anchor holds: -1 the left or the top, 1 the other, 0 neither."""
    return (anchor in _EAST) - (anchor in _WEST), (anchor in _SOUTH) - (anchor in _NORTH)


def _beside(size: int, part: int, end: int, away: int) -> int:
    if end < 0:
        return away
    if end > 0:
        return size - part - away
    return round((size - part + 1) / 2) + away


def _around(size: int, part: int, share: float) -> int:
    """Return where a part begins whose middle lies at a share of the side."""
    return round(size * share) - part // 2


def _held(at: int, size: int, part: int, overhang: bool) -> int:
    least, most = (1 - part, size - 1) if overhang else (0, size - part)
    return max(least, min(at, most))
