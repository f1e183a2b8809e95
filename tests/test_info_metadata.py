"""Metadata: what is shown of Exif, IPTC and XMP, in every format that has them, and nothing of what is broken."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveola.codecs.iptc import resources
from foveola.codecs.xmp import LONGEST
from foveola.info import tell
from foveola.info.exif import exif
from foveola.info.iptc import iptc, resolution
from foveola.info.metadata import blobs
from foveola.info.options import InfoOptions
from foveola.info.xmp import xmp
from foveola.picture import Limits
from tests.infofiles import (
    DOTS,
    PACKET,
    SAID,
    captioned,
    exif_block,
    file,
    flat,
    record,
    resource,
    with_segment,
)

RED = (200, 10, 20)
NAMED = {
    "Model": "NIKON D810",
    "Software": "Adobe Photoshop Lightroom 6.1 (Windows)",
    "Orientation": "Right-top",
    "X-Resolution": "240",
    "Resolution Unit": "Inch",
    "Date and Time": "2016:09:11 22:15:03",
    "Date and Time (Original)": "2016:09:11 21:00:00",
    "Aperture": "8.00 EV (f/16.0)",
    "Shutter Speed": "-1.00 EV (2 sec.)",
    "F-Number": "f/16.0",
    "Exposure Time": "1/250 sec.",
    "Contrast": "Normal",
    "Exif Version": "Exif Version 2.3",
    "Flash": "Flash did not fire, auto mode",
    "ISO Speed Ratings": "100",
    "User Comment": "hé",
    "Components Configuration": "Y Cb Cr -",
    "GPS Tag Version": "2.3.0.0",
    "North or South Latitude": "N",
    "Latitude": "52, 30, 1.5",
    "Altitude Reference": "Sea level",
    "GPS Time (Atomic Clock)": "01:02:03.25",
}
IIM = record(
    (1, 90, b"\x1b%G"),
    (2, 0, b"\0\4"),
    (2, 5, b"Harbour"),
    (2, 25, b"sea"),
    (2, 25, "boats in Køge".encode()),
    (2, 80, b"Ada"),
    (2, 116, b"(c) Ada"),
    (2, 120, b"A harbour\nin the evening"),
    (2, 202, b"preview"),
    (2, 110, b""),
)
FIELDS = {
    "Record Version": 4,
    "Object Name": "Harbour",
    "Keywords": ["sea", "boats in Køge"],
    "By-line": ["Ada"],
    "Copyright Notice": "(c) Ada",
    "Caption/Abstract": "A harbour\nin the evening",
    "Name": "Harbour",
    "Caption": "A harbour\nin the evening",
}
RESOLUTION = {
    "XResolution": 240,
    "XResolutionUnit": "inches",
    "WidthUnit": "inches",
    "YResolution": 72.5,
    "YResolutionUnit": "cm",
    "HeightUnit": "points",
}


def told(data: bytes, **asked: Any) -> dict[str, Any]:
    return tell(data, InfoOptions(**asked), Limits())


# Exif


def test_exif_is_worded_for_people() -> None:
    assert exif(exif_block().tobytes(), canonical=False) == NAMED


def test_exif_has_canonical_names_where_they_are_asked_for() -> None:
    found = exif(exif_block().tobytes(), canonical=True)

    assert found["DateTimeOriginal"] == "2016:09:11 21:00:00"
    assert found["ApertureValue"] == "8.00 EV (f/16.0)"
    assert found["GPSLatitudeRef"] == "N"
    assert len(found) == len(NAMED)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "JXL"])
def test_exif_is_found_in_every_format(format: str) -> None:
    data = file(flat((8, 6), RED), format, exif=exif_block().tobytes())

    assert told(data)["exif"]["Model"] == "NIKON D810"
    assert told(data)["exif"]["Aperture"] == "8.00 EV (f/16.0)"
    assert "exif" not in told(data, exif=False)


def test_exif_of_a_tiff_file_is_its_own_directory() -> None:
    found = told(file(flat((8, 6), RED), "TIFF", exif=exif_block()))["exif"]

    assert found["Model"] == "NIKON D810"
    assert (found["Image Width"], found["Image Length"], found["Bits per Sample"]) == ("8", "6", "8, 8, 8")
    assert not any("Strip" in name and "Offset" in name for name in found)


def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI4s", tag, kind, count, value)


def directory(*entries: bytes, rest: bytes = b"") -> bytes:
    return b"II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little") + b"".join(entries) + bytes(4) + rest


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (b"", {}),
        (b"Exif\0\0", {}),
        (b"neither", {}),
        (b"II*\0\xff\xff\xff\xff", {}),
        (directory(entry(0x110, 2, 4, b"D810")), {"Model": "D810"}),
        (directory(entry(0x110, 2, 4, b"\xc3\xab\0x")), {"Model": "ë"}),
        (directory(entry(0x110, 2, 4, b"Zo\xeb\0")), {"Model": "Zoë"}),
        (directory(entry(0x110, 2, 4, b"a\x1b[b")), {"Model": "a[b"}),
        (directory(entry(0x110, 2, 900, b"\x10\0\0\0")), {}),
        (directory(entry(0x110, 2, 2**31, b"\x10\0\0\0")), {}),
        (directory(entry(0x110, 77, 1, b"D810")), {}),
        (directory(entry(0x112, 3, 0, b"\1\0\0\0")), {}),
        (directory(entry(0x112, 3, 1, b"\x63\0\0\0")), {"Orientation": "99"}),
        (directory(entry(0x9999, 2, 4, b"own\0")), {}),
        (directory(entry(0x8769, 4, 1, b"\x08\0\0\0"), entry(0x110, 2, 4, b"D810")), {"Model": "D810"}),
        (directory(entry(0x829A, 5, 1, b"\x1a\0\0\0"), rest=bytes(8)), {"Exposure Time": "0 sec."}),
        (directory(entry(0x9202, 5, 1, b"\x1a\0\0\0"), rest=b"\xff\xff\xff\xff\1\0\0\0"), None),
        (directory(entry(0x8298, 2, 4, b"A\0B\0")), {"Copyright": "A (Photographer) - B (Editor)"}),
        (directory(entry(0xA301, 7, 1, b"\1\0\0\0")), {"Scene Type": "Directly photographed"}),
        (directory(entry(0xEA7C, 7, 4, b"\1\2\3\4"), entry(0x9286, 7, 4, b"\1\2\3\4")), None),
        (directory(entry(0x9C9B, 1, 4, b"h\0i\0")), {"XP Title": "hi"}),
        (directory(*[entry(0x110, 2, 4, b"D810")] * 3)[:30], {"Model": "D810"}),
    ],
)
def test_exif_that_is_odd_or_broken_is_read_as_far_as_it_can_be(block: bytes, said: dict[str, str] | None) -> None:
    found = exif(block, canonical=False)

    assert found == said if said is not None else all(isinstance(text, str) for text in found.values())


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]), st.booleans())
def test_no_exif_block_is_an_error(rest: bytes, order: bytes, canonical: bool) -> None:
    assert all(exif(order + rest, canonical).values())


@given(st.data())
def test_no_byte_of_a_real_block_can_break_it(data: st.DataObject) -> None:
    block = bytearray(exif_block().tobytes())
    for _ in range(data.draw(st.integers(1, 5))):
        block[data.draw(st.integers(8, len(block) - 1))] = data.draw(st.integers(0, 255))

    assert all(exif(bytes(block), canonical=False).values())


# IPTC


def test_iptc_has_the_titles_of_the_standard() -> None:
    assert iptc(IIM) == FIELDS


def test_iptc_of_an_unknown_alphabet_is_read_as_what_it_may_be() -> None:
    assert iptc(record((2, 90, b"K\xf8ge"), (2, 101, "Øster".encode()))) == {"City": "Køge", "Country Name": "Øster"}


def test_photoshop_says_iptc_and_resolution_in_a_jpeg() -> None:
    data = captioned(
        file(flat((8, 6), RED), "JPEG"),
        resource(0x03E9, b"odd"),
        resource(0x03ED, DOTS, name=b"named"),
        resource(0x0404, IIM),
    )

    assert told(data)["iptc"] == FIELDS
    assert told(data)["photoshop"] == {"resolution": RESOLUTION}
    assert {"iptc", "photoshop"} & set(told(data, iptc=False)) == set()


def test_iptc_is_found_in_a_tiff_file() -> None:
    said = {33723: IIM, 34377: resource(0x03ED, DOTS)}
    data = file(flat((8, 6), RED), "TIFF", tiffinfo=said)

    assert told(data)["iptc"] == FIELDS
    assert told(data)["photoshop"] == {"resolution": RESOLUTION}


@pytest.mark.parametrize("cut", range(0, len(IIM), 5))
def test_a_record_that_breaks_off_is_read_until_there(cut: int) -> None:
    found = iptc(IIM[:cut])
    expected = {name: FIELDS[name] for name in found}

    assert found == expected | ({"Keywords": ["sea"]} if found.get("Keywords") == ["sea"] else {})


@given(st.binary(max_size=300))
def test_no_record_is_an_error(data: bytes) -> None:
    iptc(b"\x1c" + data)
    resolution(data)
    resources(b"8BIM" + data)


def test_a_block_that_claims_too_much_is_what_there_is() -> None:
    assert resources(b"8BIM\4\4\0\0\xff\xff\xff\xffab") == {0x0404: b"ab"}


# XMP


def test_xmp_is_grouped_by_prefix() -> None:
    assert xmp(PACKET.encode()) == SAID
    assert xmp(PACKET.encode("utf-16")) == SAID
    for encoding in ("utf-16-le", "utf-16-be"):
        assert xmp(PACKET.encode(encoding)) == xmp(f"{PACKET}\n \0".encode(encoding)) == SAID


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "JXL", "TIFF"])
def test_xmp_is_found_in_every_format(format: str) -> None:
    options: dict[str, Any] = {"xmp": PACKET.encode()}
    if format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        options = {"pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", PACKET)
    if format == "TIFF":
        options = {"tiffinfo": {700: PACKET.encode()}}
    data = file(flat((8, 6), RED), format, **options)

    assert told(data)["xmp"] == SAID
    assert "xmp" not in told(data, xmp=False)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + PACKET.split("?>", 1)[1].replace("Ada", "&b;")


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"garbage",
        PACKET.encode()[:-300],
        BOMB.encode(),
        PACKET.encode() + b"<x/>",
        b"<x:xmpmeta/>",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<a>" * 20_000 + b"</a>" * 20_000,
        PACKET.encode() + b" " * LONGEST,
    ],
)
def test_a_packet_that_is_none_says_nothing(packet: bytes) -> None:
    assert xmp(packet) == {}


def test_structures_are_read_to_a_depth() -> None:
    deep = "<dc:a rdf:parseType='Resource'>" * 50 + "<dc:b>x</dc:b>" + "</dc:a>" * 50
    packet = PACKET.replace("<dc:source/>", deep)

    value: Any = xmp(packet.encode())["dc"].get("a", {})
    depth = 0
    while isinstance(value, dict) and value:
        value, depth = value.get("a"), depth + 1
    assert depth < 10


@given(st.binary(max_size=200), st.integers(0, len(PACKET) - 100))
def test_no_packet_is_an_error(noise: bytes, at: int) -> None:
    packet = PACKET.encode()
    xmp(packet[:at] + noise + packet[at + len(noise) :])


# all together


def test_metadata_that_is_broken_is_left_out() -> None:
    data = file(flat((8, 6), RED), "JPEG", xmp=PACKET.encode()[:400])
    data = with_segment(data, 0xE1, b"Exif\0\0MM\0*\0\0\xff\xff")
    data = captioned(data, b"8BIM\3\xed\0\0\0\0\0\4abcd")

    assert list(told(data)) == ["size", "format", "mime_type", "width", "height", "orientation"]


def test_a_picture_without_metadata_has_none() -> None:
    assert list(told(file(flat((8, 6), RED)))) == ["size", "format", "mime_type", "width", "height", "orientation"]


def test_boxes_of_a_jpeg_xl_file_that_break_off_are_left_out() -> None:
    whole = file(Image.new("RGB", (8, 6), RED), "JXL", exif=exif_block().tobytes(), xmp=PACKET.encode())

    for cut in range(12, len(whole), 97):
        found = blobs(whole[:cut], "jxl", None)
        assert found.xmp in (b"", PACKET.encode())
