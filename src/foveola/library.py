"""The library: a picture in any form comes in, a file and what is true of it come out.

Four functions that do nothing themselves: they open what they are given, say it in the pipeline's words and hand it on.
What is not said falls back on one base for every format: a DSSIM of 0.02 ± 0.002 within qualities 1..100.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveola.autoquality import Result
from foveola.codecs import codec
from foveola.codecs.vips import orientation, to_picture
from foveola.errors import ArgumentError, ImageError, expected, plain, whole
from foveola.goal import Asked, Autoquality, Bounds
from foveola.metrics import Reference, Score
from foveola.metrics import compare as compare_pictures
from foveola.networks import choose
from foveola.options import RESIZING_TYPES, ProcessingOptions, ResizingType
from foveola.picture import FALLBACK, FORMATS, LARGEST, LONGEST_SIDE, Header, Limits, Picture, format_named
from foveola.pipeline import Defaults, never, plan, render
from foveola.search import Probe
from foveola.settings import SETTINGS, make_settings
from foveola.transform import load
from foveola.transform.colour import from_array
from foveola.transform.load import header_of
from foveola.transform.steps import transformed

if TYPE_CHECKING:
    import pyvips

LIMITS = Limits(pixels=LARGEST, frames=1)
"""A header may lie: what claims more pixels than this is refused before any is decoded."""
PLAIN = Defaults(limits=LIMITS, smallest_avif=1, keep_copyright=False)
_OTHER_WORDS = {"mpo": "jpeg"}
"""Pillow's word for a JPEG with several pictures."""


def encode(
    picture: Any,
    format: str | None = None,
    autoquality: Autoquality | str | None = None,
    quality: int | None = None,
    *,
    width: int = 0,
    height: int = 0,
    resize: ResizingType = "fit",
    stop: Callable[[], bool] = never,
    network: str | os.PathLike[str] = "",
    **settings: object,
) -> Result:
    """Write a picture at the quality that a goal asks for, or at a quality that is given.

    Args:
        picture: a file's bytes, a path, a PIL image, an ndarray (H, W), (H, W, 1 | 3 | 4) of uint8 or uint16, or a
            pyvips image. Of an animation or several pages the first is written, of a PIL image the one that it stands
            at; the result's note `first_frame` says so. Exif, XMP and profile are applied and left out.
        format: of the result, `jpeg` or `jpg`, `webp`, `avif`, `jxl`, `png`, `gif`, `tiff`, `bmp`, `ico`; the source's
            own when None (of a PIL image its `format`), WebP where we can't write that.
        autoquality: the goal, or imgproxy's `method:target:min:max:allowed_error`; with neither goal nor quality a
            DSSIM of 0.02 ± 0.002 within 1..100.
        quality: 1..100, without a search.
        width: pixels of the result, 0 for what the height gives.
        height: pixels of the result, 0 for what the width gives.
        resize: how the picture meets width and height: `fit`, `fill` or `force`.
        stop: asked between encodes; once it is true the best so far is returned.
        network: the path of the network that says the first quality with method `ml`; ours when empty, or `none`.
        settings: of the encoder, in imgproxy's names: `progressive`, `effort`, `speed`, …

    Returns:
        The file, its quality, its DSSIM and how they were found.

    Raises:
        ArgumentError: a value that can't be used (it is a ValueError).
        ConfigError: the network can't be used (it is a ValueError).
        ImageError: the picture can't be read.
        CodecError: the encoder failed.
    """
    if not callable(stop):
        raise ArgumentError(expected("a function", "stop", stop))
    quality = plain(quality)
    goal = _goal(autoquality, quality)
    source, header = _open(picture)
    own = header.format if header.format in SETTINGS else FALLBACK
    name = own if format is None else format_named(format).name
    options = ProcessingOptions(
        resizing_type=_member("resize", resize, RESIZING_TYPES),
        width=_side("width", width),
        height=_side("height", height),
        quality=quality or 0,
        autoquality=Asked(goal.method, goal.target, goal.bounds.min, goal.bounds.max, goal.allowed_error),
        format=name,
    )
    chosen = _network(network, name, goal)
    made = {name: make_settings(name, settings)}
    defaults = replace(PLAIN, settings=made, networks={name: chosen})
    planned = plan(header, options, defaults)
    return render(source, planned, stop, lambda saving: (replace(saving, goal=goal), None)).result


