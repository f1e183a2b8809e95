"""HEIC is read, not written: pi-heif (libheif with libde265) decodes what libvips' wheel, which has AV1 only, can't.

Its encoders are under patents and licences that we can't ship. The library is imported when it is first needed. The
decoder turns pictures itself, so Exif's orientation says nothing any more and is set to 1.
Source: ISO/IEC 23008-12 (HEIF); https://pi-heif.readthedocs.io
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.codecs import LACKING, base, exif
from foveola.codecs.boxes import boxes
from foveola.errors import ImageError, expected
from foveola.picture import Header, Picture

_FAILURES = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError, IndexError)
_BANDS: dict[str, tuple[int, ...]] = {"L": (0,), "LA": (0, 0, 0, 1), "RGB": (0, 1, 2), "RGBA": (0, 1, 2, 3)}


def header(data: bytes) -> Header:
    """Read what a file says of itself: the size of the upright picture.

    Raises:
        ImageError: the bytes are no such file, or pi-heif is not installed.
    """
    image, pages = _opened(data)
    bands = _bands(image)
    width, height = image.size
    return Header(
        "heic",
        width,
        height,
        len(bands),
        alpha=len(bands) == 4,
        pages=pages,
        bits=image.info["bit_depth"],
    )


def decode(data: bytes) -> Picture:
    """Read the primary picture of a file, turned upright, with profile, Exif and XMP; more than 8 bit become 16.

    Raises:
        ImageError: the bytes are no whole file, or pi-heif is not installed.
    """
    image, _ = _opened(data)
    width, height = image.size  # which becomes that of the pixels
    try:
        pixels = np.asarray(image)
    except _FAILURES as error:
        raise _broken(error) from error
    if pixels.shape[:2] != (height, width):  # a grid may be of another size than its item says
        raise _broken(ValueError(f"{width}x{height} with pixels of {pixels.shape[1]}x{pixels.shape[0]}"))
    bands = _bands(image)
    frame = pixels.reshape(*pixels.shape[:2], -1)[..., bands]
    if image.premultiplied_alpha:
        frame = _straight(frame)
    if frame.dtype == np.uint16:  # the bits stand on the left; the others are to repeat them, so that white stays white
        frame = frame | frame >> image.info["bit_depth"]
    block = image.info.get("exif")
    return Picture(
        frame[np.newaxis],
        icc=image.info.get("icc_profile"),
        exif=base.marked(exif.overwritten(block, {exif.ORIENTATION: exif.UPRIGHT})) if block else None,
        xmp=image.info.get("xmp"),
    )


def metadata(data: bytes) -> tuple[bytes, bytes]:
    """Return the Exif block and the XMP packet of the primary picture, each empty where there is none.

    Raises:
        ImageError: the bytes are no such file, or pi-heif is not installed.
    """
    image, _ = _opened(data)
    return image.info.get("exif") or b"", image.info.get("xmp") or b""


def thumbnail(data: bytes) -> bytes | None:
    """Return the file with its first thumbnail as its picture, None where there is none; for AVIF as well as HEIC.

    Two places of the file are changed: which item is the primary one, and that the thumbnail is one, since decoders
    leave thumbnails out. What is returned is read like any file; it has no thumbnail.

    Source: ISO/IEC 14496-12, 8.11 (boxes `meta`, `pitm`, `iref`).
    """
    try:
        found = _first_thumbnail(data)
    except struct.error:
        return None
    if found is None:
        return None
    (place, form), (kind, item) = found
    changed = bytearray(data)
    struct.pack_into(form, changed, place, item)
    changed[kind : kind + 4] = b"skip"
    return bytes(changed)


def _opened(data: bytes) -> tuple[Any, int]:
    """Return the primary picture, not yet decoded, and how many there are."""
    try:
        import pi_heif
    except ImportError as error:
        raise ImageError(expected("an installation that can read it", "heic", str(error)), public=LACKING) from error
    if not _readable(data):
        raise _broken(ValueError("an item whose kind is no text"))
    pi_heif.options.DECODE_THREADS = 1  # as everywhere here: requests share the cores, not pictures
    try:
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=False)
        return file[file.primary_index], len(file)
    except _FAILURES as error:
        raise _broken(error) from error


def _readable(data: bytes) -> bool:
    """Return whether kinds and names of items are UTF-8: pi-heif 1 ends the process where one is not."""
    entries = _box(data, [b"meta", b"iinf"])
    if entries is None:
        return True
    count = 4 if data[entries[0]] else 2
    for _, start, end in boxes(data, entries[0] + 4 + count, entries[1]):
        try:
            data[start + 4 + (6 if data[start] == 3 else 4) : end].decode()
        except (UnicodeDecodeError, IndexError):
            return False
    return True


def _bands(image: Any) -> tuple[int, ...]:
    """Return which bands of the decoder are ours."""
    mode = "L" if image.mode.startswith("I;") else image.mode.split(";")[0].upper()
    if mode not in _BANDS:
        raise ImageError(f"Expected HEIC of grey or RGB, got {image.mode}")
    return _BANDS[mode]


def _straight(frame: NDArray[Any]) -> NDArray[Any]:
    """Divide the colours by alpha."""
    most = np.iinfo(frame.dtype).max
    alpha = np.maximum(frame[..., 3:].astype(np.float64), 1)
    colours = np.minimum(np.rint(frame[..., :3] * (most / alpha)), most).astype(frame.dtype)
    return np.concatenate([colours, frame[..., 3:]], axis=2)


def _broken(error: Exception) -> ImageError:
    return ImageError(f"Expected a whole heic file, got a broken one ({error})")


def _box(data: bytes, way: list[bytes]) -> tuple[int, int] | None:
    """Return where the contents of a box begin and end, by the kinds of boxes that lead to it, all with a version."""
    at, end = 0, len(data)
    for kind in way:
        span = next((span for name, *span in boxes(data, at, end) if name == kind), None)
        if span is None or span[0] + 4 > span[1]:
            return None
        at, end = span[0] + 4, span[1]
    return at - 4, end


def _first_thumbnail(data: bytes) -> tuple[tuple[int, str], tuple[int, int]] | None:
    """Return where and how the primary item is named, where the reference of its first thumbnail is, and its item."""
    said, references = _box(data, [b"meta", b"pitm"]), _box(data, [b"meta", b"iref"])
    if said is None or references is None:
        return None
    primary_at = said[0]
    form = ">I" if data[primary_at] else ">H"
    (primary,) = struct.unpack_from(form, data, primary_at + 4)
    word = "I" if data[references[0]] else "H"
    for kind, start, _ in boxes(data, references[0] + 4, references[1]):
        item, count = struct.unpack_from(f">{word}H", data, start)
        of = struct.unpack_from(f">{count}{word}", data, start + struct.calcsize(f">{word}H"))
        if kind == b"thmb" and primary in of:
            return (primary_at + 4, form), (start - 4, item)
    return None
