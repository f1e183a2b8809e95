"""How one value is read from text and written back: the kinds that URL options and `IMGPROXY_*` settings share.

imgproxy reads both with the parsers of Go's `strconv`, which are stricter than Python's (`int(" 1_0 ")` is 10 there is
none), so each kind is a row of its own here: what it expects, how it reads, how it writes. A reader raises ValueError;
whoever knows the name of the option or of the setting turns that into a sentence.
Source: https://pkg.go.dev/strconv
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from foveola.picture import FORMATS, WRITTEN, format_named
from foveola.settings import BOOLEANS

T = TypeVar("T")
N = TypeVar("N", int, float)

UNWRITTEN = frozenset(FORMATS) - frozenset(WRITTEN)
"""Formats that are read only."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of value.

    Args:
        what: what is expected, for refusals and for the documentation: `integer 1..100`.
        read: the value of a text; raises ValueError.
        write: the text of a value, such that `read(write(value)) == value`.
    """

    what: str
    read: Callable[[str], T]
    write: Callable[[T], str] = str


def integer(low: int = 0, high: int | None = None) -> Kind[int]:
    """Return the kind of the integers `low`..`high`, without an upper end when `high` is None."""

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise ValueError(text)
        return _within(int(text), low, high)

    return Kind(f"integer {_range(low, high)}", read)


def number(low: float = 0.0, high: float | None = None) -> Kind[float]:
    """Return the kind of the finite numbers `low`..`high`, without an upper end when `high` is None."""

    def read(text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise ValueError(text)
        return _within(float(text), low, high)

    return Kind(f"number {_range(low, high)}", read, lambda value: repr(value).removesuffix(".0"))


def word(*words: str) -> Kind[Any]:
    """Return the kind of the given words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind("one of " + ", ".join(words), read)


def listed(item: Kind[T], separator: str = ",") -> Kind[tuple[T, ...]]:
    """Return the kind of lists of `item`; empty items are left out."""

    def read(text: str) -> tuple[T, ...]:
        return tuple(item.read(part.strip()) for part in text.split(separator) if part.strip())

    return Kind(
        f'list of {item.what}, separated by "{separator}"', read, lambda v: separator.join(item.write(x) for x in v)
    )


def pairs(key: Kind[str], value: Kind[T]) -> Kind[dict[str, T]]:
    """Return the kind of `key=value,key=value`."""

    def read(text: str) -> dict[str, T]:
        found = {}
        for part in text.split(","):
            name, sign, given = part.strip().partition("=")
            if not sign:
                raise ValueError(part)
            found[key.read(name.strip())] = value.read(given.strip())
        return found

    def write(found: dict[str, T]) -> str:
        return ",".join(f"{key.write(name)}={value.write(given)}" for name, given in found.items())

    return Kind(f"list of format=value with {value.what}", read, write)


def _read_boolean(text: str) -> bool:
    if text not in BOOLEANS:
        raise ValueError(text)
    return BOOLEANS[text]


def _read_format(text: str) -> str:
    return format_named(text).name


def _write_boolean(value: bool) -> str:
    return "1" if value else "0"


def _within(value: N, low: float, high: float | None) -> N:
    if not low <= value <= (math.inf if high is None else high) or value == math.inf:
        raise ValueError(value)
    return value


def _range(low: float, high: float | None) -> str:
    return f"{low:g} or more" if high is None else f"{low:g}..{high:g}"


TEXT: Kind[str] = Kind("text", str)
BOOLEAN: Kind[bool] = Kind("true or false", _read_boolean, _write_boolean)
LENIENT_BOOLEAN: Kind[bool] = Kind("true or false", lambda text: BOOLEANS.get(text, False), _write_boolean)
"""As in URLs, where imgproxy reads what is neither true nor false as false."""
FORMAT: Kind[str] = Kind("a format", _read_format)
HEX: Kind[bytes] = Kind("hexadecimal digits", bytes.fromhex, bytes.hex)