def decode(data: bytes) -> Picture:
    """Read a file with the decoder that states the values of its format.

    Args:
        data: a JPEG, WebP, AVIF, JPEG XL, PNG, GIF, TIFF, BMP, ICO, HEIC or SVG file.

    Returns:
        The pixels as they are stored: neither orientation nor colour profile is applied.

    Raises:
        ArgumentError: something else than bytes.
        ImageError: the bytes are no whole file of a known format, or say that they have over 500 megapixels.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ArgumentError(expected("the bytes of a file", "data", type(data).__name__))
    file = _bytes("data", data)
    LIMITS.check(header_of(file))
    return load.decode(file)


def compare(a: Any, b: Any) -> Score:
    """Measure how far `b` is from `a`, by the whole map.

    Args:
        a: the reference, in any form that `encode` takes; of several frames or pages the first.
        b: the candidate, of the same size.

    Returns:
        DSSIM (SSIM is 1 - 2 DSSIM), the worst 16x16 block and the 95th percentile of the blocks.

    Raises:
        ArgumentError: the sizes differ.
        ImageError: one of them can't be read.
    """
    return compare_pictures(_picture(a), _picture(b))


def curve(picture: Any, format: str, qualities: Iterable[int] | None = None, **settings: object) -> tuple[Probe, ...]:
    """Encode a picture at several qualities and measure what comes out, by the whole map.

    Args:
        picture: in any form that `encode` takes.
        format: `jpeg`, `webp`, `avif`, `jxl` or another that has a quality.
        qualities: 1..100; every fifth when None.
        settings: of the encoder, as in `encode`.

    Returns:
        A probe a quality, rising; its `data` is left out.

    Raises:
        ArgumentError: the format has no quality, or a value can't be used.
    """
    name = format_named(format).name
    found = codec(name)
    if found.qualities is None:
        raise ArgumentError(expected("a format that has a quality", "format", name))
    bounds = found.qualities
    wanted = _qualities(range(5, 101, 5) if qualities is None else qualities, bounds)
    made = make_settings(name, settings)
    opened = _picture(picture, flatten=not FORMATS[name].alpha)
    reference = Reference(opened, whole=True)

    def probe(quality: int) -> Probe:
        data = found.encode(opened, quality, made)
        dssim = reference.full(found.decode(data)).dssim
        return Probe(quality, found.setting(quality, made), dssim, len(data), None, "decoded")

    return tuple(probe(quality) for quality in wanted)


def _qualities(qualities: Iterable[int], bounds: Bounds) -> list[int]:
    """Return the qualities, each once and rising."""
    what = f"integers {bounds.min}..{bounds.max}"
    if not isinstance(qualities, Iterable):
        raise ArgumentError(expected(what, "qualities", qualities))
    found = [plain(quality) for quality in qualities]
    for quality in found:
        if not whole(quality) or bounds.clamp(quality) != quality:
            raise ArgumentError(expected(what, "qualities", quality))
    return sorted(set(found))


def _goal(autoquality: Autoquality | str | None, quality: int | None) -> Autoquality:
    """Return the goal; without one, but with a quality, method `none`."""
    if quality is not None and not (whole(quality) and 1 <= quality <= 100):
        raise ArgumentError(expected("integer 1..100", "quality", quality))
    if autoquality is None:
        return Autoquality("none") if quality is not None else Autoquality()
    goal = Autoquality.parse(autoquality) if isinstance(autoquality, str) else autoquality
    if not isinstance(goal, Autoquality):
        raise ArgumentError(expected("an Autoquality or a text", "autoquality", autoquality))
    if quality is not None and goal.method != "none":
        raise ArgumentError(expected(f"nothing beside autoquality {goal.method}", "quality", quality))
    return goal


def _network(network: str | os.PathLike[str], format: str, goal: Autoquality) -> str:
    """Return which network is meant; an error where it can't be used."""
    if not isinstance(network, str | os.PathLike):
        raise ArgumentError(expected("a path, none, or an empty text", "network", network))
    said = os.fspath(network)
    if said and goal.method != "ml":
        raise ArgumentError(expected("nothing without method ml", "network", said))
    if goal.method == "ml":
        choose(said, format)
    return said


