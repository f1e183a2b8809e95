"""libvips, set up once: where it is the encoder, pictures go in and files come out here.

libvips writes what Pillow cannot (mozjpeg's options, WebP's presets, near-lossless and smart subsampling, animations,
TIFF, PNG, GIF) and every lazy image that no search looks at. One thread an image and no operation cache are imgproxy's
settings: many requests share the cores, and a result that is sent once need not be kept.
Source: https://www.libvips.org/API/current/ (foreign savers).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyvips
from pyvips.enums import ForeignKeep

from foveola.codecs import LACKING, iptc, jpegheader
from foveola.codecs.base import marked
from foveola.errors import ArgumentError, CodecError, FoveolaError, ImageError, expected
from foveola.picture import LARGEST, Picture

pyvips.concurrency_set(1)
pyvips.cache_set_max(0)
logging.getLogger("pyvips").setLevel(logging.ERROR)  # each error is raised too; the log would repeat it


def _told(message: Any) -> str:
    """Return what libvips says of an error, in which a file's own bytes may stand.

    pyvips takes it for UTF-8, and where it is none leaves it there: all later errors of the process would be the same.
    """
    return str(pyvips.ffi.string(message), "utf-8", "backslashreplace")


pyvips.error._to_string = _told

_FORMATS = {"uint8": "uchar", "uint16": "ushort"}
_WAYS: dict[str, dict[str, Any]] = {"svg": {"dpi": 96, "scale": 72 / 96}}
"""What loaders are told unless something else is asked: an inch of a drawing is 96 pixels, and a pixel is a pixel."""
_WORDS = {"svg": "Broken or unsupported SVG image"}
"""What strangers read of broken files, where imgproxy has words for a format."""
_FAIL_ON = {"jpeg": "warning", "tiff": "error"}
"""What makes a loader refuse a file that lacks a part: libjpeg only warns of it, libtiff calls it an error."""
_LOADERS = {"avif": "heifload_buffer"} | {
    name: f"{name}load_buffer" for name in ("jpeg", "png", "webp", "gif", "tiff", "svg")
}
_BLOCKED = ("VipsForeignLoad", "VipsForeignSave", "VipsSystem")
_BUFFERS = ("Jpeg", "Png", "Webp", "Tiff", "Heif")
_GREYS, _RGBS = ("b-w", "grey16"), ("srgb", "rgb16")
_SPACES = {("uint8", 1): "b-w", ("uint16", 1): "grey16", ("uint8", 3): "srgb", ("uint16", 3): "rgb16"}
PROFILE = "icc-profile-data"
"""Where libvips keeps the colour profile."""
_BLOBS = (
    ("icc", PROFILE, ForeignKeep.ICC),
    ("exif", "exif-data", ForeignKeep.EXIF),
    ("xmp", "xmp-data", ForeignKeep.XMP),
    ("iptc", "iptc-data", ForeignKeep.IPTC),
)
_MILLIMETRES = 25.4  # an inch; libvips counts resolution in pixels a millimetre
_UNKNOWN = 1.0  # what libvips has where a file says nothing
DPI = 72.0
"""The resolution of a picture that says nothing."""


def fence() -> None:
    """Let this process load and save nothing but our formats, from memory to memory; it can't be undone by accident.

    Loaders that libvips' authors don't trust, loaders and savers of files, and the operation that runs programs are
    blocked, whoever asks for them. Source: https://www.libvips.org/API/current/func.operation_block_set.html
    """
    pyvips.block_untrusted_set(True)
    for name in _BLOCKED:
        pyvips.operation_block_set(name, True)
    for way, names in (("Load", (*_BUFFERS, "Nsgif", "Svg")), ("Save", (*_BUFFERS, "Cgif"))):
        for name in names:
            pyvips.operation_block_set(f"VipsForeign{way}{name}Buffer", False)


def from_picture(picture: Picture) -> pyvips.Image:
    """Wrap the pixels of `picture` as a libvips image without a copy; frames stand one above the other.

    Profile, Exif, XMP, IPTC, resolution, delays and loop go along, so that `save` writes them.
    """
    frames = np.ascontiguousarray(picture.frames)
    count, height, width, bands = frames.shape
    kind = frames.dtype.name
    image = pyvips.Image.new_from_memory(frames, width, height * count, bands, _FORMATS[kind])
    density = picture.dpi / _MILLIMETRES
    image = image.copy(interpretation=_SPACES[kind, min(bands, 3)], xres=density, yres=density)
    for attribute, name, _ in _BLOBS:
        if blob := getattr(picture, attribute):
            image.set_type(pyvips.GValue.blob_type, name, blob)
    if count > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", height)
        image.set_type(pyvips.GValue.array_int_type, "delay", list(picture.delays))
        image.set_type(pyvips.GValue.gint_type, "loop", picture.loop)
    return image


def to_picture(image: pyvips.Image) -> Picture:
    """Compute `image`, once and without a further copy, and return it with its metadata.

    Args:
        image: 8 or 16 bit; 1, 3 or 4 bands, grey or sRGB; frames one above the other, each `page-height` high.

    Raises:
        ArgumentError: other bands or another number format (see `channels` and `eight_bits`).
        ImageError: the file behind the lazy image is broken.
    """
    if image.bands not in (1, 3, 4) or image.format not in _FORMATS.values():
        raise ArgumentError(expected("1, 3 or 4 bands of 8 or 16 bit", "image", f"{image.bands} of {image.format}"))
    try:
        pixels = np.frombuffer(image.write_to_memory(), np.uint8 if image.format == "uchar" else np.uint16)
    except pyvips.Error as error:
        raise broken(error) from error
    height = image.get_page_height()
    animated = height < image.height
    return Picture(
        pixels.reshape(-1, height, image.width, image.bands),
        delays=tuple(field(image, "delay", ())) if animated else (),
        loop=field(image, "loop", 0) if animated else 0,
        icc=field(image, PROFILE, None),
        exif=marked(field(image, "exif-data", None)),
        xmp=field(image, "xmp-data", None),
        iptc=iptc.bare(field(image, "iptc-data", None)),
        dpi=dpi(image),
    )


def load(data: bytes, format: str, **options: Any) -> pyvips.Image:
    """Open `data` with the loader of `format` and no other; pixels are decoded when they are asked for.

    Args:
        data: a file; it must stay unchanged while the image is used.
        format: `jpeg`, `png`, `webp`, `gif`, `tiff`, `avif` or `svg`.
        options: of the loader. Files that lack a part are refused unless `fail_on` says otherwise, and whole pictures
            are decoded into memory, never into a temporary file, unless `access` is sequential.

    Raises:
        ImageError: the bytes are no such file, or this libvips can't read them.
    """
    lacking = {"fail_on": _FAIL_ON.get(format, "truncated"), "memory": options.get("access") != "sequential"}
    if format == "jpeg":
        data = jpegheader.mended(data)
    loader = _LOADERS[format]
    if not _has(loader):
        raise ImageError(expected("an installation that can read it", format, _lacking(loader)), public=LACKING)
    try:
        return getattr(pyvips.Image, loader)(data, **lacking | _WAYS.get(format, {}) | options)
    except pyvips.Error as error:
        message = f"Expected a whole {format} file, got a broken one{_reason(error)}"
        raise ImageError(message, public=_WORDS.get(format)) from error


def computed(image: pyvips.Image) -> pyvips.Image:
    """Compute the pixels now, so that they can be asked for in any order and more than once.

    Raises:
        ImageError: the file behind the lazy image is broken, or there are more pixels than are held in memory.
    """
    if image.width * image.height > LARGEST:
        raise ImageError(f"Expected at most {LARGEST} pixels on the way, got {image.width}x{image.height}")
    try:
        return image.copy_memory()
    except pyvips.Error as error:
        raise broken(error) from error


def broken(error: pyvips.Error) -> ImageError:
    """Return our error for a picture whose pixels can't be computed."""
    return ImageError(f"Expected a whole picture, got a broken one{_reason(error)}")


