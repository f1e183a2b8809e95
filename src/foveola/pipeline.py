"""From a file to a file: `plan` decides everything and does nothing, `render` does it.

A plan can be printed, tested and argued about without a picture; nothing in `render` decides. The library, the command
line and the server's workers call both; nothing here reads the environment or a clock, and what works on pictures is
imported when it is first needed, because the server's front reads URLs with these names and never touches a pixel.
Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from foveola.errors import ArgumentError, UrlError
from foveola.goal import Asked, Autoquality, Configured, resolve
from foveola.kinds import UNWRITTEN
from foveola.options import ProcessingOptions
from foveola.picture import FORMATS, Header, Limits
from foveola.settings import BEST_JPEG, ONE_THREAD, SETTINGS, Inference
from foveola.transform.geometry import Geometry, fit_within, measure

if TYPE_CHECKING:
    import pyvips

    from foveola.autoquality import Note, Result
    from foveola.remembered import Remembered

LONGEST: Mapping[str, int] = {"jpeg": 65500, "webp": 16383, "avif": 16384, "gif": 65535}
"""Pixels that a side may have, by format; a larger result is made smaller."""


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
        max_result_dimension: pixels that a side of the result may have; 0 for any.
        smallest_avif: pixels; with a smaller side PNG or JPEG is written, as imgproxy does: many can't read such AVIF.
        limits: how big a source may be.
        networks: which network foresees a quality with method `ml`, by format name: a path, `none`, or ours where it is
            empty or missing.
        inference: how networks are run.
    """

    quality: int = 80
    format_quality: Mapping[str, int] = field(default_factory=lambda: {"webp": 79, "avif": 63, "jxl": 77})
    autoquality: Configured = field(default_factory=Configured)
    max_resolution: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    preferred_formats: tuple[str, ...] = ("jpeg", "png", "gif")
    max_result_dimension: int = 0
    smallest_avif: int = 16
    limits: Limits = field(default_factory=Limits)
    networks: Mapping[str, str] = field(default_factory=dict)
    inference: Inference = ONE_THREAD


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
class Plan:
    """Every decision about one picture, none of it done yet.

    Args:
        source: what the source says of itself.
        format: the name of the result's format.
        geometry: how large the result is.
        flatten: whether transparency is laid on white.
        goal: what is asked of the quality; method `none` where it is fixed.
        searched: whether the goal is searched for.
        quality: the fixed quality 1..100; None where it is searched or the format has none.
        max_bytes: the largest file wanted; 0 for any.
        settings: of the codec.
        notes: what a reader should know: `first_frame`, `side_limited`, and why a goal is not searched for:
            `no_quality`, `over_max_resolution`.
        network: which network says the first quality, see `Defaults`; empty without method `ml` too.
        inference: how it is run.
    """

    source: Header
    format: str
    geometry: Geometry
    flatten: bool
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
        plan: what was decided.
        origin: width and height of the upright source, pixels.
        size: width and height of the result, pixels.
    """

    result: Result
    plan: Plan
    origin: tuple[int, int]
    size: tuple[int, int]

    @property
    def data(self) -> bytes:
        """The file."""
        return self.result.data

    @property
    def format(self) -> str:
        """The name of its format."""
        return self.plan.format

    @property
    def mime(self) -> str:
        """Its media type."""
        return FORMATS[self.plan.format].mime


def never() -> bool:
    """Return False: a picture that nobody waits for in vain."""
    return False


def check(options: ProcessingOptions, defaults: Defaults) -> None:
    """Refuse options that can't be done for any picture, before one is fetched.

    Raises:
        UrlError: the goal of the search has no target, or the format can't be written.
    """
    if options.format in UNWRITTEN:
        raise UrlError(f"Format {options.format} can't be written by this version", status=422)
    try:
        resolve(options.format or "jpeg", options.autoquality, defaults.autoquality)
    except ArgumentError as error:
        raise UrlError(str(error)) from None


def may_search(options: ProcessingOptions, defaults: Defaults) -> bool:
    """Return whether a quality may be searched for; only a picture's header can tell that it is."""
    return resolve(options.format or "jpeg", options.autoquality, defaults.autoquality).method != "none"


