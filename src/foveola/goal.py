"""What is asked of the search: a method, a target, bounds and an allowed error, in imgproxy's words.

Pure data, shared by the library, the command line, the URL parser and the settings; the server's front imports it, so
nothing here touches arrays. Source: https://docs.imgproxy.net/features/autoquality (the semantics are in
`docs/design.md`, "The contract").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["none", "size", "dssim", "ml"]
METHODS: tuple[Method, ...] = ("none", "size", "dssim", "ml")
Verify = Literal["guarded", "always"]


@dataclass(frozen=True)
class Bounds:
    """The lowest and the highest quality that are allowed, both included."""

    min: int
    max: int


@dataclass(frozen=True)
class Autoquality:
    """One goal of a search, every default filled in.

    Args:
        method: `none`, `size`, `dssim` or `ml`.
        target: bytes for `size`, DSSIM 0..1 for `dssim` and `ml`.
        bounds: qualities that are allowed, 1..100.
        allowed_error: how far from the target a DSSIM may be, 0..1.
        max_encodes: end after so many whole encodes with the best so far; None for no limit.
        verify: `guarded` reports a value of the transform domain where a guard bounds its error by 0.0003;
            `always` decodes and measures with the whole map.
    """

    method: Method = "dssim"
    target: float = 0.02
    bounds: Bounds = Bounds(1, 100)
    allowed_error: float = 0.002
    max_encodes: int | None = None
    verify: Verify = "guarded"

    @property
    def ceiling(self) -> float:
        """The greatest DSSIM that is good enough."""
        return self.target + self.allowed_error