def decode(data: bytes, format: str, **options: Any) -> Picture:
    """Read a file into memory as grey, RGB or RGB with alpha; see `load`."""
    return to_picture(channels(load(data, format, **options)))


def channels(image: pyvips.Image) -> pyvips.Image:
    """Bring `image` to grey, RGB or RGB with alpha, of 8 or 16 bit.

    Grey with alpha becomes RGB with alpha. Other colour spaces become sRGB by the embedded profile, CMYK without one by
    libvips' own, and lose the profile; channels after the fourth are left out.

    Raises:
        ImageError: there is no way from its colour space to sRGB.
    """
    space, deep = image.interpretation, image.format != "uchar"
    if image.bands == 1 and space in _GREYS:
        return image if image.format in _FORMATS.values() else _converted(image, "grey16")
    target = "rgb16" if deep else "srgb"
    if space not in (*_GREYS, *_RGBS):
        image = without(_converted(image, target), PROFILE)
    elif image.bands < 3 or image.format not in _FORMATS.values():
        image = _converted(image, target)
    return image.extract_band(0, n=4) if image.bands > 4 else image


def without(image: pyvips.Image, *names: str) -> pyvips.Image:
    """Return `image` without some metadata fields; itself where it has none of them."""
    found = [name for name in names if image.get_typeof(name)]
    if not found:
        return image
    image = image.copy()
    for name in found:
        image.remove(name)
    return image


