"""What strangers wrote beside their pixels is in no result, but for what settings keep: every format into every one."""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from foveola.codecs import iptc, vips
from foveola.options import ProcessingOptions
from foveola.picture import WRITTEN, Limits
from foveola.pipeline import Defaults, plan, render
from foveola.torture import gif
from foveola.torture.jpeg import segment
from foveola.torture.metadata import in_webp
from foveola.torture.png import chunk
from foveola.torture.profiles import profile
from foveola.torture.seeds import pixels, sound
from foveola.torture.svg import drawing
from foveola.transform.load import READ_AT_ONCE, header_of

WORD, RIGHTS, OF_PROFILE = b"STRANGER", b"RIGHTFUL", b"PROFILED"
"""What has to go; what is kept of rights; what is in the colour profile."""
TEXT = WORD.decode()


def icc() -> bytes:
    return profile((b"desc", b"desc" + bytes(4) + struct.pack(">I", 9) + OF_PROFILE + bytes(79)))


def thumbnail() -> bytes:
    file = io.BytesIO()
    pixels(size=(16, 16)).save(file, "JPEG", comment=WORD)
    return file.getvalue()


def exif() -> bytes:
    """Return a block of TIFF: texts, the place, a maker's note, a thumbnail in the second directory."""
    block = Image.Exif()
    block[0x010F], block[0x0131], block[0x013B], block[0x8298] = TEXT, TEXT, RIGHTS.decode(), RIGHTS.decode()
    block[0x9C9B] = TEXT.encode("utf-16-le")
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 1.0), 27: WORD})
    block.get_ifd(0x8769).update({0x927C: WORD, 0x9286: b"ASCII\0\0\0" + WORD, 0xA431: TEXT})
    data = bytearray(block.tobytes()[6:])
    order = "<" if data[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", data, 4)[0]
    link = first + 2 + 12 * struct.unpack_from(order + "H", data, first)[0]
    struct.pack_into(order + "I", data, link, len(data))
    small = thumbnail()
    rows = ((0x0103, 3, 1, 6), (0x0201, 4, 1, len(data) + 42), (0x0202, 4, 1, len(small)))
    second = b"".join(
        struct.pack(order + "HHI", *row[:3])
        + struct.pack(order + ("HH" if row[1] == 3 else "I"), *row[3:], *[0] * (row[1] == 3))
        for row in rows
    )
    return bytes(data) + struct.pack(order + "H", 3) + second + bytes(4) + small


def xmp() -> bytes:
    return (
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        b"<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:s='http://s/' s:who='"
        + WORD + b"'><dc:title>" + WORD + b"</dc:title><dc:rights>" + RIGHTS + b"</dc:rights>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )  # fmt: skip


def notes() -> bytes:
    """Return datasets of IPTC: a caption and a copyright notice."""
    return b"".join(b"\x1c\2" + bytes([n]) + struct.pack(">H", len(v)) + v for n, v in ((120, WORD), (116, RIGHTS)))


def jpeg() -> bytes:
    whole = sound("jpg")
    told = [(0xE1, b"Exif\0\0" + exif()), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp())]
    told += [(0xED, iptc.wrapped(notes()) or b""), (0xE2, b"ICC_PROFILE\0\1\1" + icc()), (0xFE, WORD)]
    told += [(marker, b"who\0" + WORD) for marker in (0xE0, 0xE3, 0xE8, 0xEB, 0xEC, 0xEF)]
    parts = b"".join(segment(marker, data) for marker, data in told)
    return whole[:2] + parts + whole[2:] + b"after " + WORD


def png() -> bytes:
    said = PngInfo()
    said.add_text("Comment", TEXT)
    said.add_text("Title", TEXT, zip=True)
    said.add_itxt("Author", TEXT, zip=True)
    said.add_itxt("XML:com.adobe.xmp", xmp().decode(), zip=True)
    said.add_text("Raw profile type iptc", f"\niptc\n 8\n{notes().hex()}\n")
    said.add(b"caNV", WORD)
    said.add(b"tIME", b"\7\xe8\1\2\3\4\5")
    file = io.BytesIO()
    pixels().save(file, "PNG", pnginfo=said, exif=exif(), icc_profile=icc())
    end = file.getvalue().rindex(b"IEND") - 4
    data = file.getvalue()
    return (
        data[:end]
        + chunk(b"tEXt", b"Late\0" + WORD)
        + chunk(b"zTXt", b"Late\0\0" + zlib.compress(WORD))
        + data[end:]
        + WORD
    )


def webp() -> bytes:
    file = io.BytesIO()
    pixels().save(file, "WEBP", exif=exif(), xmp=xmp(), icc_profile=icc())
    body = file.getvalue()[8:] + b"NOTE" + struct.pack("<I", len(WORD)) + WORD
    return b"RIFF" + struct.pack("<I", len(body)) + body + WORD


def animated_webp() -> bytes:
    file = io.BytesIO()
    frames = [pixels().rotate(20 * n) for n in (1, 2)]
    pixels().save(
        file, "WEBP", save_all=True, append_images=frames, duration=50, exif=exif(), xmp=xmp(), icc_profile=icc()
    )
    return file.getvalue() + WORD


def animated_gif() -> bytes:
    def extension(kind: int, head: bytes, *blocks: bytes) -> bytes:
        return bytes([0x21, kind]) + b"".join(bytes([len(block)]) + block for block in (head, *blocks)) + b"\0"

    told = extension(0xFE, WORD) + extension(0xFF, b"ICCRGBG1012", icc()[:255]) + extension(0xFF, b"STRANGER1.0", WORD)
    told += b"\x21\xff\x0bXMP DataXMP" + xmp() + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    told += extension(1, bytes(12), WORD) + extension(0xFF, b"NETSCAPE2.0", b"\1\0\0")
    one = gif.control(5) + gif.frame(0, 0, 1, 1)
    return gif.screen(20, 20, 2) + told + one + extension(0xFE, WORD) + one * 2 + extension(0xFE, WORD) + b";" + WORD


def tiff() -> bytes:
    tags = ImageFileDirectory_v2()
    tags[270] = tags[271] = tags[305] = tags[306] = tags[316] = TEXT
    tags[315] = tags[33432] = RIGHTS.decode()
    for tag, blob in ((700, xmp()), (33723, notes()), (34675, icc()), (37724, WORD), (65000, WORD)):
        tags.tagtype[tag] = 7
        tags[tag] = blob
    file = io.BytesIO()
    pixels().save(file, "TIFF", tiffinfo=tags)
    return file.getvalue() + WORD


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def avif() -> bytes:
    file = io.BytesIO()
    pixels().save(file, "AVIF", exif=exif(), xmp=xmp(), icc_profile=icc())
    return file.getvalue() + box(b"free", WORD) + box(b"uuid", bytes(16) + WORD)


def jxl() -> bytes:
    told = box(b"xml ", xmp()) + box(b"Exif", bytes(4) + exif()) + box(b"jumb", WORD) + box(b"free", WORD)
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return head + told + box(b"jxlc", sound("jxl")) + box(b"xml ", WORD)


def bmp() -> bytes:
    whole = sound("bmp")
    start = struct.unpack_from("<I", whole, 10)[0]
    return whole[:10] + struct.pack("<I", start + 8) + whole[14:start] + WORD + whole[start:] + WORD


def ico() -> bytes:
    inner = png()
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 48, 32, 0, 0, 1, 32, len(inner), 22 + 8) + WORD + inner + WORD


