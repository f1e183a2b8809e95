"""Measure the libraries that write and read a format side by side: CPU time, size, DSSIM; and what their wheels weigh.

    taskset -c 0 python -m bench.codecs PHOTOGRAPH... [--side 1440] [--rounds 5] [--only avif]

Prints the tables of docs/design.md, "Codecs": milliseconds of CPU a megapixel (the median of the rounds, the mean of
the pictures) at quality 50, 75 and 90, on one core and in one thread. Libraries that are not installed are left out;
`imagecodecs` and `simplejpeg` are there to compare only.
"""

from __future__ import annotations

import argparse
import importlib
import io
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from foveola.codecs import codec, vips
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.settings import BEST_JPEG, SETTINGS
from foveola.transform.load import read

QUALITIES = (50, 75, 90)
WHEELS = ("pyvips-binary", "pillow", "pillow-jxl-plugin", "simplejpeg", "imagecodecs")
Encode = Callable[[Picture, int], bytes]
Decode = Callable[[bytes], Any]


@dataclass(frozen=True)
class Way:
    """One way to do one thing.

    Args:
        format: what is written or read.
        what: the library and how it is called; the one that we use is marked with a star.
        call: does it.
    """

    format: str
    what: str
    call: Callable[..., Any]


def by_pillow(format: str, picture: Picture, quality: int, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.pillow.save(file, format, quality=quality, **options)
    return file.getvalue()


def by_libvips(saver: str, picture: Picture, quality: int, **options: Any) -> bytes:
    data: bytes = getattr(vips.from_picture(picture), saver)(Q=quality, keep="none", **options)
    return data


def ours(format: str, picture: Picture, quality: int) -> bytes:
    return codec(format).encode(picture, quality, SETTINGS[format]())


def best_jpeg(picture: Picture, quality: int) -> bytes:
    return codec("jpeg").encode(picture, quality, BEST_JPEG)


def halved(quality: int) -> bool:
    return quality < 90


def jpeg_by_pillow(picture: Picture, quality: int, **options: Any) -> bytes:
    return by_pillow("JPEG", picture, quality, subsampling=2 if halved(quality) else 0, **options)


def avif_by_pillow(picture: Picture, quality: int, **options: Any) -> bytes:
    chroma = "4:2:0" if halved(quality) else "4:4:4"
    return by_pillow("AVIF", picture, quality, speed=8, subsampling=chroma, max_threads=1, **options)


def encoders() -> Iterator[Way]:
    yield Way("jpeg", "Pillow, optimised *", partial(ours, "jpeg"))
    yield Way("jpeg", "libvips, optimised", partial(by_libvips, "jpegsave_buffer", optimize_coding=True))
    if library := installed("imagecodecs"):
        yield Way("jpeg", "imagecodecs, optimised", partial(jpeg_by_imagecodecs, library))
    yield Way("jpeg", "Pillow, not optimised", jpeg_by_pillow)
    if library := installed("simplejpeg"):
        yield Way("jpeg", "simplejpeg, not optimised", partial(jpeg_by_simplejpeg, library))
    yield Way("jpeg", "Pillow, progressive", partial(jpeg_by_pillow, optimize=True, progressive=True))
    yield Way("jpeg", "libvips, mozjpeg's best *", best_jpeg)
    yield Way("webp", "Pillow, effort 4 *", partial(ours, "webp"))
    yield Way("webp", "libvips, effort 4", partial(by_libvips, "webpsave_buffer", effort=4))
    if library := installed("imagecodecs"):
        yield Way("webp", "imagecodecs, effort 4", partial(webp_by_imagecodecs, library))
    yield Way("avif", "Pillow, speed 8, one tile *", partial(ours, "avif"))
    yield Way("avif", "Pillow, speed 8, tiles", partial(avif_by_pillow, autotiling=True))
    yield Way("avif", "libvips, speed 8", partial(by_libvips, "heifsave_buffer", effort=1, compression="av1"))
    if library := installed("imagecodecs"):
        yield Way("avif", "imagecodecs, speed 8", partial(avif_by_imagecodecs, library))
    yield Way("jxl", "pillow-jxl, effort 4 *", partial(ours, "jxl"))
    yield Way("jxl", "pillow-jxl through Pillow", partial(by_pillow, "JXL", effort=4, num_threads=1))
    if library := installed("imagecodecs"):
        yield Way("jxl", "imagecodecs, effort 4", partial(jxl_by_imagecodecs, library))


def jpeg_by_imagecodecs(library: Any, picture: Picture, quality: int) -> bytes:
    chroma = "420" if halved(quality) else "444"
    return bytes(library.jpeg8_encode(picture.frames[0], level=quality, subsampling=chroma, optimize=True))


def jpeg_by_simplejpeg(library: Any, picture: Picture, quality: int) -> bytes:
    chroma = "420" if halved(quality) else "444"
    return bytes(library.encode_jpeg(picture.frames[0], quality=quality, colorsubsampling=chroma))


def webp_by_imagecodecs(library: Any, picture: Picture, quality: int) -> bytes:
    return bytes(library.webp_encode(picture.frames[0], level=quality, method=4, lossless=False))


def avif_by_imagecodecs(library: Any, picture: Picture, quality: int) -> bytes:
    chroma = "420" if halved(quality) else "444"
    frame = picture.frames[0]
    return bytes(library.avif_encode(frame, level=quality, speed=8, pixelformat=chroma, numthreads=1, codec="aom"))


def jxl_by_imagecodecs(library: Any, picture: Picture, quality: int) -> bytes:
    distance = 0.1 + (100 - quality) * 0.09
    return bytes(library.jpegxl_encode(picture.frames[0], distance=distance, effort=4, numthreads=1))


def decoders() -> Iterator[Way]:
    threads = {"numthreads": 1}
    for format, name, options in (
        ("jpeg", "jpeg8", {}),
        ("webp", "webp", {}),
        ("avif", "avif", threads),
        ("jxl", "jpegxl", threads),
    ):
        first = "pillow-jxl" if format == "jxl" else "Pillow"
        yield Way(format, f"{first} *", partial(read_by_codec, format))
        if format != "jxl":
            yield Way(format, "libvips", partial(read_by_libvips, format))
        if library := installed("imagecodecs"):
            yield Way(format, "imagecodecs", partial(getattr(library, f"{name}_decode"), **options))
        if format == "jpeg" and (library := installed("simplejpeg")):
            yield Way(format, "simplejpeg", library.decode_jpeg)


def read_by_codec(format: str, data: bytes) -> Any:
    return codec(format).decode(data).frames[0]


def read_by_libvips(format: str, data: bytes) -> Any:
    return np.asarray(vips.load(data, format, access="sequential"))


def installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Return milliseconds of CPU, the median, and what the call returned."""
    took = []
    for _ in range(rounds):
        began = time.process_time()
        result = call()
        took.append(time.process_time() - began)
    return 1000 * statistics.median(took), result


def measure_encoder(way: Way, picture: Picture, reference: Reference, rounds: int) -> list[tuple[float, float, float]]:
    """Return ms/MP, bits a pixel and DSSIM at each quality."""
    rows = []
    for quality in QUALITIES:
        took, data = timed(partial(way.call, picture, quality), rounds)
        dssim = reference.full(codec(way.format).decode(data)).dssim
        rows.append((took / picture.megapixels, 8e-6 * len(data) / picture.megapixels, dssim))
    return rows


def measure_decoder(way: Way, picture: Picture, rounds: int) -> list[tuple[float, float]]:
    """Return ms/MP and the greatest difference from the values of our own decoder at each quality."""
    rows = []
    for quality in QUALITIES:
        data = ours(way.format, picture, quality)
        took, pixels = timed(partial(way.call, data), rounds)
        difference = np.abs(pixels.astype(int) - codec(way.format).decode(data).frames[0]).max()
        rows.append((took / picture.megapixels, float(difference)))
    return rows


def table(title: str, ways: Sequence[Way], columns: Sequence[str], rows: Sequence[Any]) -> None:
    print(f"\n| {title} | | {' | '.join(columns)} |\n|---|---{'|---' * len(columns)}|")
    for way, row in zip(ways, rows, strict=True):
        cells = [" / ".join(f"{value:{form}}" for value in values) for values, form in row]
        print(f"| {way.format} | {way.what} | {' | '.join(cells)} |")


def mean(per_picture: Sequence[Sequence[Sequence[float]]], column: int) -> list[float]:
    """Return the mean over pictures of one column, a value a quality."""
    return [float(np.mean([rows[at][column] for rows in per_picture])) for at in range(len(QUALITIES))]


def most(per_picture: Sequence[Sequence[Sequence[float]]], column: int) -> list[float]:
    """Return the greatest value over pictures of one column, a value a quality."""
    return [float(np.max([rows[at][column] for rows in per_picture])) for at in range(len(QUALITIES))]


def weigh() -> None:
    print("\n| wheel | version | MB installed |\n|---|---|---|")
    for name in WHEELS:
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
        size = sum(path.stat().st_size for path in paths if path.is_file())
        print(f"| {name} | {found.version} | {size / 1e6:.1f} |")


def open_picture(path: Path, side: int) -> Picture:
    image = Image.fromarray(read(path.read_bytes()).frames[0]).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return Picture(np.asarray(image)[None])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=1440, help="pixels of the longer side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="one format")
    given = parser.parse_args(arguments)
    pictures = [open_picture(path, given.side) for path in given.pictures]
    references = [Reference(picture, whole=True) for picture in pictures]
    print(f"libvips {pyvips.version(0)}.{pyvips.version(1)}.{pyvips.version(2)}; pictures of", end=" ")
    print(", ".join(f"{picture.megapixels:.2f} MP" for picture in pictures))
    writers = [way for way in encoders() if given.only in (None, way.format)]
    pairs = [
        [measure_encoder(way, *pair, given.rounds) for pair in zip(pictures, references, strict=True)]
        for way in writers
    ]
    rows = [((mean(p, 0), ".1f"), (mean(p, 1), ".3f"), (mean(p, 2), ".5f")) for p in pairs]
    table("encode", writers, ("ms/MP at 50 / 75 / 90", "bits a pixel", "DSSIM"), rows)
    readers = [way for way in decoders() if given.only in (None, way.format)]
    found = [[measure_decoder(way, picture, given.rounds) for picture in pictures] for way in readers]
    table(
        "decode",
        readers,
        ("ms/MP at 50 / 75 / 90", "greatest difference"),
        [((mean(p, 0), ".1f"), (most(p, 1), ".0f")) for p in found],
    )
    weigh()


if __name__ == "__main__":
    main()
