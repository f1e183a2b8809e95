"""Pillow as an encoder and as THE decoder: the two calls that its formats share.

For the default settings Pillow writes the same files as libvips in less CPU time (the table is in docs/design.md), and
its decoders state the values of DSSIM. Each format is read by its own plugin class: no other can claim the bytes, and
Pillow's own bound on pixels, which warns at 89 megapixels, does not stand in for ours.
Source: https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, BmpImagePlugin, Image, ImageFile, JpegImagePlugin, WebPImagePlugin

from foveola.codecs import LACKING, base, libwebp
from foveola.codecs.arrow import shared
from foveola.errors import CodecError, ImageError, expected
from foveola.picture import Header, Picture

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # as everywhere here: requests share the cores, not pictures

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
_FAILURES = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError, Image.DecompressionBombError)


def fence() -> None:
    """Let Pillow know no format but those named here, whoever asks it to open or to save."""
    Image._initialized = 2  # else it would import the plugins of forty more formats when it finds none
    for known in (Image.OPEN, Image.SAVE, Image.SAVE_ALL):
        for name in set(known) - set(_READERS):
            del known[name]
    Image.ID[:] = [name for name in Image.ID if name in Image.OPEN]


def save(picture: Picture, format: str, **options: Any) -> bytes:
    """Write the first frame of `picture` in Pillow's `format`, with its profile, Exif and XMP.

    Raises:
        CodecError: Pillow could not write it.
    """
    metadata = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
    file = io.BytesIO()
    shared = picture.pillow
    # The same pixels, its own attributes: `save` keeps its options in them, which threads must not share.
    image = shared._new(shared.im)
    try:
        image.save(file, format, **{k: v for k, v in metadata.items() if v}, **options)
    except KeyError as error:  # Pillow was built without it
        what = expected("an installation that can do it", format.lower(), f"Pillow without {format}")
        raise CodecError(what, public=LACKING, status=422) from error
    except _FAILURES as error:
        raise CodecError(f"{format} encoder failed: {error}") from error
    return file.getvalue()


def decode(data: bytes, format: str) -> Picture:
    """Read all frames of a file of Pillow's `format`, with profile, Exif and XMP; orientation is not applied.

    Grey, and black and white, is one channel; CMYK becomes RGB by Pillow's formula, without its profile; 16 bit
    becomes 8.

    Raises:
        ImageError: the bytes are not a whole file of that format.
    """
    try:
        with _READERS[format](io.BytesIO(data)) as image:
            frames, delays = _plain(image, data) or _read(image)
    except _FAILURES as error:
        raise _broken(format, error) from error
    return Picture(
        frames,
        delays=delays,
        loop=image.info.get("loop", 0),
        icc=image.info.get("icc_profile"),
        exif=base.marked(image.info.get("exif")),
        xmp=image.info.get("xmp"),
        dpi=float(image.info.get("dpi", (72,))[0]),
    )


def _plain(image: ImageFile.ImageFile, data: bytes) -> tuple[NDArray[Any], tuple[int, ...]] | None:
    """Return the one frame of a plain WebP by libwebp's own call, None of anything else."""
    if image.format != "WEBP" or image.mode != "RGB" or getattr(image, "n_frames", 1) > 1:
        return None
    frame = libwebp.pixels(data, image.width, image.height)
    return None if frame is None else (frame[np.newaxis], ())


def frames(data: bytes, format: str) -> int:
    """Return how many frames a file of Pillow's `format` has, without decoding a pixel.

    Raises:
        ImageError: the bytes are no such file.
    """
    try:
        with _READERS[format](io.BytesIO(data)) as image:
            return int(getattr(image, "n_frames", 1))
    except _FAILURES as error:
        raise _broken(format, error) from error


def header(data: bytes, name: str) -> Header:
    """Read what a still file of our format `name` says of itself, without decoding a pixel.

    Raises:
        ImageError: the bytes are no such file.
    """
    try:
        with _READERS[name.upper()](io.BytesIO(data)) as image:
            bands = len(_shown(image.mode))
            return Header(name, *image.size, bands, alpha=bands == 4)
    except _FAILURES as error:
        raise _broken(name.upper(), error) from error


def _broken(format: str, error: Exception) -> ImageError:
    return ImageError(f"Expected a whole {format} file, got a broken one ({error})")


def _read(image: ImageFile.ImageFile) -> tuple[NDArray[Any], tuple[int, ...]]:
    """Return the frames and their delays; of a still picture a view of Pillow's memory."""
    count = getattr(image, "n_frames", 1)
    if count == 1:
        image.load()
        return shared(_known(image))[np.newaxis], ()
    frames, delays = [], []
    for index in range(count):
        image.seek(index)
        image.load()
        frames.append(shared(_known(image)).copy())
        delays.append(image.info.get("duration", 0))
    return np.stack(frames), tuple(delays)


def _known(image: Image.Image) -> Image.Image:
    mode = _shown(image.mode)
    return image if image.mode == mode else image.convert(mode)


def _shown(mode: str) -> str:
    """Return the mode that an image of `mode` is shown in."""
    return "L" if mode == "1" else mode if mode in ("L", "RGB", "RGBA") else "RGB"
