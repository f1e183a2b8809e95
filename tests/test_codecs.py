from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveola.codecs import NAMES, codec, vips
from foveola.errors import ArgumentError, CodecError, ImageError
from foveola.picture import FORMATS, Picture, sniff
from foveola.settings import (
    BEST_JPEG,
    SETTINGS,
    AvifSettings,
    JpegSettings,
    JxlSettings,
    PngSettings,
    WebpSettings,
)
from tests.drawn import animation, picture

VARIANTS: list[tuple[str, Any]] = [
    ("jpeg", JpegSettings()),
    ("jpeg", JpegSettings(progressive=True, no_subsample=True)),
    ("jpeg", JpegSettings(trellis_quant=True)),
    ("jpeg", BEST_JPEG),
    ("webp", WebpSettings()),
    ("webp", WebpSettings(smart_subsample=True, effort=2)),
    ("webp", WebpSettings(preset="photo")),
    ("webp", WebpSettings(compression="near_lossless")),
    ("webp", WebpSettings(compression="lossless")),
    ("avif", AvifSettings()),
    ("avif", AvifSettings(speed=9, subsample="off")),
    ("jxl", JxlSettings()),
    ("jxl", JxlSettings(effort=7)),
    ("tiff", SETTINGS["tiff"]()),
    ("png", PngSettings()),
    ("png", PngSettings(interlaced=True)),
    ("gif", SETTINGS["gif"]()),
    ("bmp", SETTINGS["bmp"]()),
    ("ico", SETTINGS["ico"]()),
]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(VARIANTS)]
LOSSY = [row for row in VARIANTS if row[0] in ("jpeg", "webp", "avif", "jxl") and "less" not in str(row)]
LOSSLESS = [row for row in VARIANTS if row not in LOSSY and row[0] != "gif" and "near" not in str(row)]
WITH_CHANNELS = [(*row, channels) for row in VARIANTS for channels in (1, 3, 4) if channels < 4 or row[0] != "jpeg"]
SIZES = [(1, 1), (1, 9), (7, 1), (3, 5), (16, 16), (17, 31), (40, 56)]


@pytest.mark.parametrize(("name", "settings", "channels"), WITH_CHANNELS, ids=str)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_shape_comes_back_in_its_size(name: str, settings: Any, channels: int, height: int, width: int) -> None:
    data = codec(name).encode(picture(height, width, channels), 80, settings)
    back = codec(name).decode(data)

    assert sniff(data) == name
    assert back.frames.dtype == np.uint8
    assert back.frames.shape[:3] == (1, height, width)
    # Icons always have alpha, libwebp knows no grey, and a GIF comes back with alpha where its palette has room for it.
    assert back.channels in {"webp": (max(channels, 3),), "gif": (3, 4), "ico": (4,)}.get(name, (channels,))


@pytest.mark.parametrize(("name", "settings"), LOSSLESS, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lossless_formats_give_back_every_visible_pixel(name: str, settings: Any, channels: int) -> None:
    before = picture(channels=channels)
    after = codec(name).decode(codec(name).encode(before, 50, settings))
    seen = before.frames if channels != 4 else np.where(before.frames[..., 3:] > 0, before.frames, 0)
    kept = after.frames if channels != 4 else np.where(after.frames[..., 3:] > 0, after.frames, 0)

    if channels != 4:
        kept = kept[..., :3]  # an icon's alpha
        assert (after.frames[..., 3:] == 255).all()
    assert np.array_equal(np.broadcast_to(seen, kept.shape), kept)


@pytest.mark.parametrize(("name", "settings", "channels"), [row for row in WITH_CHANNELS if row[:2] in LOSSY], ids=str)
def test_lossy_formats_lose_less_at_a_higher_quality(name: str, settings: Any, channels: int) -> None:
    before = picture(channels=channels)

    def loss(quality: int) -> float:
        after = codec(name).decode(codec(name).encode(before, quality, settings))
        return float(np.abs(after.frames.astype(int) - before.frames)[..., :3].mean())

    assert loss(95) < loss(60) < loss(10) < 40


@pytest.mark.parametrize(("name", "settings"), LOSSY, ids=str)
def test_a_higher_quality_makes_a_larger_file(name: str, settings: Any) -> None:
    sizes = [len(codec(name).encode(picture(), quality, settings)) for quality in (10, 40, 70, 95)]

    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=IDS)