def plan(header: Header, options: ProcessingOptions, defaults: Defaults, accepted: Accepted = Accepted()) -> Plan:
    """Decide everything about one picture.

    Args:
        header: what the source says of itself.
        options: what the URL asks for.
        defaults: what is done where it says nothing.
        accepted: what the client accepts.

    Raises:
        UrlError: the options can't be done.
    """
    check(options, defaults)
    size = upright(header)
    geometry = measure(*size, options, defaults.max_result_dimension)
    format = _format(header, options, defaults, accepted)
    if format == "avif" and min(geometry.result) < defaults.smallest_avif:
        format = "png" if header.alpha else "jpeg"
    wanted, geometry = geometry, fit_within(geometry, LONGEST.get(format, max(geometry.result)))
    goal, quality = _quality(format, options, defaults)
    obstacles = _obstacles(format, geometry, goal, defaults)
    searched = goal.method != "none" and not obstacles
    return Plan(
        source=header,
        format=format,
        geometry=geometry,
        flatten=header.alpha and not FORMATS[format].alpha,
        goal=goal,
        searched=searched,
        quality=quality if FORMATS[format].quality and not searched else None,
        max_bytes=options.max_bytes if FORMATS[format].quality else 0,
        settings=_settings(format, goal, searched, defaults),
        notes=(*_losses(header, shrunk=geometry != wanted), *obstacles),
        network=defaults.networks.get(format, "") if searched and goal.method == "ml" else "",
        inference=defaults.inference,
    )


def render(
    source: bytes | pyvips.Image,
    plan: Plan,
    stop: Callable[[], bool] = never,
    remembered: Remembered | None = None,
    workers: int = 1,
) -> Rendered:
    """Do what was planned.

    Args:
        source: the file, or an image that is already open.
        plan: what to do.
        stop: asked between encodes; once it is true the best so far is returned.
        remembered: what earlier searches have found.
        workers: how many encodes may run side by side, 1 or 2.

    Raises:
        ImageError: the source is broken.
        CodecError: the encoder failed.
    """
    from foveola.transform.saving import save
    from foveola.transform.steps import transformed

    image = transformed(source, plan)
    result = save(image, plan, stop, remembered, workers)
    return Rendered(result, plan, upright(plan.source), (image.width, image.height))


def upright(header: Header) -> tuple[int, int]:
    """Return the width and the height of a source after its orientation is applied."""
    return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)


def _format(header: Header, options: ProcessingOptions, defaults: Defaults, accepted: Accepted) -> str:
    """Return the result's format: enforced, named, the client's favourite, the source's, or the first that fits."""
    if options.format:
        return next(iter(accepted.enforced), options.format)
    preferred = defaults.preferred_formats
    fitting = [name for name in preferred if FORMATS[name].alpha or not header.alpha]
    own: tuple[str, ...] = (header.format,) if header.format in preferred else ()
    return (*accepted.preferred, *own, *fitting, *preferred)[0]


def _quality(format: str, options: ProcessingOptions, defaults: Defaults) -> tuple[Autoquality, int]:
    """Return what is asked of the search and the ordinary quality.

    A quality in the URL is more specific than a search in the settings, a search in the URL more than either.
    """
    goal = resolve(format, options.autoquality, defaults.autoquality)
    said = options.quality or dict(options.format_quality).get(format, 0)
    if said and options.autoquality == Asked():
        goal = replace(goal, method="none")
    return goal, said or defaults.format_quality.get(format, 0) or defaults.quality


def _losses(header: Header, *, shrunk: bool) -> tuple[Note, ...]:
    """Return what of the source, or of the size asked for, can't be in the result."""
    losses: tuple[tuple[Note, bool], ...] = (("first_frame", header.pages > 1), ("side_limited", shrunk))
    return tuple(note for note, applies in losses if applies)


def _obstacles(format: str, geometry: Geometry, goal: Autoquality, defaults: Defaults) -> tuple[Note, ...]:
    """Return why a goal is not searched for, nothing where it is."""
    if goal.method == "none":
        return ()
    large = 0 < defaults.max_resolution < geometry.megapixels
    reasons: tuple[tuple[Note, bool], ...] = (
        ("no_quality", not FORMATS[format].quality),
        ("over_max_resolution", large),
    )
    return tuple(note for note, applies in reasons if applies)


def _settings(format: str, goal: Autoquality, searched: bool, defaults: Defaults) -> Any:
    """Return the codec's settings; with method `ml` JPEG has the best there are, whatever was configured."""
    if format == "jpeg" and searched and goal.method == "ml":
        return BEST_JPEG
    return defaults.settings.get(format) or SETTINGS[format]()
