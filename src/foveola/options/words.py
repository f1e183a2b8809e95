"""The kinds of values that only URLs have: colours, base64, floats as Go reads them, names of formats.

Source: https://docs.imgproxy.net/usage/processing and https://pkg.go.dev/strconv#ParseFloat
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Mapping

from foveola import kinds, picture
from foveola.errors import UrlError
from foveola.kinds import Kind
from foveola.options.values import Colour

FORMATS: Mapping[str, str] = {
    "jpg": "jpeg",
    **{name: name for name in picture.FORMATS},
}
"""The names of formats in URLs, as imgproxy knows them, and ours."""
REFUSED_FORMATS: Mapping[str, str] = {
    "best": "the format is not chosen by trying",
    "mp4": "videos are not written",
    "pdf": "documents are not written",
}
"""Formats of imgproxy Pro that are refused, and why."""

_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_HEX_FLOAT = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+(\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]{1,4}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LEAST = -sys.float_info.max
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def number(low: float = 0.0, high: float | None = None) -> Kind[float]:
    """Return the kind of the finite numbers `low`..`high`, hexadecimal ones too, as Go reads them."""
    plain = kinds.number(low, high)

    def read(text: str) -> float:
        if len(text) > kinds.LONGEST_NUMBER or not _HEX_FLOAT.fullmatch(text):
            return plain.read(text)
        try:
            return plain.read(repr(float.fromhex(text)))
        except OverflowError:
            raise ValueError(text) from None

    return Kind(plain.what if low > _LEAST else "a number", read, plain.write)


def _above(text: str) -> float:
    value = ANY_NUMBER.read(text)
    if value <= 0:
        raise ValueError(text)
    return value


def _colour(text: str) -> Colour:
    if not re.fullmatch(r"[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6}", text):
        raise ValueError(text)
    digits = text if len(text) == 6 else "".join(digit * 2 for digit in text)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _rotation(text: str) -> int:
    value = kinds.integer(-(10**9), 10**9).read(text)
    if value % 90:
        raise ValueError(text)
    return value % 360


def _format(text: str) -> str:
    if text in REFUSED_FORMATS:
        raise refused(f"Format {text}")
    if text not in FORMATS:
        raise ValueError(text)
    return FORMATS[text]


def refused(what: str) -> UrlError:
    """Return the error that says, to strangers too, that this server does without `what`."""
    sentence = f"{what} is not supported by this server"
    return UrlError(sentence, public=sentence)


def decode(text: str) -> bytes | None:
    """Return the bytes of URL-safe base64 without padding, None where the text is none."""
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(text: str) -> str:
    """Return a text as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogateescape")).decode().rstrip("=")


def _decoded(text: str) -> str:
    data = decode(text.rstrip("="))
    if data is None:
        raise ValueError(text)
    return data.decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return a text that may stand in a header.

    Raises:
        ValueError: it has a control character, or is not UTF-8.
    """
    if _CONTROL.search(text):
        raise ValueError(text)
    text.encode()
    return text


def plain(text: str) -> bool:
    """Return whether a text can stand in a URL as it is, whatever stands around it."""
    return not _UNSAFE.search(text)


ANY_NUMBER = number(_LEAST)
ABOVE_ZERO: Kind[float] = Kind("number above 0", _above, ANY_NUMBER.write)
COLOUR: Kind[Colour] = Kind("RGB or RRGGBB in hexadecimal", _colour, lambda c: "{:02x}{:02x}{:02x}".format(*c))
ROTATION: Kind[int] = Kind("a multiple of 90", _rotation)
FORMAT: Kind[str] = Kind("one of " + ", ".join(FORMATS), _format)
BASE64: Kind[str] = Kind("URL-safe base64", _decoded, encode)
NAME: Kind[str] = Kind("text without control characters", printable)
