"""Icons: one picture is written, the largest is read, whatever the directory says."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveola.codecs import codec
from foveola.errors import ArgumentError, ImageError
from foveola.picture import Header
from foveola.settings import SETTINGS
from foveola.transform.load import header_of, read
from tests.drawn import drawn, picture

SETTING = SETTINGS["ico"]()


def icon(*parts: bytes, said: tuple[int, int] = (0, 0)) -> bytes:
    """Return an icon of these pictures; the directory says the same size of all."""
    at, directory = 6 + 16 * len(parts), b""
    for part in parts:
        directory += struct.pack("<BBBBHHII", *said, 0, 0, 1, 32, len(part), at)
        at += len(part)
    return struct.pack("<HHH", 0, 1, len(parts)) + directory + b"".join(parts)


def png(width: int, height: int, **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(drawn(height, width, 4)).save(file, "PNG", **options)
    return file.getvalue()


def bitmap(pixels: Any, mask: Any, bits: int, palette: bytes = b"") -> bytes:
    """Return a bitmap of an icon: rows from the bottom, each of a multiple of four bytes, then those of the mask."""
    height, width = mask.shape
    head = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, bits, 0, 0, 0, 0, len(palette) // 4, 0)
    return head + palette + rows(pixels[::-1]) + rows(np.packbits(mask[::-1], axis=1))


def rows(array: Any) -> bytes:
    flat = array.reshape(len(array), -1)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4))).astype(np.uint8).tobytes()


@pytest.mark.parametrize("side", [1, 16, 255, 256])
def test_an_icon_is_shown_by_others_as_it_was(side: int) -> None:
    data = codec("ico").encode(picture(side, side, 4), 80, SETTING)
    shown = Image.open(BytesIO(data))
    alpha = np.asarray(shown)[..., 3:]

    assert shown.format == "ICO"
    assert shown.size == (side, side)
    assert data[6:8] == bytes([side % 256, side % 256])
    assert np.array_equal(np.where(alpha, np.asarray(shown), 0), np.where(alpha, drawn(side, side, 4), 0))


def test_the_picture_in_an_icon_has_alpha_always() -> None:
    for channels in (1, 3, 4):
        data = codec("ico").encode(picture(16, 16, channels), 80, SETTING)

        assert data[22:30] == b"\x89PNG\r\n\x1a\n"
        assert data[22 + 25] == 6, "the colour type of RGB with alpha"


@pytest.mark.parametrize(("height", "width"), [(257, 16), (16, 257)])
def test_a_side_above_256_pixels_is_refused(height: int, width: int) -> None:
    with pytest.raises(ArgumentError, match="Expected sides of at most 256 pixels for ico"):
        codec("ico").encode(picture(height, width), 80, SETTING)


def test_the_largest_picture_is_read_whatever_the_directory_says() -> None:
    data = icon(png(16, 16), png(48, 40), png(32, 32), said=(16, 16))

    assert header_of(data) == Header("ico", 48, 40, 4, alpha=True)
    assert np.array_equal(read(data).frames[0], drawn(40, 48, 4))


def test_an_icon_of_several_sizes_from_pillow_is_read() -> None:
    file = BytesIO()
    Image.fromarray(drawn(64, 64, 4)).save(file, "ICO", sizes=[(16, 16), (64, 64), (32, 32)])

    assert np.array_equal(read(file.getvalue()).frames[0], drawn(64, 64, 4))


PIXELS = drawn(9, 37, 4)
MASK = np.zeros((9, 37), bool)
MASK[2:5, 3:30] = True


def test_a_bitmap_of_32_bit_has_alpha_of_its_own() -> None:
    data = icon(bitmap(PIXELS[..., [2, 1, 0, 3]], MASK, 32), said=(37, 9))

    assert header_of(data) == Header("ico", 37, 9, 4, alpha=True)
    assert np.array_equal(read(data).frames[0], PIXELS)


def test_a_bitmap_of_32_bit_without_alpha_goes_by_its_mask() -> None:
    bgr = PIXELS[..., [2, 1, 0, 3]] * np.array([1, 1, 1, 0], np.uint8)
    shown = read(icon(bitmap(bgr, MASK, 32))).frames[0]

    assert np.array_equal(shown[..., :3], PIXELS[..., :3])
    assert np.array_equal(shown[..., 3] == 0, MASK)


def test_a_bitmap_of_32_bit_needs_no_mask_where_it_has_alpha() -> None:
    whole = bitmap(PIXELS[..., [2, 1, 0, 3]], MASK, 32)

    assert np.array_equal(read(icon(whole[: 40 + 4 * 9 * 37])).frames[0], PIXELS)


def test_a_bitmap_of_24_bit_and_one_with_a_palette_go_by_their_masks() -> None:
    palette = np.array([[0, 0, 255, 0], [0, 255, 0, 0], *[[9, 9, 9, 0]] * 254], np.uint8)
    index = (np.arange(9 * 37).reshape(9, 37) % 2).astype(np.uint8)
    deep = read(icon(bitmap(PIXELS[..., [2, 1, 0]], MASK, 24))).frames[0]
    flat = read(icon(bitmap(index, MASK, 8, palette.tobytes()))).frames[0]

    assert np.array_equal(deep[..., :3], PIXELS[..., :3])
    assert np.array_equal(deep[..., 3] == 0, MASK)
    assert np.array_equal(flat[..., :3], palette[index][..., [2, 1, 0]])
    assert np.array_equal(flat[..., 3] == 0, MASK)


def test_a_huge_picture_in_an_icon_is_known_by_its_own_header() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    end = chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + end

    with pytest.raises(ImageError, match="got 30000x30000"):
        read(icon(bomb, said=(16, 16)))


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"no picture at all, but long enough to be one",
        b"\x89PNG\r\n\x1a\n",
        struct.pack("<IiiHHIIiiII", 40, -5, 10, 1, 32, 0, 0, 0, 0, 0, 0),
        struct.pack("<IiiHHIIiiII", 40, 50_000, 100_000, 1, 32, 0, 0, 0, 0, 0, 0),
        struct.pack("<IiiHHIIiiII", 40, 5, 10, 1, 7, 0, 0, 0, 0, 0, 0) + bytes(999),
        bitmap(PIXELS[..., [2, 1, 0, 3]], MASK, 32)[: 40 + 4 * 9 * 37 - 1],
        bitmap(0 * PIXELS, MASK, 32)[:-1],
        bitmap(PIXELS[..., [2, 1, 0]], MASK, 24)[:-1],
        bitmap(PIXELS[..., [2, 1, 0]], MASK, 24)[:500],
    ],
)
def test_a_broken_picture_in_an_icon_is_refused(part: bytes) -> None:
    from foveola.picture import Limits

    with pytest.raises(ImageError, match=r"Expected a whole (ico|png) file"):
        read(icon(part), limits=Limits(pixels=0))


def test_an_icon_without_a_picture_and_one_that_points_beyond_its_end_are_refused() -> None:
    for data in (icon(), icon(png(16, 16))[:-5], icon(png(16, 16))[:15]):
        with pytest.raises(ImageError, match="Expected a whole ico file"):
            header_of(data)


def test_an_icon_whose_pictures_lie_over_each_other_is_refused() -> None:
    """Each was copied to be looked at: 65,535 of a megabyte took seconds."""
    part = png(16, 16)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(part), 6 + 16 * 1000)

    with pytest.raises(ImageError, match="over each other"):
        header_of(struct.pack("<HHH", 0, 1, 1000) + entry * 1000 + part * 9)
