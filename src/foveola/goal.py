"""What is asked of the search: a method, a target, bounds and an allowed error, in imgproxy's words.

A goal is said on several levels (URL, settings of a format, settings, built in); each says only what it wants changed.
`Asked` is what one level says, `resolve` lays the levels over each other, `Autoquality` is the outcome with nothing
left open. Pure data, shared by the library, the command line, the URL parser and the settings; the server's front
imports it, so nothing here touches arrays. Source: https://docs.imgproxy.net/features/autoquality
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from foveola.errors import ArgumentError, expected, plain, whole

Method = Literal["none", "size", "dssim", "ml"]
Verify = Literal["guarded", "always"]

METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_TARGET = 0.02
DEFAULT_ERROR = 0.002
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


def _keep_plain(goal: object, *names: str) -> None:
    """Turn numbers of other libraries in a frozen dataclass, as it is made, into Python's own."""
    for name in names:
        object.__setattr__(goal, name, plain(getattr(goal, name)))


@dataclass(frozen=True)
class Bounds:
    """The lowest and the highest quality that are allowed, both included.

    Raises:
        ArgumentError: a side is outside 0..100, or min is above max.
    """

    min: int
    max: int

    def __post_init__(self) -> None:
        _keep_plain(self, "min", "max")
        for name, side in (("min", self.min), ("max", self.max)):
            if not (whole(side) and 0 <= side <= 100):
                raise ArgumentError(expected("integer 0..100", name, side))
        if self.min > self.max:
            raise ArgumentError(expected(f"at most max ({self.max})", "min", self.min))

    def clamp(self, quality: int) -> int:
        """Return the quality inside the bounds that is nearest to `quality`."""
        return min(max(quality, self.min), self.max)


BUILT_IN = Bounds(70, 80)
BUILT_IN_OF_FORMAT: Mapping[str, Bounds] = {"avif": Bounds(60, 65)}


@dataclass(frozen=True)
class Asked:
    """What one level says of a goal; None where it says nothing.

    Args:
        method: `none`, `size`, `dssim` or `ml`.
        target: bytes for `size`, DSSIM 0..1 for `dssim` and `ml`.
        min: lowest quality, 1..100.
        max: highest quality, 1..100.
        allowed_error: how far from the target a DSSIM may be, 0..1.

    Raises:
        ArgumentError: a value out of its range, or min above max.
    """

    method: Method | None = None
    target: float | None = None
    min: int | None = None
    max: int | None = None
    allowed_error: float | None = None

    def __post_init__(self) -> None:
        _keep_plain(self, "target", "min", "max", "allowed_error")
        if self.method is not None:
            _check_word("method", self.method, METHODS)
        if self.target is not None:
            _check_number("target", self.target, None)
        if self.allowed_error is not None:
            _check_number("allowed_error", self.allowed_error, 1.0)
        low, high = (unset if side is None else side for side, unset in ((self.min, 0), (self.max, 100)))
        Bounds(low, 100 if whole(high) and high == 0 else high)

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Asked:
        """Read imgproxy's `method:target:min:max:allowed_error`, already split; empty ones say nothing.

        Args:
            arguments: at most five texts; a bound of `0` says nothing either.

        Raises:
            ArgumentError: too many arguments, or one that can't be read.
        """
        if len(arguments) > 5:
            raise ArgumentError(expected("at most 5 arguments", "autoquality", ":".join(arguments)))
        method, target, low, high, error = (*arguments, *[""] * (5 - len(arguments)))
        return cls(
            method or None,  # type: ignore[arg-type]  # checked by __post_init__
            read_number("target", target),
            read_integer("min", low) or None,
            read_integer("max", high) or None,
            read_number("allowed_error", error),
        )


@dataclass(frozen=True)
class Configured:
    """What the settings say of a goal: for all formats, and for one.

    Args:
        asked: the settings without a format.
        format_min: the lowest quality by format name.
        format_max: the highest quality by format name.

    Raises:
        ArgumentError: a format's min is above its max.
    """

    asked: Asked = field(default_factory=Asked)
    format_min: Mapping[str, int] = field(default_factory=dict)
    format_max: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in {*self.format_min, *self.format_max}:
            Bounds(self.format_min.get(name, 0), self.format_max.get(name, 100))


