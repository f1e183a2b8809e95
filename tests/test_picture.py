from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.codecs import NAMES, codec
from foveola.errors import ArgumentError, ImageError
from foveola.picture import FORMATS, Header, Limits, Picture, format_named, format_of, sniff
from foveola.settings import SETTINGS, JxlSettings
from tests.drawn import picture


def ftyp(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return (4 + len(body)).to_bytes(4, "big") + body


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_told_from_its_first_bytes(name: str) -> None:
    data = codec(name).encode(picture(), 80, SETTINGS[name]())

    assert sniff(data) == sniff(data[:16]) == format_of(data) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe1", "jpeg"),
        (b"GIF87a", "gif"),
        (b"GIF88a", None),
        (b"RIFF\x10\0\0\0WEBPVP8L", "webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"RIFX\x10\0\0\0WEBPVP8 ", None),
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"II+\0\x08\0\0\0", "tiff"),
        (b"\xff\x0a\x00", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (ftyp(b"avif", b"mif1"), "avif"),
        (ftyp(b"avis"), "avif"),
        (ftyp(b"mif1", b"miaf", b"avif"), "avif"),
        (ftyp(b"mif1", b"heic"), "heic"),
        (ftyp(b"heix", b"mif1"), "heic"),
        (ftyp(b"isom", b"heic"), None),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0", "bmp"),
        (b"BM is not always a picture", None),
        (b"\0\0\1\0\1\0", "ico"),
        (b"\0\0\2\0\1\0", None),
        (ftyp(b"xavi", b"fxxx"), None),
        (b"", None),
        (b"\x89PNG", None),
    ],
)
def test_magic_bytes(head: bytes, name: str | None) -> None:
    assert sniff(head) == name


@pytest.mark.parametrize(
    ("data", "seems"),
    [
        (b"", "an empty file"),
        (b"\xff", "something else"),
        (b"hello, I am a text file", "something else"),
        (b"<!DOCTYPE html><p>404", "an HTML page"),
        (b"\n  <html lang=en>", "an HTML page"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\0\0\2\0\1\0", "a cursor"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\x1f\x8b\x08\0", "gzip data, as a compressed SVG drawing is"),
        (ftyp(b"isom", b"avc1"), "a video"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    ],
)
def test_a_refusal_says_what_the_bytes_seem_to_be(data: bytes, seems: str) -> None:
    with pytest.raises(ImageError) as caught:
        format_of(data)

    assert str(caught.value) == f"Expected a picture ({', '.join(FORMATS)}), got {seems}"
    assert (caught.value.public, caught.value.status) == ("Invalid source image", 422)


DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b" \n\t",
        b'<?xml version="1.0" encoding="UTF-8"?>\n',
        b"<!-- <html> -->" * 100,
        b"<!--" + b"long " * 20_000 + b"-->",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n',
        b'<?xml version="1.0"?><!DOCTYPE svg [\n<!ENTITY a "b">\n<!-- c --> ]>\n<!-- d -->\n',
    ],
    ids=lambda before: before[:12],
)
def test_a_drawing_is_xml_whose_first_element_is_svg(before: bytes) -> None:
    assert sniff(before + DRAWING) == "svg"
    assert sniff(before + b"<s:svg xmlns:s='http://www.w3.org/2000/svg'>") == "svg"
    assert sniff(before + b"<html>" + DRAWING) is None
    assert sniff(before + b"<svgz/>") is None
    assert sniff(b"<!DOCTYPE a><!DOCTYPE b>" + before + DRAWING) is None
    assert sniff(before) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_drawing_may_be_in_utf_16(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")

    assert sniff(mark + DRAWING.decode().encode(encoding)) == "svg"


@given(st.binary(max_size=400))
def test_any_bytes_are_told_or_refused(data: bytes) -> None:
    name = sniff(data)
    if name is None:
        with pytest.raises(ImageError, match="Expected a picture"):
            format_of(data)
    else:
        assert name in FORMATS


@pytest.mark.parametrize(
    "start",
    [
        *(b"", b"<", b"\0\0\0\x20ftyp", b"<s" * 500, b"<!--", b"<!---->" * 99_999, b"<!DOCTYPE a ["),
        b"<!DOCTYPE [>" * 1000,
    ],
)
def test_telling_takes_no_longer_for_a_large_file(start: bytes) -> None:
    data = start + b"<sv" * 3_000_000
    began = time.process_time()
    with pytest.raises(ImageError):
        format_of(data)

    assert time.process_time() - began < 0.05


@pytest.mark.parametrize(("word", "name"), [("jpg", "jpeg"), ("jpeg", "jpeg"), ("tif", "tiff"), ("webp", "webp")])
def test_formats_have_other_words_too(word: str, name: str) -> None:
    assert format_named(word).name == name


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r'Expected one of avif, .* for format, got "psd"'):
        format_named("psd")


LARGE = Header("png", 8000, 6000, 3, alpha=False)
ANIMATED = Header("gif", 1000, 500, 4, alpha=True, frames=300)


@pytest.mark.parametrize(
    ("limits", "header"),
    [
        (Limits(), LARGE),
        (Limits(pixels=48_000_000), LARGE),
        (Limits(pixels=0), LARGE),
        (Limits(side=8000), LARGE),
        (Limits(), ANIMATED),  # one frame is read
        (Limits(frames=100), ANIMATED),
        (Limits(pixels=1000, frames=0, frame_pixels=500_000), ANIMATED),
    ],
)
def test_a_picture_within_the_limits_passes(limits: Limits, header: Header) -> None:
    limits.check(header)


@pytest.mark.parametrize(
    ("limits", "header", "message"),
    [
        (Limits(pixels=47_999_999), LARGE, "Expected at most 47999999 pixels, got 8000x6000"),
        (Limits(side=7999), LARGE, "Expected sides of at most 7999 pixels, got 8000x6000"),
        (Limits(frames=101), ANIMATED, "Expected at most 50000000 pixels, got 1000x500x101"),
        (Limits(frames=0), ANIMATED, "Expected at most 50000000 pixels, got 1000x500x300"),
        (Limits(frames=2, frame_pixels=499_999), ANIMATED, "Expected at most 499999 pixels, got 1000x500x2"),
    ],
)
def test_a_picture_over_a_limit_is_refused(limits: Limits, header: Header, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        limits.check(header)

    assert str(caught.value) == message
    assert caught.value.public == "Invalid source image"


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4), (1, 4, 4, 2), (1, 0, 4, 3), (0, 4, 4, 3)])
def test_frames_must_have_four_dimensions_and_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="for frames"):
        Picture(np.zeros(shape, np.uint8))


def test_a_picture_knows_its_size() -> None:
    wide = picture(20, 50, 4)

    assert (wide.width, wide.height, wide.channels, wide.alpha) == (50, 20, 4, True)
    assert wide.megapixels == 0.001


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_the_pillow_image_is_made_once(channels: int, mode: str) -> None:
    shown = picture(channels=channels)

    assert shown.pillow.mode == mode
    assert shown.pillow is shown.pillow


def test_the_module_needs_no_library_of_pictures() -> None:
    """The server's front imports it and must stay small."""
    code = "import foveola.picture, sys; print({'numpy', 'PIL', 'pyvips', 'cffi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_bare_jpeg_xl_stream_and_one_in_boxes_are_one_format() -> None:
    boxed = codec("jxl").encode(picture(xmp=b"<x/>"), 80, JxlSettings())

    assert boxed[4:8] == b"JXL "
    assert sniff(boxed) == "jxl"
