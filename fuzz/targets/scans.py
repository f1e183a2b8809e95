"""JPEG, GIF and TIFF, through whose bytes we go ourselves: what is mended, which pictures there are, where they end."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pyvips

from foveola.codecs import gif, jpegheader, mpf, tiff
from foveola.errors import ImageError
from foveola.picture import sniff
from fuzz import pictures

TOKENS = (
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xd9", b"\xff\xff", b"\xff\xd8\xff", b"\xff\xee\0\x0e"),
    *(
        b"Adobe\0\x64\0\0\0\0",
        b"JFIF\0",
        b"\xff\xe2\0\x40MPF\0MM\0*\0\0\0\x08",
        b"hdrgm:Version",
        b"\xb0\x01",
        b"\xb0\x02",
    ),
    *(b"GIF89a", b"\x2c", b"\x3b", b"\x21\xf9\4", b"\x21\xff\x0bNETSCAPE2.0", b"\x87", b"\xff"),
    *(
        b"II*\0",
        b"MM\0*",
        b"II+\0\x08\0\0\0",
        b"\x11\1",
        b"\1\x11",
        b"\x17\1",
        b"\1\x17",
        b"\x44\1",
        b"\x01\x3b",
        b"\x98\x82",
    ),
)


def _index(way: str) -> bytes:
    """Return the segment of an index of two pictures, the second of which begins 4 bytes after it was counted from."""
    head = (b"MM\0*" if way == ">" else b"II*\0") + struct.pack(f"{way}I", 8)
    rows = struct.pack(f"{way}HHHLLHHLL", 2, 0xB001, 4, 1, 2, 0xB002, 7, 32, 38)
    body = b"MPF\0" + head + rows + b"\0\0\0\0" + struct.pack(f"{way}LLLHH", 0, 9, 0, 0, 0) * 2
    return b"\xff\xe2" + struct.pack(">H", 2 + len(body)) + body


def seeds() -> list[bytes]:
    jpegs = [*pictures.of("jpeg"), pictures.pillow("JPEG", progressive=True), pictures.pillow("JPEG", "CMYK")]
    more = [data[:2] + _index(way) + data[2:] + data for data, way in zip(jpegs, "<>", strict=False)]
    gifs = [*pictures.of("gif"), pictures.pillow("GIF", "P"), pictures.moving("GIF")]
    tiffs = [*pictures.of("tiff"), pictures.pillow("TIFF", big_tiff=True), pictures.moving("TIFF")]
    return [*jpegs, *more, *gifs, *tiffs]


def target(data: bytes) -> None:
    act = {"jpeg": _jpeg, "gif": _gif, "tiff": _tiff}.get(sniff(data) or "")
    if act is not None:
        act(data)


def _jpeg(data: bytes) -> None:
    mended = jpegheader.mended(data)
    assert jpegheader.mended(mended) == mended
    assert 1 <= mpf.pictures(data) <= 1 + data.count(b"\xff\xd8\xff")
    after = _pixels(mended, "warning")
    if after is not None:
        before = _pixels(data, "none")
        assert before is not None, "mending made a picture of what is none"
        assert np.array_equal(before, after), "the mended file is another picture"
    elif mended != data:
        assert _pixels(data, "warning") is None, "mending broke a picture"


def _pixels(data: bytes, fail_on: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    """Return what libjpeg shows of a small file; None where it refuses it, or says more than `fail_on` allows."""
    try:
        image = pyvips.Image.jpegload_buffer(data, fail_on=fail_on)
        return image.numpy() if image.width * image.height < 100_000 else None
    except pyvips.Error:
        return None


def _gif(data: bytes) -> None:
    with suppress(ImageError):
        gif.whole(data[: len(data) // 2])
        assert gif.whole(data) == data, "a file that goes on is refused"
    with suppress(ImageError):
        assert gif.whole(data) == data
        assert b";" in data


def _tiff(data: bytes) -> None:
    for page, pages in ((0, 1), (1, 1), (0, -1)):
        with suppress(ImageError):
            assert tiff.whole(data, page, pages) == data
            assert tiff.whole(data + b"\0" * 9, page, pages)
