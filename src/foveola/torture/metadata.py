"""Metadata that are oversized, cyclic, doubled or broken: Exif, XMP, profiles, IPTC, thumbnails.

Source: CIPA DC-008 (Exif 2.32); ISO 16684-1 (XMP); ICC.1:2022; IPTC-NAA IIM 4.2.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from random import Random

from PIL import Image

from foveola.torture import png
from foveola.torture.jpeg import segment
from foveola.torture.kind import WORDS, Kind, Made, zeros
from foveola.torture.seeds import pixels, sound
from foveola.torture.svg import LAUGHS

_ROOM = 65_000
_XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>%s</rdf:RDF></x:xmpmeta>"


def _exif(random: Random) -> bytes:
    """Return an Exif block without its name."""
    order, mark = random.choice((("<", b"II*\0"), (">", b"MM\0*")))
    count = random.choice((1, 5, 40, 3000))
    tags = (274, 34665, 34853, 40965, 37500, 271, 33432, 36867, 305, 282, 513, 514, 2, 4, 6, 29)
    rows = b"".join(
        struct.pack(order + "HHII", random.choice(tags), random.choice((1, 2, 3, 4, 5, 7, 10, 12, 0, 255)),
                    random.choice((1, 1, 3, *WORDS)) % 2**32, random.choice((8, 8, 1, 26, *WORDS)) % 2**32)
        for _ in range(count)
    )  # fmt: skip
    start = random.choice((8, 8, 8, 0, 7, 2**32 - 1))
    stated = random.choice((count, count, 65_535))
    following = random.choice((0, 8, 2**32 - 1))
    return (
        mark
        + struct.pack(order + "IH", start, stated)
        + rows
        + struct.pack(order + "I", following)
        + random.randbytes(60)
    )


def _thumbnail(random: Random) -> bytes:
    """Return an Exif block with a thumbnail in its second directory that is hostile itself."""
    inner = random.choice((sound("jpg")[:400], png.bomb(random)[1][:50_000], sound("jpg"), random.randbytes(3000), b""))
    size, at = random.choice((len(inner), 0, 2**32 - 1)), random.choice((56, 56, 8, 2**32 - 1))
    second = struct.pack("<HHHIIHHIIHHIII", 3, 259, 3, 1, 6, 513, 4, 1, at, 514, 4, 1, size, 0)
    return b"II*\0" + struct.pack("<IHI", 8, 0, 14) + second + inner


def _xmp(random: Random) -> bytes:
    """Return a packet of XMP."""
    depth = random.choice((100, 2000, 4000))
    return random.choice(
        (
            LAUGHS + b"<x>&l9;</x>",
            b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + _XMP % b"&e;",
            _XMP % (b"<rdf:li>" * depth),
            _XMP % (b"<rdf:Bag>" * depth + b"</rdf:Bag>" * depth),
            _XMP % (b"<rdf:Description " + b" ".join(b"a%d='b'" % n for n in range(depth)) + b"/>"),
            _XMP % (b"<a xmlns='u'/>" * depth),
            random.randbytes(3000),
            "<?xml version='1.0' encoding='utf-16'?><x/>".encode("utf-16"),
            b"<" * 60_000,
            b"",
        )
    )


def _icc(random: Random) -> bytes:
    """Return a profile."""
    count = random.choice((0, 1, 9, 100, 2**32 - 1))
    spaces = (b"RGB ", b"GRAY", b"CMYK", b"Lab ", b"XYZ ", b"6CLR", b"\0\0\0\0")
    size = random.choice((128, 500, 40_000, 2**31, 2**32 - 1))
    head = struct.pack(
        ">I4sI4s4s4s", size, b"lcms", 0x04200000, b"mntr", random.choice(spaces), random.choice((b"XYZ ", b"Lab "))
    )
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"A2B0", b"B2A0", b"wtpt", b"desc", b"cprt", b"kTRC")
    rows = b"".join(
        struct.pack(
            ">4sII",
            random.choice(names),
            random.choice((132, 128, 0, 240, *WORDS)) % 2**32,
            random.choice((12, 20, 0, *WORDS)) % 2**32,
        )
        for _ in range(min(count, 100))
    )
    kinds = (b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"XYZ ", b"mluc")
    values = b"".join(
        random.choice(kinds) + bytes(4) + struct.pack(">I", random.choice(WORDS) % 2**32) for _ in range(30)
    )
    return head + bytes(12) + b"acsp" + bytes(88) + struct.pack(">I", count) + rows + values


def _iptc(random: Random) -> bytes:
    """Return Photoshop's resources with IPTC in them."""
    size = random.choice((0, 5, 200, 32_767, 65_535))
    one = b"\x1c\2" + bytes([random.choice((5, 25, 80, 116, 255))]) + struct.pack(">H", size) + b"\xff" * min(size, 200)
    block = one * random.choice((1, 30, 200))
    block += random.choice((b"", b"\x1c\2\5\x80\4\xff\xff\xff\xff", b"\x1c", random.randbytes(50)))
    head = b"8BIM" + struct.pack(">HH", random.choice((0x0404, 0x0404, 0x040C, 0x0409, 0)), 0)
    return b"Photoshop 3.0\0" + head + struct.pack(">I", random.choice((len(block), len(block), 0, 2**32 - 1))) + block


def _in_jpeg(name: bytes, marker: int, data: bytes, random: Random) -> bytes:
    part = segment(marker, name + data[:_ROOM]) * random.choice((1, 1, 2, 100 if len(data) < 5000 else 3))
    whole = sound("jpg", random.choice(("RGB", "CMYK", "L")))
    return whole[:2] + part + whole[2:]


