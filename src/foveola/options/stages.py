"""The options that each of chained pipelines has for itself: what is done to pixels.

Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foveola import kinds
from foveola.kinds import LENIENT_BOOLEAN
from foveola.options import readers, words
from foveola.options.rows import Argument, Option, nothing, one, read_given, several
from foveola.options.values import KERNELS, POSITIONS, RESIZING_TYPES, ProcessingOptions, changed

_TYPE = Argument("resizing_type", kinds.word(*RESIZING_TYPES), "How the picture meets width and height.", "fit")
_WIDTH = Argument("width", kinds.integer(), "Pixels of the result; 0 derives it from the height.", "0")
_HEIGHT = Argument("height", kinds.integer(), "Pixels of the result; 0 derives it from the width.", "0")
_ENLARGE = Argument("enlarge", LENIENT_BOOLEAN, "Whether a small picture may become larger.", "0")
_BRIGHTNESS = Argument("brightness", kinds.integer(-255, 255), "What is added, -255..255.", "0")
_CONTRAST = Argument("contrast", words.ABOVE_ZERO, "What the distance to grey is multiplied with.", "1")
_SATURATION = Argument("saturation", words.ABOVE_ZERO, "What colourfulness is multiplied with.", "1")
_EXTEND, _read_extend, _write_extend = readers.extending("extend")
_RATIO, _read_ratio, _write_ratio = readers.extending("extend_aspect_ratio")
_SIZED = (_WIDTH, _HEIGHT, _ENLARGE)


def _given(arguments: tuple[Argument, ...], options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    values: dict[str, Any] = {arguments[i].name: value for i, value in read_given(arguments, texts).items()}
    return changed(options, **values)


def _read_size(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    options = _given(_SIZED, options, texts)
    return _read_extend(options, texts[3:]) if texts[3:] and texts[3] else options


def _read_resize(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    return _read_size(_given((_TYPE,), options, texts), texts[1:])


def _read_adjust(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
    return _given((_BRIGHTNESS, _CONTRAST, _SATURATION), options, texts)


SIZE = (
    Option(
        "resize",
        ("rs",),
        (_TYPE, *_SIZED, *_EXTEND),
        "Resizing type, size, whether to enlarge and to extend, in one.",
        "Size",
        ("resizing_type", "width", "height", "enlarge", "extend"),
        _read_resize,
        nothing,
        most=8,
        meta=True,
    ),
    Option(
        "size",
        ("s",),
        (*_SIZED, *_EXTEND),
        "Size, whether to enlarge and to extend, in one.",
        "Size",
        ("width", "height", "enlarge", "extend"),
        _read_size,
        nothing,
        most=7,
        meta=True,
    ),
    one("resizing_type", ("rt",), _TYPE.kind, "How the picture meets the requested size.", "Size", default="fit"),
    one("resizing_algorithm", ("ra",), kinds.word(*KERNELS), "The kernel.", "Size", default="lanczos3", edition="pro"),
    one("width", ("w",), _WIDTH.kind, "The width of the result.", "Size", default="0", says=_WIDTH.doc),
    one("height", ("h",), _HEIGHT.kind, "The height of the result.", "Size", default="0", says=_HEIGHT.doc),
    one("min-width", ("mw",), kinds.integer(), "The least width of the result, in pixels.", "Size", default="0"),
    one("min-height", ("mh",), kinds.integer(), "The least height of the result, in pixels.", "Size", default="0"),
    Option(
        "zoom",
        ("z",),
        readers.ZOOM,
        "What the size is multiplied with; offsets and padding are not.",
        "Size",
        ("zoom",),
        readers.read_zoom,
        readers.write_zoom,
        most=2,
    ),
    one("dpr", (), words.ABOVE_ZERO, "What sizes, offsets and padding are multiplied with.", "Size", default="1"),
    one("enlarge", ("el",), _ENLARGE.kind, _ENLARGE.doc, "Size", default="0"),
)
CROP = (
    Option(
        "gravity",
        ("g",),
        readers.GRAVITY,
        "What stays where more is cut off: a side or corner, `sm` what draws attention, `fp` around a point.",
        "Crop",
        ("gravity",),
        readers.read_gravity,
        readers.write_gravity,
        most=3,
    ),
    Option(
        "crop",
        ("c",),
        (*readers.CROP, *readers.CROPPED),
        "What is cut out before resizing.",
        "Crop",
        ("crop",),
        readers.read_crop,
        readers.write_crop,
        most=5,
    ),
    several(
        "crop_aspect_ratio",
        ("car", "crop_ar"),
        (
            Argument("ratio", words.number(), "Width / height; 0 for any.", "0", needed=True),
            Argument("enlarge", LENIENT_BOOLEAN, "Whether the crop may grow for it.", "0"),
        ),
        "The aspect ratio that a crop is brought to.",
        "Crop",
        edition="pro",
    ),
    Option(
        "trim",
        ("t",),
        readers.TRIM,
        "How a border is cut off.",
        "Crop",
        ("trim",),
        readers.read_trim,
        readers.write_trim,
        most=4,
    ),
)
CANVAS = (
    Option(
        "extend",
        ("ex",),
        _EXTEND,
        "Whether the canvas is made as large as was asked.",
        "Canvas",
        ("extend",),
        _read_extend,
        _write_extend,
        most=4,
    ),
    Option(
        "extend_aspect_ratio",
        ("exar", "extend_ar"),
        _RATIO,
        "Whether the canvas gets the aspect ratio that was asked.",
        "Canvas",
        ("extend_aspect_ratio",),
        _read_ratio,
        _write_ratio,
        most=4,
    ),
    Option(
        "padding",
        ("pd",),
        readers.PADDING,
        "Pixels around the picture, times `dpr`.",
        "Canvas",
        ("padding",),
        readers.read_padding,
        readers.write_padding,
        most=4,
    ),
    Option(
        "background",
        ("bg",),
        readers.BACKGROUND,
        "What is transparent is laid on this colour.",
        "Canvas",
        ("background",),
        readers.read_background,
        readers.write_background,
        most=3,
    ),
    one(
        "background_alpha",
        ("bga",),
        words.number(0, 1),
        "How opaque the background is.",
        "Canvas",
        default="1",
        edition="pro",
    ),
)
TURNING = (
    one("auto_rotate", ("ar",), LENIENT_BOOLEAN, "Whether the orientation in Exif is applied.", "Turning"),
    one("rotate", ("rot",), words.ROTATION, "Degrees clockwise.", "Turning", default="0"),
    several(
        "flip",
        ("fl",),
        (
            Argument("horizontal", LENIENT_BOOLEAN, "Whether left and right change places.", "0"),
            Argument("vertical", LENIENT_BOOLEAN, "Whether top and bottom change places.", "0"),
        ),
        "Whether the picture is mirrored.",
        "Turning",
    ),
)
COLOUR = (
    Option(
        "adjust",
        ("a",),
        (_BRIGHTNESS, _CONTRAST, _SATURATION),
        "Brightness, contrast and saturation, in one.",
        "Colour",
        ("brightness", "contrast", "saturation"),
        _read_adjust,
        nothing,
        edition="pro",
        most=3,
        meta=True,
    ),
    one("brightness", ("br",), _BRIGHTNESS.kind, "What is added.", "Colour", default="0", edition="pro"),
    one("contrast", ("co",), words.ABOVE_ZERO, _CONTRAST.doc, "Colour", default="1", edition="pro"),
    one("saturation", ("sa",), words.ABOVE_ZERO, _SATURATION.doc, "Colour", default="1", edition="pro"),
    several(
        "monochrome",
        ("mc",),
        (
            Argument("intensity", words.number(0, 1), "From 0, not at all.", "0", needed=True),
            Argument("colour", words.COLOUR, "Of which all become shades.", "b3b3b3"),
        ),
        "Shades of one colour.",
        "Colour",
        edition="pro",
    ),
    several(
        "duotone",
        ("dt",),
        (
            Argument("intensity", words.number(0, 1), "From 0, not at all.", "0", needed=True),
            Argument("dark", words.COLOUR, "Of what is dark.", "000000"),
            Argument("light", words.COLOUR, "Of what is light.", "ffffff"),
        ),
        "Mixtures of two colours.",
        "Colour",
        edition="pro",
    ),
)
FILTERS = (
    one("blur", ("bl",), words.number(), "Sigma of the Gaussian in pixels; 0 for none.", "Filters", default="0"),
    one("sharpen", ("sh",), words.number(), "Sigma of the Gaussian in pixels; 0 for none.", "Filters", default="0"),
    one("pixelate", ("pix",), kinds.integer(), "Side of the squares in pixels; 0 for none.", "Filters", default="0"),
    several(
        "unsharp_masking",
        ("ush",),
        (
            Argument("mode", kinds.word("auto", "none", "always"), "`auto` sharpens what was made smaller."),
            Argument("weight", words.ABOVE_ZERO, "How strongly."),
            Argument("divider", words.ABOVE_ZERO, "Larger is weaker."),
        ),
        "How the result is sharpened.",
        "Filters",
        edition="pro",
    ),
)
WATERMARK = (
    several(
        "watermark",
        ("wm",),
        (
            Argument("opacity", words.number(0, 1), "Times that of the settings; 0 for none.", "0", needed=True),
            Argument("position", kinds.word(*POSITIONS), "`re` is all over, `ch` like a chessboard.", "ce"),
            Argument("x", words.ANY_NUMBER, "Pixels from 1 on, below a share; between tiles, the gap.", "0"),
            Argument("y", words.ANY_NUMBER, "Likewise.", "0"),
            Argument("scale", words.number(), "A share of the picture's size; 0 for its own.", "0"),
        ),
        "How the watermark is laid on; two further arguments are read over.",
        "Watermark",
        most=7,
    ),
    one("watermark_url", ("wmu",), words.BASE64, "Where the watermark comes from.", "Watermark", edition="pro"),
    several(
        "watermark_size",
        ("wms",),
        (
            Argument("width", kinds.integer(), "Pixels; 0 derives it from the height.", "0"),
            Argument("height", kinds.integer(), "Pixels; 0 derives it from the width.", "0"),
        ),
        "The size of the watermark, where its scale is 0.",
        "Watermark",
        edition="pro",
    ),
    one(
        "watermark_rotate",
        ("wmr", "wm_rot"),
        words.ANY_NUMBER,
        "Degrees clockwise that the watermark is turned.",
        "Watermark",
        default="0",
        edition="pro",
    ),
)
STAGES: tuple[Option, ...] = (*SIZE, *CROP, *CANVAS, *TURNING, *COLOUR, *FILTERS, *WATERMARK)
