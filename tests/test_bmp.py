"""BMP: what is written is what other readers show, and files of other writers are read."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from foveola.codecs import codec
from foveola.errors import ImageError
from foveola.picture import Header
from foveola.settings import SETTINGS
from foveola.transform.load import header_of, read
from tests.drawn import drawn, picture

SETTING = SETTINGS["bmp"]()


def written(image: Image.Image, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, "BMP", **options)
    return file.getvalue()


@pytest.mark.parametrize(("channels", "bits", "header"), [(1, 8, 40), (3, 24, 40), (4, 32, 108)])
def test_a_pixel_has_so_many_bits(channels: int, bits: int, header: int) -> None:
    data = codec("bmp").encode(picture(channels=channels), 80, SETTING)

    assert struct.unpack_from("<I", data, 14) == (header,)
    assert struct.unpack_from("<H", data, 28) == (bits,)
    assert struct.unpack_from("<I", data, 2) == (len(data),)


@pytest.mark.parametrize("width", range(1, 9))
def test_rows_with_alpha_are_shown_by_others_as_they_were(width: int) -> None:
    pixels = drawn(5, width, 4)
    data = codec("bmp").encode(picture(5, width, 4), 80, SETTING)

    assert np.array_equal(np.asarray(Image.open(BytesIO(data))), pixels)


def test_a_lazy_image_loses_the_profile_that_a_bmp_cannot_hold() -> None:
    from foveola.codecs import vips

    image = vips.from_picture(picture(icc=b"profile", bits=16))
    back = codec("bmp").decode(codec("bmp").save(image, 80, SETTING))

    assert np.array_equal(back.frames, picture(bits=16).frames >> 8)


RGB = Image.fromarray(drawn())


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_files_of_other_depths_are_read(mode: str) -> None:
    image = RGB.convert(mode)
    data, shown = written(image), np.asarray(image.convert("L" if mode in ("1", "L") else "RGB"))
    channels = 1 if mode in ("1", "L") else 3

    assert header_of(data) == Header("bmp", 56, 40, channels, alpha=False)
    assert np.array_equal(read(data).frames[0], shown.reshape(40, 56, -1))


def of_32_bit(pixels: NDArray[np.uint8], masks: bytes, compression: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40 + len(masks), pixels.shape[1], height, 1, 32, compression, 0, 0, 0, 0, 0)
    head += masks
    size = 14 + len(head)
    return struct.pack("<2sIHHI", b"BM", size + pixels.nbytes, 0, 0, size) + head + pixels.tobytes()


def test_the_fourth_byte_is_filling_unless_a_mask_says_that_it_is_alpha() -> None:
    bgra = np.ascontiguousarray(drawn(channels=4)[..., [2, 1, 0, 3]])
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    filled, clear = of_32_bit(bgra, b"", 0, -40), of_32_bit(bgra, masks, 3, -40)

    assert header_of(filled) == Header("bmp", 56, 40, 3, alpha=False)
    assert header_of(clear) == Header("bmp", 56, 40, 4, alpha=True)
    assert np.array_equal(read(filled).frames[0], drawn(channels=4)[..., :3])
    assert np.array_equal(read(clear).frames[0], drawn(channels=4))


def test_rows_may_stand_from_top_to_bottom_or_the_other_way() -> None:
    bgra = np.ascontiguousarray(drawn(channels=4)[..., [2, 1, 0, 3]])
    down, up = of_32_bit(bgra, b"", 0, -40), of_32_bit(bgra, b"", 0, 40)

    assert np.array_equal(read(up).frames[0], read(down).frames[0][::-1])


def test_a_header_that_lies_is_known_before_a_pixel_is_made() -> None:
    data = bytearray(written(RGB))
    struct.pack_into("<ii", data, 18, 60_000, 60_000)

    assert header_of(bytes(data)).width == 60_000
    with pytest.raises(ImageError, match="at most 50000000 pixels, got 60000x60000"):
        read(bytes(data))
