"""The colours of a picture on its way to an encoder: upright, sRGB or grey, 8 bit, without what nobody asked for.

Each step takes a lazy libvips image and returns one. libvips keeps metadata beside the pixels and writes whatever an
image still carries, so that stripping is a step too. Source: https://docs.imgproxy.net/usage/processing and
https://docs.imgproxy.net/configuration/options (colour profiles).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from foveola.codecs import icc
from foveola.codecs.vips import PROFILE, channels, eight_bits, field, from_picture, names, without
from foveola.errors import ArgumentError, expected
from foveola.picture import Picture

_METADATA = ("exif-data", "xmp-data", "iptc-data", "photoshop-data", "gainmap-data", "jpeg-thumbnail-data", PROFILE)
_72_DPI = 72 / 25.4
_HP_SRGB = ((8, b"\2\x10\0\0"), (48, b"IEC sRGB"), (80, b"HP  "))
"""Bytes in the header of the sRGB profile of Hewlett-Packard, the most common of all, which changes nothing."""


def standard(image: pyvips.Image, *, deep: bool = False) -> pyvips.Image:
    """Bring a loaded image into the form that an encoder and the metric take.

    Args:
        image: what `foveola.transform.load.load` returns.
        deep: keep 16 bit where there are so many.

    Returns:
        Upright; grey, sRGB or sRGB with alpha; 8 bit unless `deep`; without metadata.

    Raises:
        ImageError: there is no way from its colour space to sRGB.
    """
    image = to_srgb(channels(upright(image)))
    return strip(image if deep else eight_bits(image))


def upright(image: pyvips.Image) -> pyvips.Image:
    """Apply the Exif orientation and forget it; animations have none."""
    if image.get_page_height() != image.height:
        return image
    return image.autorot()


def workable(image: pyvips.Image) -> pyvips.Image:
    """Drop a profile of which applying it would take seconds; it is longer than any that is made, or of many steps.

    A profile may list one step as often as it likes: 320 kB of them took 18 seconds to apply, which nothing can stop.

    Args:
        image: of any kind.
    """
    profile = field(image, PROFILE, None)
    return image if profile is None or icc.workable(profile) else without(image, PROFILE)


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Apply the embedded profile of a grey or RGB image and drop it: to sRGB, or to the grey of sRGB.

    A profile that is broken or made for another colour space is dropped too. The depth stays.
    """
    profile = field(image, PROFILE, None)
    if profile is None:
        return image
    if not _is_srgb(profile):
        target = "sgrey" if image.bands == 1 else "srgb"
        arguments = {"input_profile": target, "depth": _bits(image), "pcs": _connection(profile)}
        with suppress(pyvips.Error):  # a profile that lcms can't link, found before a pixel is looked at
            image = image.icc_transform(target, embedded=True, **arguments)
    return without(image, PROFILE)


