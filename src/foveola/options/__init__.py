"""What a URL may ask of a picture, as one frozen value and one table.

`ProcessingOptions` is what the pipeline reads. `OPTIONS` is the only place that knows the words of URLs: names,
aliases, arguments, their kinds and which field each sets; the parser, the builder of URLs and the documentation read
it. A new option is a row (and a field). Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from foveola import kinds
from foveola.errors import ArgumentError, UrlError, expected
from foveola.goal import Asked
from foveola.kinds import Kind
from foveola.options.values import RESIZING_TYPES, ProcessingOptions, ResizingType
from foveola.settings import BOOLEANS

__all__ = ["OPTIONS", "RESIZING_TYPES", "Argument", "Option", "ProcessingOptions", "ResizingType", "apply", "write"]


@dataclass(frozen=True)
class Argument:
    """One argument of an option.

    Args:
        name: the field of `ProcessingOptions` that it sets, or a word for the documentation.
        kind: how it is read and written.
        doc: one sentence for the documentation.
    """

    name: str
    kind: Kind[Any]
    doc: str


Reader = Callable[[ProcessingOptions, Sequence[str]], ProcessingOptions]
Writer = Callable[[ProcessingOptions], Sequence[str]]


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Args:
        name: imgproxy's long name.
        aliases: its other names, the usual one first.
        arguments: what may follow the name, in order.
        doc: one sentence for the documentation.
        edition: the edition of imgproxy that has it.
        read: lays the texts of the arguments over options; each argument sets its own field when None.
        write: the texts that make these options, none for the defaults; each field's own when None.
        meta: a shorthand for other options: read, never written.
    """

    name: str
    aliases: tuple[str, ...]
    arguments: tuple[Argument, ...]
    doc: str
    edition: Literal["oss", "pro"] = "oss"
    read: Reader | None = None
    write: Writer | None = None
    meta: bool = False


