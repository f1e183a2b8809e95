"""What files say beside their pixels: nothing, or what is said of rights, as another reader (Pillow) finds it."""

from __future__ import annotations

import html
import io
import struct
import time
from typing import Any

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, IptcImagePlugin

from foveola.codecs import codec, iptc
from foveola.codecs import exif as exif_codec
from foveola.codecs.vips import to_picture
from foveola.settings import SETTINGS, JpegSettings
from foveola.transform.colour import from_array
from foveola.transform.load import load
from foveola.transform.metadata import stripped, tagged_dpi, told_upright
from foveola.transform.rights import exif_rights, iptc_rights, xmp_rights
from tests.drawn import drawn

P3 = bytes(pyvips.Operation.call("profile_load", "p3"))
NAME = "Jürgen Müller"
NOTICE = "© 2024 Studio Å, alle Rechte vorbehalten"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
  xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:cc="http://creativecommons.org/ns#"
  xmlns:exif="http://ns.adobe.com/exif/1.0/" xmpRights:Marked="True" xmp:CreatorTool="Secret Tool"
  exif:GPSLatitude="48,secret" cc:license="https://creativecommons.org/licenses/by/4.0/">
  <dc:creator><rdf:Seq><rdf:li>{NAME}</rdf:li></rdf:Seq></dc:creator>
  <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{NOTICE}</rdf:li></rdf:Alt></dc:rights>
  <dc:title><rdf:Alt><rdf:li xml:lang="x-default">secret title</rdf:li></rdf:Alt></dc:title>
  <xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="en">none &amp; none</rdf:li></rdf:Alt></xmpRights:UsageTerms>
  <xmp:Rating>5</xmp:Rating>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Label="secret label"/>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def dataset(number: int, value: bytes, record: int = 2) -> bytes:
    return bytes([0x1C, record, number]) + len(value).to_bytes(2) + value


IPTC = (
    dataset(90, b"\x1b%G", 1)
    + dataset(5, b"secret name")
    + dataset(80, NAME.encode())
    + dataset(110, b"Studio")
    + dataset(116, NOTICE.encode())
    + dataset(120, b"secret caption")
)


def exif(orientation: int = 6, **more: Any) -> bytes:
    """Return an Exif block by Pillow, with texts that Pillow would spoil patched in."""
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x011A], block[0x011B] = orientation, "Secret Maker", 300.0, 300.0
    block[0x0128] = 3
    block.get_ifd(0x8825)[1] = "N"
    block.get_ifd(0x8769)[0x9286] = b"secret comment"
    block[0x013B], block[0x8298] = (
        more.get("artist", "J_rgen_ M_ller_"),
        more.get("copyright", "_" * len(NOTICE.encode())),
    )
    data = block.tobytes()
    return data.replace(b"J_rgen_ M_ller_", NAME.encode()).replace(b"_" * len(NOTICE.encode()), NOTICE.encode())


def source(**fields: bytes) -> pyvips.Image:
    """Return an image with metadata, as a loader would have left it."""
    image = from_array(drawn(), P3)
    said = {"exif-data": exif(), "xmp-data": XMP, "iptc-data": iptc.wrapped(IPTC)} | fields
    for name, blob in said.items():
        image.set_type(pyvips.GValue.blob_type, name, blob)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Secret Maker (Secret Maker, ASCII, 13 components)")
    image.set_type(pyvips.GValue.gstr_type, "image-description", "secret description")
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return image.copy(xres=300 / 25.4, yres=300 / 25.4)


WRITERS: dict[str, Any] = {
    "jpeg": (True, JpegSettings()),
    "jpeg progressive": (True, JpegSettings(progressive=True)),
    "jpeg trellis": (True, JpegSettings(trellis_quant=True)),
    "jpeg lazy": (False, JpegSettings()),
    "webp": (True, SETTINGS["webp"]()),
    "webp lazy": (False, SETTINGS["webp"]()),
    "avif": (True, SETTINGS["avif"]()),
    "avif lazy": (False, SETTINGS["avif"]()),
    "png": (True, SETTINGS["png"]()),
    "png lazy": (False, SETTINGS["png"]()),
    "tiff": (True, SETTINGS["tiff"]()),
    "tiff lazy": (False, SETTINGS["tiff"]()),
    "gif lazy": (False, SETTINGS["gif"]()),
}


