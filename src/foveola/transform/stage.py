"""One pipeline on its way through the steps: what is asked, what is decided, and how large everything is.

Sizes are known only when the pipeline before has run and a border is trimmed, so they are measured here and not in the
plan. A decoder that can make a picture smaller while it reads (JPEG, WebP, SVG) is asked to: reading an eighth of a
photograph costs a tenth. Source: https://docs.imgproxy.net/about_processing_pipeline
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyvips

from foveola.codecs.vips import orientation
from foveola.options.values import Gravity, ProcessingOptions
from foveola.transform.geometry import Geometry, measure, preshrunk, scale
from foveola.transform.load import JPEG_SHRINKS
from foveola.transform.opening import THUMBNAILED, Opening
from foveola.transform.turning import Turn

if TYPE_CHECKING:
    from foveola.pipeline import Plan

SVG_SHRINK = 700.0
"""How many times smaller libvips draws an SVG at most."""


@dataclass(frozen=True)
class Stage:
    """What the steps of one pipeline know.

    Args:
        options: what is asked of it.
        plan: what is decided for the whole.
        geometry: how large everything is.
        turn: how the picture is turned.
        last: whether no pipeline follows.
        shrunk: whether the picture becomes smaller.
        mark: the watermark, None where there is none.
    """

    options: ProcessingOptions
    plan: Plan
    geometry: Geometry
    turn: Turn
    last: bool
    shrunk: bool
    mark: pyvips.Image | None = None

    @property
    def crop_gravity(self) -> Gravity:
        """Where the crop before scaling stands."""
        return self.options.crop.gravity or self.options.gravity

    @property
    def flat(self) -> bool:
        """Whether what is transparent is laid on the background at the end of this pipeline."""
        return self.options.background is not None or (self.last and not self.plan.looks.alpha)


def staged(
    image: pyvips.Image | None, options: ProcessingOptions, plan: Plan, last: bool, mark: pyvips.Image | None
) -> Stage:
    """Return the stage of an image, measured.

    Args:
        image: as it goes into the steps; None for the source, which is not opened yet.
        options: what is asked of this pipeline.
        plan: what is decided for the whole.
        last: whether no pipeline follows.
        mark: the watermark.
    """
    header = plan.source
    size = (header.width, header.height) if image is None else (image.width, image.height)
    turned = header.orientation if image is None else orientation(image)
    turn = Turn.of(turned if plan.looks.upright(options) else 1, options)
    vector = plan.reading.vector and options is plan.stages[0]
    geometry = measure(*turn.size(size), options, vector=vector, limit=plan.limit if last else 0)
    return Stage(options, plan, geometry, turn, last, min(geometry.factors) < 1, mark)


def loaded(image: pyvips.Image | None, stage: Stage, opening: Opening | None) -> tuple[pyvips.Image, Stage]:
    """Return the image as small as its decoder can make it while it is still large enough, and what is left to do.

    Args:
        image: the whole source; None where it is not opened yet.
        stage: what is to be done to it.
        opening: opens it smaller, or at all; None where it is open as it has to be.
    """
    if opening is None:
        assert image is not None
        return image, stage
    shrink = _shrink(stage.geometry, stage.plan.source.format)
    smaller = opening(shrink)
    if smaller is None or not _suits(smaller, shrink, stage):
        smaller, shrink = opening(1), 1
        assert smaller is not None
    if shrink == 1:
        return smaller, stage
    geometry = preshrunk(stage.geometry, stage.turn.size((smaller.width, smaller.height)))
    return smaller, replace(stage, geometry=geometry, options=_offsets(stage, geometry))


def _shrink(geometry: Geometry, format: str) -> float:
    """Return by how much both sides can be divided, in steps that the decoder of the format has."""
    wanted = min(
        side / max(scale(side, factor), 1) for side, factor in zip(geometry.source, geometry.factors, strict=True)
    )
    if format == "jpeg":
        return next((step for step in JPEG_SHRINKS if step <= wanted), 1)
    return min(wanted, SVG_SHRINK) if format == "svg" else max(wanted, 1.0)


def _suits(image: pyvips.Image, shrink: float, stage: Stage) -> bool:
    """Return whether a thumbnail is large enough; other decoders do as they are told."""
    if stage.plan.source.format not in THUMBNAILED or shrink == 1:
        return True
    width = stage.turn.size((image.width, image.height))[0]
    return stage.geometry.source[0] / shrink <= width


def _offsets(stage: Stage, geometry: Geometry) -> ProcessingOptions:
    """Return the options with a crop whose offsets in pixels are those of the smaller source."""
    if stage.geometry.crop == (0, 0):
        return stage.options
    gravity = stage.crop_gravity
    if gravity.anchor != "fp":
        x = _less(gravity.x, stage.geometry.source[0] / geometry.source[0])
        y = _less(gravity.y, stage.geometry.source[1] / geometry.source[1])
        gravity = Gravity(gravity.anchor, x, y)
    return replace(stage.options, crop=replace(stage.options.crop, gravity=gravity))


def _less(value: float, shrink: float) -> float:
    """Return an offset in a source that is smaller; a share stays one, and pixels never become a share."""
    return float(round(value / shrink)) if abs(value) >= 1 else value
