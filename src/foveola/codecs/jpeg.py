"""JPEG: Pillow (libjpeg-turbo) writes the plain files and reads all, libvips those that need an option of mozjpeg.

Both write the same coefficients; Pillow takes two thirds of the time. The tables of quantisation are read off a file of
the encoder itself, so that no copy of them can go stale.
Source: ITU-T T.81, Annex K; https://docs.imgproxy.net/configuration/options (JPEG compression).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from foveola import kernels
from foveola.codecs import iptc, jfif, pillow, vips
from foveola.codecs.base import ALL, holdable
from foveola.errors import ArgumentError, CodecError, expected
from foveola.goal import Bounds
from foveola.picture import Picture
from foveola.settings import JpegSettings

if TYPE_CHECKING:
    import pyvips

Table = NDArray[np.int64]


@dataclass(frozen=True)
class Jpeg:
    """The codec of JPEG; see `foveola.codecs.base.Codec`."""

    name: str = "jpeg"
    qualities: Bounds | None = ALL

    def encode(self, picture: Picture, quality: int, settings: JpegSettings) -> bytes:
        """Write `picture`: baseline from its coefficients, progressive with Pillow, options of mozjpeg with libvips.

        Pillow gives the optimiser one buffer of a byte a pixel (two from quality 95) and fails when the file is bigger,
        as with noise; libvips then writes the same coefficients.
        """
        holdable(picture, self.name)
        if _mozjpeg(settings):
            return self.save(vips.from_picture(picture), quality, settings)
        if _ours(picture, settings):
            return jfif.write(picture, tables(quality), halved(quality, settings))
        try:
            return pillow.save(
                picture,
                "JPEG",
                quality=quality,
                optimize=True,
                progressive=settings.progressive,
                subsampling="4:2:0" if halved(quality, settings) else "4:4:4",
                dpi=(picture.dpi, picture.dpi),
                extra=jfif.resources(picture),
            )
        except CodecError:
            return self.save(vips.from_picture(picture), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: JpegSettings) -> bytes:
        """Write a lazy image with imgproxy's arguments, a small one from its pixels: that takes two thirds as long."""
        if image.hasalpha():
            raise ArgumentError(expected("no alpha channel", self.name, f"{image.bands} bands"))
        if _plain(settings) and image.format == "uchar" and image.width * image.height <= _SMALL:
            picture = vips.to_picture(image)
            if _ours(picture, settings):
                return jfif.write(picture, tables(quality), halved(quality, settings))
            image = vips.from_picture(picture)
        return _by_libvips(image, quality, settings)

    def decode(self, data: bytes) -> Picture:
        """Read a file."""
        return pillow.decode(data, "JPEG")

    def setting(self, quality: int, settings: JpegSettings) -> Hashable:
        """Return the two tables and the chroma subsampling: low qualities share tables once 255 is reached."""
        return *_written(quality, settings.quant_table), halved(quality, settings)

    def axis(self, quality: int) -> float:
        """Return the mean log of the steps for luma, which end at 1 and 255: straighter than the log of their scale."""
        return _mean_log(quality)


def luma_table(quality: int, quant_table: int = 0) -> Table:
    """Return the quantisation table that our encoder writes for luma.

    Args:
        quality: 1..100.
        quant_table: 0..8, mozjpeg's numbers: 0 Annex K, 3 ImageMagick's.

    Returns:
        (8, 8) integers 1..255, the DC step first, rows of rising vertical frequency.
    """
    return tables(quality, quant_table)[0]


@cache
def tables(quality: int, quant_table: int = 0) -> tuple[Table, Table]:
    """Return the quantisation tables for luma and chroma; see `luma_table`."""
    luma, chroma = (np.clip((base * scale(quality) + 50) // 100, 1, 255) for base in _bases(quant_table))
    return luma, chroma


@cache
def _written(quality: int, quant_table: int) -> tuple[bytes, bytes]:
    luma, chroma = (table.tobytes() for table in tables(quality, quant_table))
    return luma, chroma


@cache
def _mean_log(quality: int) -> float:
    return float(np.log(luma_table(quality)).mean())


def scale(quality: int) -> int:
    """Return the percentage that libjpeg takes of its tables: 5000 at quality 1, 100 at 50, 0 at 100."""
    return 5000 // quality if quality < 50 else 200 - 2 * quality


@cache
def _bases(quant_table: int) -> tuple[Table, Table]:
    """Read the tables of quality 50, where the scale is 1, off a file of one pixel."""
    data = _by_libvips(vips.from_picture(_PIXEL), 50, JpegSettings(quant_table=quant_table))
    with JpegImageFile(BytesIO(data)) as image:
        luma, chroma = (np.array(image.quantization[index]).reshape(8, 8) for index in (0, 1))
    for place, step in _BEYOND.get(quant_table, {}).items():
        luma[place] = chroma[place] = step
    return luma, chroma


def _by_libvips(image: pyvips.Image, quality: int, settings: JpegSettings) -> bytes:
    arguments = {
        "Q": quality,
        "optimize_coding": True,
        "interlace": settings.progressive,
        "subsample_mode": "on" if halved(quality, settings) else "off",
        "trellis_quant": settings.trellis_quant,
        "overshoot_deringing": settings.overshoot_deringing,
        "optimize_scans": settings.optimize_scans and settings.progressive,
        "quant_table": settings.quant_table,
    }
    data = vips.save(vips.with_iptc(image, iptc.fitting), "jpegsave_buffer", arguments)
    dpi = vips.dpi(image)
    return data if dpi == vips.DPI else jfif.resolved(data, dpi)


def _mozjpeg(settings: JpegSettings) -> bool:
    """Return whether an option is on that only mozjpeg has."""
    scans = settings.optimize_scans and settings.progressive
    return settings.trellis_quant or settings.overshoot_deringing or scans or settings.quant_table > 0


def _plain(settings: JpegSettings) -> bool:
    """Return whether our own encoder has all that is asked."""
    return kernels.ACTIVE == "c" and not settings.progressive and not _mozjpeg(settings)


def _ours(picture: Picture, settings: JpegSettings) -> bool:
    """Return whether we write the file: Pillow's, byte for byte, of what surely fits into its segments."""
    held = all(len(blob or b"") <= _SEGMENT for blob in (picture.exif, picture.xmp, picture.iptc))
    return _plain(settings) and held and max(picture.width, picture.height) <= _LONGEST


def halved(quality: int, settings: JpegSettings) -> bool:
    """Return whether chroma is written at half size: libvips' `auto`, the default of imgproxy."""
    return quality < 90 and not settings.no_subsample


_BEYOND = {
    3: {(6, 7): 311, (7, 6): 311, (7, 7): 418},
    5: {(6, 7): 312, (7, 6): 312, (7, 7): 419},
}
"""Steps above 255, the most that a file shows; other qualities give them away."""
_SMALL = 4_000_000
"""Pixels of a picture whose array costs less than it saves."""
_LONGEST = 65500
"""Pixels of a side; libjpeg writes no more."""
_SEGMENT = 65500
"""Bytes of Exif, XMP or IPTC that surely fit into their segment; Pillow says what is wrong with more."""
_PIXEL = Picture(np.zeros((1, 1, 1, 3), np.uint8))
CODEC = Jpeg()
