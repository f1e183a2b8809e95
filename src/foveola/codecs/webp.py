"""WebP: Pillow writes plain lossy files and reads all; libvips writes those with an option that Pillow lacks.

Both carry libwebp and write files of the same size; Pillow takes a tenth less time.
Source: https://developers.google.com/speed/webp/docs/cwebp; RFC 9649.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foveola.codecs import pillow, vips
from foveola.codecs.base import ALL, holdable
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import WebpSettings

if TYPE_CHECKING:
    import pyvips

_LOSSLESS_QUALITY = 75
"""What libwebp searches with when nothing is lost: an effort, so it must not follow the quality; its own default."""


@dataclass(frozen=True)
class Webp:
    """The codec of WebP; see `foveola.codecs.base.Codec`."""

    name: str = "webp"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: WebpSettings) -> bytes:
        """Write `picture` with Pillow, or with libvips where Pillow lacks the option."""
        holdable(picture, self.name)
        plain = settings.compression == "lossy" and settings.preset == "default" and not settings.smart_subsample
        if plain and len(picture.frames) == 1:
            return pillow.save(picture, "WEBP", quality=quality, method=settings.effort)
        return self.save(vips.from_picture(picture), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: WebpSettings) -> bytes:
        """Write a lazy image with imgproxy's arguments; `near_lossless` takes the quality as its level."""
        arguments = {
            "Q": _LOSSLESS_QUALITY if settings.compression == "lossless" else quality,
            "effort": settings.effort,
            "preset": settings.preset,
            "lossless": settings.compression == "lossless",
            "near_lossless": settings.compression == "near_lossless",
            "smart_subsample": settings.smart_subsample,
        }
        return vips.save(image, "webpsave_buffer", arguments)

    def decode(self, data: bytes) -> Picture:
        """Read a file; grey is written and read as RGB."""
        return pillow.decode(data, "WEBP")

    def setting(self, quality: int, settings: WebpSettings) -> Hashable:
        """Return the quality; libwebp's level of 0..5 where it is near-lossless; nothing where it is lossless."""
        if settings.compression == "lossless":
            return None
        return quality // 20 if settings.compression == "near_lossless" else quality

    def axis(self, quality: int) -> float:
        """Return the log of libwebp's quantiser 0..127 plus 8.

        Over ten photographs and all qualities log DSSIM lies .066 (rms) off a straight line, .13 without the 8.
        """
        linear = quality / 150 if quality < 75 else quality / 50 - 1
        return math.log(127 * (1 - math.cbrt(linear)) + 8)


CODEC = Webp()
