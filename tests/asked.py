"""Options of every kind, for laws: what hypothesis draws covers every field of `ProcessingOptions`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

from hypothesis import strategies as st

from foveola.goal import Asked
from foveola.options import STAGE, ProcessingOptions
from foveola.options.values import (
    ANCHORS,
    KERNELS,
    POSITIONS,
    RESIZING_TYPES,
    Crop,
    Duotone,
    Extend,
    Gravity,
    Monochrome,
    Trim,
    Unsharp,
    Watermark,
)
from foveola.options.words import FORMATS
from foveola.settings import AvifSettings, JpegSettings, PngSettings, WebpSettings

FORMAT = st.sampled_from(sorted(set(FORMATS.values())))
COUNT = st.integers(0, 10**9)
SWITCH = st.none() | st.booleans()
COLOUR = st.tuples(*[st.integers(0, 255)] * 3)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SHARE = st.floats(0, 1)
POSITIVE = st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False)
NATURAL = st.floats(0, allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
DIGESTS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
URL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def gravities(*, smart: bool) -> st.SearchStrategy[Gravity]:
    compass = [anchor for anchor in ANCHORS if anchor not in ("sm", "fp")]
    drawn = st.builds(Gravity, st.sampled_from(compass), NUMBER, NUMBER) | st.builds(
        Gravity, st.just("fp"), SHARE, SHARE
    )
    return (drawn | st.just(Gravity("sm"))) if smart else drawn


def encoder(kind: type[Any], without: tuple[str, ...] = ()) -> st.SearchStrategy[tuple[tuple[str, object], ...]]:
    """Draw some settings of an encoder."""
    hints = get_type_hints(kind)
    values: dict[str, st.SearchStrategy[Any]] = {}
    for f in fields(kind):
        if f.name not in without:
            ranged = st.integers(*f.metadata["range"]) if "range" in f.metadata else st.booleans()
            values[f.name] = st.sampled_from(get_args(hints[f.name])) if get_args(hints[f.name]) else ranged
    return st.fixed_dictionaries({}, optional=values).map(lambda said: tuple(sorted(said.items())))


def digest(name: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(name), st.text("0123456789abcdef", min_size=DIGESTS[name], max_size=DIGESTS[name]))


EXTEND = st.builds(Extend, st.booleans(), gravities(smart=False))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "resizing_type": st.sampled_from(RESIZING_TYPES),
    "resizing_algorithm": st.sampled_from(KERNELS),
    "width": COUNT,
    "height": COUNT,
    "min_width": COUNT,
    "min_height": COUNT,
    "zoom": st.tuples(POSITIVE, POSITIVE) | POSITIVE.map(lambda z: (z, z)),
    "dpr": POSITIVE,
    "enlarge": st.booleans(),
    "extend": EXTEND,
    "extend_aspect_ratio": EXTEND,
    "gravity": gravities(smart=True),
    "crop": st.builds(Crop, NATURAL, NATURAL, st.none() | gravities(smart=True)),
    "crop_aspect_ratio": st.tuples(NATURAL, st.booleans()),
    "trim": st.builds(Trim, st.none() | NATURAL, st.none() | COLOUR, st.booleans(), st.booleans()),
    "padding": st.tuples(*[COUNT] * 4),
    "auto_rotate": SWITCH,
    "rotate": st.sampled_from([0, 90, 180, 270]),
    "flip": st.tuples(st.booleans(), st.booleans()),
    "background": st.none() | COLOUR,
    "background_alpha": SHARE,
    "brightness": st.integers(-255, 255),
    "contrast": POSITIVE,
    "saturation": POSITIVE,
    "monochrome": st.builds(Monochrome, SHARE, COLOUR),
    "duotone": st.builds(Duotone, SHARE, COLOUR, COLOUR),
    "blur": NATURAL,
    "sharpen": NATURAL,
    "pixelate": COUNT,
    "unsharp_masking": st.builds(
        Unsharp, st.sampled_from([None, "auto", "none", "always"]), st.none() | POSITIVE, st.none() | POSITIVE
    ),
    "watermark": st.builds(Watermark, SHARE, st.sampled_from(POSITIONS), NUMBER, NUMBER, NATURAL),
    "watermark_url": URL,
    "watermark_size": st.tuples(COUNT, COUNT),
    "watermark_rotate": NUMBER,
    "strip_metadata": SWITCH,
    "keep_copyright": SWITCH,
    "dpi": st.integers(0, 65535),
    "strip_color_profile": SWITCH,
    "preserve_hdr": SWITCH,
    "enforce_thumbnail": SWITCH,
    "quality": st.integers(0, 100),
    "format_quality": st.dictionaries(FORMAT, st.integers(1, 100)).map(lambda d: tuple(sorted(d.items()))),
    "autoquality": st.builds(
        Asked,
        st.sampled_from([None, "none", "size", "dssim", "ml"]),
        st.none() | NATURAL,
        st.none() | st.integers(1, 50),
        st.none() | st.integers(51, 100),
        st.none() | SHARE,
    ),
    "max_bytes": st.integers(0, 10**12),
    "jpeg_options": encoder(JpegSettings),
    "png_options": encoder(PngSettings),
    "webp_options": encoder(WebpSettings, without=("effort",)),
    "avif_options": encoder(AvifSettings, without=("speed",)),
    "format": st.just("") | FORMAT,
    "page": COUNT,
    "pages": st.integers(1, 10**9),
    "disable_animation": st.booleans(),
    "skip_processing": st.lists(FORMAT, unique=True).map(tuple),
    "raw": st.booleans(),
    "fallback_image_url": URL,
    "cachebuster": st.text("abcXYZ019-_.~!$&'()*+,;=@", max_size=10),
    "expires": COUNT,
    "filename": TEXT,
    "return_attachment": SWITCH,
    "hashsum": st.just(("", "")) | st.sampled_from(sorted(DIGESTS)).flatmap(digest),
    "max_src_resolution": st.none() | NATURAL,
    "max_src_file_size": st.none() | COUNT,
    "max_animation_frames": st.none() | st.integers(1, 10**9),
    "max_animation_frame_resolution": st.none() | NATURAL,
    "max_result_dimension": st.none() | COUNT,
}


def some(names: frozenset[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw values for up to eight fields of the given names: a URL says a few things."""
    chosen = st.lists(st.sampled_from(sorted(names)), max_size=8, unique=True)
    return chosen.flatmap(lambda found: st.fixed_dictionaries({name: FIELDS[name] for name in found}))


def options(chained: int = 3) -> st.SearchStrategy[ProcessingOptions]:
    """Draw what a URL may ask, with up to `chained` further pipelines."""
    stages = st.lists(some(STAGE).map(lambda said: ProcessingOptions(**said)), max_size=chained)
    drawn = st.tuples(some(frozenset(FIELDS)), stages)
    return drawn.map(lambda pair: ProcessingOptions(**pair[0], chained=tuple(pair[1])))