def to_profile(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """Bring an sRGB image, or one of its greys, into the colours of a profile, and embed that.

    A profile that is broken or made for another colour space leaves the image as it is, in sRGB and without one.

    Args:
        image: grey or RGB, with or without alpha, 8 or 16 bit, without a profile.
        profile: that of the source, as a picture has it whose profile is not to be left out.
    """
    own, space = ("sgrey", b"GRAY") if image.bands - image.hasalpha() == 1 else ("srgb", b"RGB ")
    if profile[16:20] != space:
        return image
    pcs = _connection(profile)
    with suppress(pyvips.Error):  # as above
        between = image.icc_import(embedded=False, input_profile=own, pcs=pcs).copy()
        between.set_type(pyvips.GValue.blob_type, PROFILE, profile)
        return between.icc_export(depth=_bits(image), pcs=pcs)
    return image


def to_linear(image: pyvips.Image) -> pyvips.Image:
    """Turn levels into amounts of light, so that resizing mixes light; a profile is applied first and left out.

    Args:
        image: grey, RGB or RGB with alpha, 8 or 16 bit.

    Returns:
        Floats in scRGB, 0..1 inside sRGB, alpha too; one band where the image is grey.
    """
    light = to_srgb(image).colourspace("scrgb")
    return light.extract_band(0).copy(interpretation="multiband") if image.bands == 1 else light


def from_linear(image: pyvips.Image, *, deep: bool = False) -> pyvips.Image:
    """Turn amounts of light into levels again; what lies outside of sRGB is cut off.

    Args:
        image: what `to_linear` returns, resized or not.
        deep: 16 bit in place of 8.
    """
    if image.bands > 1:
        return image.colourspace("rgb16" if deep else "srgb")
    light = image.bandjoin([image, image]).copy(interpretation="scrgb")
    return (
        light.colourspace("rgb16" if deep else "srgb").extract_band(0).copy(interpretation="grey16" if deep else "b-w")
    )


def flatten(image: pyvips.Image, background: Sequence[int] = (255, 255, 255), alpha: float = 1.0) -> pyvips.Image:
    """Lay an image with alpha on a colour; others stay as they are.

    Args:
        image: grey or RGB, with alpha, 8 or 16 bit.
        background: red, green and blue, each 0..255.
        alpha: how opaque the background is, 0..1; below 1 the image keeps an alpha channel.

    Returns:
        RGB where the background has a colour.
    """
    if not image.hasalpha():
        return image
    deep = image.format == "ushort"
    if image.bands == 2 and len(set(background)) > 1:
        image = image.colourspace("rgb16" if deep else "srgb")
    ground = [part * (257 if deep else 1) for part in background][: image.bands - 1]
    return _under(image, ground, alpha) if alpha < 1 else image.flatten(background=ground)


def _under(image: pyvips.Image, ground: list[int], alpha: float) -> pyvips.Image:
    """Lay an image on a translucent colour."""
    count, most = image.bands - 1, 65535 if image.format == "ushort" else 255
    colours, share = image.extract_band(0, n=count), image.extract_band(count) / most
    below = (1 - share) * alpha
    whole = share + below
    mixed = (colours * share + below * ground) / whole  # libvips makes 0 of a division by 0
    return mixed.bandjoin(whole * most).rint().cast(image.format).copy(interpretation=image.interpretation)


def strip(image: pyvips.Image, keep: Collection[str] = ()) -> pyvips.Image:
    """Remove the metadata that would be written (profile, Exif, XMP, IPTC, comments, thumbnails); 72 dots an inch.

    Args:
        image: of any kind.
        keep: fields of libvips that stay, such as `icc-profile-data`.
    """
    image = image.copy(xres=_72_DPI, yres=_72_DPI)
    for name in names(image):
        told = name.decode(errors="replace")
        if told not in keep and (told in _METADATA or told.startswith(("exif-", "png-comment-"))):
            image.remove(name)
    return image


def from_array(pixels: NDArray[Any], profile: bytes | None = None) -> pyvips.Image:
    """Wrap an array as an image.

    Args:
        pixels: (H, W) or (H, W, 1 | 3 | 4) of uint8 or uint16.
        profile: its colour profile.

    Raises:
        ArgumentError: another shape or another type.
    """
    shaped = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if shaped.ndim != 3 or pixels.dtype not in (np.uint8, np.uint16):
        what = "an array (H, W) or (H, W, 1 | 3 | 4) of uint8 or uint16"
        raise ArgumentError(expected(what, "picture", f"{pixels.shape} of {pixels.dtype}"))
    return from_picture(Picture(shaped[np.newaxis], icc=profile))


def _bits(image: pyvips.Image) -> int:
    return 8 if image.format == "uchar" else 16


def _connection(profile: bytes) -> str:
    """Return the space through which a profile is connected with others."""
    return "xyz" if profile[20:24] == b"XYZ " else "lab"


def _is_srgb(profile: bytes) -> bool:
    return all(profile[at : at + len(mark)] == mark for at, mark in _HP_SRGB)