def svg() -> bytes:
    inner = base64.b64encode(png()).decode()
    word = f"<title>{TEXT}</title><desc>{TEXT}</desc><metadata>{TEXT}</metadata><!-- {TEXT} --><?who {TEXT}?>"
    return (
        drawing(f"{word}<image href='data:image/png;base64,{inner}' width='60' height='40'/>")
        + f"<!--{TEXT}-->".encode()
    )


SOURCES: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg, "png": png, "webp": webp, "tiff": tiff, "avif": avif, "jxl": jxl, "bmp": bmp, "ico": ico, "svg": svg,
    "heic": lambda: sound("heic") + box(b"uuid", bytes(16) + WORD), "webp animated": animated_webp,
    "gif animated": animated_gif,
}  # fmt: skip
_MADE: dict[str, bytes] = {}


def source(name: str) -> bytes:
    if name not in _MADE:
        _MADE[name] = SOURCES[name]()
    return _MADE[name]


def rendered(name: str, format: str, **said: Any) -> bytes:
    """Return the result as a server makes it, with all frames where the format has several."""
    data = source(name)
    defaults = Defaults(limits=Limits(frames=10), **said)
    return render(data, plan(header_of(data), ProcessingOptions(format=format), defaults)).data


_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def everything(data: bytes) -> bytes:
    """Return a file's bytes, what is deflated anywhere in them, and what libraries tell of it."""
    parts = [data]
    for found in _ZLIB.finditer(data):
        with_rest = zlib.decompressobj()
        try:
            parts.append(with_rest.decompress(data[found.start() :], 1 << 20))
        except zlib.error:
            continue
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            parts += [repr(image.info).encode(), repr(dict(image.getexif())).encode()]
    except (OSError, SyntaxError):
        pass  # JPEG XL has no plugin here
    format = header_of(data).format
    if format not in READ_AT_ONCE:
        image = vips.load(data, format)
        parts += [name + str(image.get(name.decode())).encode() for name in vips.names(image)]
    return b"\n".join(parts)


def has(data: bytes, word: bytes) -> bool:
    text = word.decode()
    whole = everything(data)
    return any(
        form in whole for form in (word, text.encode("utf-16-le"), text.encode("utf-16-be"), word.hex().encode())
    )


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_full_of_it(name: str) -> None:
    assert WORD in everything(source(name)) or WORD in source(name)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("name", SOURCES)
