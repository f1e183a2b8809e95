"""What is decided about one request, as frozen values: what is done where a URL says nothing, the plan, the saving.

Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from foveola.goal import Autoquality, Configured
from foveola.options.values import ProcessingOptions, Unsharp
from foveola.picture import FORMATS, Header, Limits, pixels
from foveola.settings import ONE_THREAD, Inference
from foveola.transform.geometry import Geometry, Size

if TYPE_CHECKING:
    from foveola.autoquality import Note, Result


@dataclass(frozen=True)
class Defaults:
    """What is done where a URL says nothing.

    Args:
        quality: 1..100.
        format_quality: quality 1..100 by format name.
        autoquality: what the settings say of the search.
        max_resolution: megapixels of a result above which nothing is searched; 0 for none.
        settings: of the codecs, by format name; a codec's own where one is missing.
        preferred_formats: what results are written in where no format is named, best first.
        skip_processing_formats: what is sent as it is where no other format is named.
        always_rasterize_svg: whether SVG becomes pixels even where no format is named.
        sanitize_svg: whether an SVG that is sent as SVG is cleaned of what could do harm.
        max_result_dimension: pixels that a side of the result may have; 0 for any.
        smallest_avif: pixels; with a smaller side PNG or JPEG is written, as imgproxy does: many can't read such AVIF.
        limits: how big a source may be.
        networks: which network foresees a quality with method `ml`, by format name: a path, `none`, or ours where it is
            empty or missing.
        inference: how networks are run.
        use_linear_colorspace: whether pictures are resized in linear light.
        disable_shrink_on_load: whether decoders read the whole picture always.
        strip_metadata: whether metadata is left out.
        keep_copyright: whether the metadata about rights stays.
        strip_metadata_dpi: what resolution a file has whose metadata is left out, pixels an inch.
        strip_color_profile: whether the colour profile is applied and left out.
        auto_rotate: whether Exif's orientation is applied.
        enforce_thumbnail: whether the thumbnail inside HEIC and AVIF stands for the picture.
        preserve_hdr: whether 16 bit are kept where the format can.
        unsharp: how results are sharpened.
        watermark_opacity: what the opacity of a watermark is multiplied with, 0..1.
        png_unlimited: whether libpng's own limits are lifted.
        svg_unlimited: whether librsvg's own limits are lifted.
        tiff_unlimited: whether libtiff's own limits are lifted.
    """

    quality: int = 80
    format_quality: Mapping[str, int] = field(default_factory=lambda: {"webp": 79, "avif": 63, "jxl": 77})
    autoquality: Configured = field(default_factory=Configured)
    max_resolution: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    preferred_formats: tuple[str, ...] = ("jpeg", "png", "gif")
    skip_processing_formats: tuple[str, ...] = ()
    always_rasterize_svg: bool = False
    sanitize_svg: bool = True
    max_result_dimension: int = 0
    smallest_avif: int = 16
    limits: Limits = field(default_factory=Limits)
    networks: Mapping[str, str] = field(default_factory=dict)
    inference: Inference = ONE_THREAD
    use_linear_colorspace: bool = False
    disable_shrink_on_load: bool = False
    strip_metadata: bool = True
    keep_copyright: bool = True
    strip_metadata_dpi: int = 72
    strip_color_profile: bool = True
    auto_rotate: bool = True
    enforce_thumbnail: bool = False
    preserve_hdr: bool = False
    unsharp: Unsharp = Unsharp("none", 1.0, 24.0)  # noqa: RUF009  # frozen
    watermark_opacity: float = 1.0
    png_unlimited: bool = False
    svg_unlimited: bool = False
    tiff_unlimited: bool = False

    def unlimited(self, format: str) -> bool:
        """Return whether the limits that the loader of a format has of its own do not hold."""
        return bool(getattr(self, f"{format}_unlimited", False))


def limits(options: ProcessingOptions, defaults: Defaults) -> Limits:
    """Return how big a source may be, by the settings and, where those allow it, by the URL."""
    found = defaults.limits
    if options.max_src_resolution is not None:
        found = replace(found, pixels=pixels(options.max_src_resolution))
    if options.max_animation_frames is not None:
        found = replace(found, frames=options.max_animation_frames)
    if options.max_animation_frame_resolution is not None:
        found = replace(found, frame_pixels=pixels(options.max_animation_frame_resolution))
    return found


@dataclass(frozen=True)
class Accepted:
    """What a client accepts, as far as the settings care, best first.

    Args:
        preferred: formats to choose where none is named.
        enforced: formats to choose whatever is named.
    """

    preferred: tuple[str, ...] = ()
    enforced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How the source is read.

    Args:
        page: the first page or frame.
        frames: how many frames of an animation; 1 for a still picture.
        stacked: how many pages, one above the other.
        shrink: how many times smaller an SVG is drawn because it is too large; 1 for all else.
        shrinks: whether a decoder may make the picture smaller.
        vector: whether the source is drawn at any size.
        unlimited: whether the limits that its loader has of its own do not hold.
    """

    page: int = 0
    frames: int = 1
    stacked: int = 1
    shrink: float = 1.0
    shrinks: bool = False
    vector: bool = False
    unlimited: bool = False


