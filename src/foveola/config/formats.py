"""The settings of what results are written in.

Source: https://docs.imgproxy.net/configuration/options#avifwebpjpeg-xl-support-detection
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import off, row
from foveola.picture import WRITTEN


@dataclass(frozen=True)
class Formats:
    """Formats."""

    auto_webp: bool = off("Whether WebP is chosen for clients that accept it, where none is named.")
    auto_avif: bool = off("Whether AVIF is chosen for clients that accept it, where none is named.")
    auto_jxl: bool = off("Whether JPEG XL is chosen for clients that accept it, where none is named.")
    enforce_webp: bool = off("Whether clients that accept WebP get it whatever the URL names.")
    enforce_avif: bool = off("Whether clients that accept AVIF get it whatever the URL names.")
    enforce_jxl: bool = off("Whether clients that accept JPEG XL get it whatever the URL names.")
    preferred_formats: tuple[str, ...] = row(
        ("jpeg", "png", "gif"),
        kinds.some(kinds.listed(kinds.word("jpg", *WRITTEN))),
        "Formats of results where a URL names none.",
    )
    skip_processing_formats: tuple[str, ...] = row(
        (), kinds.listed(kinds.FORMAT), "Formats that are sent as they came, where no other is asked."
    )
    always_rasterize_svg: bool = off("Whether SVG is drawn even where a URL names no format.")
    enable_client_hints: bool = off("Whether `Width` and `DPR` of the client are the width and the dpr of the URL.")
    preserve_hdr: bool = off("Whether 16 bit are kept where the format of the result can.")
