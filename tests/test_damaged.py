"""A damaged file is an ImageError wherever it is read: its rest is never served in grey or black."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
import pyvips

import foveola
from foveola.codecs import jpegheader, mpf, tiff, vips
from foveola.errors import ImageError
from foveola.transform import load
from tests.toys import photo

PICTURE = photo(160, 120)
END = b"\xff\xd9"


def written(format: str, **options: object) -> bytes:
    file = io.BytesIO()
    PICTURE.pillow.save(file, format, **options)
    return file.getvalue()


JPEG, PROGRESSIVE = written("JPEG", quality=90), written("JPEG", quality=90, progressive=True)
TIFFS = {
    "strips": written("TIFF"),
    "jpeg strips": written("TIFF", compression="jpeg"),
    "lzw strips": written("TIFF", compression="tiff_lzw"),
    "big": vips.from_picture(PICTURE).tiffsave_buffer(bigtiff=True),
    "tiles": vips.from_picture(PICTURE).tiffsave_buffer(tile=True, tile_width=64, tile_height=64),
    "motorola": b"MM\0*\0\0\0\x08\0\x09"
    + b"".join(
        tag.to_bytes(2, "big") + b"\0\4\0\0\0\1" + value.to_bytes(4, "big")
        for tag, value in ((256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 122), (277, 1), (278, 8), (279, 64))
    )
    + b"\0\0\0\0"
    + bytes(range(64)),
}
READERS: dict[str, Callable[[bytes], object]] = {
    "encode": lambda data: foveola.encode(data, "png"),
    "decode": foveola.decode,
    "read": load.read,
    "search": lambda data: foveola.encode(data, "webp", autoquality="dssim:0.02"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", [JPEG, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_jpeg_that_was_cut_and_ended_by_a_marker_is_refused(reader: str, data: bytes, share: float) -> None:
    with pytest.raises(ImageError):
        READERS[reader](data[: int(len(data) * share)] + END)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", TIFFS)
def test_a_tiff_without_its_last_strips_is_refused(reader: str, name: str) -> None:
    data = TIFFS[name]
    READERS[reader](data)
    with pytest.raises(ImageError):
        READERS[reader](data[: len(data) * 3 // 4])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", [JPEG, PROGRESSIVE], ids=["baseline", "progressive"])
def test_a_jpeg_with_a_hole_is_refused(reader: str, data: bytes) -> None:
    half = len(data) // 2
    with pytest.raises(ImageError):
        READERS[reader](data[:half] + data[half + 900 :])


SCAN, FRAME = JPEG.index(b"\xff\xda"), JPEG.index(b"\xff\xc0")
ADOBE = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x07"
LAST = PROGRESSIVE.rindex(b"\xff\xda")
ODD = {
    "stray bytes": JPEG[:SCAN] + b"abcd" + JPEG[SCAN:],
    "stray bytes before the last scan": PROGRESSIVE[:LAST] + b"abc" + PROGRESSIVE[LAST:],
    "stray bytes before the end": JPEG[:-2] + b"abcd" + END,
    "fill bytes": JPEG[:SCAN] + b"\xff\xff" + JPEG[SCAN:],
    "version": JPEG[:11] + b"\x07" + JPEG[12:],
    "range": JPEG.replace(b"\0\x3f\0", b"\1\x3e\0"),
    "transform": JPEG[:2] + ADOBE + JPEG[2:],
    "bytes after the end": JPEG + b"what follows",
}


@pytest.mark.parametrize("name", ODD)
def test_an_oddity_that_harms_no_pixel_is_read_and_hides_no_cut(name: str) -> None:
    whole = PROGRESSIVE if "last scan" in name else JPEG
    assert np.array_equal(load.read(ODD[name]).frames, load.read(whole).frames)
    if "end" not in name:
        with pytest.raises(ImageError):
            load.read(ODD[name][: -len(whole) // 4] + END)


def test_nothing_is_copied_where_nothing_is_odd() -> None:
    assert all(jpegheader.mended(data) is data for data in (JPEG, PROGRESSIVE, JPEG + b"more", JPEG[:999], b""))


def test_a_jpeg_of_nothing_but_segments_is_refused_soon() -> None:
    """It took half a second a megabyte."""
    comments = b"\xff\xd8" + b"\xff\xfe\0\2" * 2_500_000
    begun = time.process_time()

    with pytest.raises(ImageError, match="at most 10000 segments"):
        load.header_of(comments)
    assert mpf.pictures(comments) == 1
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("reader", READERS)
def test_whole_files_are_read(reader: str) -> None:
    for data in (JPEG, PROGRESSIVE, JPEG + b"what follows the end"):
        READERS[reader](data)


def test_only_the_pages_that_are_asked_for_are_looked_at() -> None:
    page = vips.from_picture(PICTURE)
    double = page.join(page, "vertical").copy()
    double.set_type(pyvips.GValue.gint_type, "page-height", PICTURE.height)
    data = double.tiffsave_buffer()
    assert len(list(tiff._directories(data))) == 2
    assert tiff.whole(data, 0, -1) is data
    assert tiff.whole(data[: len(data) * 3 // 4])
    with pytest.raises(ImageError, match="breaks off"):
        tiff.whole(data[: len(data) * 3 // 4], 1)


def entries(*tags: tuple[int, int, int, int]) -> bytes:
    """Return a little-endian TIFF of one directory; a tag has a number, a kind, a length and a value."""
    packed = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + packed + b"\0\0\0\0"


def test_tags_that_are_repeated_cost_no_time() -> None:
    """Each of the 4000 names the whole file again."""
    shape = ((256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (278, 4, 1, 8))
    data = entries(*shape, *((273, 3, 2_000_000, 16),) * 4000) + bytes(4_000_000)
    began = time.process_time()

    with suppress(ImageError):
        tiff.whole(data)

    assert time.process_time() - began < 5


@pytest.mark.parametrize("values", [0, 200_000], ids=["entries", "values"])
def test_pages_that_share_what_they_are_made_of_cost_no_time(values: int) -> None:
    """Of thousands of directories each begins within the one before, or each names the same long list again."""
    if values:
        tags = struct.pack("<HHHIIHHII", 2, 273, 4, values, 8, 279, 4, values, 8)
        size = len(tags) + 4
        data = b"".join(tags + struct.pack("<I", 8 + size * (n + 1)) for n in range(20_000)) + bytes(4 * values)
    else:
        links = bytearray(4 * 12_000 + 12 * 0x1000)
        for n in range(12_000):
            struct.pack_into("<H", links, 4 * n, 0x1000)
            struct.pack_into("<H", links, 4 * n + 2 + 12 * 0x1000, 8 + 4 * (n + 1))
        data = bytes(links) + bytes(8)
    began = time.process_time()

    with pytest.raises(ImageError, match="breaks off"):
        tiff.whole(b"II*\0" + struct.pack("<I", 8) + data, 0, -1)

    assert time.process_time() - began < 5


def test_a_length_beyond_the_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(ImageError, match="breaks off"):
        tiff.whole(entries((273, 4, 0xFFFFFFFF, 8)))


@pytest.mark.parametrize("more", [1, 100, 5000])
def test_a_strip_that_claims_more_than_its_rows_is_whole(more: int) -> None:
    data = bytearray(written("TIFF"))
    (count,) = struct.unpack_from("<H", data, 0 + struct.unpack_from("<I", data, 4)[0])
    first = struct.unpack_from("<I", data, 4)[0] + 2
    (at,) = (place for place in range(first, first + 12 * count, 12) if data[place : place + 2] == b"\x17\1")
    struct.pack_into("<HHII", data, at, 279, 4, 1, PICTURE.width * PICTURE.height * 3 + more)

    assert np.array_equal(load.read(bytes(data)).frames, PICTURE.frames)
    with pytest.raises(ImageError):
        load.read(bytes(data[:20_000]))


def test_decode_judges_the_header_first() -> None:
    frame = JPEG.index(b"\xff\xc0") + 5
    with pytest.raises(ImageError, match="Expected at most 500000000 pixels, got 65500x65500"):
        foveola.decode(JPEG[:frame] + struct.pack(">HH", 65500, 65500) + JPEG[frame + 4 :])


def test_bytes_of_a_file_in_an_error_are_no_other_error() -> None:
    """Libheif does not know an essential property and names it; all later errors of the process were the same."""
    avif = foveola.encode(PICTURE.frames[0], format="avif", quality=50).data
    strange = avif.replace(b"pixi", b"pi\x8b\x96").replace(b"\4\1\2\x83\4", b"\4\1\x82\x83\4")
    found = []
    for data in (strange, JPEG[:99]):
        with pytest.raises(ImageError) as refused:
            load.header_of(data)
        found.append(r"pi\x8b\x96" in str(refused.value.__cause__))

    assert found == [True, False]
