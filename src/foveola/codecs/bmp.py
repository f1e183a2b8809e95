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
_MASKED = 3
_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
CODEC = Bmp()