def test_saving_a_lazy_image_shows_what_encoding_its_pixels_shows(name: str, settings: Any) -> None:
    """Two libraries may write one format."""
    before = picture()
    image = pyvips.Image.new_from_memory(before.frames.tobytes(), 56, 40, 3, "uchar").copy(interpretation="srgb")
    encoded = codec(name).decode(codec(name).encode(before, 80, settings)).frames
    saved = codec(name).decode(codec(name).save(image, 80, settings)).frames

    assert np.array_equal(encoded, saved)


@pytest.mark.parametrize("name", NAMES)
def test_a_codec_and_its_format_agree(name: str) -> None:
    found = codec(name)

    assert found.name == name
    assert (found.qualities is not None) == FORMATS[name].quality
    assert hash(found) is not None


def test_an_unknown_codec_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r'one of jpeg, webp, .* for format, got "heic"'):
        codec("heic")


def test_a_codec_whose_library_is_missing_is_an_error_with_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in `sys.modules` makes an import fail as a missing wheel does."""
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    monkeypatch.delitem(sys.modules, "foveola.codecs.jxl", raising=False)
    codec.cache_clear()
    try:
        with pytest.raises(CodecError, match="Expected an installation that can do it for jxl") as caught:
            codec("jxl")
    finally:
        codec.cache_clear()

    assert (caught.value.status, caught.value.public) == (422, "Invalid URL")


def test_a_pillow_without_a_format_is_an_error_with_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(Image.SAVE, "AVIF")
    with pytest.raises(CodecError, match='Expected an installation that can do it for avif, got "Pillow') as caught:
        codec("avif").encode(picture(), 80, AvifSettings())

    assert (caught.value.status, caught.value.public) == (422, "Invalid URL")


def test_a_libvips_without_a_format_is_an_error_with_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    tiff = codec("tiff").encode(picture(), 80, SETTINGS["tiff"]())
    monkeypatch.setattr(pyvips, "type_find", lambda base, name: 0 if name.startswith("tiff") else 1)  # noqa: ARG005
    with pytest.raises(CodecError, match='got "libvips without tiffsave_buffer"') as written:
        codec("tiff").encode(picture(), 80, SETTINGS["tiff"]())
    with pytest.raises(ImageError, match='got "libvips without tiffload_buffer"') as read:
        codec("tiff").decode(tiff)

    for caught in (written, read):
        assert (caught.value.status, caught.value.public) == (422, "Invalid URL")


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=IDS)
def test_the_axis_falls_with_each_distinct_setting(name: str, settings: Any) -> None:
    found = codec(name)
    if found.qualities is None:
        assert found.axis(1) == found.axis(100)
        return
    for low, high in pairwise(range(1, 101)):
        assert np.isfinite(found.axis(low))
        if name != "tiff":
            same = found.setting(low, settings) == found.setting(high, settings)
            assert found.axis(low) > found.axis(high) or same or found.axis(low) == found.axis(high)


@pytest.mark.parametrize("name", ["jpeg", "webp", "jxl"])
def test_the_axis_falls_with_every_quality_where_all_differ(name: str) -> None:
    assert all(codec(name).axis(low) > codec(name).axis(high) for low, high in pairwise(range(1, 101)))


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("jpeg", JpegSettings(), 100),
        ("jpeg", JpegSettings(quant_table=1), 53),  # all steps are equal, and few
        ("jpeg", BEST_JPEG, 98),
        ("webp", WebpSettings(), 100),
        ("webp", WebpSettings(compression="near_lossless"), 6),
        ("webp", WebpSettings(compression="lossless"), 1),
        ("avif", AvifSettings(), 64),
        ("avif", AvifSettings(subsample="off"), 64),
        ("jxl", JxlSettings(), 100),
        ("tiff", SETTINGS["tiff"](), 1),
        ("png", PngSettings(), 1),
        ("gif", SETTINGS["gif"](), 1),
        ("bmp", SETTINGS["bmp"](), 1),
        ("ico", SETTINGS["ico"](), 1),
    ],
    ids=str,
)
def test_so_many_settings_are_distinct(name: str, settings: Any, count: int) -> None:
    assert len({codec(name).setting(quality, settings) for quality in range(1, 101)}) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings", "channels"),
    [row for row in WITH_CHANNELS if FORMATS[row[0]].quality]
    + [("jpeg", JpegSettings(quant_table=table), 3) for table in range(1, 9)],
    ids=str,
)
def test_equal_settings_give_equal_files_and_only_they(name: str, settings: Any, channels: int) -> None:
    found, before = codec(name), picture(96, 128, channels)
    files = {quality: found.encode(before, quality, settings) for quality in range(1, 101)}
    for low, high in pairwise(range(1, 101)):
        if found.setting(low, settings) == found.setting(high, settings):
            assert files[low] == files[high], f"{low} and {high} are one setting"
    distinct = len({found.setting(quality, settings) for quality in files})
    # libwebp rounds its quantisers for each picture; grey JPEG has no chroma table to differ in.
    assert len(set(files.values())) >= 0.95 * distinct


@given(
    st.sampled_from([row for row in LOSSY if row[0] != "avif"]),
    st.integers(1, 24),
    st.integers(1, 24),
    st.sampled_from([1, 3]),
    st.integers(1, 100),
)
def test_any_size_and_quality_comes_back(
    variant: tuple[str, Any], height: int, width: int, channels: int, quality: int
) -> None:
    name, settings = variant
    data = codec(name).encode(picture(height, width, channels), quality, settings)

    assert codec(name).decode(data).frames.shape[1:3] == (height, width)


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif", "jxl"])
def test_one_picture_may_be_encoded_in_several_threads(name: str) -> None:
    shared, settings = picture(96, 128), SETTINGS[name]()
    qualities = [20, 90] * 10
    alone = [codec(name).encode(shared, quality, settings) for quality in qualities]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda quality: codec(name).encode(shared, quality, settings), qualities))

    assert together == alone


def refusals() -> Iterator[tuple[str, Picture, str]]:
    for name in NAMES:
        format = FORMATS[name]
        if not format.alpha:
            yield name, picture(channels=4), "no alpha channel"
        if not format.animation:
            yield name, animation(), "one frame"
        if not format.deep:
            yield name, picture(bits=16), "8 bit"
        if not format.profile:
            yield name, picture(icc=b"profile"), "sRGB without a profile"
        yield name, Picture(np.zeros((1, 4, 4, 3), np.float32)), "uint8 or uint16"


@pytest.mark.parametrize(("name", "given", "what"), list(refusals()))
def test_what_a_format_cannot_hold_is_refused(name: str, given: Picture, what: str) -> None:
    with pytest.raises(ArgumentError, match=f"Expected {what} for {name}"):
        codec(name).encode(given, 80, SETTINGS[name]())


def test_a_lazy_image_with_alpha_is_refused_by_jpeg() -> None:
    with pytest.raises(ArgumentError, match="no alpha channel for jpeg"):
        codec("jpeg").save(vips.from_picture(picture(channels=4)), 80, JpegSettings())


def test_a_side_that_webp_cannot_hold_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="WEBP encoder failed"):
        codec("webp").encode(picture(1, 16384), 80, WebpSettings())
    with pytest.raises(CodecError, match="webpsave_buffer failed"):
        codec("webp").save(vips.from_picture(picture(1, 16384)), 80, WebpSettings())


def test_an_effort_that_libjxl_does_not_know_is_a_codec_error() -> None:
    with pytest.raises(CodecError, match="jxl encoder failed: Invalid effort"):
        codec("jxl").encode(picture(), 80, JxlSettings(effort=99))


@pytest.mark.parametrize("name", ["webp", "gif"])
def test_an_animation_keeps_its_frames_delays_and_loop(name: str) -> None:
    before = animation()
    after = codec(name).decode(codec(name).encode(before, 95, SETTINGS[name]()))

    assert after.frames.shape[:3] == before.frames.shape[:3]
    assert after.delays == before.delays
    assert after.loop == before.loop
    for index in range(3):
        assert np.abs(after.frames[index, ..., :3].astype(int) - before.frames[index]).mean() < 8


@pytest.mark.parametrize("name", ["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_kept(name: str, channels: int) -> None:
    before = picture(channels=channels, bits=16)
    after = codec(name).decode(codec(name).encode(before, 80, SETTINGS[name]()))

    assert after.frames.dtype == np.uint16
    assert np.array_equal(after.frames, before.frames)


def test_avif_writes_sixteen_bits_as_twelve_and_reads_them_as_eight() -> None:
    before = picture(bits=16)
    data = codec("avif").encode(before, 95, AvifSettings())
    after = codec("avif").decode(data)

    assert pyvips.Image.heifload_buffer(data).get("bits-per-sample") == 12
    assert after.frames.dtype == np.uint8
    assert np.abs(after.frames.astype(int) - before.frames // 257).mean() < 4


def test_jpeg_xl_cuts_a_lazy_image_to_eight_bits() -> None:
    deep = picture(bits=16)
    shallow = Picture((deep.frames >> 8).astype(np.uint8))
    saved = codec("jxl").save(vips.from_picture(deep), 95, JxlSettings())

    assert saved == codec("jxl").encode(shallow, 95, JxlSettings())


@pytest.mark.parametrize(("colours", "most"), [(2, 2), (4, 4), (16, 16), (17, 256), (256, 256)])
def test_a_png_palette_has_no_more_colours_than_its_depth(colours: int, most: int) -> None:
    data = codec("png").encode(picture(), 80, PngSettings(quantize=True, quantization_colors=colours))
    pixels = codec("png").decode(data).frames.reshape(-1, 3)

    assert len(np.unique(pixels, axis=0)) <= most


def test_a_palette_of_the_source_is_kept() -> None:
    source = codec("png").encode(picture(), 80, PngSettings(quantize=True, quantization_colors=16))
    again = codec("png").save(vips.load(source, "png"), 80, PngSettings())
    as_gif = codec("gif").save(vips.load(source, "png"), 80, SETTINGS["gif"]())

    assert vips.load(again, "png").get("bits-per-sample") == 4
    assert len(np.unique(codec("gif").decode(as_gif).frames.reshape(-1, 3), axis=0)) <= 16


def test_jpeg_keeps_a_picture_that_fills_no_buffer_of_pillow() -> None:
    """Noise takes more than a byte a pixel, which is all that Pillow gives the optimiser."""
    noise = Picture(np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), np.uint8))
    data = codec("jpeg").encode(noise, 90, JpegSettings())

    assert len(data) > 300 * 300
    assert np.abs(codec("jpeg").decode(data).frames.astype(int) - noise.frames).mean() < 12


EXIF = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\1\x82\x98\0\2\0\0\0\x05\0\0\0\x1a\0\0\0\0mine\0"  # the copyright tag
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
KEPT = {
    "jpeg": "icc exif xmp dpi",
    "webp": "icc exif xmp",
    "avif": "icc exif xmp",
    "jxl": "exif xmp",
    "tiff": "icc xmp dpi",
    "png": "icc exif xmp dpi",
    "gif": "",
    "bmp": "dpi",
    "ico": "dpi",
}


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=IDS)
def test_metadata_of_the_picture_is_written_as_far_as_the_format_goes(name: str, settings: Any) -> None:
    profile = bytes(pyvips.Operation.call("profile_load", "p3")) if FORMATS[name].profile else None
    given = picture(icc=profile, exif=EXIF, xmp=XMP, dpi=96.0)
    back = codec(name).decode(codec(name).encode(given, 80, settings))
    kept = KEPT[name].split()

    assert back.icc == (profile if "icc" in kept else None)
    assert (back.exif or b"").startswith(b"Exif\0\0") == ("exif" in kept)
    assert (b"mine" in (back.exif or b"")) == ("exif" in kept)
    assert back.xmp == (XMP if "xmp" in kept else None)
    assert back.dpi == pytest.approx(96 if "dpi" in kept else 72, abs=0.1)


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=IDS)
def test_a_picture_without_metadata_makes_a_file_without(name: str, settings: Any) -> None:
    data = codec(name).encode(picture(), 80, settings)
    back = codec(name).decode(data)

    assert (back.icc, back.exif, back.xmp) == (None, None, None)
    assert b"Exif" not in data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"text, no picture", bytes(range(256)) * 9], ids=["none", "0", "text", "noise"]
)
def test_no_decoder_takes_bytes_of_something_else(name: str, data: bytes) -> None:
    with pytest.raises(ImageError, match="Expected a whole"):
        codec(name).decode(data)


@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=IDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_no_decoder_takes_a_file_that_breaks_off(name: str, settings: Any, share: float) -> None:
    data = codec(name).encode(picture(120, 160), 80, settings)
    with pytest.raises(ImageError, match="Expected a whole"):
        codec(name).decode(data[: int(len(data) * share)])


def test_an_animated_gif_without_its_last_frame_is_refused() -> None:
    data = codec("gif").encode(animation(), 80, SETTINGS["gif"]())
    for cut in (len(data) - 1, len(data) - 30, len(data) * 2 // 3):
        with pytest.raises(ImageError, match="Expected a whole gif file"):
            codec("gif").decode(data[:cut])
