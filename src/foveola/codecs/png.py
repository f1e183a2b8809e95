"""PNG: libvips writes and reads it, with imgproxy's arguments.

It has no quality, so nothing is searched. A palette is written when it is asked for, and kept when the source had one.
Source: https://docs.imgproxy.net/configuration/options (PNG compression); RFC 2083.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foveola.codecs import vips
from foveola.codecs.base import holdable
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import PngSettings

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Png:
    """The codec of PNG; see `foveola.codecs.base.Codec`."""

    name: str = "png"
    qualities: Bounds | None = None

    def encode(self, picture: Picture, quality: int, settings: PngSettings) -> bytes:
        """Write `picture`."""
        return self.save(vips.from_picture(holdable(picture, self.name)), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: PngSettings) -> bytes:  # noqa: ARG002
        """Write a lazy image with imgproxy's arguments."""
        return vips.save(image, "pngsave_buffer", {"interlace": settings.interlaced, **_pixels(image, settings)})

    def decode(self, data: bytes) -> Picture:
        """Read a file; grey stays one channel, a palette is expanded, 16 bit is kept."""
        return vips.decode(data, "png")

    def setting(self, quality: int, settings: PngSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:  # noqa: ARG002
        """Return 0: nothing is lost."""
        return 0.0


def _pixels(image: pyvips.Image, settings: PngSettings) -> dict[str, Any]:
    """Return the arguments for a palette of 1, 2, 4 or 8 bits, or for none."""
    if settings.quantize:
        depth = _depth((settings.quantization_colors - 1).bit_length())
    elif vips.field(image, "palette", 0):
        depth = _depth(vips.field(image, "bits-per-sample", 8))
    else:
        return {"filter": "all"}
    return {"filter": "none", "palette": True, "bitdepth": depth}


def _depth(bits: int) -> int:
    return next(depth for depth in (1, 2, 4, 8) if bits <= depth)


CODEC = Png()