def written(image: pyvips.Image, writer: str) -> bytes:
    at_once, settings = WRITERS[writer]
    one = codec(writer.split()[0])
    return one.encode(to_picture(image), 80, settings) if at_once else one.save(image, 80, settings)


def opened(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data))


def packet(image: ImageFile.ImageFile) -> str:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or image.info.get("xml") or b""
    if image.format == "TIFF":
        found = image.tag_v2.get(700, b"")  # type: ignore[attr-defined]
    return html.unescape(found if isinstance(found, str) else bytes(found).decode())


@pytest.mark.parametrize("writer", WRITERS)
def test_a_stripped_picture_says_nothing(writer: str) -> None:
    data = written(stripped(source(), keep_profile=False, copyright=False, dpi=72), writer)
    image = opened(data)

    assert image.info.get("icc_profile") is None
    assert packet(image) == ""
    for word in (b"ecret", NAME.encode(), NOTICE.encode(), b"8BIM", b"Studio"):
        assert word not in data
    assert image.format == "TIFF" or not set(image.getexif()) & {0x0112, 0x010F, 0x8298, 0x013B}


@pytest.mark.parametrize("writer", [name for name in WRITERS if not name.startswith("gif")])
def test_exif_keeps_artist_and_copyright_byte_for_byte(writer: str) -> None:
    data = written(stripped(source(), keep_profile=False, copyright=True, dpi=72), writer)
    found = opened(data).getexif()

    assert found[0x013B].encode("latin-1").decode() == NAME
    assert found[0x8298].encode("latin-1").decode() == NOTICE
    assert found.get(0x0112, 1) == 1
    assert 0x010F not in found
    assert not found.get_ifd(0x8825)
    assert b"ecret" not in data


