"""The settings of the watermark and of what is shown where a source can't be had.

Source: https://docs.imgproxy.net/configuration/options#watermark
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import COUNT, row, text


@dataclass(frozen=True)
class Images:
    """Watermark and fallback image."""

    watermark_data: bytes = row(b"", kinds.BASE64, "The watermark, in base64.")
    watermark_path: str = text("The file of the watermark.")
    watermark_url: str = text("The address of the watermark.")
    watermark_opacity: float = row(1.0, kinds.positive(1), "What the opacity of URLs is multiplied with.")
    fallback_image_data: bytes = row(b"", kinds.BASE64, "What is shown where a source can't be had, in base64.")
    fallback_image_path: str = text("The file of the fallback image.")
    fallback_image_url: str = text("The address of the fallback image.")
    fallback_image_http_code: int = row(
        200, kinds.either(0, kinds.integer(100, 599)), "The status of the fallback image; 0 for that of the error."
    )
    fallback_image_ttl: int = row(0, COUNT, "Seconds the fallback image may be cached; 0 for `TTL`.")
