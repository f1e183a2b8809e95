"""What a request says beside its options: conditions, hints, cookies, what is accepted, which part, and who asks.

A line for the path, a line for the source, then headers.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

from yarl import URL

from foveola.config import examine
from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.server import conditional, headers, hints
from foveola.server.request import Request
from foveola.server.wishes import Reader
from foveola.sources import conditions
from foveola.urls import ImageUrl, InfoUrl
from fuzz import texts

TOKENS = (
    *(b"\nif-none-match: ", b"\nif-modified-since: ", b"\nrange: bytes=", b"\ncookie: ", b"\nhost: ", b"\naccept: "),
    *(b"\nx-forwarded-host: ", b"\nx-forwarded-for: ", b"\nx-request-id: ", b"\nsec-ch-dpr: ", b"\nwidth: "),
    *(b'W/"', b'"buster/', b"ImEi", b"Sat, 01 Feb 2025 10:00:00 GMT", b"+9999", b"image/avif", b"http://home.com/a/"),
    *(b"@", b"\\", b"%40", b"://", b"%2F", b"[::1]", b":0", b"..", b"\xff", b"\xe9", b"\0", b"plain/"),
)
SECRET = "hunter2"
_ON = {f"IMGPROXY_{name}": "true" for name in ("USE_ETAG", "USE_LAST_MODIFIED", "COOKIE_PASSTHROUGH", "AUTO_WEBP")}
_BUSTED = {"IMGPROXY_ETAG_BUSTER": "buster", "IMGPROXY_LAST_MODIFIED_BUSTER": "2025-01-01T00:00:00Z"}
_HOME = {"IMGPROXY_COOKIE_BASE_URL": "http://home.com/a/b", "IMGPROXY_REQUEST_HEADERS_PASSTHROUGH": "X-One,Cookie"}
READERS = [Reader(examine(_ON | more).settings) for more in ({}, _BUSTED, _HOME)]
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,128}")


def seeds() -> list[bytes]:
    return [
        b"/unsafe/w:1/plain/http://u:p@e.com/a?b\nhttp://home.com/a/b.jpg\nhost: home.com\ncookie: a=1\nCookie: b=2",
        b'/x\nhttp://h/\nif-none-match: W/"a", "b"\nif-modified-since: Sat, 01 Feb 2025 10:00:00 GMT\nrange: bytes=0-9',
        b'/x\nhttp://h/\nif-none-match: "buster/ImEi"\nrange: bytes=-5\naccept: image/avif,image/webp;q=0.8',
        b"/x\nhttps://[::1]:8/\nsec-ch-dpr: 2.5\nsec-ch-width: 100\ndpr: 9\nx-forwarded-for: 1.2.3.4\nx-request-id: a",
    ]


def target(data: bytes) -> None:
    path, source, *lines = [*data.split(b"\n"), b""]
    pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in lines[:50])]
    request = Request.of({"method": "GET", "raw_path": path, "headers": pairs, "client": ("1.2.3.4", 5)})
    assert _IDENTITY.fullmatch(request.identity), request
    _check_shown(path)
    hinted = hints.hinted(request.headers)
    assert 0 < hinted.dpr <= hints.DENSEST, hinted
    assert (hinted.width or 0) >= 0, hinted
    _check_conditions(request)
    where = source.decode("utf-8", "surrogateescape")
    for url in (
        ImageUrl(ProcessingOptions(), where),
        ImageUrl(ProcessingOptions(raw=True), where),
        InfoUrl(InfoOptions(), where),
    ):
        for reader in READERS:
            wish = reader.wish(url, request.headers)
            names = [name for name, _ in wish.ask.headers]
            assert len(set(names)) == len(names), names
            conditions.not_modified(wish.ask, '"a"', 1e9)
            for size in (0, 1, 10**9):
                first, end = conditions.span(wish.ask, size) or (0, size)
                assert 0 <= first <= end <= size, (first, end, size)
    _check_cookies(request, where)


def _check_shown(path: bytes) -> None:
    """Check that no password of a plain source is in the path for the log, however the source is spelled."""
    before = path.partition(b"?")[0].decode("latin-1")
    for source in (f"http://u:{SECRET}@h/a", f"https://{SECRET}@h"):
        for plain in (source, quote(source, safe=":"), quote(source, safe="").lower(), quote(source, safe="/")):
            shown = Request("GET", f"{before}/plain/{plain}", {}).shown
            assert SECRET not in shown, shown


def _check_conditions(request: Request) -> None:
    """Check that a tag that we have made is taken apart into the source's."""
    tag = request.headers.get("if-none-match", "")
    assert conditional.if_none_match(tag, "") == tag
    if headers.sendable(tag):
        assert conditional.if_none_match(headers.etag(tag, "b/c"), "b/c") == tag
        assert conditional.if_none_match(f"W/{headers.etag(tag, 'b')}", "b") == tag
        assert headers.sendable(conditional.if_none_match(tag, "buster") or "a")


def _check_cookies(request: Request, source: str) -> None:
    """Check that cookies go to the host that they belong to: of what is dialled, as yarl has it."""
    ask = READERS[0].wish(ImageUrl(ProcessingOptions(), source), request.headers).ask
    if not (cookie := ask.header("cookie")):
        return
    assert cookie == request.headers["cookie"]
    asked = request.headers.get("x-forwarded-host") or request.headers["host"]
    with suppress(ValueError):
        there = texts.dialled(source)
        assert there.host == URL(f"http://{asked}/").host, (source, asked)
