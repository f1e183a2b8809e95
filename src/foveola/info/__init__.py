"""What a file says of itself and what its pixels look like, as the JSON of imgproxy's `/info`.

Whoever asks says what he wants to know (`foveola.info.options`), and only that is looked at: header facts and metadata
cost no pixel, and pixels are decoded once for all that needs them, as small as the decoder makes them. The server's
front imports this package for its options, so that libvips and NumPy wait inside `tell`.
Source: https://docs.imgproxy.net/usage/getting_info
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveola.info.options import InfoOptions
    from foveola.picture import Limits

__all__ = ["tell"]


def tell(data: bytes, options: InfoOptions, limits: Limits) -> dict[str, Any]:
    """Return what `options` ask of a file.

    Args:
        data: the file.
        options: what is wanted; a resolution or a size of the file that they allow goes before that of `limits`.
        limits: how big the picture may be, judged before a pixel is decoded.

    Returns:
        Values that can be written as JSON, in the order of imgproxy's documentation. What a file does not have, or has
        only in a form that can't be read, is left out.

    Raises:
        ImageError: not a format that is read, broken, over a limit, or another file than `options.hashsum` says.
    """
    from foveola.info.facts import facts

    return facts(data, options, limits)
