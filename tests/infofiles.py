"""Files with metadata for tests, written byte by byte or by Pillow, and pictures of known colours."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pillow_jxl  # noqa: F401  # Pillow writes JPEG XL with it
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
   aux:LensID="163" aux:Lens="16.0-35.0 mm f/4.0" dc:format="image/jpeg">
  <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>
  <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>boats</rdf:li></rdf:Bag></dc:subject>
  <dc:title><rdf:Alt>
   <rdf:li xml:lang="de">Hafen</rdf:li><rdf:li xml:lang="x-default">Harbour</rdf:li>
  </rdf:Alt></dc:title>
  <dc:source/>
  <xmpMM:DerivedFrom stRef:documentID="d1" rdf:parseType="Resource"><stRef:part>2</stRef:part></xmpMM:DerivedFrom>
  <xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description dc:format="x"/></rdf:li></rdf:Bag></xmpMM:Pantry>
 </rdf:Description>
 <rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">
  <photoshop:DateCreated>2016-09-11T18:44:50.003</photoshop:DateCreated>
 </rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
SAID = {
    "aux": {"LensID": "163", "Lens": "16.0-35.0 mm f/4.0"},
    "dc": {"format": "image/jpeg", "creator": ["Ada"], "subject": ["sea", "boats"], "title": "Harbour"},
    "xmpMM": {"DerivedFrom": {"documentID": "d1", "part": "2"}, "Pantry": [{"format": "x"}]},
    "photoshop": {"DateCreated": "2016-09-11T18:44:50.003"},
}
"""What `PACKET` says."""


def flat(size: tuple[int, int], colour: tuple[int, ...]) -> Image.Image:
    return Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour)


def halves(size: tuple[int, int], left: tuple[int, ...], right: tuple[int, ...]) -> Image.Image:
    image = flat(size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def made(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Return (H, W, 4) of integers only, so that any language makes the same."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = (
        (x * (7 + seed) + y * 3) % 256,
        (x * x // (3 + seed) + 5 * y) % 256,
        (x * y // 7 + seed * 31) % 256,
        np.minimum(255, x * 9 + y * 4 + seed * 40),
    )
    return np.stack(planes, 2).astype(np.uint8)


def exif_block() -> Image.Exif:
    """Return what a camera writes, in the hands of Pillow."""
    block = Image.Exif()
    block.update({0x0110: "NIKON D810", 0x0131: "Adobe Photoshop Lightroom 6.1 (Windows)", 0x0112: 6, 0x0128: 2})
    block.update({0x0132: "2016:09:11 22:15:03", 0x011A: IFDRational(240)})
    shot = block.get_ifd(0x8769)
    shot.update({0x9202: IFDRational(8), 0xA408: 0, 0x9003: "2016:09:11 21:00:00", 0x829D: IFDRational(16)})
    shot.update({0x829A: IFDRational(1, 250), 0x927C: b"\1\2\3" * 30, 0x9000: b"0230", 0x9209: 0x18, 0x8827: 100})
    shot.update({0x9286: b"UNICODE\0" + "hé".encode("utf-16"), 0x9101: b"\1\2\3\0", 0x9201: IFDRational(-1)})
    place = block.get_ifd(0x8825)
    place.update({1: "N", 2: (52.0, 30.0, 1.5), 0: b"\2\3\0\0", 7: (1.0, 2.0, 3.25), 5: b"\0"})
    return block


def record(*fields: tuple[int, int, bytes]) -> bytes:
    """Return a record of IIM."""
    return b"".join(bytes((0x1C, part, number)) + len(value).to_bytes(2) + value for part, number, value in fields)


def resource(number: int, data: bytes, name: bytes = b"") -> bytes:
    """Return one of Photoshop's blocks; its name and its data are padded to an even length."""
    named = bytes([len(name)]) + name
    return (
        b"8BIM"
        + number.to_bytes(2)
        + named
        + b"\0" * (len(named) % 2)
        + len(data).to_bytes(4)
        + data
        + b"\0" * (len(data) % 2)
    )


DOTS = struct.pack(">IHHIHH", 240 << 16, 1, 1, 72 << 16 | 1 << 15, 2, 3)
"""240 an inch across, 72.5 a centimetre down, the width in inches, the height in points."""


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """Return a JPEG with one more segment after its first two bytes."""
    return jpeg[:2] + bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2) + data + jpeg[2:]


def captioned(jpeg: bytes, *resources: bytes) -> bytes:
    """Return a JPEG with blocks of Photoshop's."""
    return with_segment(jpeg, 0xED, b"Photoshop 3.0\0" + b"".join(resources))
