"""BMP: Pillow writes what is opaque and reads all; what is transparent is written here, as Pillow drops alpha.

It has no quality, so nothing is searched. 32 bit are written with the masks of their channels, without which readers
take the fourth byte for filling. Source: https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapv4header
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foveola.codecs import pillow, vips
from foveola.codecs.base import holdable
from foveola.errors import ImageError
from foveola.goal import Bounds
from foveola.picture import Header, Picture
from foveola.settings import BmpSettings

if TYPE_CHECKING:
    import pyvips


@dataclass(frozen=True)
class Bmp:
    """The codec of BMP; see `foveola.codecs.base.Codec`."""

    name: str = "bmp"
    qualities: Bounds | None = None

    def encode(self, picture: Picture, quality: int, settings: BmpSettings) -> bytes:  # noqa: ARG002
        """Write `picture` with 8 bit a pixel of grey, 24 of RGB, 32 with alpha."""
        if holdable(picture, self.name).alpha:
            return _transparent(picture)
        return pillow.save(picture, "BMP", dpi=(picture.dpi, picture.dpi))

    def save(self, image: pyvips.Image, quality: int, settings: BmpSettings) -> bytes:
        """Compute a lazy image and write it; 16 bit is cut to 8."""
        picture = vips.to_picture(vips.without(vips.eight_bits(image), vips.PROFILE))
        return self.encode(picture, quality, settings)

    def decode(self, data: bytes) -> Picture:
        """Read a file; a palette is expanded, the fourth byte is alpha where a mask says so."""
        _check_length(data)
        return pillow.decode(data, "BMP")

    def setting(self, quality: int, settings: BmpSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:  # noqa: ARG002
        """Return 0: nothing is lost."""
        return 0.0


def header(data: bytes) -> Header:
    """Read what a BMP file says of itself; raises ImageError."""
    return pillow.header(data, "bmp")


def _check_length(data: bytes) -> None:
    """Refuse a file that has not the bytes of its pixels, before there is memory for them; packed ones have any number.

    Raises:
        ImageError: it is too short.
    """
    if len(data) < _START.size:
        return  # Pillow says what is wrong
    start, size, width, height, bits, packed = _START.unpack_from(data)
    if size >= _INFO and packed in (0, _MASKED):
        filling = 3  # bytes that round off a row; the last one can do without
        whole = start + (width * bits + 31) // 32 * 4 * abs(height)
        if len(data) + filling < whole:
            raise ImageError(f"Expected a whole BMP file of {whole} bytes, got {len(data)}")


def _transparent(picture: Picture) -> bytes:
    """Return a file with alpha: rows from the bottom to the top, blue first."""
    pixels = picture.frames[0, ::-1, :, [2, 1, 0, 3]].transpose(1, 2, 0).tobytes()
    density = round(picture.dpi / 0.0254)
    size = _FILE.size + _HEADER.size
    file = _FILE.pack(b"BM", size + len(pixels), 0, 0, size)
    shape = (_HEADER.size, picture.width, picture.height, 1, 32, _MASKED, len(pixels), density, density, 0, 0)
    return file + _HEADER.pack(*shape, *_MASKS, b"BGRs") + pixels


_FILE = struct.Struct("<2sIHHI")
_HEADER = struct.Struct("<IiiHHIIiiII4I4s48x")
_START = struct.Struct("<10xIIii2xHI")
"""Where the pixels are, the bytes of the header, width, height, bits of a pixel, and how they are packed."""
_INFO = 40
"""Bytes of a header that says how pixels are packed."""
_MASKED = 3
_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
CODEC = Bmp()
