"""What a URL may ask about a picture, as one frozen value and one table.

The parser of URLs, the command line and the documentation read `INFO_OPTIONS`; a new option is a row and a field. Words
that imgproxy knows and foveola does not answer are refused by name, so that nobody waits for an answer that never
comes. Source: https://docs.imgproxy.net/usage/getting_info#info-options
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from foveola import kinds
from foveola.errors import UrlError
from foveola.options import Argument, ProcessingOptions, known
from foveola.options.rows import check, read_given, read_value
from foveola.options.values import HASH_TYPES, Crop, HashType
from foveola.options.words import refused
from foveola.settings import BOOLEANS

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

    @property
    def decodes(self) -> bool:
        """Whether pixels are needed for the answer."""
        looks = (self.check_transparency, self.palette, self.average, self.dominant_colors, all(self.blurhash))
        return any((*looks, self.crop != _NO_CROP, self.thumb_hash, self.perceptual_hash))


Reader = Callable[[InfoOptions, Sequence[str]], InfoOptions]


@dataclass(frozen=True)
class InfoOption:
    """One row of the table.

    Args:
        name: imgproxy's long name.
        aliases: its other names, the usual one first.
        arguments: what may follow the name, in order.
        doc: one sentence for the documentation.
        read: lays the texts of the arguments, one at least, over options.
        most: how many arguments may be given; None for any number.
        security: whether the server has to allow it.
    """

    name: str
    aliases: tuple[str, ...]
    arguments: tuple[Argument, ...]
    doc: str
    read: Reader
    most: int | None = 1
    security: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The names it goes by."""
        return (self.name, *self.aliases)


def _row(name: str, aliases: tuple[str, ...], arguments: tuple[Argument, ...], doc: str) -> InfoOption:
    """Return a row whose arguments are fields, named as they are."""

    def read(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
        given = read_given(arguments, texts)
        return replace(options, **{arguments[place].name: value for place, value in given.items()})

    return InfoOption(name, aliases, arguments, doc, read, len(arguments))


def _switch(name: str, aliases: tuple[str, ...], doc: str, default: str = "0", *more: Argument) -> InfoOption:
    """Return the row of a switch, which more may follow."""
    switch = Argument(name, kinds.LENIENT_BOOLEAN, "Whether it is told.", default, needed=not more)
    return _row(name, aliases, (switch, *more), doc)


def _besides(name: str, default: str, doc: str) -> Argument:
    return Argument(name, kinds.LENIENT_BOOLEAN, doc, default)


def _as_processing(name: str, doc: str = "") -> InfoOption:
    """Return the row of an option that means what it means for pictures."""
    option = known(name)

    def read(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
        said = ProcessingOptions(**{field: getattr(options, field) for field in option.fields})
        said = option.read(said, texts)
        return replace(options, **{field: getattr(said, field) for field in option.fields})

    return InfoOption(
        option.name, option.aliases, option.arguments, doc or option.doc, read, option.most, option.security
    )


def _read_blurhash(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    given = read_given(_COMPONENTS, texts)
    return replace(options, blurhash=(given.get(0, options.blurhash[0]), given.get(1, options.blurhash[1])))


def _read_digests(options: InfoOptions, texts: Sequence[str]) -> InfoOptions:
    asked = {read_value(_DIGEST, text) for text in texts if text}
    return replace(options, calc_hashsums=tuple(name for name in HASH_TYPES if name in asked))


def _read_colours(text: str) -> int:
    colours = kinds.integer(0, 256).read(text)
    if colours == 1:
        raise ValueError(text)
    return colours


_COMPONENTS = (
    Argument("x_components", kinds.integer(0, 9), "Waves across; 0 for no BlurHash.", "0"),
    Argument("y_components", kinds.integer(0, 9), "Waves down; 0 for no BlurHash.", "0"),
)
_COLOURS = kinds.Kind("0 or integer 2..256", _read_colours)
_PALETTE = Argument("palette", _COLOURS, "How many at most; 0 for none.", "0", needed=True)
_DIGEST = Argument("type", kinds.word(*HASH_TYPES), "Which; more may follow.")

INFO_OPTIONS: tuple[InfoOption, ...] = (
    _switch("size", ("s",), "The bytes of the file.", "1"),
    _switch("format", ("f",), "Its format and media type.", "1"),
    _switch("dimensions", ("d",), "Width and height of the upright picture, and how it is stored.", "1"),
    _switch(
        "exif", (), "The Exif metadata, as text.", "1", _besides("canonical_names", "0", "Names as in Exif's standard.")
    ),
    _switch("iptc", (), "The IPTC metadata, and the resolution that Photoshop writes.", "1"),
    _switch("xmp", (), "The XMP metadata by namespace.", "1"),
    _switch("colorspace", ("cs",), "The colour space, as libvips names it."),
    _switch("bands", ("b",), "How many channels there are, alpha included."),
    _switch("sample_format", ("sf",), "The type of their numbers, as libvips names it."),
    _switch("pages_number", ("pn",), "How many pages or frames there are."),
    _switch(
        "alpha",
        ("a",),
        "Whether there is an alpha channel.",
        "0",
        _besides("check_transparency", "0", "Whether any pixel is transparent, too; this decodes the picture."),
    ),
    _as_processing("crop", "Where such a crop would lie, in shares of the picture; nothing where a side is 0."),
    _row("palette", ("p",), (_PALETTE,), "The colours that stand for all."),
    _switch(
        "average",
        ("avg",),
        "The average colour.",
        "0",
        _besides("ignore_transparent", "1", "Whether pixels that are quite transparent are left out."),
    ),
    _switch(
        "dominant_colors",
        ("dc",),
        "The vibrant and the muted colours, each light, normal and dark.",
        "0",
        _besides("build_missed", "0", "Whether colours that are not there are made from those that are."),
    ),
    InfoOption("blurhash", ("bh",), _COMPONENTS, "The BlurHash.", _read_blurhash, 2),
    _switch("thumb_hash", ("th",), "The ThumbHash, in hexadecimal."),
    _switch("perceptual_hash", ("phash", "ph"), "64 bits in hexadecimal that alike pictures have nearly the same."),
    InfoOption("calc_hashsums", ("chs",), (_DIGEST,), "Digests of the file.", _read_digests, None),
    _as_processing("page", "The page or frame that is looked at."),
    _as_processing("cachebuster"),
    _as_processing("expires"),
    _as_processing("preset"),
    _as_processing("hashsum"),
    _as_processing("max_src_resolution"),
    _as_processing("max_src_file_size"),
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
_BY_WORD = {word: option for option in INFO_OPTIONS for word in option.words}


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
    check(option, name, texts, security=security)
    return option.read(options, texts)


def _refused(options: InfoOptions, name: str, texts: Sequence[str]) -> InfoOptions:
    """Take what asks for nothing: foveola's answer is the same without it."""
    if texts and not BOOLEANS.get(texts[0], True):
        return options
    raise refused(f"Info option {UNANSWERED[name]}")
