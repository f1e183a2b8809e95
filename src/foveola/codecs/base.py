"""What a codec is: a few facts and four calls. The search, the pipeline and the command line know no more of one.

Settings are frozen dataclasses from `foveola.settings`; each codec takes its own kind. Values of DSSIM are stated by
`decode`, THE decoder of the format.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Protocol

from foveola.goal import Bounds
from foveola.picture import Picture

if TYPE_CHECKING:
    import pyvips


class Codec(Protocol):
    """One format: how it is written, read and searched."""

    name: str
    qualities: Bounds | None
    """What quality may be; None where the format has none."""

    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:
        """Write `picture` at `quality` (ignored where the format has none)."""
        ...

    def save(self, image: pyvips.Image, quality: int, settings: Any) -> bytes:
        """Write a lazy libvips image, for the requests that search nothing: no array is made."""
        ...

    def decode(self, data: bytes) -> Picture:
        """Read a file of this format; raises ImageError."""
        ...

    def setting(self, quality: int, settings: Any) -> Hashable:
        """Return what the encoder makes of `quality`: equal settings give equal files."""
        ...

    def axis(self, quality: int) -> float:
        """Return the place of `quality` on the scale on which log DSSIM is nearly straight, rising with loss."""
        ...
