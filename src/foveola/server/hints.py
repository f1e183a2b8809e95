"""Client hints: who says how wide a picture will be, and how dense the screen, gets that unless the URL says otherwise.

Source: https://docs.imgproxy.net/configuration/options (`IMGPROXY_ENABLE_CLIENT_HINTS`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from foveola.options import ProcessingOptions

DENSEST = 8.0
"""The largest device pixel ratio that is believed, as in imgproxy."""
_WIDTH = re.compile(r"[0-9]{1,9}")
_RATIO = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?")


def hinted(headers: Mapping[str, str]) -> ProcessingOptions:
    """Return the options that hold before the URL says anything.

    Args:
        headers: of the request, names in lower case. Widths are in pixels of the screen, those of URLs are not.
    """
    ratio = headers.get("sec-ch-dpr") or headers.get("dpr", "")
    width = headers.get("sec-ch-width") or headers.get("width", "")
    said = ProcessingOptions()
    density = float(ratio) if _RATIO.fullmatch(ratio) else 0.0
    if not 0 < density <= DENSEST:
        density = 1.0
    if _WIDTH.fullmatch(width):
        said = replace(said, width=int(int(width) / density + 0.5))
    return replace(said, dpr=density)
