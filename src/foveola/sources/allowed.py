"""Which sources the settings allow: what is judged is what will be asked for, not how it is spelt.

Of a URL its scheme, the host that is dialled and the path that is sent are judged, without the user, so that nothing
that is written before or after a host passes for one. An asterisk is a part of a host or of a path: it ends at a slash
and where a query begins. What a path with dots (`..`) leads to is for its server to say, in one of many readings, so it
may be anything there is on that server. Source: https://docs.imgproxy.net/configuration/options#security
(`IMGPROXY_ALLOWED_SOURCES`); RFC 3986, 5.2.4
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from foveola.globs import matched

_PATTERN = re.compile(r"([^/]*://)(?:([^/]*)@)?([^/]*)(.*)", re.DOTALL)
"""Scheme, user, host and the rest of what a source may begin with."""
_WEB = ("http", "https")
_PORTS = {"http://": ":80", "https://": ":443"}
_DOTS = re.compile(r"(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=[/\\;?#]|%2f|%5c|%3b|%3f|%23|$)", re.IGNORECASE)
_SLASHES = re.compile("/+")
_NO_URL = re.compile(r"%(?![0-9A-Fa-f]{2})|[^%A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]")


class Allowed:
    """What sources may begin with.

    Args:
        patterns: of the settings, `*` for anything but a slash.
        separator: what begins a query, but for `http://` and `https://`; nothing when empty.
    """

    def __init__(self, patterns: Sequence[str], separator: str) -> None:
        self._rules = [_rule(pattern, separator) for pattern in patterns]

    def __contains__(self, url: str) -> bool:
        """Return whether a URL begins with one of them; one that can't be read does not."""
        user, texts = _judged(url)
        return any(rule.allows(user, text) for text in texts for rule in self._rules)


def ordinary(url: str) -> str:
    """Return a URL with its scheme in lower case, as `HTTP://` is meant; the rest stays as it is written."""
    scheme, mark, rest = url.partition("://")
    return scheme.lower() + mark + rest if mark and scheme.isascii() else url


def encoded(path: str) -> str:
    """Return a path of the web with what no URL may have percent-encoded; the rest stays as it is written."""
    return _NO_URL.sub(lambda found: quote(found.group(), safe="", errors="surrogateescape"), path)


def _judged(url: str) -> tuple[str, list[str]]:
    """Return the user of a URL, and what will be asked for: two texts where a name has two spellings, or none."""
    scheme, mark, rest = ordinary(url).partition("://")
    if scheme in _WEB:
        return _judged_web(scheme + mark + rest)
    host, slash, path = ("", "/", _SLASHES.sub("/", rest).lstrip("/")) if scheme == "local" else rest.partition("/")
    where = f"{scheme}{mark}{host}{slash}"
    return "", [where if _DOTS.search(slash + path) else where + path.lstrip("/")]


def _judged_web(url: str) -> tuple[str, list[str]]:
    from foveola.sources.written import parsed  # not needed to read settings, and slow to import

    try:
        found = parsed(url)
        hosts = dict.fromkeys((found.host_subcomponent or "", found.host or ""))
        port = f":{found.explicit_port}" if found.explicit_port is not None else ""
    except ValueError:
        return "", []
    path = "/" if _DOTS.search(found.raw_path) else found.raw_path_qs
    user = ":".join(part for part in (found.raw_user, found.raw_password) if part is not None)
    return user, [f"{found.scheme}://{host}{port}{path}" for host in hosts if host and "%" not in host]


@dataclass(frozen=True)
class _Rule:
    """What one entry of the settings allows.

    Args:
        pattern: what is asked for begins with it.
        query: what begins a query.
        user: which users it is about; all when None.
        small: whether the pattern is in small letters, for any.
    """

    pattern: str
    query: str
    user: str | None = None
    small: bool = False

    def allows(self, user: str, text: str) -> bool:
        """Return whether it allows what is asked for on behalf of a user."""
        named = None if self.user is None else matched(self.user, user)
        if self.user is not None and (named is None or named[0] != user):
            return False
        return matched(self.pattern, text.lower() if self.small else text, self.query) is not None


def _rule(pattern: str, separator: str) -> _Rule:
    parts = _PATTERN.fullmatch(pattern)
    if parts is None:
        return _Rule(pattern.lower(), "?", small=True)
    scheme, user, host, path = parts.groups()
    scheme = scheme.lower()
    if scheme == "local://":
        return _Rule(scheme + _SLASHES.sub("/", f"/{host}{path}"), separator)
    if not ("*" in scheme or scheme.startswith("http")):
        return _Rule(scheme + pattern[len(scheme) :], separator)
    host = host.lower().removesuffix(_PORTS.get(scheme, ":"))
    return _Rule(f"{scheme}{host}{encoded(path)}", "?", user)
