"""The options that a whole request has once: how the result is saved, what it is called, what may be fetched.

Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

from collections.abc import Sequence

from foveola import kinds
from foveola.errors import UrlError
from foveola.kinds import LENIENT_BOOLEAN, TEXT, Kind
from foveola.options import readers, words
from foveola.options.rows import Argument, Option, nothing, one
from foveola.options.values import ProcessingOptions

_MOMENT: Kind[int] = Kind("seconds since 1970", lambda text: max(kinds.integer(-(10**18)).read(text), 0))
_PRESET = (Argument("preset", TEXT, "The name of a preset; more may follow.", needed=True),)


def _read_preset(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:  # noqa: ARG001  # a reader
    """Refuse presets: whoever knows some has taken them out before."""
    raise UrlError(f"Unknown preset {texts[0]}")


def _encoder(format: str, aliases: tuple[str, ...], without: Sequence[str] = ()) -> Option:
    arguments, read, write = readers.encoder(format, without)
    name = f"{format}_options"
    doc = f"How {format.upper()} is written{', but for method `ml`' if format == 'jpeg' else ''}."
    return Option(
        name,
        aliases,
        arguments,
        doc,
        "Quality",
        (name,),
        read,
        write,
        edition="pro",
        most=len(arguments),
    )


METADATA = (
    one("strip_metadata", ("sm",), LENIENT_BOOLEAN, "Whether metadata is left out.", "Metadata"),
    one("keep_copyright", ("kcr",), LENIENT_BOOLEAN, "Whether what metadata says about rights stays.", "Metadata"),
    one("dpi", (), kinds.integer(0, 65535), "The resolution that is written; 0 says none.", "Metadata", default="0"),
    one(
        "strip_color_profile",
        ("scp",),
        LENIENT_BOOLEAN,
        "Whether the colour profile is applied and left out.",
        "Metadata",
    ),
    one("preserve_hdr", ("ph",), LENIENT_BOOLEAN, "Whether 16 bit are kept where the format can.", "Metadata"),
    one(
        "enforce_thumbnail",
        ("eth",),
        LENIENT_BOOLEAN,
        "Whether the thumbnail inside HEIC and AVIF stands for the picture.",
        "Metadata",
    ),
)
QUALITY = (
    one(
        "quality",
        ("q",),
        kinds.integer(0, 100),
        "The quality of the result, whatever its format; 0 says nothing.",
        "Quality",
        default="0",
    ),
    Option(
        "format_quality",
        ("fq",),
        readers.FORMAT_QUALITY,
        "The quality of the result by its format.",
        "Quality",
        ("format_quality",),
        readers.read_format_quality,
        readers.write_format_quality,
        most=None,
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
        "Quality",
        ("autoquality",),
        readers.read_autoquality,
        readers.write_autoquality,
        edition="pro",
        most=5,
    ),
    one(
        "max_bytes",
        ("mb",),
        kinds.integer(),
        "Lower the quality until the file has no more bytes than this, to 10 at the lowest: such a file may be larger.",
        "Quality",
        default="0",
        says="Bytes; 0 for any.",
    ),
    _encoder("jpeg", ("jpgo", "jpego")),
    _encoder("png", ("pngo",)),
    _encoder("webp", ("webpo",), without=("effort",)),
    _encoder("avif", ("avifo",), without=("speed",)),
)
FORMAT = (
    one("format", ("f", "ext"), words.FORMAT, "The format of the result.", "Format"),
    one(
        "page", ("pg",), kinds.integer(), "The first page or frame that is read.", "Format", default="0", edition="pro"
    ),
    one("pages", ("pgs",), kinds.integer(1), "How many pages are read.", "Format", default="1", edition="pro"),
    one(
        "disable_animation",
        ("da",),
        LENIENT_BOOLEAN,
        "Whether an animation is read as one picture.",
        "Format",
        default="0",
        edition="pro",
    ),
    Option(
        "skip_processing",
        ("skp", "sp"),
        readers.SKIPPED,
        "Formats that are sent as they are, where no other is asked for.",
        "Format",
        ("skip_processing",),
        readers.read_skip_processing,
        readers.write_skip_processing,
        most=None,
    ),
    one("raw", (), LENIENT_BOOLEAN, "Whether the source is sent as it is, whatever it is.", "Format", default="0"),
)
REQUEST = (
    Option(
        "preset",
        ("pr",),
        _PRESET,
        "Options that the settings have under a name.",
        "Request",
        (),
        _read_preset,
        nothing,
        most=None,
        meta=True,
    ),
    one(
        "fallback_image_url",
        ("fiu",),
        words.BASE64,
        "What is shown where the source can't be had.",
        "Request",
        edition="pro",
    ),
    one("cachebuster", ("cb",), TEXT, "Without effect: makes another URL of the same picture.", "Request"),
    one("expires", ("exp",), _MOMENT, "The second after which the URL is none; 0 for never.", "Request", default="0"),
    Option(
        "filename",
        ("fn",),
        readers.FILENAME,
        "What the file is called; as the source is when empty.",
        "Request",
        ("filename",),
        readers.read_filename,
        readers.write_filename,
        most=2,
    ),
    one("return_attachment", ("att",), LENIENT_BOOLEAN, "Whether browsers are told to save the picture.", "Request"),
    Option(
        "hashsum",
        ("hs",),
        readers.HASHSUM,
        "The digest that the source has to have.",
        "Request",
        ("hashsum",),
        readers.read_hashsum,
        readers.write_hashsum,
        edition="pro",
        most=2,
    ),
)
LIMITS = (
    one("max_src_resolution", ("msr",), words.number(), "Megapixels of the source.", "Limits", security=True),
    one("max_src_file_size", ("msfs",), kinds.integer(), "Bytes of the source.", "Limits", security=True),
    one("max_animation_frames", ("maf",), kinds.integer(1), "Frames that are read.", "Limits", security=True),
    one("max_animation_frame_resolution", ("mafr",), words.number(), "Megapixels of one.", "Limits", security=True),
    one("max_result_dimension", ("mrd",), kinds.integer(), "Pixels of the result's sides.", "Limits", security=True),
)
REQUESTS: tuple[Option, ...] = (*METADATA, *QUALITY, *FORMAT, *REQUEST, *LIMITS)
