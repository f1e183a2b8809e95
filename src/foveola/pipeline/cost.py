"""What a job will cost, told by its header and its plan: memory at its peak, and seconds of one core.

A server holds the first against what it has and lets the second decide which lane a job is in, before a pixel is
touched. The estimate is a table of two numbers a format and direction, fitted by hand to what workers really took, and
rather too high than too low: what depends on the content (noise, subsampling) is taken at its dearest.
Source: `python -m bench.cost`; bench/README.md, "What jobs cost"
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveola.options.values import ProcessingOptions
from foveola.picture import Header
from foveola.pipeline import Plan, Saving, geometries, saving
from foveola.settings import AvifSettings, JpegSettings, JxlSettings, PngSettings, WebpSettings
from foveola.transform.geometry import Geometry, scale

HEAVY_SECONDS = 0.25
"""Seconds of one core from which on a job is heavy: as long as a light one may have to wait for another."""
LEAST = 10_000_000
"""Bytes of the smallest job: what libraries set up when they are first used."""
FILE = 3.0
"""Copies of the source: as read, as libvips holds it, and as it held it for the header."""
PASSED = 10.0
"""Copies of a source that is sent as it is, cleaned perhaps: a tree, and a text that may be longer."""
WHOLE = 3.0
"""Rasters that are held where all pixels are needed at once: as they came, as they go, and one between."""
SEARCH = 6_000_000
"""Bytes of the smallest search."""
LOOKS = 3
"""Encodes of a search, each decoded and measured."""
LOOK_SECONDS = 0.06
"""Of measuring a megapixel."""
TRIM_SECONDS = 0.3
"""Of looking for the border of a megapixel."""


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Args:
        memory: bytes that a worker holds at its peak beyond what it has before.
        seconds: of one core.
    """

    memory: int
    seconds: float

    @property
    def heavy(self) -> bool:
        """Whether light jobs should not have to wait for it."""
        return self.seconds >= HEAVY_SECONDS


@dataclass(frozen=True)
class Read:
    """What it costs to decode a format.

    Args:
        bytes: held for a decoded pixel of RGB in 8 bit.
        seconds: for a megapixel.
        interlaced: bytes held beside for a pixel of the file, where no row is there before its end.
    """

    bytes: float
    seconds: float
    interlaced: float = 0.0


@dataclass(frozen=True)
class Write:
    """What it costs to encode a format.

    Args:
        bytes: held for a pixel of RGB in 8 bit, by one encode.
        searched: by a search, which holds the picture, what it measures with, and an encode.
        seconds: for a megapixel, with the default settings.
        least: bytes of the smallest picture beside.
    """

    bytes: float
    searched: float
    seconds: float
    least: float = 0.0


READ: Mapping[str, Read] = {
    "jpeg": Read(2.0, 0.015, interlaced=6.0),
    "png": Read(2.5, 0.03, interlaced=3.5),
    "webp": Read(9.0, 0.06),
    "avif": Read(17.0, 0.12),
    "heic": Read(17.0, 0.1),
    "jxl": Read(6.5, 0.055),
    "tiff": Read(3.5, 0.02),
    "gif": Read(7.0, 0.03),
    "bmp": Read(4.0, 0.025),
    "ico": Read(4.0, 0.03),
    "svg": Read(8.0, 0.1),
}
WRITE: Mapping[str, Write] = {
    "jpeg": Write(7.0, 28.0, 0.012),
    "webp": Write(8.0, 40.0, 0.15),
    "avif": Write(33.0, 50.0, 0.2),
    "jxl": Write(31.0, 53.0, 0.1, least=25e6),
    "png": Write(7.0, 7.0, 0.14),
    "tiff": Write(8.0, 8.0, 0.005),
    "gif": Write(15.0, 15.0, 0.6, least=8e6),
    "bmp": Write(12.0, 12.0, 0.005),
    "ico": Write(7.0, 7.0, 0.14),
    "palette": Write(9.0, 9.0, 0.56, least=12e6),
}
"""By the name of the format; `palette` is a PNG whose colours are chosen first."""


def cost(planned: Plan, size: int, mark: Header | None = None, workers: int = 1) -> Cost:
    """Return what it costs to do a plan.

    Args:
        planned: what will be done.
        size: bytes of the source.
        mark: the header of the watermark, if one is laid on.
        workers: how many encodes may run side by side.

    Raises:
        UrlError: there are more pixels than any file is written of.
    """
    if planned.untouched:
        return Cost(round(LEAST + PASSED * size), 0.0)
    ways = geometries(planned)
    saved = saving(planned, planned.geometry.result, planned.source.alpha)
    parts = (_read(planned, ways[0]), _between(planned, ways), _written(planned, saved, workers))
    held = sum(held for held, _ in parts) + (WHOLE * 4 * mark.width * mark.height if mark is not None else 0)
    return Cost(round(LEAST + FILE * size + held), sum(seconds for _, seconds in parts))


