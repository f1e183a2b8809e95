"""TIFF: libvips writes and reads it, as imgproxy saves it: without compression.

So its quality has no effect and every quality is one setting: a search makes one encode and reports its value.
Source: https://docs.imgproxy.net/usage/processing#quality; TIFF 6.0.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foveola.codecs import vips
from foveola.codecs.base import ALL, holdable
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import TiffSettings

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Tiff:
    """The codec of TIFF; see `foveola.codecs.base.Codec`."""

    name: str = "tiff"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: TiffSettings) -> bytes:
        """Write `picture`."""
        return self.save(vips.from_picture(holdable(picture, self.name)), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: TiffSettings) -> bytes:  # noqa: ARG002
        """Write a lazy image as imgproxy does; its argument `Q` has no effect without compression and is left out."""
        return vips.save(image, "tiffsave_buffer", {})

    def decode(self, data: bytes) -> Picture:
        """Read the first page of a file of grey or RGB in 8 or 16 bit."""
        return vips.decode(data, "tiff")

    def setting(self, quality: int, settings: TiffSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:
        """Return the distance from the best quality, as nothing is lost at any."""
        return float(ALL.max - quality)


CODEC = Tiff()
