"""Where each format keeps its metadata, and what of it is shown.

libvips hands out the blocks of the formats that it reads. JPEG XL, which its wheel does not, has them in boxes, HEIC's
are pi-heif's, and a TIFF file is an Exif block itself.
Sources: https://www.libvips.org/API/current/ (metadata) and ISO/IEC 18181-2 (boxes of JPEG XL).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyvips

from foveola.codecs import heic
from foveola.codecs.boxes import boxes
from foveola.codecs.exif import order
from foveola.codecs.iptc import NUMBER, resources
from foveola.codecs.vips import field
from foveola.info.exif import exif
from foveola.info.iptc import RESOLUTION, iptc, resolution
from foveola.info.options import InfoOptions
from foveola.info.xmp import xmp

_JXL = b"\0\0\0\x0cJXL \r\n\x87\n"


@dataclass(frozen=True)
class Blobs:
    """The blocks of metadata in a file, each empty where there is none.

    Args:
        exif: in TIFF's form.
        xmp: an XML packet.
        iptc: a record of IIM.
        photoshop: Photoshop's block of the resolution.
    """

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    photoshop: bytes = b""


def blobs(data: bytes, format: str, image: pyvips.Image | None) -> Blobs:
    """Find the metadata of a file.

    Args:
        data: the file.
        format: its name.
        image: the file as libvips has opened it; None for a format that libvips does not read.
    """
    if format == "heic":
        return Blobs(*heic.metadata(data))
    if image is None:
        return _of_jpeg_xl(data) if data.startswith(_JXL) else Blobs()
    said = field(image, "iptc-data", b"")
    photoshop = resources(field(image, "photoshop-data", b"") or said)
    return Blobs(
        exif=data if format == "tiff" else field(image, "exif-data", b""),
        xmp=field(image, "xmp-data", b""),
        iptc=said if format == "tiff" else photoshop.get(NUMBER, b""),
        photoshop=photoshop.get(RESOLUTION, b""),
    )


def metadata(found: Blobs, options: InfoOptions) -> dict[str, Any]:
    """Return what is said under `exif`, `iptc`, `photoshop` and `xmp`, as far as it is wanted and can be read."""
    told: dict[str, Any] = {}
    if options.exif:
        told["exif"] = exif(found.exif, options.canonical_names)
    if options.iptc:
        told["iptc"] = iptc(found.iptc)
        if dots := resolution(found.photoshop):
            told["photoshop"] = {"resolution": dots}
    if options.xmp:
        told["xmp"] = xmp(found.xmp)
    return {name: value for name, value in told.items() if value}


def _of_jpeg_xl(data: bytes) -> Blobs:
    """Return what is in the first box of each kind."""
    found: dict[bytes, bytes] = {}
    for kind, begin, end in boxes(data):
        if kind in (b"Exif", b"xml "):
            found.setdefault(kind, data[begin:end])
    block = found.get(b"Exif", b"")
    start = 0 if order(block) else 4 + int.from_bytes(block[:4])  # some writers forget where it starts
    return Blobs(block[start:], found.get(b"xml ", b""))
