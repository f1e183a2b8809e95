"""How the options are read and written that are more than a row of values.

Each is a pair: `read_X` lays the texts of a URL over options, as imgproxy does (what is left out keeps what was said
before), and `write_X` is its inverse. Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_args, get_origin, get_type_hints

from foveola import kinds, settings
from foveola.errors import ArgumentError, UrlError, expected
from foveola.goal import Asked
from foveola.kinds import LENIENT_BOOLEAN, TEXT, Kind
from foveola.options import words
from foveola.options.rows import BLANK, Argument, Reader, Writer, put, read_given, read_value, trimmed
from foveola.options.values import ANCHORS, HASH_TYPES, Colour, Extend, Gravity, ProcessingOptions, changed

OBJECTS = ("obj", "objw")
"""Gravities of imgproxy Pro that are refused."""
_DEFAULT = Gravity()


def _anchor(*without: str) -> Kind[Any]:
    known = kinds.word(*(anchor for anchor in ANCHORS if anchor not in without))

    def read(text: str) -> Any:
        if text in OBJECTS:
            raise words.refused(f"Gravity {text}")
        return known.read(text)

    return Kind(known.what, read)


_OFFSETS = (
    Argument("x", words.ANY_NUMBER, "Pixels from 1 on, below a share; the abscissa 0..1 of `fp`.", "0"),
    Argument("y", words.ANY_NUMBER, "Pixels from 1 on, below a share; the ordinate 0..1 of `fp`.", "0"),
)
GRAVITY = (Argument("gravity", _anchor(), "What stays, or where the picture stands.", "ce", needed=True), *_OFFSETS)
STANDING = (Argument("gravity", _anchor("sm"), "Where the picture stands.", "ce", needed=True), *_OFFSETS)
CROPPED = tuple(
    replace(a, doc=doc or a.doc, default="")
    for a, doc in zip(GRAVITY, ("What stays; as `gravity` says where it is left out.", "", ""), strict=True)
)


def _read_gravity(arguments: tuple[Argument, ...], said: Gravity, texts: Sequence[str]) -> Gravity:
    """Lay a gravity over another: the anchor is new, offsets that are left out stay."""
    given = read_given(arguments, texts)
    anchor, x, y = given[0], given.get(1, said.x), given.get(2, said.y)
    if anchor == "sm":
        if len(texts) > 1:
            raise UrlError(expected("no offsets with sm", "gravity", ":".join(texts)))
        return Gravity("sm")
    if anchor == "fp" and not (len(given) == 3 and 0 <= x <= 1 and 0 <= y <= 1):
        raise UrlError(expected("two numbers 0..1 with fp", "gravity", ":".join(texts)))
    return Gravity(anchor, x, y)


def _write_gravity(gravity: Gravity) -> list[str]:
    if gravity.anchor == "sm":
        return ["sm"]
    offsets = [words.ANY_NUMBER.write(value) for value in (gravity.x, gravity.y)]
    if gravity.anchor == "fp":
        return ["fp", *offsets]
    return trimmed([gravity.anchor, *("" if text == "0" else text for text in offsets)])


def read_gravity(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `gravity`."""
    return changed(options, gravity=_read_gravity(GRAVITY, options.gravity, texts))


def write_gravity(options: ProcessingOptions) -> list[str]:
    """Write `gravity`."""
    return [] if options.gravity == _DEFAULT else _write_gravity(options.gravity)


