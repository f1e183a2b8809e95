from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pillow_jxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from foveola.codecs import NAMES, codec
from foveola.codecs.vips import to_picture
from foveola.errors import ArgumentError, ImageError
from foveola.picture import FORMATS, Header, Limits, sniff
from foveola.settings import BEST_JPEG, SETTINGS, PngSettings, WebpSettings
from foveola.transform.colour import flatten, standard
from foveola.transform.load import header_of, load, read
from tests.drawn import animation, drawn, picture

HEIGHT, WIDTH = 40, 56
RGB = Image.fromarray(drawn(HEIGHT, WIDTH))


def written(image: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def encoded(name: str, **metadata: Any) -> bytes:
    return codec(name).encode(picture(HEIGHT, WIDTH, **metadata), 80, SETTINGS[name]())


FILES: dict[str, bytes] = {name: encoded(name) for name in NAMES} | {
    "progressive": codec("jpeg").encode(picture(), 80, BEST_JPEG),
    "lossless webp": codec("webp").encode(picture(), 80, WebpSettings(compression="lossless")),
    "interlaced png": codec("png").encode(picture(), 80, PngSettings(interlaced=True)),
    "boxed jxl": encoded("jxl", xmp=b"<x/>"),
    "webp animation": codec("webp").encode(animation(), 80, SETTINGS["webp"]()),
    "gif animation": codec("gif").encode(animation(), 80, SETTINGS["gif"]()),
}


@pytest.mark.parametrize(
    ("data", "header"),
    [
        *(
            (FILES[name], Header(name, WIDTH, HEIGHT, 3, alpha=False, palette=name == "gif"))
            for name in NAMES
            if name != "ico"
        ),
        (FILES["ico"], Header("ico", WIDTH, HEIGHT, 4, alpha=True)),
        *(
            (encoded(name, channels=4), Header(name, WIDTH, HEIGHT, 4, alpha=True, palette=name == "gif"))
            for name in NAMES
            if name != "jpeg"
        ),
        *(
            (encoded(name, channels=1), Header(name, WIDTH, HEIGHT, 1, alpha=False))
            for name in NAMES
            if name not in ("webp", "gif", "avif", "ico")
        ),
        (encoded("avif", channels=1), Header("avif", WIDTH, HEIGHT, 3, alpha=False)),  # libheif shows grey as RGB
        *((encoded(name, bits=16), Header(name, WIDTH, HEIGHT, 3, False, bits=16)) for name in ("png", "tiff")),
        (encoded("avif", bits=16), Header("avif", WIDTH, HEIGHT, 3, alpha=False, bits=12)),
        (FILES["webp animation"], Header("webp", WIDTH, HEIGHT, 3, alpha=False, frames=3, pages=3)),
        (FILES["gif animation"], Header("gif", WIDTH, HEIGHT, 4, alpha=True, frames=3, pages=3, palette=True)),
        (written(RGB.convert("LA"), "PNG"), Header("png", WIDTH, HEIGHT, 2, alpha=True)),
        (written(RGB.quantize(16), "PNG"), Header("png", WIDTH, HEIGHT, 3, alpha=False, bits=4, palette=True)),
        (written(RGB.convert("1"), "PNG"), Header("png", WIDTH, HEIGHT, 1, alpha=False, bits=1)),
        (written(RGB.convert("CMYK"), "JPEG"), Header("jpeg", WIDTH, HEIGHT, 4, alpha=False)),
        (encoded("jpeg", icc=b"profile" * 30), Header("jpeg", WIDTH, HEIGHT, 3, alpha=False)),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_a_header_says_what_is_in_the_file(data: bytes, header: Header) -> None:
    assert header_of(data) == header


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["GIF", "WEBP", "TIFF", "PNG", "AVIF", "MPO"])
def test_a_header_counts_frames_and_pages(name: str, count: int) -> None:
    """Those of an animated PNG, an AVIF sequence and a JPEG of several pictures too, of which libvips knows nothing."""
    others = [RGB.rotate(90 * turn) for turn in range(1, count)]

    assert header_of(written(RGB, name, save_all=True, append_images=others)).pages == count


def turned(name: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if name == "webp" else {"quality": 95} if name in ("jpeg", "avif") else {}
    return written(RGB, FORMATS[name].name.upper(), exif=exif.tobytes(), **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff", "avif"])
def test_orientation_is_applied_and_forgotten(name: str, orientation: int) -> None:
    data = turned(name, orientation)
    header, upright = header_of(data), read(data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))

    assert header.orientation in (orientation, 1)
    swapped = header.orientation >= 5
    assert (upright.width, upright.height) == (
        (header.height, header.width) if swapped else (header.width, header.height)
    )
    assert upright.exif is None
    assert np.abs(upright.frames[0].astype(int) - expected).mean() < (2 if name == "avif" else 0.5)
    if orientation >= 5:
        assert (upright.width, upright.height) == (HEIGHT, WIDTH)


GREY, ALPHA = RGB.convert("L"), RGB.convert("RGBA")
ALPHA.putalpha(Image.linear_gradient("L").resize(RGB.size))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (written(GREY, "PNG"), GREY),
        (written(GREY, "TIFF"), GREY),
        (written(RGB.convert("LA"), "PNG"), RGB.convert("LA").convert("RGBA")),
        (written(ALPHA, "PNG"), ALPHA),
        (written(ALPHA, "TIFF"), ALPHA),
        (written(RGB.quantize(32), "PNG"), RGB.quantize(32).convert("RGB")),
        (written(RGB.quantize(32), "TIFF"), RGB.quantize(32).convert("RGB")),
        (written(RGB.quantize(200), "GIF"), RGB.quantize(200).convert("RGB")),
        (written(RGB.convert("1"), "PNG"), RGB.convert("1").convert("L")),
        (written(RGB.convert("1"), "TIFF", compression="group4"), RGB.convert("1").convert("L")),
        (written(RGB, "TIFF", compression="tiff_lzw"), RGB),
        (written(RGB, "WEBP", lossless=True), RGB),
    ],
    ids=lambda value: sniff(value) if isinstance(value, bytes) else value.mode,
)
def test_pixels_are_those_that_a_viewer_shows(data: bytes, shown: Image.Image) -> None:
    pixels = np.asarray(shown)

    assert np.array_equal(read(data).frames[0], pixels.reshape(*pixels.shape[:2], -1))


def test_a_clear_colour_of_a_palette_becomes_alpha() -> None:
    data = written(RGB.quantize(16), "PNG", transparency=3)
    pixels = read(data).frames[0]

    assert pixels.shape[2] == 4
    assert set(np.unique(pixels[..., 3])) == {0, 255}


@pytest.mark.parametrize("name", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_cut_to_the_high_byte_unless_they_are_wanted(name: str, channels: int) -> None:
    deep = picture(HEIGHT, WIDTH, channels, 16)
    data = codec(name).encode(deep, 80, SETTINGS[name]())

    assert np.array_equal(read(data).frames, deep.frames >> 8)
    assert np.array_equal(read(data, deep=True).frames, deep.frames)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_becomes_srgb_without_its_profile(format: str) -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    shown = read(written(red, format))

    assert shown.channels == 3
    assert shown.icc is None
    r, g, b = shown.frames[0, 8, 8]
    assert r > 200
    assert max(g, b) < 60


def test_jpeg_xl_is_read_with_its_sixteen_bits_of_grey() -> None:
    deep = picture(HEIGHT, WIDTH, 1, 16).frames
    encoder: Any = pillow_jxl.Encoder
    data = encoder(mode="I;16", lossless=True)(deep.tobytes(), WIDTH, HEIGHT, jpeg_encode=False)

    assert np.array_equal(codec("jxl").decode(data).frames, deep)
    assert read(data, deep=True).frames.dtype == np.uint16
    assert read(data).frames.dtype == np.uint8


def test_jpeg_xl_of_floats_is_refused() -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpegxl_encode(np.zeros((8, 8), np.float32))
    with pytest.raises(ImageError, match="Expected JPEG XL of 8 or 16 bit, got F"):
        read(data)


def test_a_jpeg_packed_into_jpeg_xl_comes_out_as_it_was() -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = imagecodecs.jpegxl_encode_jpeg(FILES["jpeg"])

    assert np.array_equal(read(data).frames, read(FILES["jpeg"]).frames)


@pytest.mark.parametrize("name", ["webp", "gif"])
def test_an_animation_is_read_with_as_many_frames_as_wanted(name: str) -> None:
    data = FILES[f"{name} animation"]
    whole, two, one = read(data, frames=-1, limits=Limits(frames=0)), read(data, frames=2), read(data)

    assert (len(whole.frames), len(two.frames), len(one.frames)) == (3, 2, 1)
    assert whole.delays == (40, 50, 60)
    assert one.delays == ()
    assert np.array_equal(whole.frames[:1, ..., :3], one.frames[..., :3])


def test_pages_of_a_tiff_are_read_one_by_one() -> None:
    data = written(RGB, "TIFF", save_all=True, append_images=[ImageOps.invert(RGB)])
    first, second = (to_picture(standard(load(data, page=page))).frames for page in (0, 1))

    assert header_of(data).frames == 1
    assert np.array_equal(first, 255 - second)
    with pytest.raises(ImageError, match="Expected a whole tiff file"):
        load(data, page=2)


@pytest.mark.parametrize(
    ("name", "shrink", "size"), [("jpeg", 2, (28, 20)), ("jpeg", 8, (7, 5)), ("webp", 2.5, (22, 16))]
)
def test_decoders_shrink_while_they_read(name: str, shrink: float, size: tuple[int, int]) -> None:
    image = load(FILES[name], shrink=shrink)

    assert (image.width, image.height) == size


@pytest.mark.parametrize(("name", "shrink"), [("jpeg", 3), ("webp", 0.5), ("png", 2), ("avif", 2)])
def test_a_shrink_that_a_decoder_cannot_do_is_refused(name: str, shrink: float) -> None:
    with pytest.raises(ArgumentError, match="for shrink"):
        load(FILES[name], shrink=shrink)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageError, match="at most 1000 pixels, got 56x40"):
        read(FILES["png"], limits=Limits(pixels=1000))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    assert header_of(huge_png(30000)).width == 30000
    with pytest.raises(ImageError, match="got 30000x30000"):
        read(huge_png(30000))


NO_PICTURES: list[bytes] = [
    b"",
    b"\0",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"<html>",
    b"PK\x03\x04",
    b"\x89PNG\r\n\x1a\n" + bytes(50),
]


@pytest.mark.parametrize("data", NO_PICTURES)
@pytest.mark.parametrize("open", [header_of, load, read], ids=["header_of", "load", "read"])
def test_what_is_no_picture_is_refused_with_a_sentence(data: bytes, open: Callable[[bytes], object]) -> None:
    with pytest.raises(ImageError, match=r"^Expected a (picture|whole)"):
        open(data)


def outcome(data: bytes, whole: Any) -> str:
    try:
        return "same" if np.array_equal(read(data, frames=-1).frames, whole) else "changed"
    except ImageError:
        return "refused"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_breaks_off_is_refused_unless_nothing_is_missing(name: str) -> None:
    data = FILES[name]
    whole = read(data, frames=-1).frames
    cuts = sorted({*range(0, 40, 3), *np.linspace(0, len(data) - 1, 60).astype(int).tolist(), len(data) - 2})
    outcomes = [outcome(data[:cut], whole) for cut in cuts]

    assert "changed" not in outcomes
    assert outcomes[: int(0.9 * len(cuts))] == ["refused"] * int(0.9 * len(cuts))


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("target", ["webp", "jpeg", "png"])
@pytest.mark.parametrize("name", FILES)
def test_a_lazy_image_whose_file_breaks_off_blames_the_file(name: str, target: str, sequential: bool) -> None:
    half = FILES[name][: len(FILES[name]) // 2]

    def convert() -> bytes:
        image = flatten(standard(load(half, sequential=sequential, frames=-1)))
        return codec(target).save(image, 75, SETTINGS[target]())

    with pytest.raises(ImageError, match=r"^Expected a (picture|whole)"):
        convert()


@given(st.sampled_from(sorted(FILES)), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6))
def test_a_damaged_file_is_a_picture_or_refused(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(FILES[name])
    for place, value in changes:
        data[place % len(data)] = value
    try:
        channels = read(bytes(data), frames=-1, limits=Limits(pixels=1_000_000, frames=0)).channels
    except ImageError:
        return
    assert channels in (1, 3, 4)
