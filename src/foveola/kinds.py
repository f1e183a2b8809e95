"""How one value is read from text and written back: the kinds that URL options and `IMGPROXY_*` settings share.

imgproxy reads both with the parsers of Go's `strconv`, which are stricter than Python's (`int(" 1_0 ")` is 10 there is
none), so each kind is a row of its own here: what it expects, how it reads, how it writes. A reader raises ValueError;
whoever knows the name of the option or of the setting turns that into a sentence.
Source: https://pkg.go.dev/strconv
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from foveola.picture import FORMATS, WRITTEN, format_named
from foveola.settings import BOOLEANS

T = TypeVar("T")
N = TypeVar("N", int, float)

UNWRITTEN = frozenset(FORMATS) - frozenset(WRITTEN)
"""Formats that are read only."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
LONGEST_NUMBER = 128
"""Characters of a number: 17 digits say any float, and what nobody writes is not worth the time to read it."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
"""A time of RFC 3339, as Go's `time.RFC3339` has it."""
_ADDRESS = re.compile(r"(?i:https?)://[^/\s]")


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
        if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
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


def spelt(*words: str) -> Kind[Any]:
    """Return the kind of the given words, which are in lower case, in whatever case they are written."""
    exact = word(*words)
    return Kind(exact.what, lambda text: exact.read(text.lower()))


def listed(item: Kind[T], separator: str = ",") -> Kind[tuple[T, ...]]:
    """Return the kind of lists of `item`; empty items are left out."""

    def read(text: str) -> tuple[T, ...]:
        return tuple(item.read(part.strip()) for part in text.split(separator) if part.strip())

    return Kind(
        f'list of {item.what}, separated by "{separator}"', read, lambda v: separator.join(item.write(x) for x in v)
    )


def some(kind: Kind[tuple[T, ...]]) -> Kind[tuple[T, ...]]:
    """Return the kind of what `kind` reads, but for empty lists."""

    def read(text: str) -> tuple[T, ...]:
        found = kind.read(text)
        if not found:
            raise ValueError(text)
        return found

    return Kind(kind.what, read, kind.write)


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


def assigned(separator: str, what: str = "pattern=text") -> Kind[tuple[tuple[str, str], ...]]:
    """Return the kind of lists of `name=value`, in their order; a value may have more signs of equality."""

    def read(text: str) -> tuple[tuple[str, str], ...]:
        found = []
        for part in text.split(separator):
            name, sign, value = part.strip().partition("=")
            if part.strip() and not (sign and name):
                raise ValueError(part)
            found += [(name.strip(), value.strip())] if part.strip() else []
        return tuple(found)

    return Kind(f'list of {what}, separated by "{separator}"', read, lambda v: separator.join(f"{n}={x}" for n, x in v))


def either(word: int, other: Kind[int]) -> Kind[int]:
    """Return the kind of what `other` reads, and `word` beside."""
    return Kind(f"{word} or {other.what}", lambda text: word if text == str(word) else other.read(text))


def positive(high: float | None = None) -> Kind[float]:
    """Return the kind of the finite numbers above 0, up to `high`, without an upper end when it is None."""
    real = number(0, high)

    def read(text: str) -> float:
        value = real.read(text)
        if not value:
            raise ValueError(text)
        return value

    return Kind("number above 0" if high is None else f"number above 0, up to {high:g}", read, real.write)


def _read_path(text: str) -> str:
    path = re.split(r"[?#]", text, maxsplit=1)[0].rstrip("/")
    return path if path.startswith("/") or not path else "/" + path


def _read_address(text: str) -> str:
    if not _ADDRESS.match(text):
        raise ValueError(text)
    return text


def _read_time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper())


def _read_base64(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def _read_hex(text: str) -> bytes:
    if text and not text.isalnum():  # spaces between the bytes are none of Go's
        raise ValueError(text)
    return bytes.fromhex(text)


def _read_key(text: str) -> bytes:
    key = _read_hex(text)
    if len(key) not in (16, 24, 32):
        raise ValueError(text)
    return key


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
HEX: Kind[bytes] = Kind("hexadecimal digits", _read_hex, bytes.hex)
PATH: Kind[str] = Kind("path of URLs, beginning with a slash", _read_path)
ADDRESS: Kind[str] = Kind("address `http://…` or `https://…`", _read_address)
TIME: Kind[datetime] = Kind("time of RFC 3339 (2006-01-02T15:04:05Z)", _read_time, datetime.isoformat)
BASE64: Kind[bytes] = Kind("base64", _read_base64, lambda data: base64.b64encode(data).decode())
AES_KEY: Kind[bytes] = Kind("hexadecimal digits of 16, 24 or 32 bytes", _read_key, bytes.hex)
