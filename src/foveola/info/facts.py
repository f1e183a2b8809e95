"""The answer to what `InfoOptions` ask, group by group in imgproxy's order.

The groups grow dearer: the file's own facts, its header and metadata, then what needs pixels, which are decoded by the
first that asks for them. Source: https://docs.imgproxy.net/usage/getting_info
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyvips

from foveola.errors import ImageError
from foveola.info import hashes
from foveola.info.colours import dominant, palette, rgb
from foveola.info.metadata import blobs, metadata
from foveola.info.options import InfoOptions
from foveola.info.pixels import Pixels, decode
from foveola.info.place import place
from foveola.picture import FORMATS, Header, Limits
from foveola.picture import pixels as most_pixels
from foveola.transform.load import READ_AT_ONCE, header_of, load


def facts(data: bytes, options: InfoOptions, limits: Limits) -> dict[str, Any]:
    """Return what `options` ask of a file; see `foveola.info.tell`."""
    _judge(data, options)
    header = header_of(data)
    limits = _allowed(options, limits)
    limits.check(header)
    image = None if header.format in READ_AT_ONCE else load(data, page=options.page, sequential=True)
    if image is not None and options.page:  # pages may differ in size
        header = replace(header, width=image.width, height=image.get_page_height())
        limits.check(header)
    file = _File(data, header, image, options)
    return _of_file(file) | _of_header(file) | _of_pixels(file) | _hashsums(file)


@dataclass(frozen=True)
class _File:
    """One file that is asked about."""

    data: bytes
    header: Header
    image: pyvips.Image | None
    options: InfoOptions

    @cached_property
    def pixels(self) -> Pixels:
        return decode(self.data, self.header, self.options.page)


def _judge(data: bytes, options: InfoOptions) -> None:
    """Refuse a file that is longer than may be, or another than is expected."""
    if options.max_src_file_size and len(data) > options.max_src_file_size:
        raise ImageError(f"Expected at most {options.max_src_file_size} bytes, got {len(data)}")
    kind, digest = options.hashsum
    if kind and _digest(data, kind) != digest:
        raise ImageError(f"Expected a file with {kind} {digest}, got {_digest(data, kind)}")


def _allowed(options: InfoOptions, limits: Limits) -> Limits:
    if options.max_src_resolution is None:
        return limits
    return replace(limits, pixels=most_pixels(options.max_src_resolution))


def _of_file(file: _File) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if file.options.size:
        told["size"] = len(file.data)
    if file.options.format:
        told |= {"format": file.header.format, "mime_type": FORMATS[file.header.format].mime}
    if file.options.dimensions:
        width, height = file.header.upright
        told |= {"width": width, "height": height, "orientation": file.header.orientation}
    if file.options.exif or file.options.iptc or file.options.xmp:
        told |= metadata(blobs(file.data, file.header.format, file.image), file.options)
    return told


def _of_header(file: _File) -> dict[str, Any]:
    header, image, options = file.header, file.image, file.options
    told: dict[str, Any] = {}
    if options.colorspace:
        told["colorspace"] = _space(header) if image is None else image.interpretation
    if options.bands:
        told["bands"] = header.bands if image is None else image.bands
    if options.sample_format:
        told["sample_format"] = ("uchar" if header.bits <= 8 else "ushort") if image is None else image.format
    if options.pages_number:
        told["pages_number"] = header.pages
    if options.alpha:
        told["alpha"] = {"alpha": header.alpha}
        if options.check_transparency:
            told["alpha"]["transparency"] = header.alpha and file.pixels.transparent()
    return told


def _of_pixels(file: _File) -> dict[str, Any]:
    options = file.options
    told: dict[str, Any] = {}
    if options.crop.width > 0 and options.crop.height > 0:
        told["crop"] = place(options.crop, file.header.upright, lambda: file.pixels.small)
    if options.palette:
        told["palette"] = [rgb(colour) for colour, _ in palette(file.pixels.colours, options.palette)]
    if options.average:
        told["average"] = rgb(file.pixels.average(options.ignore_transparent))
    if options.dominant_colors:
        found = dominant(file.pixels.colours, options.build_missed)
        told["dominant_colors"] = {name: rgb(colour) for name, colour in found.items()}
    if all(options.blurhash):
        told["blurhash"] = hashes.blurhash(file.pixels.flat(), *options.blurhash)
    if options.thumb_hash:
        told["thumb_hash"] = hashes.thumbhash(file.pixels.within(hashes.THUMB_SIDE)).hex().upper()
    if options.perceptual_hash:
        told["perceptual_hash"] = hashes.phash(file.pixels.grey(hashes.PHASH_SIDE))
    return told


def _hashsums(file: _File) -> dict[str, Any]:
    wanted = file.options.calc_hashsums
    return {"hashsums": {kind: _digest(file.data, kind) for kind in wanted}} if wanted else {}


def _digest(data: bytes, kind: str) -> str:
    return hashlib.new(kind, data, usedforsecurity=False).hexdigest()


def _space(header: Header) -> str:
    grey, deep = header.bands < 3, header.bits > 8
    return ("grey16" if deep else "b-w") if grey else ("rgb16" if deep else "srgb")
