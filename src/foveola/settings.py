"""Settings of the encoders, in imgproxy's names without their prefix; one frozen dataclass a format.

One table for four readers: the codecs, the `IMGPROXY_*` settings, the URL options (`jpeg_options`, …) and the keyword
arguments of `foveola.encode`. Pure data: the server's front imports it.
Source: https://docs.imgproxy.net/configuration/options (Compression).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from foveola.errors import ArgumentError, expected, plain


def _ranged(default: int, low: int, high: int) -> Any:
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True)
class JpegSettings:
    """JPEG: `optimize_scans` needs `progressive`; `quant_table` 0..8 as in mozjpeg (0 Annex K, 3 ImageMagick's)."""

    progressive: bool = False
    no_subsample: bool = False
    trellis_quant: bool = False
    overshoot_deringing: bool = False
    optimize_scans: bool = False
    quant_table: int = _ranged(0, 0, 8)


BEST_JPEG = JpegSettings(
    progressive=True, trellis_quant=True, overshoot_deringing=True, optimize_scans=True, quant_table=3
)
"""What method `ml` writes JPEG with, whatever the settings say."""


@dataclass(frozen=True)
class WebpSettings:
    """WebP: `effort` 1 (fast) .. 6 (small)."""

    compression: Literal["lossy", "near_lossless", "lossless"] = "lossy"
    effort: int = _ranged(4, 1, 6)
    smart_subsample: bool = False
    preset: Literal["default", "photo", "picture", "drawing", "icon", "text"] = "default"


@dataclass(frozen=True)
class AvifSettings:
    """AVIF: `speed` 0 (small) .. 9 (fast); `subsample` auto halves the chroma below quality 90."""

    speed: int = _ranged(8, 0, 9)
    subsample: Literal["auto", "on", "off"] = "auto"


@dataclass(frozen=True)
class JxlSettings:
    """JPEG XL: `effort` 1 (fast) .. 9 (small)."""

    effort: int = _ranged(4, 1, 9)


@dataclass(frozen=True)
class PngSettings:
    """PNG: `quantize` writes a palette of `quantization_colors`."""

    interlaced: bool = False
    quantize: bool = False
    quantization_colors: int = _ranged(256, 2, 256)


@dataclass(frozen=True)
class GifSettings:
    """GIF has no settings."""


@dataclass(frozen=True)
class TiffSettings:
    """TIFF as imgproxy saves it has no settings: no compression, so its quality has no effect."""


@dataclass(frozen=True)
class BmpSettings:
    """BMP has no settings."""


@dataclass(frozen=True)
class IcoSettings:
    """ICO has no settings."""


BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""The words for yes and no of Go's `strconv.ParseBool`, which imgproxy reads with."""


Predicted = Literal["jpeg", "webp", "avif", "jxl"]
PREDICTED: tuple[Predicted, ...] = get_args(Predicted)
"""Formats whose quality a network can foresee."""


@dataclass(frozen=True)
class Inference:
    """How networks are run.

    Args:
        streams: inferences of one network at a time.
        threads: of one network.
        mode: whether the graph may be fused for speed.
        pinning: whether threads stay on their cores.
    """

    streams: int = 1
    threads: int = 1
    mode: Literal["performance", "accuracy"] = "performance"
    pinning: bool = False


ONE_THREAD = Inference()
"""The server works on several pictures at a time already."""


SETTINGS: dict[str, type[Any]] = {
    "jpeg": JpegSettings,
    "webp": WebpSettings,
    "avif": AvifSettings,
    "jxl": JxlSettings,
    "png": PngSettings,
    "gif": GifSettings,
    "tiff": TiffSettings,
    "bmp": BmpSettings,
    "ico": IcoSettings,
}


def make_settings(format: str, values: Mapping[str, object]) -> Any:
    """Return the settings of `format` with `values` laid over the defaults.

    Args:
        format: a name of `FORMATS`.
        values: setting names without prefix; text is read as in a URL (`1`, `true`, `lossless`, `4`).

    Raises:
        ArgumentError: an unknown name (the known ones are named), a value out of its range, or a format that is not
            written.
    """
    if format not in SETTINGS:
        raise ArgumentError(expected("one of " + ", ".join(SETTINGS), "format to write", format))
    kind = SETTINGS[format]
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    read: dict[str, object] = {}
    for name, value in values.items():
        if name not in known:
            words = ", ".join(sorted(known)) or "none"
            raise ArgumentError(expected(f"a setting of {format} ({words})", "setting", name))
        read[name] = read_value(name, hints[name], known[name].metadata.get("range"), value)
    return kind(**read)


def read_value(name: str, kind: Any, limits: tuple[int, int] | None, value: object) -> object:
    """Return `value` as a bool, an integer within `limits` or one of a Literal's words; see `make_settings`."""
    if kind is bool:
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value in BOOLEANS:
            return BOOLEANS[value]
        raise ArgumentError(expected("true or false", name, value))
    if get_origin(kind) is Literal:
        if not isinstance(value, str) or value not in get_args(kind):
            raise ArgumentError(expected("one of " + ", ".join(get_args(kind)), name, value))
        return value
    assert limits is not None
    value = plain(value)
    what = f"integer {limits[0]}..{limits[1]}"
    try:
        number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or not limits[0] <= number <= limits[1]:
        raise ArgumentError(expected(what, name, value))
    return number