def test_a_file_that_is_no_plain_tiff_gets_no_texts() -> None:
    for data in (b"II+\0\x08\0\0\0" + bytes(40), b"", b"junk"):
        assert exif_codec.tagged(data, {exif_codec.ARTIST: b"me\0"}) == data


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 56, 1), (5, 3, 3), (7, 9, 4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_with_texts_has_the_same_pixels(shape: tuple[int, int, int], bits: int) -> None:
    image = from_array(drawn(*shape, bits))
    image.set_type(pyvips.GValue.blob_type, "exif-data", exif())
    data = codec("tiff").save(stripped(image, False, True, 72), 80, SETTINGS["tiff"]())

    assert (codec("tiff").decode(data).frames[0] == drawn(*shape, bits)).all()
    assert NAME.encode() in data


@pytest.mark.parametrize("writer", [name for name in WRITERS if not name.startswith("gif")])
def test_xmp_keeps_rights_and_people(writer: str) -> None:
    found = packet(opened(written(stripped(source(), keep_profile=True, copyright=True, dpi=72), writer)))

    for word in (NAME, NOTICE, 'xmpRights:Marked="True"', "none & none", "creativecommons.org/licenses/by/4.0/"):
        assert word in found
    assert "ecret" not in found
    assert "Rating" not in found


@pytest.mark.parametrize("writer", [name for name in WRITERS if name[:4] in ("jpeg", "tiff")])
@pytest.mark.parametrize("shape", [iptc.wrapped, iptc.bare])
def test_iptc_keeps_rights_where_the_format_has_a_place(writer: str, shape: Any) -> None:
    image = source(**{"iptc-data": shape(IPTC)})
    data = written(stripped(image, keep_profile=False, copyright=True, dpi=72), writer)
    found = IptcImagePlugin.getiptcinfo(opened(data))

    assert found == {(1, 90): b"\x1b%G", (2, 80): NAME.encode(), (2, 110): b"Studio", (2, 116): NOTICE.encode()}


@pytest.mark.parametrize("writer", [name for name in WRITERS if not name.startswith("gif")])
@pytest.mark.parametrize("copyright", [True, False])
def test_the_profile_stays_where_it_is_wanted(writer: str, copyright: bool) -> None:
    for keep in (True, False):
        data = written(stripped(source(), keep_profile=keep, copyright=copyright, dpi=72), writer)
        assert opened(data).info.get("icc_profile") == (P3 if keep else None)


@pytest.mark.parametrize("writer", ["jpeg", "jpeg progressive", "jpeg lazy", "png", "png lazy", "tiff", "tiff lazy"])
@pytest.mark.parametrize(("dpi", "said"), [(72, 72), (300, 300), (1, 1)])
def test_the_resolution_is_said(writer: str, dpi: int, said: int) -> None:
    for image in (stripped(source(), False, True, dpi), tagged_dpi(stripped(source(), False, False, 72), dpi)):
        across, down = opened(written(image, writer)).info.get("dpi", (72, 72))
        assert (round(across), round(down)) == (said, said)


@pytest.mark.parametrize("writer", ["webp lazy", "png lazy", "tiff lazy"])
def test_libvips_says_the_resolution_in_inches(writer: str) -> None:
    found = opened(written(stripped(source(), False, True, 300), writer)).getexif()

    assert (round(found[0x011A]), found[0x0128]) == (300, 2)


def test_pixels_stay() -> None:
    image = source()
    for changed in (stripped(image, True, True, 72), tagged_dpi(image, 300), told_upright(image)):
        assert (to_picture(changed).frames[0] == drawn()).all()


@pytest.mark.parametrize("writer", ["jpeg", "jpeg progressive", "jpeg lazy", "webp", "webp lazy", "png", "avif"])
def test_a_kept_exif_block_is_told_the_resolution(writer: str) -> None:
    found = opened(written(tagged_dpi(source(), 144), writer)).getexif()

    assert (found[0x011A], found[0x011B], found[0x0128]) == (144, 144, 2)
    assert found[0x010F] == "Secret Maker"


@pytest.mark.parametrize("writer", ["jpeg", "jpeg progressive", "jpeg lazy", "webp", "webp lazy", "png", "tiff"])
def test_a_turned_picture_is_not_turned_once_more(writer: str) -> None:
    found = opened(written(told_upright(source()), writer)).getexif()

    assert found.get(0x0112, 1) == 1
    assert writer == "tiff" or found[0x010F] == "Secret Maker"


def test_no_resolution_is_no_change() -> None:
    image = source()

    assert tagged_dpi(image, 0) is image
    assert tagged_dpi(from_array(drawn()), 10**9).xres == pytest.approx(65535 / 25.4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_read_in_both_orders_and_short_texts_stand_inside(order: str) -> None:
    head = b"II*\0" if order == "<" else b"MM\0*"
    data = head + struct.pack(f"{order}IHHHI", 8, 1, 0x013B, 2, 3) + b"me\0\0" + bytes(4)
    found = exif_rights(b"Exif\0\0" + data)

    assert found is not None
    assert exif_rights(data) == found == exif_rights(found)
    picture = opened(codec("jpeg").save(stripped(source(**{"exif-data": data}), False, True, 72), 80, JpegSettings()))
    assert dict(picture.getexif())[0x013B] == "me"


@pytest.mark.parametrize(
    "block",
    [
        None,
        b"",
        b"Exif\0\0",
        b"Exif\0\0MM\0*",
        b"II*\0\xff\xff\xff\xff",
        exif(artist=" ", copyright="\0  "),
        exif()[:40],
    ],
)
def test_exif_without_rights_or_broken_is_left_out(block: bytes | None) -> None:
    assert exif_rights(block) is None


def test_a_copyright_of_two_parts_keeps_both() -> None:
    found = exif_rights(exif(copyright="photographer\0editor"))

    assert found is not None
    assert b"photographer\0editor\0" in found


ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + XMP[XMP.index(b"<x:") :].replace(
    b"none", b"&a;", 1
)


@pytest.mark.parametrize(
    "block",
    [
        None,
        b"",
        b"<x",
        b"junk",
        XMP[:900],
        ENTITY,
        XMP.replace(b"none", b"n" * 70_000, 1),
        b" " * 2_000_000,
        b"<a>" * 200_000,
        XMP.replace(b"none &amp; none", b"<cc:a>" * 5000 + b"</cc:a>" * 5000),
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<a/>",
        XMP.replace(b"dc/elements", b"de/elements")
        .replace(b"/rights/", b"/wrongs/")
        .replace(b"mons.org/ns", b"mons.org/nt"),
    ],
)
def test_xmp_without_rights_broken_or_dangerous_is_left_out(block: bytes | None) -> None:
    assert xmp_rights(block) is None


def test_rights_with_names_that_are_no_ascii_are_left_out() -> None:
    """What was written was no XML."""
    assert xmp_rights(XMP) is not None
    assert xmp_rights(XMP.replace(b"xml:lang", "xml:l\u9f61ng".encode())) is None


def test_rights_in_rights_are_kept_once() -> None:
    """A packet of 900 kB became 300 MB on the way."""
    inner = "<rdf:Description><dc:rights><rdf:RDF>" * 100 + "mine" + "</rdf:RDF></dc:rights></rdf:Description>" * 100
    names = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='http://purl.org/dc/elements/1.1/'"
    kept = xmp_rights(f"<rdf:RDF {names}>{inner}</rdf:RDF>".encode())

    assert kept is not None
    assert kept.count(b"mine") == 1


def test_a_tag_that_is_repeated_costs_no_time() -> None:
    """Its text was copied each time: a block of a megabyte took a minute."""
    rows = struct.pack("<HHII", exif_codec.ARTIST, 2, 1 << 20, 8) * 65_535
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 65_535) + rows + bytes(1 << 20)
    begun = time.process_time()

    assert len(exif_codec.texts(block)[exif_codec.ARTIST]) > 700_000
    assert time.process_time() - begun < 1


def test_xmp_in_utf16_is_read() -> None:
    text = XMP[XMP.index(b"<x:") :].decode()
    found = xmp_rights(text.encode("utf-16"))

    assert found is not None
    assert xmp_rights(found) == found
    assert NOTICE in html.unescape(found.decode())


@pytest.mark.parametrize(
    "block",
    [None, b"", b"junk", dataset(5, b"x"), dataset(116, b"long")[:-1], iptc.MARK, iptc.MARK + b"8BIM\x04\x04", b"\x1c"],
)
def test_iptc_without_rights_or_broken_is_left_out(block: bytes | None) -> None:
    assert iptc_rights(block) is None


def test_iptc_is_found_among_other_resources_and_long_datasets_are_read() -> None:
    notice = b"\x1c\x02\x74\x80\x04" + len(b"long").to_bytes(4) + b"long"
    other = b"8BIM\x03\xed\x03abc" + (3).to_bytes(4) + b"xyz\0"
    block = iptc.MARK + other + (iptc.wrapped(dataset(5, b"odd") + notice) or b"")[len(iptc.MARK) :]

    assert iptc_rights(block) == notice


def test_an_iptc_block_that_does_not_fit_into_a_segment_is_left_out_of_a_jpeg() -> None:
    block = dataset(116, b"x" * 32_000) * 3
    for writer in ("jpeg", "jpeg progressive", "jpeg lazy"):
        data = written(stripped(source(**{"iptc-data": block}), False, True, 72), writer)
        assert IptcImagePlugin.getiptcinfo(opened(data)) is None


def test_a_file_with_metadata_goes_through_loading_and_stripping() -> None:
    image = load(written(source(), "jpeg"))
    again = opened(written(stripped(image, True, True, 72), "jpeg lazy"))

    assert again.getexif()[0x013B].encode("latin-1").decode() == NAME
    assert IptcImagePlugin.getiptcinfo(again) is not None
    assert NOTICE in packet(again)


BLOCKS = {"exif": exif(), "xmp": XMP, "iptc": iptc.wrapped(IPTC) or b""}
READERS = {"exif": exif_rights, "xmp": xmp_rights, "iptc": iptc_rights}


@given(
    st.sampled_from(sorted(BLOCKS)),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8),
    st.integers(0, 3000),
)
def test_damaged_blocks_are_no_error_and_what_is_kept_can_be_read_again(
    kind: str, changes: list[tuple[int, int]], end: int
) -> None:
    block = bytearray(BLOCKS[kind])
    for place, value in changes:
        block[place % len(block)] = value
    read = READERS[kind]
    found = read(bytes(block[:end] if end < len(block) else block))

    assert found is None or read(found) == found


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"Exif\0\0II*\0", b"Exif\0\0MM\0*", iptc.MARK + b"8BIM", b"\x1c\2"])
)
def test_any_bytes_are_no_error(data: bytes, head: bytes) -> None:
    for read in READERS.values():
        assert read(head + data) is None or head.startswith((b"Exif", b"\x1c", iptc.MARK))
    image = source(**{"exif-data": head + data + b"\0", "iptc-data": head + data + b"\0"})

    assert told_upright(tagged_dpi(image, 144)).width == 56