def cost_of_facts(header: Header, size: int) -> Cost:
    """Return what it costs to look at the pixels of a file, to tell about them.

    Args:
        header: what the file says of itself.
        size: bytes of the file.
    """
    row, area = READ[header.format], header.width * header.height
    whole = WHOLE * _raster(header) if header.alpha else 0.0
    held = area * (row.bytes * _deep(header) + row.interlaced * header.interlaced + whole)
    return Cost(round(LEAST + FILE * size + held), row.seconds * area / 1e6)


def _raster(header: Header) -> float:
    """Return the bytes of a pixel."""
    return max(header.bands, 3) * (2 if header.bits > 8 else 1)


def _deep(header: Header) -> float:
    """Return the bytes of a pixel in those of RGB in 8 bit."""
    return _raster(header) / 3


def _read(planned: Plan, way: Geometry) -> tuple[float, float]:
    """Return the bytes and the seconds that it takes to decode the source."""
    header, reading = planned.source, planned.reading
    row = READ[header.format]
    area = math.prod(way.scaled if reading.vector else way.source) * reading.frames
    shrink = _shrink(header.format, way) if reading.shrinks else 1.0
    decoded = area / shrink**2
    held = decoded * row.bytes * _deep(header) + area * row.interlaced * header.interlaced
    return held, row.seconds * _deep(header) * (1.5 if header.interlaced else 1.0) * (2 * decoded + area) / 3e6


def _shrink(format: str, way: Geometry) -> float:
    """Return how many times smaller a decoder makes both sides."""
    wanted = min(side / max(scale(side, factor), 1) for side, factor in zip(way.source, way.factors, strict=True))
    if format == "jpeg":
        return next((step for step in (8.0, 4.0, 2.0) if step <= wanted), 1.0)
    return max(wanted, 1.0) if format == "webp" else 1.0


def _between(planned: Plan, ways: Sequence[Geometry]) -> tuple[float, float]:
    """Return the bytes and the seconds of what needs all pixels at once, the largest that there is."""
    frames, seconds = planned.reading.frames, 0.0
    whole = math.prod(ways[0].source) / WHOLE if frames > 1 else 0.0  # animations are computed once, then cut up
    for stage, way in zip(planned.stages, ways, strict=True):
        area = math.prod(way.source)
        if stage.trim.threshold is not None:
            whole, seconds = max(whole, area), seconds + TRIM_SECONDS * area / 1e6
        if planned.reading.stacked > 1:
            whole = max(whole, area)
        if looks_around(planned, stage):
            whole = max(whole, math.prod(way.scaled), math.prod(way.result))
    return WHOLE * _raster(planned.source) * whole * frames, seconds


def looks_around(planned: Plan, stage: ProcessingOptions) -> bool:
    """Return whether a pipeline has a step that looks at all pixels, so that they are computed before it."""
    turned = planned.looks.upright(stage) and planned.source.orientation > 1
    smart = "sm" in (stage.gravity.anchor, stage.crop.gravity.anchor if stage.crop.gravity else "")
    filtered = max(stage.blur, stage.sharpen, stage.pixelate - 1) > 0 or stage.unsharp_masking.mode != "none"
    return turned or smart or filtered or stage.rotate > 0 or any(stage.flip) or stage.watermark.opacity > 0


def _written(planned: Plan, saved: Saving, workers: int) -> tuple[float, float]:
    """Return the bytes and the seconds that it takes to encode the result, as often as that is done."""
    header, settings = planned.source, saved.settings
    palette = isinstance(settings, PngSettings) and (settings.quantize or header.palette)
    row, area = WRITE["palette" if palette else saved.format], math.prod(saved.size) * planned.reading.frames
    deep = max(header.bands, 3) / 3 * (2 if planned.looks.deep else 1)
    held = row.searched + (workers - 1) * row.bytes if saved.searched else row.bytes
    once = row.seconds * _effort(settings)
    looks = LOOKS * (once + LOOK_SECONDS) if saved.searched else LOOKS * once if saved.max_bytes else once
    return area * deep * held + row.least + SEARCH * saved.searched, area * looks / 1e6


def _effort(settings: Any) -> float:
    """Return how many times longer than with the default settings an encoder takes."""
    if isinstance(settings, AvifSettings):
        return float(1.6 ** (8 - settings.speed))
    if isinstance(settings, JxlSettings):
        return float(1.8 ** (settings.effort - 4))
    if isinstance(settings, WebpSettings):
        return float(1.3 ** (settings.effort - 4)) * (1 if settings.compression == "lossy" else 3)
    if isinstance(settings, JpegSettings):
        return 30.0 if settings.trellis_quant or settings.optimize_scans else 2.0 if settings.progressive else 1.0
    return 1.0
