"""PNG: the arguments that imgproxy gives to libvips, seen in the files; and depths above 8 bit."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

import foveola
from foveola.codecs import codec, vips
from foveola.errors import ImageError
from foveola.picture import Picture
from foveola.settings import SETTINGS, PngSettings
from foveola.transform.colour import standard
from foveola.transform.load import header_of, load, read
from tests.drawn import drawn, picture

GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
"""Colour types."""


def facts(data: bytes) -> tuple[int, int, bool]:
    """Return bit depth, colour type and whether it is interlaced: https://www.w3.org/TR/png-3/#11IHDR."""
    depth, kind, _, _, interlaced = struct.unpack_from("5B", data, 24)
    return depth, kind, bool(interlaced)


def written(channels: int = 3, bits: int = 8, **settings: Any) -> bytes:
    return codec("png").encode(picture(channels=channels, bits=bits), 80, PngSettings(**settings))


@pytest.mark.parametrize(("channels", "kind"), [(1, GREY), (3, RGB), (4, RGBA)])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("interlaced", [False, True])
def test_depth_colours_and_interlacing_are_those_of_the_picture(
    channels: int, kind: int, bits: int, interlaced: bool
) -> None:
    data = written(channels, bits, interlaced=interlaced)

    assert facts(data) == (bits, kind, interlaced)
    assert np.array_equal(codec("png").decode(data).frames, picture(channels=channels, bits=bits).frames)


@pytest.mark.parametrize(
    ("colours", "depth"), [(2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (100, 8), (255, 8), (256, 8)]
)
@pytest.mark.parametrize(("channels", "bits"), [(3, 8), (4, 8), (3, 16)])
def test_so_many_colours_take_so_many_bits(channels: int, bits: int, colours: int, depth: int) -> None:
    data = written(channels, bits, quantize=True, quantization_colors=colours)
    shown = codec("png").decode(data).frames

    assert facts(data)[:2] == (depth, PALETTE)
    assert shown.dtype == np.uint8
    assert len(np.unique(shown.reshape(-1, shown.shape[3]), axis=0)) <= 2**depth


def test_more_colours_lose_less() -> None:
    def loss(colours: int) -> float:
        shown = codec("png").decode(written(quantize=True, quantization_colors=colours)).frames
        return float(np.abs(shown[..., :3].astype(int) - picture().frames).mean())

    assert loss(256) < loss(16) < loss(4) < loss(2)
    assert loss(256) < 6


def test_colours_are_only_counted_where_quantising_is_wanted() -> None:
    assert written(quantization_colors=2) == written()


def source(colours: int, format: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(drawn()).quantize(colours).save(file, format)
    return file.getvalue()


@pytest.mark.parametrize(("colours", "depth"), [(2, 1), (4, 2), (16, 4), (200, 8)])
def test_a_source_with_a_palette_keeps_one_of_its_depth(colours: int, depth: int) -> None:
    same, smaller = foveola.encode(source(colours), "png"), foveola.encode(source(colours), "png", width=20)

    assert facts(same.data)[:2] == facts(smaller.data)[:2] == (depth, PALETTE)
    assert np.array_equal(read(same.data).frames, read(source(colours)).frames)


def test_a_source_with_a_palette_can_be_cut_to_fewer_colours() -> None:
    result = foveola.encode(source(200), "png", quantize=True, quantization_colors=4)

    assert facts(result.data)[:2] == (2, PALETTE)


def test_the_palette_of_a_gif_is_kept_in_a_png() -> None:
    assert facts(foveola.encode(source(16, "GIF"), "png").data)[:2] == (4, PALETTE)


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_source_without_a_palette_gets_none(name: str) -> None:
    data = codec(name).encode(picture(), 80, SETTINGS[name]())

    assert facts(foveola.encode(data, "png").data)[:2] == (8, RGB)


@pytest.mark.parametrize("name", ["png", "tiff", "avif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_lazy_image_of_16_bit_is_written_so(name: str, channels: int) -> None:
    """AVIF holds 12 of them, and grey as RGB."""
    before = picture(channels=channels, bits=16)
    data = codec(name).save(vips.from_picture(before), 100, SETTINGS[name]())
    after = vips.to_picture(standard(load(data), deep=True)).frames
    error = np.abs(after.astype(int) - before.frames)

    assert header_of(data).bits == (12 if name == "avif" else 16)
    assert after.dtype == np.uint16
    assert (error.mean() < 0.5 * 257) if name == "avif" else (error.max() == 0)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_an_avif_of_more_bits_is_read_with_all_of_them(bits: int) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(1, 64, 64, 1).repeat(3, 3)
    image = vips.from_picture(Picture(ramp if bits > 8 else (ramp >> 8).astype(np.uint8)))
    data = image.heifsave_buffer(compression="av1", bitdepth=bits, Q=100, lossless=True)
    shallow, deep = read(data).frames, read(data, deep=True).frames

    assert header_of(data).bits == bits
    assert deep.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert (deep.min(), deep.max()) == (0, 255 if bits == 8 else 65535), "black is black, white is white"
    assert (len(np.unique(deep)) > 256) == (bits > 8)
    assert np.abs(shallow.astype(int) - (ramp >> 8)).max() <= 1


def test_tiff_pages_of_equal_size_stand_one_above_the_other() -> None:
    pages = [Image.fromarray(drawn()), Image.fromarray(drawn()[::-1]), Image.fromarray(drawn()[:, ::-1])]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    image = load(file.getvalue(), page=1, frames=2)

    assert (image.width, image.height, image.get_page_height()) == (56, 80, 40)
    assert np.array_equal(image.numpy(), np.concatenate([drawn()[::-1], drawn()[:, ::-1]]))


def test_tiff_pages_of_unequal_size_are_refused_together_and_read_alone() -> None:
    pages = [Image.fromarray(drawn()), Image.fromarray(drawn(20, 20))]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])

    assert np.array_equal(load(file.getvalue(), page=1).numpy(), drawn(20, 20))
    with pytest.raises(ImageError, match="Expected a whole tiff file"):
        load(file.getvalue(), frames=-1)


def test_pngsave_is_given_imgproxys_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    def save(image: pyvips.Image, saver: str, arguments: dict[str, Any]) -> bytes:  # noqa: ARG001
        given.append(arguments)
        return b""

    monkeypatch.setattr(vips, "save", save)
    written()
    written(interlaced=True)
    written(quantize=True, quantization_colors=7)

    assert given == [
        {"interlace": False, "filter": "all"},
        {"interlace": True, "filter": "all"},
        {"interlace": False, "filter": "none", "palette": True, "bitdepth": 4},
    ]