def test_nothing_of_strangers_is_in_a_result(name: str, format: str) -> None:
    data = rendered(name, format)
    bare = rendered(name, format, keep_copyright=False)

    assert not has(data, WORD)
    assert not has(data, OF_PROFILE)
    assert not any(has(bare, word) for word in (WORD, RIGHTS, OF_PROFILE))


EXIF = frozenset({"jpeg", "png", "webp", "avif", "jxl"})
"""Formats that hold a block of Exif; TIFF has the texts as its own tags."""
SAID = ("jpeg", "png", "webp", "tiff", "avif", "jxl")
"""Sources whose Exif or XMP libraries tell, and formats that have a place for them."""


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("name", SAID)
def test_rights_stay_where_the_format_has_a_place(name: str, format: str) -> None:
    assert has(rendered(name, format), RIGHTS) == (format in SAID)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("name", SAID)
def test_metadata_stays_where_it_is_asked_for(name: str, format: str) -> None:
    data = rendered(name, format, strip_metadata=False)

    assert has(data, WORD) == (format in SAID)
    assert not has(data, OF_PROFILE)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif", "webp animated"])
def test_a_profile_stays_where_it_is_asked_for_and_nothing_else(name: str, format: str) -> None:
    data = rendered(name, format, strip_color_profile=False)

    assert has(data, OF_PROFILE) == (format in ("jpeg", "png", "webp", "tiff", "avif"))
    assert not has(data, WORD)


AFTER = b"AFTERWARDS"


@pytest.mark.parametrize("name", SOURCES)
def test_what_follows_a_picture_is_never_copied(name: str) -> None:
    data = source(name) + (box(b"free", AFTER) if name in ("avif", "heic", "jxl") else AFTER)
    if name == "svg":
        data = source(name) + b"<!--" + AFTER + b"-->"
    defaults = Defaults(limits=Limits(frames=10), strip_metadata=False, strip_color_profile=False)
    for format in WRITTEN:
        result = render(data, plan(header_of(data), ProcessingOptions(format=format), defaults)).data
        assert not has(result, AFTER)


def test_no_time_and_no_comment_is_in_a_result() -> None:
    data = rendered("png", "png", keep_copyright=False)
    kinds = [data[at + 4 : at + 8] for at in chunks(data)]

    assert set(kinds) <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"pHYs", b"bKGD"}
    assert np.asarray(Image.open(io.BytesIO(data))).shape == (32, 48, 3)


def chunks(data: bytes) -> list[int]:
    at, found = 8, []
    while at < len(data):
        found.append(at)
        at += 12 + int.from_bytes(data[at : at + 4])
    return found


def test_webp_chunks_that_nobody_knows_are_left_out() -> None:
    data = in_webp(b"NOTE", WORD)

    assert WORD in data
    assert not has(render(data, plan(header_of(data), ProcessingOptions(format="webp"), Defaults())).data, WORD)


SAYS = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:s="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" width="20" height="10" s:docname="/home/STRANGER/a.svg">
<title>Named</title><s:namedview who="STRANGER"/><x xmlns="http://s/">STRANGER</x>
<metadata>STRANGER<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:cc="http://creativecommons.org/ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<cc:Work rdf:about=""><dc:title>STRANGER</dc:title>
<dc:format>STRANGER</dc:format><dc:creator><cc:Agent><dc:title>RIGHTFUL</dc:title></cc:Agent></dc:creator>
<gps:at xmlns:gps="http://g/">STRANGER</gps:at><cc:license rdf:resource="http://creativecommons.org/by/4.0/"/></cc:Work></rdf:RDF></metadata>
<g s:label="STRANGER" id="g" xml:space="preserve"><rect id="r" width="9" height="9"/>
<use xlink:href="#r" x="9"/></g></svg>"""
LICENCE = b"creativecommons.org/by/4.0"


@pytest.mark.parametrize(
    ("said", "kept", "gone"),
    [
        ({}, (RIGHTS, LICENCE), (WORD,)),
        ({"keep_copyright": False}, (), (WORD, RIGHTS, LICENCE, b"etadata")),
        ({"strip_metadata": False}, (WORD, RIGHTS, LICENCE), ()),
        ({"sanitize_svg": False}, (WORD, RIGHTS, LICENCE), ()),
    ],
)
def test_a_drawing_that_is_passed_on_says_no_more(
    said: dict[str, Any], kept: tuple[bytes, ...], gone: tuple[bytes, ...]
) -> None:
    data = SAYS.encode()
    result = render(data, plan(header_of(data), ProcessingOptions(), Defaults(**said))).data

    assert [
        word for word in (*kept, b"<title>Named</title>", b'xlink:href="#r"', b'id="g"') if word not in result
    ] == []
    assert [word for word in gone if word in result] == []
    shown, before = (vips.to_picture(vips.load(one, "svg")).frames for one in (result, data))
    assert np.array_equal(shown, before)
