"""What a URL may ask about a picture, as one frozen value and one table.

The parser of URLs, the command line and the documentation read `INFO_OPTIONS`; a new option is a row and a field. Words
that imgproxy knows and foveola does not answer are refused by name, so that nobody waits for an answer that never
comes. Source: https://docs.imgproxy.net/usage/getting_info#info-options
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from foveola import kinds
from foveola.errors import UrlError, expected
from foveola.options import Argument
from foveola.options.values import ANCHORS, Crop, Gravity
from foveola.settings import BOOLEANS

HashType = Literal["md5", "sha1", "sha256", "sha512"]
HASH_TYPES: tuple[HashType, ...] = get_args(HashType)
SECURITY = frozenset({"max_src_resolution", "max_src_file_size"})
"""Options that change a limit: a server allows them only where it is told to."""

_NO_CROP = Crop()


@dataclass(frozen=True)
class InfoOptions:
    """What one URL asks about a picture; the defaults are what a URL without options asks.

    Args:
        size: the bytes of the file.
        format: its format and media type.
        dimensions: width and height of the upright picture, and how it is turned.
        exif: the Exif metadata.
        canonical_names: Exif's names are those of its standard, not those for people.
        iptc: IPTC's metadata, and the resolution that Photoshop writes.
        xmp: the XMP metadata.
        colorspace: the colour space.
        bands: how many channels there are.
        sample_format: the type of their numbers.
        pages_number: how many pages or frames there are.
        alpha: whether there is an alpha channel.
        check_transparency: with `alpha`, whether any pixel is transparent.
        crop: where such a crop would lie.
        palette: how many colours the palette has at most, 2..256; 0 for no palette.
        average: the average colour.
        ignore_transparent: leave out pixels that are quite transparent.
        dominant_colors: the vibrant and the muted colours.
        build_missed: make those that are not there from those that are.
        blurhash: components across and down, 1..9; a 0 for no BlurHash.
        thumb_hash: the ThumbHash.
        perceptual_hash: the perceptual hash.
        calc_hashsums: which digests of the file.
        page: which page or frame is looked at, from 0.
        cachebuster: any text, without effect.
        expires: seconds since 1970 after which the URL is none; 0 for never.
        hashsum: the digest that the source has to have and its type, see `HASH_TYPES`; none when empty.
        max_src_resolution: megapixels of the source, in place of the settings'.
        max_src_file_size: bytes of the source, in place of the settings'.
    """

    size: bool = True
    format: bool = True
    dimensions: bool = True
    exif: bool = True
    canonical_names: bool = False
    iptc: bool = True
    xmp: bool = True
    colorspace: bool = False
    bands: bool = False
    sample_format: bool = False
    pages_number: bool = False
    alpha: bool = False
    check_transparency: bool = False
    crop: Crop = _NO_CROP
    palette: int = 0
    average: bool = False
    ignore_transparent: bool = True
    dominant_colors: bool = False
    build_missed: bool = False
    blurhash: tuple[int, int] = (0, 0)
    thumb_hash: bool = False
    perceptual_hash: bool = False
    calc_hashsums: tuple[HashType, ...] = ()
    page: int = 0
    cachebuster: str = ""
    expires: int = 0
    hashsum: tuple[str, str] = ("", "")
    max_src_resolution: float | None = None
    max_src_file_size: int | None = None


Reader = Callable[[InfoOptions, Sequence[str]], InfoOptions]


@dataclass(frozen=True)
class InfoOption:
    """One row of the table.

    Args:
        name: imgproxy's long name.
        aliases: its other names, the usual one first.
        arguments: what may follow the name, in order.
        doc: one sentence for the documentation.
        read: lays the texts of the arguments over options; each argument sets its own field when None.
    """

    name: str
    aliases: tuple[str, ...]
    arguments: tuple[Argument, ...]
    doc: str
    read: Reader | None = None


def _read_value(argument: Argument, text: str) -> Any:
    try:
        return argument.kind.read(text)
    except ValueError:
        raise UrlError(expected(argument.kind.what, argument.name, text)) from None


def _read_fields(option: InfoOption, options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    """Set one field an argument; where there may be several, an empty one keeps what was said before."""
    several = len(option.arguments) > 1
    given = [(a, text) for a, text in zip(option.arguments, texts, strict=False) if text or not several]
    return replace(options, **{a.name: _read_value(a, text) for a, text in given})


def _read_crop(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    width, height = (
        _read_value(argument, text) if text else 0.0
        for argument, text in zip(_CROP[:2], [*texts, "", ""][:2], strict=True)
    )
    said = texts[2:]
    return replace(options, crop=Crop(width, height, _gravity(said) if any(said) else None))


def _gravity(texts: Sequence[str]) -> Gravity:
    anchor = _read_value(_CROP[2], texts[0] or "ce")
    if anchor == "sm" and len(texts) > 1:
        raise UrlError(expected("no offsets", "gravity sm", ":".join(texts[1:])))
    if anchor == "fp" and len(texts) != 3:
        raise UrlError(expected("two numbers 0..1", "gravity fp", ":".join(texts[1:])))
    reach = _SHARE if anchor == "fp" else _OFFSET
    x, y = (_read_value(Argument("gravity", reach, ""), text or "0") for text in [*texts[1:], "", ""][:2])
    return Gravity(anchor, x, y)


def _read_blurhash(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    x, y = (_read_value(_COMPONENTS[place], text or "0") for place, text in enumerate([*texts, "", ""][:2]))
    return replace(options, blurhash=(x, y))


def _read_digests(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    asked = {_read_value(_DIGEST, text) for text in texts if text}
    return replace(options, calc_hashsums=tuple(name for name in HASH_TYPES if name in asked))


def _read_hashsum(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    kind, digest = [*texts, "", ""][:2]
    if kind in ("", "none"):
        return replace(options, hashsum=("", ""))
    kind, digest = _read_value(_DIGEST, kind), _read_value(_HEXADECIMAL, digest)
    if len(digest) != hashlib.new(kind, usedforsecurity=False).digest_size:
        raise UrlError(expected(f"a digest of {kind}", "hashsum", digest.hex()))
    return replace(options, hashsum=(kind, digest.hex()))


def _read_colours(text: str) -> int:
    colours = kinds.integer(0, 256).read(text)
    if colours == 1:
        raise ValueError(text)
    return colours


def _switch(field: str, doc: str) -> tuple[Argument, ...]:
    return (Argument(field, kinds.LENIENT_BOOLEAN, doc),)


_OFFSET = kinds.Kind("a number", kinds.number(-sys.float_info.max).read)
_SHARE = kinds.number(0, 1)
_CROP = (
    Argument("width", kinds.number(), "pixels from 1 on, below a share; 0 for no answer"),
    Argument("height", kinds.number(), "likewise"),
    Argument("gravity", kinds.word(*ANCHORS), "where it lies"),
    Argument("x", _OFFSET, "pixels from 1 on, below a share; the abscissa of `fp`"),
    Argument("y", _OFFSET, "likewise"),
)
_COMPONENTS = (
    Argument("x_components", kinds.integer(0, 9), "how many across"),
    Argument("y_components", kinds.integer(0, 9), "how many down"),
)
_DIGEST = Argument("type", kinds.word(*HASH_TYPES), "more may follow")
_CHECKED = Argument("type", kinds.word("none", *HASH_TYPES), "")
_HEXADECIMAL = Argument("hashsum", kinds.HEX, "")
_COLOURS = kinds.Kind("0 or integer 2..256", _read_colours)

INFO_OPTIONS: tuple[InfoOption, ...] = (
    InfoOption("size", ("s",), _switch("size", "on unless said otherwise"), "The bytes of the file."),
    InfoOption("format", ("f",), _switch("format", "on unless said otherwise"), "Its format and media type."),
    InfoOption(
        "dimensions",
        ("d",),
        _switch("dimensions", "on unless said otherwise"),
        "Width and height of the upright picture, and the orientation 1..8 that Exif says.",
    ),
    InfoOption(
        "exif",
        (),
        (
            *_switch("exif", "on unless said otherwise"),
            *_switch("canonical_names", "names as in Exif's standard, not for people"),
        ),
        "The Exif metadata, as text.",
    ),
    InfoOption(
        "iptc",
        (),
        _switch("iptc", "on unless said otherwise"),
        "The IPTC metadata, and the resolution that Photoshop writes.",
    ),
    InfoOption("xmp", (), _switch("xmp", "on unless said otherwise"), "The XMP metadata by namespace."),
    InfoOption("colorspace", ("cs",), _switch("colorspace", ""), "The colour space as libvips names it."),
    InfoOption("bands", ("b",), _switch("bands", ""), "How many channels there are, alpha included."),
    InfoOption("sample_format", ("sf",), _switch("sample_format", ""), "The type of numbers, as in libvips."),
    InfoOption("pages_number", ("pn",), _switch("pages_number", ""), "How many pages or frames there are."),
    InfoOption(
        "alpha",
        ("a",),
        (
            *_switch("alpha", ""),
            *_switch("check_transparency", "whether any pixel is transparent, too; decodes the picture"),
        ),
        "Whether there is an alpha channel.",
    ),
    InfoOption("crop", ("c",), _CROP, "Where such a crop would lie, in shares of the picture.", _read_crop),
    InfoOption(
        "palette", ("p",), (Argument("palette", _COLOURS, "how many at most"),), "The colours in it."
    ),
    InfoOption(
        "average",
        ("avg",),
        (
            *_switch("average", ""),
            *_switch("ignore_transparent", "leave out what is quite transparent; on unless said otherwise"),
        ),
        "The average colour.",
    ),
    InfoOption(
        "dominant_colors",
        ("dc",),
        (
            *_switch("dominant_colors", ""),
            *_switch("build_missed", "make colours that are not found from those that are"),
        ),
        "The vibrant and the muted colours, each light, normal and dark.",
    ),
    InfoOption("blurhash", ("bh",), _COMPONENTS, "The BlurHash.", _read_blurhash),
    InfoOption("thumb_hash", ("th",), _switch("thumb_hash", ""), "The ThumbHash, in hexadecimal."),
    InfoOption(
        "perceptual_hash",
        ("phash", "ph"),
        _switch("perceptual_hash", ""),
        "A hash of 64 bits, in hexadecimal, that differs little between pictures that look alike.",
    ),
    InfoOption("calc_hashsums", ("chs",), (_DIGEST,), "Digests of the file.", _read_digests),
    InfoOption(
        "page", ("pg",), (Argument("page", kinds.integer(), "from 0"),), "The page or frame that is looked at."
    ),
    InfoOption(
        "cachebuster",
        ("cb",),
        (Argument("cachebuster", kinds.TEXT, ""),),
        "Without effect: makes another URL of the same facts.",
    ),
    InfoOption(
        "expires",
        ("exp",),
        (Argument("expires", kinds.integer(), "seconds since 1970; 0 for never"),),
        "The time after which the URL is none.",
    ),
    InfoOption(
        "hashsum",
        ("hs",),
        (_CHECKED, _HEXADECIMAL),
        "The digest that the source has to have; `none` for none.",
        _read_hashsum,
    ),
    InfoOption(
        "max_src_resolution",
        ("msr",),
        (Argument("max_src_resolution", kinds.number(), "megapixels; 0 for any"),),
        "How big the source may be, in place of the settings; where they allow it.",
    ),
    InfoOption(
        "max_src_file_size",
        ("msfs",),
        (Argument("max_src_file_size", kinds.integer(), "bytes; 0 for any"),),
        "How long the source may be, in place of the settings; where they allow it.",
    ),
)
_UNANSWERED: tuple[tuple[str, ...], ...] = (
    ("video_meta", "vm"),
    ("detect_objects", "do"),
    ("classify", "cl"),
    ("objects_position", "obj_pos", "op"),
    ("video_thumbnail_second", "vts"),
    ("video_thumbnail_keyframes", "vtk"),
    ("bypass_cache", "bc"),
    ("cache_tags", "ct"),
)
UNANSWERED: dict[str, str] = {word: words[0] for words in _UNANSWERED for word in words}
"""Words that imgproxy knows and foveola does not answer, by their long names."""
_BY_WORD = {word: option for option in INFO_OPTIONS for word in (option.name, *option.aliases)}


def apply(options: InfoOptions, name: str, texts: Sequence[str], *, security: bool = False) -> InfoOptions:
    """Lay one option of a URL over `options`.

    Args:
        options: what was said before.
        name: a name or an alias of the table.
        texts: its arguments, already split; one at least, which may be empty.
        security: whether the limits of the server may be changed.

    Raises:
        UrlError: there is no such option, foveola does not answer it, or an argument can't be read; 403 where it may
            not be used.
    """
    if name in UNANSWERED:
        return _refused(options, name, texts)
    option = _BY_WORD.get(name)
    if option is None:
        raise UrlError(f"Unknown info option {name}")
    if option.name in SECURITY and not security:
        raise UrlError(f"Security option {option.name} is not allowed", status=403)
    if option.name != "calc_hashsums" and len(texts) > len(option.arguments):
        raise UrlError(expected(f"at most {len(option.arguments)} arguments", name, ":".join(texts)))
    return option.read(options, texts) if option.read else _read_fields(option, options, texts)


def _refused(options: InfoOptions, name: str, texts: Sequence[str]) -> InfoOptions:
    """Take what asks for nothing: foveola's answer is the same without it."""
    if texts and not BOOLEANS.get(texts[0], True):
        return options
    sentence = f"Info option {UNANSWERED[name]} is not supported by this server"
    raise UrlError(sentence, public=sentence)
