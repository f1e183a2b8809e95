"""Small files of all formats, made by code."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from foveola.codecs import codec, heic
from foveola.errors import FoveolaError
from foveola.picture import WRITTEN, Header, Limits, Picture, sniff
from foveola.settings import SETTINGS

WINDOWS = (
    b"BM",
    b"\0\0\1\0",
    b"\x28\0\0\0",
    b"\x6c\0\0\0",
    b"\x7c\0\0\0",
    b"\x89PNG\r\n\x1a\n",
    b"\1\0\x18\0",
    b"\1\0\x20\0",
    b"\1\0\1\0",
)
"""Tokens of BMP and of ICO, which holds BMPs and PNGs."""
SMALL = Limits(pixels=1_000_000, side=4096)
PIXELS = np.random.default_rng(1).integers(0, 255, (1, 6, 9, 4), np.uint8)
SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' width='9' height='6' onload='a()'>"
    b"<style>a{fill:url(#b)} @import 'http://e';</style><script>1</script><a x:href='javascript:1'>"
    b"<image x:href='data:image/png;base64,iVBORw0KGgo=' width='1' height='1'/></a><use x:href='#b'/><foreignObject><p xmlns='http://www.w3.org/1999/xhtml'/>"
    b"</foreignObject><set attributeName='href' to='javascript:1'/><text>a &amp; b</text></svg>"
)


def of(format: str) -> list[bytes]:
    """Return files of one format that is written, with and without alpha; none where its library is missing."""
    found = []
    for channels in (1, 3, 4):
        try:
            found.append(codec(format).encode(Picture(PIXELS[..., :channels]), 50, SETTINGS[format]()))
        except (FoveolaError, KeyError):
            continue
    return found


def pillow(format: str, mode: str = "RGB", **options: object) -> bytes:
    """Return a file of Pillow's making."""
    file = io.BytesIO()
    Image.fromarray(PIXELS[0]).convert(mode).save(file, format, **options)
    return file.getvalue()


def moving(format: str) -> bytes:
    """Return a file of Pillow's making with two frames or pages."""
    file = io.BytesIO()
    first, second = (Image.fromarray(pixels).convert("P") for pixels in (PIXELS[0], PIXELS[0, ::-1]))
    first.save(file, format, save_all=True, append_images=[second])
    return file.getvalue()


def all_formats() -> list[bytes]:
    """Return one or more files of each format."""
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x20meta\0\0\0\0\0\0\0\x14hdlr\0\0\0\0\0\0\0\0pict"
    pillows = [pillow("BMP", mode) for mode in ("1", "L", "P", "RGB")] + [
        pillow("TIFF"),
        pillow("JPEG", progressive=True),
    ]
    return [data for format in WRITTEN for data in of(format)] + [*pillows, SVG, heic]


def hold(header: Header, data: bytes) -> None:
    """Hold what a header says against the pixels, where there are few and the file is of its format.

    Raises:
        ImageError: it says too many or none.
    """
    SMALL.check(header)
    if sniff(data) == header.format:
        picture = heic.decode(data) if header.format == "heic" else codec(header.format).decode(data)
        assert (picture.width, picture.height) == (header.width, header.height), header
