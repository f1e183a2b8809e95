"""What goes into a file beside the pixels: nothing, or what is said of rights; and the resolution.

libvips keeps metadata as fields of an image and writes an Exif block anew from fields of its own, which know ASCII
only; so those fields go, and the texts of a block that stays are written byte for byte. Where metadata is kept as it
is, its Exif block may contradict the picture, whose resolution was set or which was turned; that is mended in place.
Source: https://docs.imgproxy.net/usage/processing#strip-metadata
"""

from __future__ import annotations

import pyvips

from foveola.codecs import exif
from foveola.codecs.base import marked
from foveola.codecs.vips import PROFILE, field, names, without
from foveola.transform.colour import strip
from foveola.transform.rights import exif_rights, iptc_rights, xmp_rights

_EXIF, _XMP, _IPTC = "exif-data", "xmp-data", "iptc-data"
MOST_BYTES = 16 << 20
"""Of one block; what is longer was made to be."""
_INCH = 25.4
"""Millimetres; libvips counts resolution in pixels a millimetre."""
_MOST_DPI = 65535
"""What the 16 bits of a JPEG hold."""


def bounded(image: pyvips.Image) -> pyvips.Image:
    """Leave out blocks of Exif, XMP and IPTC that are longer than any camera or program writes them.

    Args:
        image: of any kind.
    """
    long = [name for name in (_EXIF, _XMP, _IPTC) if len(field(image, name, b"")) > MOST_BYTES]
    return without(_without_fields(image) if _EXIF in long else image, *long) if long else image


def stripped(image: pyvips.Image, keep_profile: bool, copyright: bool, dpi: int) -> pyvips.Image:
    """Remove the metadata that would be written, but for what is wanted.

    Args:
        image: of any kind.
        keep_profile: whether the colour profile stays.
        copyright: whether Exif's artist and copyright, XMP's `dc`, `xmpRights` and `cc` as far as they tell of rights,
            and IPTC's by-line, credit and copyright notice stay.
        dpi: the resolution that is written, pixels an inch.
    """
    kept = {}
    if copyright:
        kept[_EXIF] = exif_rights(field(image, _EXIF, None))
        kept[_XMP] = xmp_rights(field(image, _XMP, None))
        kept[_IPTC] = iptc_rights(field(image, _IPTC, None))
    image = without(strip(image, keep=(PROFILE,) if keep_profile else ()), "orientation")
    for name, blob in kept.items():
        if blob:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    return _resolved(image, dpi)


def tagged_dpi(image: pyvips.Image, dpi: int) -> pyvips.Image:
    """Say another resolution; the pixels stay.

    Args:
        image: of any kind; its Exif block is told too.
        dpi: pixels an inch, above 65535 as that; 0 says nothing.
    """
    if dpi <= 0:
        return image
    dpi = min(dpi, _MOST_DPI)
    return _resolved(_mended(image, {exif.ACROSS: dpi, exif.DOWN: dpi, exif.UNIT: exif.INCHES}), dpi)


def told_upright(image: pyvips.Image) -> pyvips.Image:
    """Forget how an image that has been turned was to be turned, so that nobody turns it once more.

    Args:
        image: upright; its Exif block is told too.
    """
    return without(_mended(image, {exif.ORIENTATION: exif.UPRIGHT}), "orientation")


def _resolved(image: pyvips.Image, dpi: int) -> pyvips.Image:
    density = max(1, min(dpi, _MOST_DPI)) / _INCH
    image = image.copy(xres=density, yres=density)
    image.set_type(
        pyvips.GValue.gstr_type, "resolution-unit", "in"
    )  # libvips would write TIFF's and Exif's a centimetre
    return image


def _mended(image: pyvips.Image, values: dict[int, int]) -> pyvips.Image:
    """Overwrite numbers of an Exif block; libvips' own fields would be written over them and go."""
    block = field(image, _EXIF, None)
    if block is None:
        return image
    image = _without_fields(image)
    image.set_type(pyvips.GValue.blob_type, _EXIF, marked(exif.overwritten(block, values)))
    return image


def _without_fields(image: pyvips.Image) -> pyvips.Image:
    """Drop what libvips says of an Exif block, and would write a block of."""
    return without(image, *(name.decode() for name in names(image) if name.startswith(b"exif-ifd")))