@dataclass(frozen=True)
class Looks:
    """What concerns the pixels of all pipelines, and what is written beside them.

    Args:
        alpha: whether the format can hold transparency.
        deep: whether 16 bit are kept.
        linear: whether pictures are resized in linear light.
        profile: whether the colour profile stays.
        metadata: whether all metadata stays.
        copyright: whether the metadata about rights stays.
        dpi: what is written as resolution, pixels an inch; 0 for what the source says.
        oriented: whether Exif's orientation is applied where a pipeline does not say otherwise.
        opacity: what the opacity of the watermark is multiplied with.
    """

    alpha: bool
    deep: bool = False
    linear: bool = False
    profile: bool = False
    metadata: bool = False
    copyright: bool = True
    dpi: int = 72
    oriented: bool = True
    opacity: float = 1.0

    def upright(self, options: ProcessingOptions) -> bool:
        """Return whether a pipeline applies Exif's orientation."""
        return self.oriented if options.auto_rotate is None else options.auto_rotate


@dataclass(frozen=True)
class Plan:
    """Every decision about the pixels of one picture, none of it done yet.

    Args:
        source: what the source says of itself.
        stages: what each of the chained pipelines does, without what concerns the file.
        format: the name of the result's format, if that can hold what comes out.
        reading: how the source is read.
        looks: what concerns all pipelines.
        untouched: whether the source is sent as it is; an SVG may be cleaned first.
        limit: pixels that a side of the result may have; 0 for any.
        geometry: how large the result of the last pipeline will be, if nothing is trimmed.
        notes: what of the source, or of the size asked for, can't be in the result: `first_frame`, `side_limited`.
        options: what the URL asks for, for those who decide about the file.
        defaults: what is done where it says nothing, likewise.
    """

    source: Header
    stages: tuple[ProcessingOptions, ...]
    format: str
    reading: Reading
    looks: Looks
    untouched: bool
    limit: int
    geometry: Geometry
    notes: tuple[Note, ...]
    options: ProcessingOptions = field(repr=False)
    defaults: Defaults = field(repr=False)

    @property
    def limits(self) -> Limits:
        """How big the source may be, and so the watermark."""
        return limits(self.options, self.defaults)


@dataclass(frozen=True)
class Saving:
    """Every decision about the file of one picture whose pixels are at hand.

    Args:
        format: the name of its format.
        size: width and height of the picture, pixels.
        goal: what is asked of the quality; method `none` where it is fixed.
        searched: whether the goal is searched for.
        quality: the fixed quality 1..100; None where it is searched or the format has none.
        max_bytes: the largest file wanted; 0 for any.
        settings: of the codec.
        notes: those of the plan, and why a goal is not searched for: `no_quality`, `over_max_resolution`, `deep`.
        network: which network says the first quality, see `Defaults`; empty without method `ml` too.
        inference: how it is run.
    """

    format: str
    size: Size
    goal: Autoquality
    searched: bool
    quality: int | None
    max_bytes: int
    settings: Any
    notes: tuple[Note, ...] = ()
    network: str = ""
    inference: Inference = ONE_THREAD


@dataclass(frozen=True)
class Rendered:
    """One finished file and where it came from.

    Args:
        result: the file, its quality and how that was found.
        plan: what was decided about the pixels.
        saving: what was decided about the file; None where the source is sent as it is.
        origin: width and height of the upright source, pixels.
        size: width and height of the result, pixels.
    """

    result: Result
    plan: Plan
    saving: Saving | None
    origin: Size
    size: Size

    @property
    def data(self) -> bytes:
        """The file."""
        return self.result.data

    @property
    def format(self) -> str:
        """The name of its format."""
        return self.result.format

    @property
    def mime(self) -> str:
        """Its media type."""
        return FORMATS[self.format].mime