def _converted(image: pyvips.Image, space: str) -> pyvips.Image:
    try:
        return image.colourspace(space)
    except pyvips.Error as error:
        raise ImageError(f"Expected grey, RGB or CMYK, got {image.interpretation}{_reason(error)}") from error


def eight_bits(image: pyvips.Image) -> pyvips.Image:
    """Cut the 16 bit of a grey or RGB image to the high 8."""
    if image.format == "uchar":
        return image
    return image.msb().copy(interpretation="b-w" if image.bands == 1 else "srgb")


def save(image: pyvips.Image, saver: str, arguments: Mapping[str, Any]) -> bytes:
    """Run the libvips saver `saver` (`jpegsave_buffer`, …); of metadata it writes what `image` carries.

    Raises:
        ImageError: the file behind the lazy image is broken.
        CodecError: libvips could not write the image.
    """
    if not _has(saver):
        what = expected("an installation that can do it", saver, _lacking(saver))
        raise CodecError(what, public=LACKING, status=422)
    keep = sum(flag for _, name, flag in _BLOBS if image.get_typeof(name))
    try:
        data: bytes = getattr(image, saver)(keep=keep, **arguments)
    except pyvips.Error as error:
        raise _translated(error, image, saver) from error
    return data


def with_iptc(image: pyvips.Image, shape: Callable[[bytes | None], bytes | None]) -> pyvips.Image:
    """Return `image` with its block of IPTC in the shape that a format has, `iptc.wrapped` or `iptc.bare`."""
    block = field(image, "iptc-data", None)
    shaped = shape(block)
    if shaped == block:
        return image
    image = without(image, "iptc-data")
    if shaped:
        image.set_type(pyvips.GValue.blob_type, "iptc-data", shaped)
    return image


def dpi(image: pyvips.Image) -> float:
    """Return the resolution of `image`, pixels an inch."""
    return DPI if image.xres == _UNKNOWN else round(image.xres * _MILLIMETRES, 4)


def _has(operation: str) -> bool:
    """Return whether this libvips was built with an operation."""
    return bool(pyvips.type_find("VipsOperation", operation))


def _lacking(operation: str) -> str:
    return f"libvips without {operation}"


def field(image: pyvips.Image, name: str, missing: Any) -> Any:
    """Return the metadata field `name` of `image`, or `missing`."""
    return image.get(name) if image.get_typeof(name) else missing


def names(image: pyvips.Image) -> list[bytes]:
    """Return the names of all metadata fields of `image`; those of texts in a PNG need not be UTF-8."""
    array = pyvips.vips_lib.vips_image_get_fields(image.pointer)
    found: list[bytes] = []
    while array[len(found)] != pyvips.ffi.NULL:
        found.append(pyvips.ffi.string(array[len(found)]))
        pyvips.glib_lib.g_free(array[len(found) - 1])
    pyvips.glib_lib.g_free(array)
    return found


def orientation(image: pyvips.Image) -> int:
    """Return how `image` has to be turned, 1..8 as in Exif; 1 where it says nothing that can be understood."""
    said = field(image, "orientation", 1)
    return said if isinstance(said, int) and 1 <= said <= 8 else 1


def _translated(error: pyvips.Error, image: pyvips.Image, saver: str) -> FoveolaError:
    """Blame the file behind a lazy image if its pixels can't be computed without the saver either."""
    try:
        image.avg()
    except pyvips.Error as reason:
        return broken(reason)
    return CodecError(f"{saver} failed{_reason(error)}")


def _reason(error: pyvips.Error) -> str:
    """Return the first line of what libvips says, in brackets; it may say nothing."""
    said = str(error.detail).strip().split("\n")[0]
    return f" ({said})" if said else ""
