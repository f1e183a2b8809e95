"""Every error foveola raises on purpose, so that callers can catch one class and servers can answer one status.

```
FoveolaError                500  anything below
├── ArgumentError           400  a value given to the library or the command line (also a ValueError)
├── ConfigError             500  a setting, found at start; carries every problem at once
├── SignatureError          403  a URL that was not signed by a known key
├── UrlError                404  a path or an option that can't be read
├── SourceError             404  a source that can't be reached or may not be
├── ImageError              422  bytes that are no picture we can read, or a picture over a limit
├── OverloadedError         429  the queue is full
├── DeadlineError           503  the request's time is over
├── CodecError              500  a codec library failed on a picture that it should have taken
└── NetworkError            500  a network failed on a picture; a search goes on without it
```

An exception carries a message for the log, the HTTP status and one public sentence; nothing else.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any


class FoveolaError(Exception):
    """The root of the tree.

    Args:
        message: what went wrong, for a log or a terminal: `Expected integer 1..100 for quality, got "88.2"`.
        public: the sentence a stranger may read in an HTTP answer; the class's own when None.
        status: the HTTP status; the class's own when None.
    """

    status: int = 500
    public: str = "Internal error"

    def __init__(self, message: str, *, public: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        if public is not None:
            self.public = public
        if status is not None:
            self.status = status


class ArgumentError(FoveolaError, ValueError):
    """A value given to the library or the command line is not one that can be used."""

    status = 400
    public = "Invalid argument"


class ConfigError(FoveolaError, ValueError):
    """One or more settings can't be used; the message has a line for each."""


class SignatureError(FoveolaError):
    """The URL was not signed by a known key."""

    status = 403
    public = "Forbidden"


class UrlError(FoveolaError, ValueError):
    """A path or a processing option can't be read."""

    status = 404
    public = "Invalid URL"


class SourceError(FoveolaError):
    """The source can't be reached, is not allowed, or broke off."""

    status = 404
    public = "Source is unreachable"


class ImageError(FoveolaError):
    """The bytes are no picture that can be read, or the picture is over a limit."""

    status = 422
    public = "Broken or unsupported image"


class OverloadedError(FoveolaError):
    """The queue of waiting requests is full."""

    status = 429
    public = "Too many requests"


class DeadlineError(FoveolaError):
    """The time of the request is over."""

    status = 503
    public = "Timeout"


class CodecError(FoveolaError):
    """A codec library failed on a picture that it should have taken."""


class NetworkError(FoveolaError):
    """A network failed on a picture; a search goes on without its prediction."""


def whole(value: object) -> bool:
    """Return whether a value is an integer, Python's or NumPy's; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Return a number of any library as Python's own int or float, which can be written as JSON; all else as it is."""
    if whole(value):
        return int(value)
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value


def expected(what: str, name: str, got: object) -> str:
    """Return the sentence that every refusal has: `Expected integer 1..100 for quality, got "88.2"`."""
    shown = f'"{got}"' if isinstance(got, str) else repr(got)
    return f"Expected {what} for {name}, got {shown}"