def extending(field: str) -> tuple[tuple[Argument, ...], Reader, Writer]:
    """Return arguments, reader and writer of one of the two options that enlarge the canvas."""
    switch = Argument(field, LENIENT_BOOLEAN, "Whether the canvas is made larger.", "0", needed=True)

    def read(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
        said: Extend = getattr(options, field)
        gravity = _read_gravity(STANDING, said.gravity, texts[1:]) if texts[1:] else said.gravity
        return put(options, field, Extend(read_value(switch, texts[0]), gravity))

    def write(options: ProcessingOptions) -> list[str]:
        said: Extend = getattr(options, field)
        if said == Extend():
            return []
        return [str(int(said.on)), *([] if said.gravity == _DEFAULT else _write_gravity(said.gravity))]

    return (switch, *STANDING), read, write


CROP = (
    Argument("width", words.number(), "Pixels from 1 on, below a share of the source; 0 for all.", "0", needed=True),
    Argument("height", words.number(), "Likewise.", "0", needed=True),
)


def read_crop(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `crop`."""
    said, given = options.crop, read_given(CROP, texts)
    gravity = _read_gravity(CROPPED, said.gravity or _DEFAULT, texts[2:]) if texts[2:] else said.gravity
    crop = replace(said, width=given[0], height=given.get(1, said.height), gravity=gravity)
    return changed(options, crop=crop)


def write_crop(options: ProcessingOptions) -> list[str]:
    """Write `crop`."""
    crop = options.crop
    if crop == BLANK.crop:
        return []
    gravity = [] if crop.gravity is None else _write_gravity(crop.gravity)
    return [CROP[0].kind.write(crop.width), CROP[1].kind.write(crop.height), *gravity]


TRIM = (
    Argument("threshold", words.number(), "How far from the border's colour; empty does not trim."),
    Argument("colour", words.COLOUR, "The colour of the border; that of the first pixel when empty."),
    Argument("equal_hor", LENIENT_BOOLEAN, "Whether left and right lose the same.", "0"),
    Argument("equal_ver", LENIENT_BOOLEAN, "Whether top and bottom lose the same.", "0"),
)


def read_trim(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `trim`: unlike elsewhere, an empty threshold or colour takes back what was said."""
    given = read_given(TRIM, texts)
    said = {argument.name: given[place] for place, argument in enumerate(TRIM) if place in given}
    return changed(options, trim=replace(options.trim, **{"threshold": None, "colour": None, **said}))


def write_trim(options: ProcessingOptions) -> list[str]:
    """Write `trim`."""
    trim = options.trim
    if trim == BLANK.trim:
        return []
    values = (trim.threshold, trim.colour, trim.equal_hor or None, trim.equal_ver or None)
    return trimmed("" if v is None else str(a.kind.write(v)) for a, v in zip(TRIM, values, strict=True))


ZOOM = (
    Argument("x", words.ABOVE_ZERO, "What width and height are multiplied with, or the width alone.", "1", needed=True),
    Argument("y", words.ABOVE_ZERO, "What the height is multiplied with.", "1", needed=True),
)


def read_zoom(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `zoom`: one factor is for both sides."""
    given = read_given(ZOOM, texts)
    return changed(options, zoom=(given[0], given.get(1, given[0])))


def write_zoom(options: ProcessingOptions) -> list[str]:
    """Write `zoom`."""
    x, y = options.zoom
    if (x, y) == BLANK.zoom:
        return []
    return [words.ABOVE_ZERO.write(value) for value in ((x,) if x == y else (x, y))]


PADDING = tuple(
    Argument(side, kinds.integer(), f"Pixels{rule}.", default)
    for side, rule, default in (
        ("top", "", "0"),
        ("right", "; those of the top where it is left out", ""),
        ("bottom", "; those of the top where it is left out", ""),
        ("left", "; those of the right where it is left out", ""),
    )
)


def read_padding(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `padding`, whose sides stand for each other as in CSS."""
    given = read_given(PADDING, texts)
    top = given.get(0, options.padding[0])
    right = given.get(1, top)
    return changed(options, padding=(top, right, given.get(2, top), given.get(3, right)))


def write_padding(options: ProcessingOptions) -> list[str]:
    """Write `padding`, always all sides."""
    return [] if options.padding == BLANK.padding else [str(side) for side in options.padding]


BACKGROUND = (
    Argument("colour", words.COLOUR, "RGB or RRGGBB; of three arguments, red 0..255; empty for none."),
    Argument("green", kinds.integer(0, 255), "The second of three."),
    Argument("blue", kinds.integer(0, 255), "The third of three."),
)


def read_background(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `background`: one colour in hexadecimal, three numbers, or nothing."""
    if len(texts) == 2:
        raise UrlError(expected("one argument, or three", "background", ":".join(texts)))
    if len(texts) == 1:
        return changed(options, background=read_value(BACKGROUND[0], texts[0]) if texts[0] else None)
    channels = (Argument(name, BACKGROUND[1].kind, "") for name in ("red", "green", "blue"))
    red, green, blue = (read_value(a, text) for a, text in zip(channels, texts, strict=True))
    return changed(options, background=(red, green, blue))


def write_background(options: ProcessingOptions) -> list[str]:
    """Write `background`."""
    colour: Colour | None = options.background
    return [] if colour is None else [words.COLOUR.write(colour)]


FORMAT_QUALITY = (
    Argument("format", words.FORMAT, "A format; more pairs may follow.", needed=True),
    Argument("quality of format", kinds.integer(0, 100), "Its quality; 0 says nothing.", needed=True),
)


def read_format_quality(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `format_quality`, laid over what was said of other formats."""
    if len(texts) % 2:
        raise UrlError(expected("pairs of a format and a quality", "format_quality", ":".join(texts)))
    name, quality = FORMAT_QUALITY
    said = dict(options.format_quality)
    for word, text in zip(texts[::2], texts[1::2], strict=True):
        said[read_value(name, word)] = read_value(quality, text)
    return changed(options, format_quality=tuple(sorted((n, q) for n, q in said.items() if q)))


def write_format_quality(options: ProcessingOptions) -> list[str]:
    """Write `format_quality`."""
    return [text for name, quality in options.format_quality for text in (name, str(quality))]


def read_autoquality(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `autoquality`: what is given is laid over what was said before."""
    try:
        said = {name: value for name, value in vars(Asked.parse(texts)).items() if value is not None}
        return changed(options, autoquality=replace(options.autoquality, **said))
    except ArgumentError as error:
        raise UrlError(str(error)) from None


def write_autoquality(options: ProcessingOptions) -> list[str]:
    """Write `autoquality`."""
    asked = options.autoquality
    values = (asked.target, asked.min, asked.max, asked.allowed_error)
    return trimmed([asked.method or "", *("" if v is None else words.ANY_NUMBER.write(v) for v in values)])


def encoder(format: str, without: Sequence[str] = ()) -> tuple[tuple[Argument, ...], Reader, Writer]:
    """Return arguments, reader and writer of the settings that a URL may give the encoder of `format`.

    Args:
        format: a name of `foveola.settings.SETTINGS`, and of the option: `jpeg` for `jpeg_options`.
        without: names of settings that URLs may not give.
    """
    kind, place = settings.SETTINGS[format], f"{format}_options"
    hints = get_type_hints(kind)
    rows = [f for f in fields(kind) if f.name not in without]
    arguments = tuple(
        Argument(
            f.name, _kind(hints[f.name], f.metadata.get("range")), f"As `IMGPROXY_{format}_{f.name}`".upper() + "."
        )
        for f in rows
    )

    def read(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
        given = {arguments[i].name: value for i, value in read_given(arguments, texts).items()}
        return put(options, place, tuple(sorted({**dict(getattr(options, place)), **given}.items())))

    def write(options: ProcessingOptions) -> list[str]:
        said = dict(getattr(options, place))
        return trimmed(str(a.kind.write(said[a.name])) if a.name in said else "" for a in arguments)

    return arguments, read, write


def _kind(hint: Any, limits: tuple[int, int] | None) -> Kind[Any]:
    if get_origin(hint) is not None:
        return kinds.word(*get_args(hint))
    return kinds.integer(*limits) if limits else LENIENT_BOOLEAN


SKIPPED = (Argument("format", words.FORMAT, "A format; more may follow.", needed=True),)


def read_skip_processing(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `skip_processing`, which adds to what was said before."""
    for text in texts:
        if text not in words.FORMATS:
            raise UrlError(f"Invalid image format in skip_processing: {text}")
    return changed(options, skip_processing=_united(options.skip_processing, [words.FORMATS[t] for t in texts]))


def _united(before: Sequence[str], added: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *added)))


def write_skip_processing(options: ProcessingOptions) -> list[str]:
    """Write `skip_processing`."""
    return list(options.skip_processing)


FILENAME = (
    Argument("filename", words.NAME, "The name, without its extension.", needed=True),
    Argument("encoded", LENIENT_BOOLEAN, "Whether the name is in URL-safe base64.", "0"),
)


def read_filename(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `filename`, as it stands there or in base64."""
    encoded = read_given(FILENAME, texts).get(1, False)
    text = read_value(Argument("filename", words.BASE64, ""), texts[0]) if encoded else texts[0]
    return changed(options, filename=read_value(FILENAME[0], text))


def write_filename(options: ProcessingOptions) -> list[str]:
    """Write `filename`, in base64 where it could be mistaken."""
    name = options.filename
    if not name:
        return []
    return [name] if words.plain(name) else [words.encode(name), "1"]


HASHSUM = (
    Argument("type", kinds.word("none", *HASH_TYPES), "Which digest; `none` checks nothing.", "none", needed=True),
    Argument("hashsum", TEXT, "The digest in hexadecimal."),
)


def read_hashsum(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    """Read `hashsum`."""
    name, digest = read_value(HASHSUM[0], texts[0]), "".join(texts[1:])
    if name == "none":
        return changed(options, hashsum=("", ""))
    digits = 2 * hashlib.new(name, usedforsecurity=False).digest_size
    if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", digest):
        raise UrlError(expected(f"{digits} hexadecimal digits of {name}", "hashsum", digest))
    return changed(options, hashsum=(name, digest.lower()))


def write_hashsum(options: ProcessingOptions) -> list[str]:
    """Write `hashsum`."""
    return list(options.hashsum) if options.hashsum[0] else []
