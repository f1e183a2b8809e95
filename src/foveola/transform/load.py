"""A file becomes a lazy image: told from its bytes, judged by its header, opened by the one loader of its format.

libvips' own search for a loader is not used, so that nothing is opened that is not named here (PDF and others run code
of their own), and nothing touches the disk. What is missing from libvips' wheel (JPEG XL, HEIC, BMP, ICO) is decoded at
once. A drawing is rasterised without a place of its own, so that it can't refer to files or addresses.
imgproxy serves the grey rest of a truncated JPEG; here a file that lacks a part is refused, whatever it ends with.
Source: https://www.libvips.org/API/current/ (foreign loaders).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pyvips

from foveola.codecs import bmp, codec, contents, gif, heic, ico, jxlheader, mpf, pillow, tiff, vips
from foveola.codecs.vips import field, orientation
from foveola.errors import ArgumentError, ImageError, expected
from foveola.picture import FORMATS, Header, Limits, Picture, format_of
from foveola.transform import svgcost, svgtree
from foveola.transform.colour import standard, workable
from foveola.transform.svg import decoded, drawable

JPEG_SHRINKS = (8, 4, 2, 1)
"""What libjpeg can divide both sides by."""
_HEADERS: Mapping[str, Callable[[bytes], Header]] = {
    "jxl": jxlheader.header,
    "heic": heic.header,
    "bmp": bmp.header,
    "ico": ico.header,
}
"""Of the formats that are read at once, not by libvips."""
READ_AT_ONCE = frozenset(_HEADERS)
_BOUNDED = frozenset({"png", "svg", "tiff"})
_PAGED = frozenset({"webp", "gif", "tiff"})
_LARGE = 4
"""A scale at which what is truly one pixel becomes several."""
_ANIMATION_CONTROL = b"\0\0\0\x08acTL"
"""The chunk of an animated PNG, before its first pixels: https://www.w3.org/TR/png-3/#acTL-chunk"""


def header_of(data: bytes, *, unlimited: bool = False) -> Header:
    """Read what a file says of itself, without decoding a pixel; of a drawing the size it has in itself.

    Args:
        data: the file.
        unlimited: see `load`.

    Raises:
        ImageError: not a format that is read, its header is broken, or it holds too much to look through.
    """
    format = format_of(data)
    contents.check(data, format)
    if format in _HEADERS:
        return _HEADERS[format](data)
    if format == "svg":
        data = drawable(data, _area, unlimited=unlimited)
        if not unlimited and not svgtree.plain(data):
            svgtree.read(data)
    image = vips.load(data, format, access="sequential", **_bounds(format, unlimited))
    if format == "svg" and min(image.width, image.height) == 1:
        _check_counted(data, image, **_bounds(format, unlimited))
    return Header(
        format,
        image.width,
        image.get_page_height(),
        bands=image.bands,
        alpha=bool(image.hasalpha()),
        frames=field(image, "n-pages", 1) if FORMATS[format].animation else 1,
        pages=_pages(data, format, image),
        bits=field(image, "heif-bitdepth", 0) or field(image, "bits-per-sample", 0) or _bits(image),
        orientation=orientation(image),
        interlaced=bool(field(image, "interlaced", 0)),
        palette=bool(field(image, "palette", 0)),
    )


def load(
    data: bytes, *, page: int = 0, frames: int = 1, shrink: float = 1, sequential: bool = False, unlimited: bool = False
) -> pyvips.Image:
    """Open a file as a lazy image, just as it is stored but for a profile that is too much work; judge its header.

    Args:
        data: the file; it must stay unchanged while the image is used.
        page: the first frame or page.
        frames: how many, one above the other; -1 for all that follow.
        shrink: the decoder makes it so many times smaller: 1, 2, 4 or 8 for JPEG, any number from 1 for WebP, any above
            0 for a drawing, which below 1 becomes larger. What is 750 times smaller or more comes out too large.
        sequential: pixels will be asked for once and from top to bottom, so that they need not be kept.
        unlimited: the bounds that loaders have of their own do not hold, where they have any: the chunks of a PNG, the
            bytes and the cost of an SVG, the memory that a TIFF may take.

    Raises:
        ImageError: not a format that is read, or broken; pixels are looked at later, by `to_picture` or `save`.
        ArgumentError: a shrink that the format's decoder can't do.
    """
    format = format_of(data)
    if format in _HEADERS:
        return workable(vips.from_picture(_decoded(data, format)))
    if format == "gif" and frames != 1:
        gif.whole(data)
    if format == "tiff":
        tiff.whole(data, page, frames)
    if format == "svg":
        data = drawable(data, _area, unlimited=unlimited)
    options: dict[str, Any] = {"access": "sequential"} if sequential else {}
    if format in _PAGED:
        options |= {"page": page, "n": frames}
    if shrink != 1:
        options |= _shrunk(format, shrink)
    tree = svgtree.read(data) if format == "svg" and not unlimited else None
    image = vips.load(data, format, **options, **_bounds(format, unlimited))
    if tree is not None:
        svgcost.Estimate(tree, image.width, image.height, _linked).check(1 / shrink)
    return workable(_full(_timed(image, page, frames)))


