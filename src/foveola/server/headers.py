"""The headers of answers, each as a function of plain values: what is cached and for how long, under which name.

Nothing here knows a request or the settings, so that imgproxy's rules can be read, and tested, as tables. What comes
from elsewhere (a source's headers, a name) is looked at before it is repeated.
Source: https://docs.imgproxy.net/configuration/options#server and RFC 9110, RFC 9111, RFC 6266
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from foveola.errors import ConfigError, expected
from foveola.sources.conditions import http_date, read_date

Pairs = tuple[tuple[str, str], ...]
"""Names and values of headers."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""What a browser may do with an answer that it is shown as a page: nothing."""
ALWAYS: Pairs = (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"))
"""What every answer has, whoever gives it."""
HINTS = ("Sec-Ch-Dpr", "Dpr", "Sec-Ch-Width", "Width")
"""The client hints that are read, in the order of imgproxy's `Vary`."""
_OF_CONNECTIONS = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\\/]")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?")


def sendable(value: str) -> bool:
    """Return whether a text may be sent as the value of a header."""
    return _VALUE.fullmatch(value) is not None


def check(pairs: Pairs, setting: str) -> None:
    """Refuse what the settings name and can't be sent.

    Args:
        pairs: names and values.
        setting: who says so.

    Raises:
        ConfigError: a name or a value is none.
    """
    for name, value in pairs:
        if not (_NAME.fullmatch(name) and (not value or sendable(value))):
            raise ConfigError(expected("headers of HTTP", setting, name))


def cache_control(
    status: int,
    ttl: int,
    source: Mapping[str, str],
    *,
    explicit: int = 0,
    passed: bool = False,
    now: float = 0.0,
    private: bool = False,
) -> str:
    """Return the value of `Cache-Control`, empty where there is none.

    Args:
        status: of the answer.
        ttl: seconds that answers may be cached; 0 for none.
        source: the headers of the source, names in lower case.
        explicit: seconds, 1 or more where a URL or a fallback says how long.
        passed: whether the source's own word is passed on.
        now: seconds since 1970.
        private: whether only the client may keep it, and no cache of others.
    """
    whose = "private" if private else "public"
    if explicit > 0:
        return f"max-age={explicit}, {whose}"
    if status >= 400:
        return ""
    if passed and (said := source.get("cache-control", "")):
        return said
    if passed and (ends := read_date(source.get("expires", ""))) and (left := int(ends.timestamp() - now)) > 0:
        return f"max-age={left}, {whose}"
    return f"max-age={ttl}, {whose}" if ttl else "no-cache"


def explicit_age(ttl: int, expires: int, now: float, fallback_ttl: int = 0) -> int:
    """Return for how many seconds an answer may be cached at most, 0 where neither its URL nor a fallback says it.

    Args:
        ttl: seconds of the settings.
        expires: seconds since 1970 after which the URL is none; 0 for never.
        now: likewise.
        fallback_ttl: seconds that a fallback image may be cached; 0 where there is none, or nothing is said of it.
    """
    limits = [min(ttl, max(int(expires - now), 0))] if expires else []
    limits += [fallback_ttl] if fallback_ttl else []
    return min(limits, default=0)


def vary(*passed: str, accept: bool = False, hints: bool = False) -> str:
    """Return the value of `Vary`: which headers of a request an answer depends on; empty for none.

    Args:
        passed: names of headers that sources are sent.
        accept: whether the format depends on what the client accepts.
        hints: whether sizes depend on client hints.
    """
    names = (*(["Accept"] if accept else []), *(HINTS if hints else []), *passed)
    return ", ".join({name.lower(): name for name in names}.values())


def disposition(source: str, extension: str, filename: str = "", *, attachment: bool = False) -> str:
    """Return `inline; filename="cat.webp"` for the source `https://example.com/cat.png`.

    What can't be printed is left out; a name that is not ASCII is written a second time in the way of RFC 6266.

    Args:
        source: its URL; the query is not cut off, as in imgproxy.
        extension: of the file that is sent, with the dot; it may be a part of the source.
        filename: the name without extension, in place of the source's.
        attachment: whether browsers are told to save it.
    """
    stem = filename or _stem(source)
    name = (_printed(stem) or "image") + _printed(extension)
    plain = "".join(character if character.isascii() else "_" for character in name)
    value = f'{"attachment" if attachment else "inline"}; filename="{plain}"'
    return value if name.isascii() else value + f"; filename*=UTF-8''{quote(name)}"


def _printed(text: str) -> str:
    return _UNPRINTED.sub("", text.encode("utf-8", "replace").decode()).replace('"', "%22")


def _stem(source: str) -> str:
    name = source.rpartition("/")[2]
    return name.rpartition(".")[0] if "." in name else name


def etag(source: str, buster: str) -> str:
    """Return the `ETag` of an answer, made of the source's; empty where that is none.

    Args:
        source: the source's, with its quotes.
        buster: when this text changes, every client asks anew; the source's ETag is sent as it is when empty.
    """
    if not buster or not source:
        return source
    return f'"{buster}/{base64.urlsafe_b64encode(source.encode("latin-1", "replace")).decode().rstrip("=")}"'


def last_modified(source: str, buster: datetime | None) -> str:
    """Return the `Last-Modified` of an answer: the source's, or the buster where that is later; empty for none."""
    if buster is None or not source:
        return source
    when = read_date(source)
    return http_date(max(when, buster).timestamp()) if when else ""


def canonical(source: str) -> str:
    """Return the value of `Link` that names the source of a picture, empty where it is no web address."""
    if not source[:8].lower().startswith(("http://", "https://")):
        return ""
    return f'<{quote(source, safe="%/:?#[]@!$&()*+,;=~-._", errors="surrogateescape")}>; rel="canonical"'


def cross_origin(origin: str) -> Pairs:
    """Return what lets pages from `origin` read answers; nothing when it is empty."""
    if not origin:
        return ()
    return (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Methods", "GET, OPTIONS"))


def passed_on(source: Mapping[str, str], names: Sequence[str]) -> Pairs:
    """Return the headers of a source that the settings name, under those names, but for those of its connection."""
    return tuple((name, source[name.lower()]) for name in names if name.lower() in source.keys() - _OF_CONNECTIONS)