def _picture(picture: Any, flatten: bool = False) -> Picture:
    """Return a picture in any form as the pixels that would go into an encoder."""
    source, header = _open(picture)
    options = ProcessingOptions(format="jpeg" if flatten else "png", autoquality=Asked("none"))
    made = plan(header, options, PLAIN)
    return to_picture(transformed(source, made))


def _open(picture: Any) -> tuple[bytes | pyvips.Image, Header]:
    """Return a picture in any form as a file or an open image, and what it says of itself."""
    if isinstance(picture, str | os.PathLike):
        picture = _read(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        data = _bytes("picture", picture)
        header = header_of(data)
        LIMITS.check(header)
        return data, header
    image, pages = _image(picture)
    own = str(getattr(picture, "format", "")).lower()  # a pyvips image's is that of its numbers
    own = _OTHER_WORDS.get(own, own)
    return image, Header(
        own if own in FORMATS else "",
        image.width,
        image.height,
        image.bands,
        bool(image.hasalpha()),
        pages=pages,
        bits=16 if image.format == "ushort" else 8,
        orientation=orientation(image),
    )


def _image(picture: Any) -> tuple[pyvips.Image, int]:
    """Return a PIL image, an ndarray or a pyvips image as a pyvips image of one frame, and how many there are."""
    import numpy as np
    import pyvips
    from PIL import Image

    if isinstance(picture, pyvips.Image):
        height = picture.get_page_height()
        return picture.crop(0, 0, picture.width, height), picture.height // height
    if isinstance(picture, Image.Image):
        return _from_pillow(picture)
    if isinstance(picture, np.ndarray):
        return from_array(picture), 1
    what = "bytes, a path, a PIL image, an ndarray or a pyvips image"
    raise ArgumentError(expected(what, "picture", type(picture).__name__))


def _from_pillow(image: Any) -> tuple[pyvips.Image, int]:
    """Return a PIL image, upright, as a pyvips image, and how many frames there are; its file may be read only now."""
    import numpy as np
    from PIL import ImageOps

    try:
        upright, frames = ImageOps.exif_transpose(image), getattr(image, "n_frames", 1)
    except Exception as error:  # a plugin may raise anything on a broken file
        raise ImageError(f"Expected a whole PIL image for picture, got a broken one ({error})") from error
    try:
        pixels = np.asarray(_plain(upright))
        pixels = pixels.astype(np.uint16) if upright.mode.startswith("I;16") else pixels
    except ValueError as error:
        raise ArgumentError(expected("a PIL image of 8 or 16 bit", "picture", upright.mode)) from error
    profile = upright.info.get("icc_profile")
    return from_array(pixels, profile if isinstance(profile, bytes) else None), frames


def _plain(image: Any) -> Any:
    """Return a PIL image in a mode that an array can hold; a ValueError where there is none."""
    if image.mode in ("F", "I"):
        raise ValueError
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB") or image.mode.startswith("I;16"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _bytes(name: str, data: bytes | bytearray | memoryview) -> bytes:
    try:
        return bytes(data)
    except ValueError as error:  # a view that was released
        raise ArgumentError(expected("the bytes of a file", name, "a released memoryview")) from error


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(os.fsdecode(path)).read_bytes()
    except (OSError, ValueError) as error:  # a ValueError for what no path can hold
        why = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f'Expected a readable file for picture, got "{path}" ({why})') from error


def _side(name: str, value: int) -> int:
    if not (whole(value) and 0 <= value <= LONGEST_SIDE):
        raise ArgumentError(expected(f"a number of pixels 0..{LONGEST_SIDE}", name, value))
    return int(value)


def _member(name: str, value: ResizingType, words: tuple[ResizingType, ...]) -> ResizingType:
    if not isinstance(value, str) or value not in words:
        raise ArgumentError(expected("one of " + ", ".join(words), name, value))
    return value
