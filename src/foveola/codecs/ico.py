"""ICO: one PNG in a directory of one is written; of the pictures in a file the largest is read.

It has no quality, so nothing is searched. What the directory says of its pictures is not believed: a byte can't tell a
side above 255, and the pictures have headers of their own.
Source: https://learn.microsoft.com/previous-versions/ms997538(v=msdn.10) (Icons); PNG in them since Windows Vista.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PIL.IcoImagePlugin import IcoFile

from foveola.codecs import contents, vips
from foveola.codecs.arrow import shared
from foveola.codecs.base import holdable
from foveola.errors import ArgumentError, ImageError, expected
from foveola.goal import Bounds
from foveola.picture import Header, Picture, sniff
from foveola.settings import IcoSettings

if TYPE_CHECKING:
    import pyvips

LONGEST = 256
"""Pixels of a side."""


@dataclass(frozen=True)
class Ico:
    """The codec of ICO; see `foveola.codecs.base.Codec`."""

    name: str = "ico"
    qualities: Bounds | None = None

    def encode(self, picture: Picture, quality: int, settings: IcoSettings) -> bytes:
        """Write `picture`."""
        return self.save(vips.from_picture(holdable(picture, self.name)), quality, settings)

    def save(self, image: pyvips.Image, quality: int, settings: IcoSettings) -> bytes:  # noqa: ARG002
        """Write a lazy image as PNG of RGB with alpha, which is what Windows asks of a PNG in an icon.

        Raises:
            ArgumentError: a side is above 256 pixels.
        """
        if max(image.width, image.height) > LONGEST:
            raise ArgumentError(expected(f"sides of at most {LONGEST} pixels", self.name, (image.width, image.height)))
        image = vips.without(vips.eight_bits(image), *_METADATA).colourspace("srgb")
        png = vips.save(image if image.hasalpha() else image.addalpha(), "pngsave_buffer", {"filter": "all"})
        return _single(png, image.width, image.height, 32)

    def decode(self, data: bytes) -> Picture:
        """Read the largest picture of a file: RGB with alpha, or what its PNG is."""
        found = _largest(data)
        if found.png:
            return vips.to_picture(vips.eight_bits(vips.channels(vips.load(found.data, "png"))))
        return Picture(_bitmap(found)[np.newaxis])

    def setting(self, quality: int, settings: IcoSettings) -> Hashable:  # noqa: ARG002
        """Return nothing: all qualities give one file."""
        return None

    def axis(self, quality: int) -> float:  # noqa: ARG002
        """Return 0: nothing is lost."""
        return 0.0


def header(data: bytes) -> Header:
    """Read what an icon says of its largest picture.

    Raises:
        ImageError: no icon, or a broken one.
    """
    found = _largest(data)
    if not found.png:
        return Header("ico", found.width, found.height, 4, alpha=True)
    contents.check(found.data, "png")
    image = vips.load(found.data, "png", access="sequential")
    return Header("ico", image.width, image.height, image.bands, bool(image.hasalpha()))


@dataclass(frozen=True)
class _Entry:
    """One picture of an icon, with what its own header says."""

    data: bytes
    width: int
    height: int
    bits: int
    png: bool


def _largest(data: bytes) -> _Entry:
    """Return the largest picture, of equal ones that with the most colours."""
    try:
        return max(_entries(data), key=lambda entry: (entry.width * entry.height, entry.bits))
    except (struct.error, ValueError) as error:
        raise _broken(str(error)) from error


def _entries(data: bytes) -> Iterator[_Entry]:
    """Yield the pictures; raises struct.error where the file breaks off."""
    _, _, count = _DIRECTORY.unpack_from(data)
    left = _TIMES * len(data)
    for number in range(count):
        *_, bits, size, at = _ENTRY.unpack_from(data, _DIRECTORY.size + number * _ENTRY.size)
        left -= size
        if left < 0:
            raise ValueError("pictures that lie over each other")
        if at + size > len(data):
            raise struct.error(f"a picture up to byte {at + size}, {len(data)} are there")
        part = data[at : at + size]
        if sniff(part) == "png":
            width, height = struct.unpack_from(">II", part, 16)
            yield _Entry(part, width, height, bits, png=True)
            continue
        length, width, height, _, bits = struct.unpack_from("<IiiHH", part)
        if length < 40 or width < 1 or height < 2 or bits not in _DEPTHS:
            raise ValueError(f"a picture of {width}x{height // 2} in {bits} bit")
        yield _Entry(part, width, height // 2, bits, png=False)


def _bitmap(entry: _Entry) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels of a bitmap with its mask; Pillow is shown an icon of this one alone."""
    start, row = _pixels(entry), -(-entry.width // 32) * 4
    end = start + -(-entry.width * entry.bits // 32) * 4 * entry.height
    mask = entry.data[end : end + row * entry.height]
    if len(entry.data) < end or (entry.bits < 32 and len(mask) < row * entry.height):
        raise _broken("a bitmap that breaks off")
    try:
        image = IcoFile(BytesIO(_single(entry.data, entry.width, entry.height, entry.bits))).frame(0)
        pixels = shared(image.convert("RGBA")).copy()
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise _broken(str(error)) from error
    if entry.bits == 32 and not pixels[..., 3].any():  # from before there was alpha: the mask counts
        if len(mask) < row * entry.height:
            raise _broken("a mask that breaks off")
        bits = np.unpackbits(np.frombuffer(mask, np.uint8).reshape(entry.height, row), axis=1)
        pixels[..., 3] = 255 * (1 - bits[::-1, : entry.width])
    return pixels


def _pixels(entry: _Entry) -> int:
    """Return where the pixels of a bitmap begin: after its header and its palette."""
    (length,) = struct.unpack_from("<I", entry.data)
    (colours,) = struct.unpack_from("<I", entry.data.ljust(40, b"\0"), 32)
    return int(length) + 4 * (colours or 2**entry.bits if entry.bits <= 8 else 0)


def _single(part: bytes, width: int, height: int, bits: int) -> bytes:
    """Return an icon of one picture; 256 pixels are written as 0."""
    at = _DIRECTORY.size + _ENTRY.size
    return _DIRECTORY.pack(0, 1, 1) + _ENTRY.pack(width % 256, height % 256, 0, 0, 1, bits, len(part), at) + part


def _broken(reason: str) -> ImageError:
    return ImageError(f"Expected a whole ico file, got a broken one ({reason})")


_DIRECTORY, _ENTRY = struct.Struct("<HHH"), struct.Struct("<BBBBHHII")
_TIMES = 4
"""Whole files that the pictures may come to; of a file whose pictures lie beside each other they are one."""
_DEPTHS = (1, 4, 8, 16, 24, 32)
_METADATA = (vips.PROFILE, "exif-data", "xmp-data")
CODEC = Ico()
