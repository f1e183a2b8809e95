"""AVIF: Pillow (libavif, aom, dav1d) writes and reads; libvips writes 16 bit.

libavif maps the 101 qualities to AV1's 64 quantisers in its own steps, so that many neighbours are one setting. The
alpha plane is mapped more finely; to keep "equal settings, equal files" true with alpha, a quality is taken down to the
lowest of its setting before it is written.
Source: https://aomediacodec.github.io/av1-avif/; `tuneIqQualityToQuantizer` in libavif's src/codec_aom.c.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveola.codecs import pillow, vips
from foveola.codecs.base import ALL, holdable
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import AvifSettings

if TYPE_CHECKING:
    import pyvips

_TWINS = (
    *(0, 1, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 35, 37, 40, 42, 45, 47, 50, 52),
    *(56, 60, 64, 68, 72, 76, 80, 84, 88, 92, 96),
)
"""Qualities whose next has the same quantiser: a test encodes them all."""


@dataclass(frozen=True)
class Avif:
    """The codec of AVIF; see `foveola.codecs.base.Codec`."""

    name: str = "avif"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: AvifSettings) -> bytes:
        """Write `picture` in one thread and one tile, as tiles cost about 1 % of the size.

        16 bit is written by libvips, with 12.
        """
        holdable(picture, self.name)
        if picture.frames.dtype != np.uint8:
            return _save_deep(vips.from_picture(picture), quality, settings)
        chroma = "4:0:0" if picture.channels == 1 else "4:2:0" if _halved(quality, settings) else "4:4:4"
        return pillow.save(
            picture,
            "AVIF",
            quality=_lowest(quality),
            speed=settings.speed,
            subsampling=chroma,
            max_threads=1,
            autotiling=False,
        )

    def save(self, image: pyvips.Image, quality: int, settings: AvifSettings) -> bytes:
        """Write a lazy image; in 8 bit it is computed first, so that a fixed quality gives the file of a search."""
        if image.format == "uchar":
            return self.encode(vips.to_picture(image), quality, settings)
        return _save_deep(image, quality, settings)

    def decode(self, data: bytes) -> Picture:
        """Read a file, in 8 bit."""
        return pillow.decode(data, "AVIF")

    def setting(self, quality: int, settings: AvifSettings) -> Hashable:
        """Return the quantiser and the chroma subsampling."""
        return quantiser(quality), _halved(quality, settings)

    def axis(self, quality: int) -> float:
        """Return the quantiser: its steps are nearly equal ratios, so that their log is no straighter."""
        return float(quantiser(quality))


def _save_deep(image: pyvips.Image, quality: int, settings: AvifSettings) -> bytes:
    """Write 16 bit with imgproxy's arguments."""
    arguments = {
        "Q": _lowest(quality),
        "compression": "av1",
        "effort": 9 - settings.speed,
        "subsample_mode": "on" if _halved(quality, settings) else "off",
    }
    return vips.save(image, "heifsave_buffer", arguments)


def quantiser(quality: int) -> int:
    """Return libavif's quantiser for a quality of 0..100: 63 (coarsest) .. 0."""
    return 63 - quality + bisect_left(_TWINS, quality)


def _lowest(quality: int) -> int:
    """Return the lowest quality of the same setting."""
    while quality > ALL.min and quantiser(quality - 1) == quantiser(quality):
        quality -= 1
    return quality


def _halved(quality: int, settings: AvifSettings) -> bool:
    """Return whether chroma is written at half size."""
    return settings.subsample == "on" or (settings.subsample == "auto" and quality < 90)


CODEC = Avif()
