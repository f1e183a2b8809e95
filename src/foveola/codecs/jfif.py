"""A JPEG file around coefficients that are at hand: markers, tables and one baseline scan, in libjpeg-turbo's order.

The search has transformed the picture before it knows the quality; writing what it has takes a third of an encoder's
time. The bytes are those of Pillow's optimising encoder, which the tests hold this to.
Source: ITU-T T.81, annex B; ITU-T T.871 (JFIF); ICC.1:2022, B.4 for profiles in JPEG.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foveola import kernels
from foveola.codecs import iptc
from foveola.kernels import Coefficients, JpegPlanes
from foveola.kernels.twin import ZIGZAG
from foveola.picture import Picture

Table = NDArray[np.int64]
_PART = 65519
"""Bytes of a profile, or of resources, in one segment."""
_CLASSES = (0x00, 0x10, 0x01, 0x11)
"""DC and AC of luma, DC and AC of chroma."""


def planes_of(picture: Picture, halved: bool, luma: Coefficients | None = None, frame: int = 0) -> JpegPlanes:
    """Return the coefficients of a frame of an RGB picture, transformed once for all looks and encodes.

    Args:
        picture: RGB; alpha is not looked at.
        halved: chroma at half size (4:2:0), else at full size.
        luma: coefficients of the frame's luma, where they are at hand.
        frame: which.
    """
    key = "jpeg planes", halved, frame
    if key not in picture.memo:
        picture.memo[key] = kernels.prepare_jpeg(picture.frames[frame, :, :, :3], halved, luma)
    planes: JpegPlanes = picture.memo[key]
    return planes


def write(picture: Picture, tables: tuple[Table, Table], halved: bool) -> bytes:
    """Return a baseline file of a grey or RGB picture with the best Huffman codes.

    Args:
        picture: one frame; its profile, Exif, XMP, IPTC and resolution are written.
        tables: (8, 8) steps 1..255 of luma and chroma.
        halved: chroma at half size; of no effect on a grey picture.
    """
    grey = picture.channels == 1
    planes = kernels.forward_dct(picture.frames[0, :, :, 0]) if grey else planes_of(picture, halved)
    scan = kernels.scan(planes, *tables)
    parts = [b"\xff\xd8", *_application(picture), *_frame(picture, tables, halved)]
    parts += [_segment(0xC4, bytes([kind]) + codes) for kind, codes in zip(_CLASSES, scan.codes, strict=False)]
    count = 1 if grey else 3
    components = b"".join(bytes([i + 1, 0x11 if i else 0]) for i in range(count))
    parts += [_segment(0xDA, bytes([count]) + components + b"\0\x3f\0"), scan.data, b"\xff\xd9"]
    return b"".join(parts)


def resolved(data: bytes, dpi: float) -> bytes:
    """Return a file without JFIF, as libvips writes it, with JFIF's segment, which says the resolution.

    Args:
        data: the file.
        dpi: pixels an inch.
    """
    return data[:2] + _density(dpi) + data[2:]


def resources(picture: Picture) -> bytes:
    """Return the segment of Photoshop's resources with the block of IPTC; nothing where there is none or it is long."""
    data = iptc.wrapped(picture.iptc) or b""
    return _segment(0xED, data) if 0 < len(data) <= _PART else b""


def _density(dpi: float) -> bytes:
    density = min(round(dpi), 0xFFFF)
    return _segment(0xE0, b"JFIF\0\1\1\1" + struct.pack(">HH", density, density) + b"\0\0")


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _application(picture: Picture) -> Iterator[bytes]:
    """Yield the segments before the picture: JFIF with the resolution, Exif, IPTC, XMP, the profile in its parts."""
    yield _density(picture.dpi)
    if picture.exif:
        yield _segment(0xE1, picture.exif)
    yield resources(picture)
    if picture.xmp:
        yield _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + picture.xmp)
    profile = picture.icc or b""
    parts = [profile[at : at + _PART] for at in range(0, len(profile), _PART)]
    for number, part in enumerate(parts, 1):
        yield _segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)


def _frame(picture: Picture, tables: tuple[Table, Table], halved: bool) -> Iterator[bytes]:
    """Yield the tables of quantisation, and what the frame is made of."""
    grey = picture.channels == 1
    for index, table in enumerate(tables[:1] if grey else tables):
        yield _segment(0xDB, bytes([index]) + table.ravel()[ZIGZAG].astype(np.uint8).tobytes())
    sampling = 0x22 if halved else 0x11
    components = bytes([1, sampling, 0]) + (b"" if grey else bytes([2, 0x11, 1, 3, 0x11, 1]))
    size = struct.pack(">BHHB", 8, picture.height, picture.width, 1 if grey else 3)
    yield _segment(0xC0, size + components)
