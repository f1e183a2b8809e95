"""The settings of the quality that results are saved with, and of the search for it.

Source: https://docs.imgproxy.net/configuration/options#autoquality
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from foveola import kinds
from foveola.config.rows import MEGAPIXELS, row
from foveola.goal import METHODS, Method
from foveola.kinds import BOOLEAN, FORMAT, Kind

QUALITIES: Mapping[str, int] = {"webp": 79, "avif": 63, "jxl": 77}
"""imgproxy's quality of the formats whose scale is not JPEG's; `FORMAT_QUALITY` is laid over it."""

_QUALITY = kinds.integer(1, 100)
_BOUND = kinds.integer(0, 100)
_BOUNDS = kinds.pairs(FORMAT, _BOUND)
_PATH = Kind("`none` or the path of a `.pb` or `.onnx` file", str)
_LANES = kinds.integer(1, 1024)  # OpenVINO takes any 32 bits, and no processor has more
_MODE = kinds.spelt("performance", "accuracy")


def _net(format: str) -> Any:
    doc = f"The network that says the first quality of {format} with method `ml`; ours when empty, or `none`."
    return row("", _PATH, doc)


def _of_all(what: str) -> str:
    return f"{what} of all networks, where `IMGPROXY_AUTOQUALITY_ML_…` does not say it of those of method `ml`."


@dataclass(frozen=True)
class Quality:
    """Quality."""

    quality: int = row(80, _QUALITY, "The quality where nothing else says one.")
    format_quality: Mapping[str, int] = row(
        dict(QUALITIES), kinds.pairs(FORMAT, _QUALITY), "The quality by format, laid over the built-in ones."
    )
    autoquality_method: Method = row(  # noqa: RUF009  # a field, like the others
        "none", kinds.spelt(*METHODS), "What is searched for where a URL says nothing."
    )
    autoquality_target: float | None = row(
        None, kinds.number(), "Bytes for `size`; DSSIM 0..1 for `dssim` and `ml`, which take 0.02 without one."
    )
    autoquality_min: int = row(0, _BOUND, "The lowest quality allowed; 0 for the built-in 70.")
    autoquality_max: int = row(0, _BOUND, "The highest quality allowed; 0 for the built-in 80.")
    autoquality_format_min: Mapping[str, int] = row({}, _BOUNDS, "The lowest quality by format; built in: avif=60.")
    autoquality_format_max: Mapping[str, int] = row({}, _BOUNDS, "The highest quality by format; built in: avif=65.")
    autoquality_allowed_error: float = row(0.002, kinds.number(0, 1), "How far from the target a DSSIM may be.")
    autoquality_max_resolution: float = row(
        0.0, MEGAPIXELS, "Megapixels above which a result is saved without a search; 0 for none."
    )
    autoquality_jpeg_net: str = _net("JPEG")
    autoquality_webp_net: str = _net("WebP")
    autoquality_avif_net: str = _net("AVIF")
    autoquality_jxl_net: str = _net("JPEG XL")
    autoquality_ml_inference_num_streams: int | None = row(
        None,
        _LANES,
        "Inferences of one network at a time in a worker, which has one picture at a time.",
    )
    autoquality_ml_inference_num_threads: int | None = row(
        None, _LANES, "Threads of one inference; 1 when empty, for the workers share the cores already."
    )
    autoquality_ml_execution_mode: Literal["performance", "accuracy"] | None = row(
        None, _MODE, "Whether the operations of a network may be fused for speed."
    )
    autoquality_ml_cpu_pinning: bool | None = row(
        None, BOOLEAN, "Whether the threads of an inference stay on their cores."
    )
    ml_num_streams: int | None = row(None, _LANES, _of_all("Inferences at a time"))
    ml_inference_num_threads: int | None = row(None, _LANES, _of_all("Threads of one inference"))
    ml_execution_mode: Literal["performance", "accuracy"] | None = row(None, _MODE, _of_all("The mode"))
    ml_cpu_pinning: bool | None = row(None, BOOLEAN, _of_all("Whether threads stay on their cores"))