def in_webp(name: bytes, data: bytes) -> bytes:
    """Return a WebP with a chunk."""
    extended = b"VP8X" + struct.pack("<IBBBB", 10, 0x2C, 0, 0, 0) + b"\x2f\0\0\x1f\0\0"
    part = name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    inner = sound("webp")[12:]
    body = b"WEBP" + extended + (part + inner if name == b"ICCP" else inner + part)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def in_pillow(suffix: str, **said: object) -> bytes:
    """Return a file that Pillow writes with what is said of it."""
    file = io.BytesIO()
    image: Image.Image = pixels()
    image.save(file, suffix.upper(), **said)
    return file.getvalue()


def exif(random: Random, make: Callable[[Random], bytes] = _exif) -> Made:
    """Put a hostile Exif block into a file."""
    data, suffix = make(random), random.choice(("jpg", "jpg", "png", "webp", "avif"))
    if suffix == "jpg":
        return "exif.jpg", _in_jpeg(b"Exif\0\0", 0xE1, data, random)
    if suffix == "png":
        return "exif.png", png.small(png.chunk(b"eXIf", data) * random.choice((1, 2)))
    if suffix == "webp":
        return "exif.webp", in_webp(b"EXIF", random.choice((data, b"Exif\0\0" + data)))
    clean = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\1\0\0\0\0\0\0\0" + bytes(max(len(data) - 26, 0))
    return "exif.avif", in_pillow("avif", exif=clean).replace(clean, data.ljust(len(clean), b"\0")[: len(clean)])


def thumbnail(random: Random) -> Made:
    """Put a hostile thumbnail into Exif."""
    return exif(random, _thumbnail)


def xmp(random: Random) -> Made:
    """Put a hostile packet of XMP into a file."""
    data, suffix = _xmp(random), random.choice(("jpg", "png", "webp", "avif"))
    if suffix == "jpg":
        return "xmp.jpg", _in_jpeg(b"http://ns.adobe.com/xap/1.0/\0", 0xE1, data, random)
    if suffix == "png":
        text = random.choice((b"\0\0\0\0" + data, b"\1\0\0\0" + zlib.compress(data)))
        return "xmp.png", png.small(png.chunk(b"iTXt", b"XML:com.adobe.xmp\0" + text))
    return f"xmp.{suffix}", in_webp(b"XMP ", data) if suffix == "webp" else in_pillow("avif", xmp=data)


def icc(random: Random) -> Made:
    """Put a hostile profile into a file."""
    data, suffix = _icc(random), random.choice(("jpg", "jpg", "png", "webp", "avif", "tiff"))
    if suffix == "jpg":
        told = b"ICC_PROFILE\0" + random.choice((b"\1\1", b"\1\1", b"\1\2", b"\0\0", b"\xff\xff", b""))
        return "icc.jpg", _in_jpeg(told, 0xE2, data, random)
    if suffix == "png":
        return "icc.png", png.small(png.chunk(b"iCCP", b"p\0\0" + zlib.compress(data)))
    return f"icc.{suffix}", in_webp(b"ICCP", data) if suffix == "webp" else in_pillow(suffix, icc_profile=data)


def iptc(random: Random) -> Made:
    """Put hostile IPTC into a JPEG."""
    return "iptc.jpg", _in_jpeg(b"", 0xED, _iptc(random), random)


def packed(random: Random) -> Made:
    """Pack megabytes of texts, profiles and boxes into kilobytes, many times."""
    size, count = random.choice((1, 7, 9, 40)) << 20, random.choice((1, 4, 30, 300))
    kind, before = random.choice(((b"zTXt", b"\0\0"), (b"iTXt", b"\0\1\0\0\0"), (b"iCCP", b"\0\0")))
    texts = b"".join(png.chunk(kind, b"k%d" % number + before + zeros(size)) for number in range(count))
    box = struct.pack(">I4s", 8 + 4 + 9, b"brob") + random.choice((b"Exif", b"xml ", b"jumb")) + random.randbytes(9)
    stream = struct.pack(">I4s", len(sound("jxl")) + 8, b"jxlc") + sound("jxl")
    jxl = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl " + box * count + stream
    note = png.chunk(b"tEXt", b"n\0" + random.randbytes(4))
    return random.choice(
        (("packed.png", png.small(note + texts)), ("packed.png", png.small(note, texts)), ("packed.jxl", jxl))
    )


def oversized(random: Random) -> Made:
    """Put megabytes of metadata around a tiny picture."""
    size = random.choice((1, 4)) << 20
    whole = sound("jpg")
    data = (random.randbytes(97) * (size // 97))[:size]
    parts = [data[at : at + _ROOM] for at in range(0, size, _ROOM)]
    name = random.choice((b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"", b"ICC_PROFILE\0\1\1"))
    marker = random.choice((0xE1, 0xE2, 0xED, 0xFE, 0xEF))
    many = b"".join(segment(marker, name + part) for part in parts)
    texts = png.small(png.chunk(random.choice((b"eXIf", b"tEXt", b"iTXt", b"caBX")), data))
    return random.choice(
        (
            ("oversized.jpg", whole[:2] + many + whole[2:]),
            ("oversized.webp", in_webp(b"EXIF", data)),
            ("oversized.png", texts),
        )
    )


METADATA = (
    Kind("exif", "Exif that is cyclic, doubled or points elsewhere", exif),
    Kind("exif-thumbnail", "thumbnails in Exif that are hostile themselves", thumbnail),
    Kind("xmp", "XMP with entities, deep nesting, thousands of names", xmp),
    Kind("icc", "profiles with wrong sizes, spaces and tables", icc),
    Kind("iptc", "IPTC with wrong lengths", iptc),
    Kind("metadata-packed", "megabytes of metadata packed into kilobytes", packed),
    Kind("metadata-oversized", "megabytes of metadata", oversized),
)
