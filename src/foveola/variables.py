"""Rows of the table of settings: what a variable is, and those that the encoders have.

The rest of the table are the fields of the groups in `foveola.config`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from foveola import kinds, settings
from foveola.kinds import BOOLEAN, Kind

Status = Literal["implemented", "accepted", "refused"]


@dataclass(frozen=True, eq=False)
class Setting:
    """One row of the table.

    Args:
        name: the name of the variable, `IMGPROXY_QUALITY`.
        field: where its value stands in its group; in the codec's settings for `format`.
        kind: how it is read.
        default: its value where the environment says nothing.
        doc: one sentence for the documentation.
        format: the format whose codec it sets; empty for the others.
        secret: whether its value may not be shown.
        group: where the group stands in `Settings`; empty for those of a codec.
        separator: the field of the group that says what stands between items; empty where nothing does.
        separated: the kind for another separator than the default one.
        status: whether it does what `doc` says, or has no effect or stops the start for the reason that `doc` says.
    """

    name: str
    field: str
    kind: Kind[Any]
    default: Any
    doc: str
    format: str = ""
    secret: bool = False
    group: str = ""
    separator: str = ""
    separated: Callable[[str], Kind[Any]] | None = None
    status: Status = "implemented"


_CODEC_DOCS: Mapping[str, str] = {
    "progressive": "Whether JPEG is written progressively.",
    "no_subsample": "Whether JPEG keeps its full chroma.",
    "trellis_quant": "Whether JPEG's coefficients are chosen by mozjpeg's trellis.",
    "overshoot_deringing": "Whether JPEG overshoots at white edges against ringing.",
    "optimize_scans": "Whether mozjpeg searches the scans of a progressive JPEG.",
    "quant_table": "Which of mozjpeg's quantisation tables JPEG is written with.",
    "compression": "How WebP is compressed.",
    "effort": "How long the encoder works for a small file.",
    "smart_subsample": "Whether WebP's chroma is subsampled with care for edges.",
    "preset": "What kind of picture WebP expects.",
    "speed": "How fast AVIF is written; 9 is the fastest.",
    "subsample": "Whether AVIF halves its chroma; `auto` does below quality 90.",
    "interlaced": "Whether PNG is interlaced.",
    "quantize": "Whether PNG is written with a palette.",
    "quantization_colors": "How many colours that palette has.",
}


def _kind_of(hint: Any, limits: tuple[int, int] | None) -> Kind[Any]:
    if get_origin(hint) is Literal:
        return kinds.word(*get_args(hint))
    return kinds.integer(*limits) if limits else BOOLEAN


def codec_rows(prefix: str) -> Iterator[Setting]:
    """Yield a row for each setting of each encoder, by imgproxy's name for it."""
    for format, kind in settings.SETTINGS.items():
        hints = get_type_hints(kind)
        for f in fields(kind):
            name = f"{prefix}{format}_{f.name}".upper()
            read = _kind_of(hints[f.name], f.metadata.get("range"))
            yield Setting(name, f.name, read, f.default, _CODEC_DOCS[f.name], format)
