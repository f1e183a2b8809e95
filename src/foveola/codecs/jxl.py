"""JPEG XL: pillow-jxl-plugin (libjxl) writes and reads; libvips' wheel has no JPEG XL.

Its encoder and decoder are called without Pillow between: bytes of pixels go in and come out. It writes no colour
profile, and reads RGB in 8 bit only.
Source: https://pypi.org/project/pillow-jxl-plugin/; ISO/IEC 18181-1; 18181-2, 9.3 (the box of Exif).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pillow_jxl

from foveola.codecs import base, pillow, vips
from foveola.codecs.base import ALL, holdable
from foveola.codecs.exif import order
from foveola.errors import CodecError, ImageError
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import JxlSettings

if TYPE_CHECKING:
    import pyvips

_Encoder: Any = pillow_jxl.Encoder  # the wheel's own types lack half of the arguments
_Decoder: Any = pillow_jxl.Decoder

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_MODES_READ = {"L": (1, "u1"), "LA": (2, "u1"), "RGB": (3, "u1"), "RGBA": (4, "u1"), "I;16": (1, "u2")}
_SRGB = re.compile(rb".{4}jxl .*(\0s\0R\0G\0B|\0G\0r\0a\0_\0D\x006\x005\0_.{6}\0_\0S\0R\0G)", re.DOTALL)
"""The profiles that libjxl makes up for sRGB and its grey, which the file only names."""
_MOST = 99.999
"""The wheel takes 100 for mathematically lossless and fails; so near, the distance is 0.1 as libvips has it."""


@dataclass(frozen=True)
class Jxl:
    """The codec of JPEG XL; see `foveola.codecs.base.Codec`."""

    name: str = "jxl"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: JxlSettings) -> bytes:
        """Write `picture` in one thread."""
        holdable(picture, self.name)
        encoder = _Encoder(
            mode=_MODES[picture.channels], quality=min(quality, _MOST), effort=settings.effort, num_threads=0
        )
        pixels, block = picture.frames[0].tobytes(), base.bare(picture.exif)
        exif = _OFFSET.pack(0) + block if block else None
        try:
            data: bytes = encoder(
                pixels, picture.width, picture.height, jpeg_encode=False, exif=exif, xmp=picture.xmp or None
            )
        except Exception as error:  # the wheel's own errors have no common class
            raise CodecError(f"jxl encoder failed: {error}") from error
        return data

    def save(self, image: pyvips.Image, quality: int, settings: JxlSettings) -> bytes:
        """Compute a lazy image and write it; 16 bit is cut to 8."""
        return self.encode(vips.to_picture(vips.eight_bits(image)), quality, settings)

    def decode(self, data: bytes) -> Picture:
        """Read a file, turned upright by the decoder: grey in 8 or 16 bit, RGB in 8."""
        try:
            jpeg, info, pixels, icc, boxes = _Decoder(num_threads=0)(data)
        except Exception as error:  # as above
            raise ImageError("Expected a whole JPEG XL file, got a broken one") from error
        if jpeg:  # a JPEG packed without loss comes out as such
            return pillow.decode(pixels, "JPEG")
        if info.mode not in _MODES_READ:
            raise ImageError(f"Expected JPEG XL of 8 or 16 bit, got {info.mode}")
        channels, kind = _MODES_READ[info.mode]
        frame = np.frombuffer(pixels, kind).reshape(info.height, info.width, channels)
        found = {box.box_type: box.data for box in boxes}
        return Picture(
            (frame[..., [0, 0, 0, 1]] if channels == 2 else frame)[None],
            icc=None if not icc or _SRGB.match(icc) else icc,
            exif=base.marked(_exif(found.get(b"Exif"))),
            xmp=found.get(b"xml "),
        )

    def setting(self, quality: int, settings: JxlSettings) -> Hashable:  # noqa: ARG002
        """Return the quality: libjxl's distance differs for each."""
        return quality

    def axis(self, quality: int) -> float:
        """Return the log of the distance that libjxl makes of `quality`."""
        if quality >= 30:
            return math.log(0.1 + (100 - quality) * 0.09)
        return math.log(53 / 3000 * quality**2 - 23 / 20 * quality + 25)


def _exif(data: bytes | None) -> bytes | None:
    """Return the Exif block of a box, which says first where in it the block begins; some writers leave that out."""
    if data is None or order(data) or len(data) < _OFFSET.size:
        return data
    (start,) = _OFFSET.unpack_from(data)
    return data[_OFFSET.size + start :] or None


_OFFSET = struct.Struct(">I")
CODEC = Jxl()
