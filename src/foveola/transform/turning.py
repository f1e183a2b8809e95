"""Turning and mirroring: what Exif says was done to a picture, and what a URL wants done, in that order.

Pixels are turned after scaling, when there are fewer, so a crop that comes before has to be turned the other way.
Source: https://docs.imgproxy.net/usage/processing#rotate and Exif 3.0, 4.6.5.1.1 (Orientation)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foveola.options.values import Anchor, Gravity, ProcessingOptions
from foveola.transform.geometry import Size

if TYPE_CHECKING:
    import pyvips

_VECTORS: dict[Anchor, tuple[int, int]] = {
    "ce": (0, 0),
    "no": (0, -1),
    "so": (0, 1),
    "ea": (1, 0),
    "we": (-1, 0),
    "noea": (1, -1),
    "nowe": (-1, -1),
    "soea": (1, 1),
    "sowe": (-1, 1),
}
_ANCHORS = {vector: anchor for anchor, vector in _VECTORS.items()}
_QUARTERS = {3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
_MIRRORED = frozenset({2, 4, 5, 7})


@dataclass(frozen=True)
class Turn:
    """What is done to a stored picture until it stands as it was asked to.

    Args:
        stored: quarters clockwise that Exif asks for, 0..3.
        mirrored: whether Exif asks for left and right to be exchanged then.
        asked: quarters clockwise that the URL asks for, 0..3.
        across: whether the URL asks for left and right to be exchanged then.
        down: whether it asks for top and bottom to be exchanged.
    """

    stored: int = 0
    mirrored: bool = False
    asked: int = 0
    across: bool = False
    down: bool = False

    @classmethod
    def of(cls, orientation: int, options: ProcessingOptions) -> Turn:
        """Return the turn of a picture.

        Args:
            orientation: 1..8 as in Exif; 1 where it is to be ignored.
            options: what the URL asks for.
        """
        quarters = _QUARTERS.get(orientation, 0)
        return cls(quarters, orientation in _MIRRORED, options.rotate // 90 % 4, *options.flip)

    @property
    def nothing(self) -> bool:
        """Whether the picture stands right already."""
        return self == Turn()

    @property
    def swaps(self) -> bool:
        """Whether width and height change places."""
        return (self.stored + self.asked) % 2 == 1

    def size(self, size: Size) -> Size:
        """Return a size after, or before, turning."""
        return (size[1], size[0]) if self.swaps else size

    def pixels(self, image: pyvips.Image) -> pyvips.Image:
        """Return the image turned; its pixels have to be at hand in any order."""
        for quarters, across, down in (
            (self.stored, self.mirrored, False),
            (self.asked, self.across, self.down),
        ):
            image = image.rot(f"d{90 * quarters}") if quarters else image
            image = image.fliphor() if across else image
            image = image.flipver() if down else image
        return image

    def before(self, gravity: Gravity) -> Gravity:
        """Return the gravity that means in the stored picture what `gravity` means in the turned one."""
        gravity = _turned_back(_mirrored(gravity, self.across, self.down), self.asked)
        return _turned_back(_mirrored(gravity, self.mirrored, False), self.stored)


def _mirrored(gravity: Gravity, across: bool, down: bool) -> Gravity:
    """Return a gravity with its sides exchanged; from a side offsets point inwards, from the middle right and down."""
    if gravity.anchor == "sm" or not (across or down):
        return gravity
    if gravity.anchor == "fp":
        return replace(gravity, x=1 - gravity.x if across else gravity.x, y=1 - gravity.y if down else gravity.y)
    h, v = _VECTORS[gravity.anchor]
    x = -gravity.x if across and not h else gravity.x
    y = -gravity.y if down and not v else gravity.y
    return Gravity(_ANCHORS[-h if across else h, -v if down else v], x, y)


def _turned_back(gravity: Gravity, quarters: int) -> Gravity:
    """Return a gravity turned anticlockwise."""
    if gravity.anchor == "sm":
        return gravity
    for _ in range(quarters):
        if gravity.anchor == "fp":
            gravity = replace(gravity, x=gravity.y, y=1 - gravity.x)
        else:
            h, v = _VECTORS[gravity.anchor]
            gravity = Gravity(_ANCHORS[v, -h], gravity.y, gravity.x if h else -gravity.x)
    return gravity