def _read_fields(option: Option, options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Set one field an argument; where there may be several, an empty one keeps what was said before."""
    several = len(option.arguments) > 1
    given = [(a, text) for a, text in zip(option.arguments, texts, strict=False) if text or not several]
    values = {a.name: _read_value(a, text) for a, text in given}
    return replace(options, **{name: value for name, value in values.items() if name in _FIELDS})


def _read_value(argument: Argument, text: str) -> Any:
    try:
        return argument.kind.read(text)
    except ValueError:
        raise UrlError(expected(argument.kind.what, argument.name, text)) from None


def _write_fields(option: Option, options: ProcessingOptions) -> list[str]:
    values = [(a.kind, getattr(options, a.name), _FIELDS[a.name]) for a in option.arguments]
    return [kind.write(value) for kind, value, default in values if value != default]


def _read_format_quality(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    if len(texts) % 2:
        raise UrlError(expected("pairs of a format and a quality", "format_quality", ":".join(texts)))
    name, quality = FORMAT_QUALITY_ARGUMENTS
    said = dict(options.format_quality)
    for word, text in zip(texts[::2], texts[1::2], strict=True):
        said[_read_value(name, word)] = _read_value(quality, text)
    return replace(options, format_quality=tuple(sorted((n, q) for n, q in said.items() if q)))


def _write_format_quality(options: ProcessingOptions) -> list[str]:
    return [text for name, quality in options.format_quality for text in (name, str(quality))]


def _read_autoquality(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Lay the arguments that are there over what was said before."""
    said = {name: value for name, value in vars(Asked.parse(texts)).items() if value is not None}
    return replace(options, autoquality=replace(options.autoquality, **said))


def _write_autoquality(options: ProcessingOptions) -> list[str]:
    asked = options.autoquality
    values = (asked.target, asked.min, asked.max, asked.allowed_error)
    texts = [asked.method or "", *("" if v is None else repr(v).removesuffix(".0") for v in values)]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _nothing(what: str) -> Kind[bool]:
    """Return the kind of a switch that may be given, but not on."""

    def read(text: str) -> bool:
        if BOOLEANS.get(text, False):
            raise ValueError(text)
        return False

    return Kind(f"false ({what} is not served by this version)", read)


_TYPE = Argument("resizing_type", kinds.word(*RESIZING_TYPES), "How the picture meets width and height.")
_WIDTH = Argument("width", kinds.integer(), "Pixels of the result; 0 derives it from the height.")
_HEIGHT = Argument("height", kinds.integer(), "Pixels of the result; 0 derives it from the width.")
_ENLARGE = Argument("enlarge", kinds.LENIENT_BOOLEAN, "Whether a small picture may become larger.")
_EXTEND = (
    Argument("extension of the canvas", _nothing("extending"), "Whether to pad to the requested size."),
    *(Argument(name, kinds.TEXT, "Where the picture stands when extended.") for name in ("standing", "x", "y")),
)
FORMAT_QUALITY_ARGUMENTS = (
    Argument("format", kinds.FORMAT, "A format; more pairs may follow."),
    Argument("quality of format", kinds.integer(0, 100), "Its quality; 0 says nothing."),
)

OPTIONS: tuple[Option, ...] = (
    Option(
        "resize",
        ("rs",),
        (_TYPE, _WIDTH, _HEIGHT, _ENLARGE, *_EXTEND),
        "Resizing type, size and whether to enlarge, in one.",
        meta=True,
    ),
    Option("size", ("s",), (_WIDTH, _HEIGHT, _ENLARGE, *_EXTEND), "Size and whether to enlarge, in one.", meta=True),
    Option("resizing_type", ("rt",), (_TYPE,), "How the picture meets the requested size."),
    Option("width", ("w",), (_WIDTH,), "The width of the result."),
    Option("height", ("h",), (_HEIGHT,), "The height of the result."),
    Option("enlarge", ("el",), (_ENLARGE,), "Whether a small picture may become larger."),
    Option("extend", ("ex",), _EXTEND, "Whether to pad to the requested size.", meta=True),
    Option(
        "quality",
        ("q",),
        (Argument("quality", kinds.integer(0, 100), "Quality of the result; 0 says nothing."),),
        "The quality of the result, whatever its format.",
    ),
    Option(
        "format_quality",
        ("fq",),
        FORMAT_QUALITY_ARGUMENTS,
        "The quality of the result by its format.",
        read=_read_format_quality,
        write=_write_format_quality,
    ),
    Option(
        "autoquality",
        ("aq",),
        (
            Argument("method", kinds.word("none", "size", "dssim", "ml"), "What is searched for."),
            Argument("target", kinds.number(), "Bytes for `size`, DSSIM 0..1 for `dssim` and `ml`."),
            Argument("min", kinds.integer(0, 100), "The lowest quality allowed; 0 says nothing."),
            Argument("max", kinds.integer(0, 100), "The highest quality allowed; 0 says nothing."),
            Argument("allowed_error", kinds.number(0, 1), "How far from the target a DSSIM may be."),
        ),
        "Search the quality that meets a target; an empty argument keeps what is configured.",
        edition="pro",
        read=_read_autoquality,
        write=_write_autoquality,
    ),
    Option(
        "max_bytes",
        ("mb",),
        (Argument("max_bytes", kinds.integer(), "Bytes; 0 for any."),),
        "Lower the quality until the file has no more bytes than this, to 10 at the lowest: such a file may be larger.",
    ),
    Option("format", ("f", "ext"), (Argument("format", kinds.FORMAT, "A format."),), "The format of the result."),
    Option(
        "cachebuster",
        ("cb",),
        (Argument("cachebuster", kinds.TEXT, "Any text."),),
        "Without effect: makes another URL of the same picture.",
    ),
)
_BY_WORD = {word: option for option in OPTIONS for word in (option.name, *option.aliases)}
_FIELDS = vars(ProcessingOptions())


def apply(options: ProcessingOptions, name: str, texts: Sequence[str]) -> ProcessingOptions:
    """Lay one option of a URL over `options`.

    Args:
        options: what was said before.
        name: a name or an alias of the table.
        texts: its arguments, already split.

    Raises:
        UrlError: there is no such option, or an argument can't be read.
    """
    option = _BY_WORD.get(name)
    if option is None:
        raise UrlError(f"Unknown processing option {name}")
    if option.read is None and len(texts) > len(option.arguments):
        raise UrlError(expected(f"at most {len(option.arguments)} arguments", name, ":".join(texts)))
    try:
        return option.read(options, texts) if option.read else _read_fields(option, options, texts)
    except ArgumentError as error:
        raise UrlError(str(error)) from None


def write(options: ProcessingOptions) -> list[list[str]]:
    """Return the options of a URL that say `options`, each as its usual alias and the texts of its arguments."""
    rows = ((o, o.write(options) if o.write else _write_fields(o, options)) for o in OPTIONS if not o.meta)
    return [[option.aliases[0], *texts] for option, texts in rows if texts]
