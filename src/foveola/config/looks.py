"""The settings of what happens to pixels and metadata.

Source: https://docs.imgproxy.net/configuration/options#miscellaneous
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foveola import kinds
from foveola.config.rows import off, on, row
from foveola.kinds import Kind
from foveola.options.values import Unsharp

_REAL = kinds.number()
_ROUNDED = Kind(f"{_REAL.what}, which is rounded", lambda text: round(_REAL.read(text)))


@dataclass(frozen=True)
class Looks:
    """Pixels and metadata."""

    use_linear_colorspace: bool = off("Whether pictures are resized in linear light, slower.")
    disable_shrink_on_load: bool = off("Whether JPEG and WebP are read at full size, slower.")
    strip_metadata: bool = on("Whether metadata is left out.")
    keep_copyright: bool = on("Whether the metadata about rights stays where the rest is left out.")
    strip_metadata_dpi: int = row(72, _ROUNDED, "The resolution that is written where metadata is left out, dpi.")
    strip_color_profile: bool = on("Whether the colour profile is applied and left out.")
    auto_rotate: bool = on("Whether Exif's orientation is applied.")
    enforce_thumbnail: bool = off("Whether the thumbnail inside HEIC and AVIF stands for the picture.")
    return_attachment: bool = off("Whether browsers are told to save the picture.")
    unsharp_masking_mode: Literal["auto", "none", "always"] = row(
        "none",
        kinds.spelt("auto", "none", "always"),
        "When results are sharpened: `none` as in imgproxy's open edition, `auto` what was made smaller, as in Pro.",
    )
    unsharp_masking_weight: float = row(1.0, kinds.positive(), "How strongly.")
    unsharp_masking_divider: float = row(24.0, kinds.positive(), "What that is divided by.")

    @property
    def unsharp(self) -> Unsharp:
        """How results are sharpened."""
        return Unsharp(self.unsharp_masking_mode, self.unsharp_masking_weight, self.unsharp_masking_divider)
