"""Redirects: a scripted server sends us round; secrets stay where they belong, and nothing but the web is asked.

A line for the first URL, then a line for each redirect: what it says in `Location`, and after a tab in `Set-Cookie`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from multidict import CIMultiDict
from yarl import URL

from foveola.errors import SourceError
from foveola.server.headers import sendable
from foveola.sources.base import Ask, Reach
from foveola.sources.http import Http, _translated

TOKENS = (
    *(b"http://", b"https://", b"//", b"a.com", b"b.com", b"a.com:80", b":443", b"@", b"u:p@", b"%40", b"\\", b"/../"),
    *(b"\t", b"a=b; domain=", b"; path=/", b"; secure", b"[::1]", b"[::ffff:127.0.0.1]", b"0x7f.1", b"\xc3\xa9", b"\r"),
    *(b"file://", b"local:///", b"?", b"#", b"%0d%0a", b"%00", b"\xe3\x80\x82", b"http:", b"xn--"),
)
MOST = 5
PORTS = {"http": 80, "https": 443}
ASK = Ask((("authorization", "key-a"), ("cookie", "key=b"), ("x-key", "key-c"), ("accept", "image/*")))
LOOP = asyncio.new_event_loop()


def seeds() -> list[bytes]:
    return [
        b"http://a.com/x\n/y\nhttps://a.com/z\t\nhttps://b.com/\tc=d; domain=b.com\nhttp://a.com/",
        b"http://u:p@a.com/%2F\n../b?c#d\n//e.com:8080/f\n?g",
        "https://ä.com/ö\nhttp://[::1]/\nhttp://2130706433/".encode(),
    ]


class _Scripted(Http):
    """Asks nobody: the lines are the answers.

    Args:
        lines: of the input, after the first.
        allowed: of `Reach`.
    """

    def __init__(self, lines: list[bytes], allowed: tuple[str, ...]) -> None:
        self._reach = Reach(max_redirects=MOST, allowed=allowed)
        self._lines = lines
        self.asked: list[tuple[URL, dict[str, str]]] = []

    async def _get(self, url: URL, headers: dict[str, str], ask: Ask) -> Any:  # noqa: ARG002
        if not url.host:
            raise ValueError("no host: aiohttp raises the like")
        self.asked.append((url, headers))
        location, _, cookie = (self._lines.pop(0) if self._lines else b"").partition(b"\t")
        said = CIMultiDict({"Location": location.decode("utf-8", "surrogateescape")} if location else {})
        cookies = SimpleCookie()
        with suppress(CookieError):
            cookies.load(cookie.decode("latin-1"))
        return SimpleNamespace(status=302 if location else 200, headers=said, cookies=cookies, release=lambda: None)


def target(data: bytes) -> None:
    first, *lines = data.split(b"\n")
    url = first.decode("utf-8", "surrogateescape")
    for allowed in ((), ("http://a.com/", "https://*.b.com/x")):
        server = _Scripted(lines[:20], allowed)
        with suppress(SourceError):
            server._reach.check(url)
            with _translated(url):
                LOOP.run_until_complete(_followed(server, url))
        _check(server.asked, allowed)


async def _followed(server: _Scripted, url: str) -> None:
    from foveola.sources.written import parsed

    await server._follow(parsed(url), ASK)


def _check(asked: list[tuple[URL, dict[str, str]]], allowed: tuple[str, ...]) -> None:
    assert len(asked) <= MOST + 1
    left = False
    for number, (url, headers) in enumerate(asked):
        text = str(url)
        assert url.scheme in ("http", "https") or number == 0, text
        assert text.isascii(), text
        assert text.isprintable(), text
        assert " " not in text, text
        assert url.raw_user is None, text
        first = (url.scheme, url.host, url.port) == ("http", "a.com", 80)
        assert not allowed or first or (url.host or "").endswith(".b.com"), text
        left = left or not _same(str(asked[0][0]), text)
        for value in headers.values():
            assert sendable(value), value
            assert not left or "key" not in value, (text, headers)


def _same(first: str, now: str) -> bool:
    """Return whether what was for the first server may be sent now, as Python's own reader of URLs sees it."""
    if first == now:
        return True
    try:
        here, there = urlsplit(now), urlsplit(first)
        ports = here.port or PORTS[here.scheme], there.port or PORTS[there.scheme]
    except (ValueError, KeyError):  # it is stricter than yarl with addresses
        return False
    if here.hostname != there.hostname:
        return False
    same, up = (here.scheme, ports[0]) == (there.scheme, ports[1]), (here.scheme, ports[0]) == ("https", 443)
    return same or (up and (there.scheme, ports[1]) == ("http", 80))