@dataclass(frozen=True)
class Autoquality:
    """One goal of a search, nothing left open.

    Args:
        method: `none`, `size`, `dssim` or `ml`.
        target: bytes for `size`, DSSIM 0..1 for `dssim` and `ml`.
        bounds: qualities that are allowed.
        allowed_error: how far from the target a DSSIM may be, 0..1.
        max_encodes: end after so many whole encodes with the best so far; None for no limit.
        verify: `guarded` reports a JPEG from its coefficients where they tell what a decoder shows, bit for bit;
            `always` encodes, decodes and measures.

    Raises:
        ArgumentError: a value out of its range.
    """

    method: Method = "dssim"
    target: float = DEFAULT_TARGET
    bounds: Bounds = Bounds(1, 100)
    allowed_error: float = DEFAULT_ERROR
    max_encodes: int | None = None
    verify: Verify = "guarded"

    def __post_init__(self) -> None:
        _keep_plain(self, "target", "allowed_error", "max_encodes")
        _check_word("method", self.method, METHODS)
        _check_number("target", self.target, None)
        _check_number("allowed_error", self.allowed_error, 1.0)
        _check_target(self.method, self.target)
        if not isinstance(self.bounds, Bounds):
            raise ArgumentError(expected("Bounds", "bounds", self.bounds))
        if self.max_encodes is not None and not (whole(self.max_encodes) and self.max_encodes >= 1):
            raise ArgumentError(expected("integer 1 or more", "max_encodes", self.max_encodes))
        _check_word("verify", self.verify, get_args(Verify))

    @property
    def ceiling(self) -> float:
        """The greatest DSSIM that is good enough; the budget for `size`."""
        return self.target if self.method == "size" else self.target + self.allowed_error

    @classmethod
    def parse(cls, text: str, base: Autoquality | None = None) -> Autoquality:
        """Read imgproxy's `method:target:min:max:allowed_error`; what is empty or left out is taken from `base`.

        Args:
            text: the five arguments, as in `dssim:0.02:70:80:0.001` or `size:10240`.
            base: what is not said; a DSSIM of 0.02 ± 0.002 in 1..100 when None.

        Raises:
            ArgumentError: the text can't be read, or asks for a `size` without a target.
        """
        if not isinstance(text, str):
            raise ArgumentError(expected("a text", "autoquality", text))
        if not isinstance(base, cls | None):
            raise ArgumentError(expected("an Autoquality", "base", base))
        base = base or cls()
        asked = Asked.parse(text.split(":"))
        method, target, error = _inherit(asked, Asked(base.method, base.target, allowed_error=base.allowed_error))
        low = (asked.min, 0) if asked.min else (base.bounds.min, 1)
        high = (asked.max, 0) if asked.max else (base.bounds.max, 1)
        return replace(base, method=method, target=target, allowed_error=error, bounds=_meet(low, high))


def resolve(format: str, url: Asked, configured: Configured) -> Autoquality:
    """Lay the levels over each other for one format of the result.

    Args:
        format: the name of the result's format, `jpeg`.
        url: what the URL says.
        configured: what the settings say.

    Returns:
        The goal. Each side of the bounds is, by itself, the URL's, else the settings' for the format, else the
        settings', else the built-in value; where they cross, the side from the more specific level wins.

    Raises:
        ArgumentError: a target that the method can't have, or `size` without one.
    """
    method, target, error = _inherit(url, configured.asked)
    built_in = BUILT_IN_OF_FORMAT.get(format, BUILT_IN)
    low = _first(url.min, configured.format_min.get(format), configured.asked.min, built_in.min)
    high = _first(url.max, configured.format_max.get(format), configured.asked.max, built_in.max)
    return Autoquality(method, target, _meet(low, high), error)


def read_number(name: str, text: str) -> float | None:
    """Return the finite number in `text`, None for an empty one."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise ArgumentError(expected("a number", name, text))
    return float(text)


def read_integer(name: str, text: str) -> int | None:
    """Return the integer in `text`, None for an empty one."""
    if not text:
        return None
    if not _INTEGER.fullmatch(text):
        raise ArgumentError(expected("integer 0..100", name, text))
    return int(text)


def _check_word(name: str, value: str, words: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in words:
        raise ArgumentError(expected("one of " + ", ".join(words), name, value))


def _check_number(name: str, value: float, most: float | None) -> None:
    limit = sys.float_info.max if most is None else most
    if not (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= limit):
        raise ArgumentError(expected("a number 0 or more" if most is None else f"a number 0..{most:g}", name, value))


def _check_target(method: Method, target: float) -> None:
    if method in ("dssim", "ml") and not 0 <= target <= 1:
        raise ArgumentError(expected(f"a DSSIM 0..1 with method {method}", "target", target))
    if method == "size" and not target >= 1:
        raise ArgumentError(expected("a number of bytes, 1 or more, with method size", "target", target))


def _unit(method: Method | None, target: float | None) -> Literal["bytes", "dssim"]:
    """Return what a level's target counts; without a method the value itself tells (a DSSIM is at most 1)."""
    if method in (None, "none"):
        return "bytes" if (target or 0) > 1 else "dssim"
    return "bytes" if method == "size" else "dssim"


def _inherit(asked: Asked, below: Asked) -> tuple[Method, float, float]:
    """Return method, target and allowed error of `asked` over `below`; a target goes to methods of its unit only."""
    method = asked.method or below.method or "none"
    target = asked.target
    if target is None and below.target is not None and _unit(below.method, below.target) == _unit(method, None):
        target = below.target
    if target is None:
        if method == "size":
            raise ArgumentError(expected("a number of bytes with method size", "target", ""))
        target = DEFAULT_TARGET
    _check_target(method, target)
    errors = (e for e in (asked.allowed_error, below.allowed_error, DEFAULT_ERROR) if e is not None)
    return method, target, next(errors)


def _first(*levels: int | None) -> tuple[int, int]:
    """Return the first value that is set and its level; 0 is unset."""
    return next((value, level) for level, value in enumerate(levels) if value)


def _meet(low: tuple[int, int], high: tuple[int, int]) -> Bounds:
    """Return the bounds of two sides, each with its level; where they cross, the lower level number wins."""
    if low[0] > high[0]:
        winner = min(low, high, key=lambda side: side[1])[0]
        return Bounds(winner, winner)
    return Bounds(low[0], high[0])