def read(data: bytes, *, frames: int = 1, limits: Limits = Limits(), deep: bool = False) -> Picture:  # noqa: B008  # frozen
    """Read a file into memory in the form that an encoder and the metric take.

    Args:
        data: the file.
        frames: how many of an animation; -1 for all.
        limits: how big it may be.
        deep: keep 16 bit where there are so many.

    Returns:
        Upright, grey or sRGB with or without alpha, 8 bit unless `deep`, without metadata.

    Raises:
        ImageError: not a format that is read, broken, or over a limit.
    """
    limits.check(header_of(data))
    return vips.to_picture(standard(load(data, frames=frames), deep=deep))


def _pages(data: bytes, format: str, image: pyvips.Image) -> int:
    """Return how many frames or pages a file has; libvips does not see those of a PNG, a JPEG and an AVIF sequence.

    The preview and the gain map of a photograph are not among them.
    """
    if format == "jpeg":
        return mpf.pictures(data)
    if format == "png":
        at = data.find(_ANIMATION_CONTROL, 8, data.find(b"IDAT"))
        return 1 if at < 0 else max(int.from_bytes(data[at + 8 : at + 12]), 1)
    if format == "avif":
        sequence = b"avis" in data[8 : int.from_bytes(data[:4])]
        return pillow.frames(data, "AVIF") if sequence else 1
    return int(field(image, "n-pages", 1))


def decode(data: bytes) -> Picture:
    """Read a file with the decoder that states the values of its format, if it is whole.

    Raises:
        ImageError: not a format that is read, or broken.
    """
    format = format_of(data)
    if format == "jpeg":  # Pillow shows what there is, and says nothing
        vips.computed(load(data, sequential=True))
    return _decoded(data, format)


def _decoded(data: bytes, format: str) -> Picture:
    """Read a file with the decoder of its format."""
    if format == "svg":
        return vips.to_picture(vips.channels(load(data)))
    return heic.decode(data) if format == "heic" else codec(format).decode(data)


def _area(data: bytes) -> int:
    """Return the pixels of a picture inside of a drawing, which must not be a drawing itself."""
    if format_of(data) == "svg":
        raise ImageError("Expected pixels in a drawing, got a drawing")
    header = header_of(data)
    return header.width * header.height


def _linked(address: str) -> int:
    """Return the pixels of a picture by its address, none where it is not in the drawing."""
    try:
        return _area(decoded(address))
    except (ImageError, ValueError):
        return 0


def _check_counted(data: bytes, image: pyvips.Image, **bounds: bool) -> None:
    """Refuse a drawing with a side that libvips can't count: it says 1 of that, however large it draws it."""
    large = vips.load(data, "svg", scale=_LARGE, **bounds)
    if image.width == large.width == 1 or image.height == large.height == 1:
        raise ImageError(f"Expected sides that can be counted, got a drawing of {image.width}x{image.height} and more")


def _shrunk(format: str, shrink: float) -> dict[str, Any]:
    if format == "webp" and shrink >= 1:
        return {"scale": 1 / shrink}
    if format == "svg" and 0 < shrink < math.inf:
        return {"scale": min(max(72 / 96 / shrink, 0.001), 100_000)}
    if format == "jpeg" and shrink in JPEG_SHRINKS:
        return {"shrink": int(shrink)}
    raise ArgumentError(expected("1, 2, 4, 8 for JPEG, a number from 1 for WebP or above 0 for SVG", "shrink", shrink))


def _timed(image: pyvips.Image, page: int, frames: int) -> pyvips.Image:
    """Leave the delays of the frames that are read; libvips tells those of all."""
    delays = field(image, "delay", [])
    kept = delays[page:] if frames < 0 else delays[page : page + frames]
    if kept == delays:
        return image
    image = image.copy()
    image.set_type(pyvips.GValue.array_int_type, "delay", kept)
    return image


def _full(image: pyvips.Image) -> pyvips.Image:
    """Spread 10 and 12 bit over 16: libheif leaves the lowest empty, so that white would not be white."""
    bits = field(image, "heif-bitdepth", 8)
    return image if bits == 8 or image.format != "ushort" else image | image >> bits


def _bounds(format: str, unlimited: bool) -> dict[str, bool]:
    return {"unlimited": True} if unlimited and format in _BOUNDED else {}


def _bits(image: pyvips.Image) -> int:
    return 8 * {"uchar": 1, "ushort": 2}.get(image.format, 4)
