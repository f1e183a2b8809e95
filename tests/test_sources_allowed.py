"""Which sources the settings allow: what is judged is what is dialled or opened, however a URL is spelt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from foveola.errors import SourceError
from foveola.sources import SCHEMES, Reach
from tests.origins import HERE, get, refused, run, served


def allowed(pattern: str, url: str, separator: str = "?") -> bool:
    try:
        Reach(allowed=("nothing://", pattern), query_separator=separator).check(url)
    except SourceError as error:
        return error.public != "Invalid source URL"
    return True


@pytest.mark.parametrize(
    ("pattern", "urls"),
    [
        ("http://e.com/", "http://e.com/ http://e.com http://e.com/a http://e.com?a http://e.com#a HTTP://E.com/a"),
        ("http://e.com/", "http://e.com:80/a http://u:p@e.com/a http://@e.com/ http://e.com/a/../b http://e.com/./a"),
        ("http://*.e.com/", "http://a.e.com/x http://a.b.e.com/x http://.e.com/x http://u@a.e.com/x?y#z"),
        ("http://e.com", "http://e.com/a http://e.com.evil.org/ http://e.com:81/a"),
        ("http://e.com:80/", "http://e.com/a http://e.com:80/a"),
        ("https://e.com:443/", "https://e.com/a"),
        ("http://e.com:*/", "http://e.com:81/a http://e.com:8080/a"),
        ("HTTP://E.COM/", "http://e.com/a"),
        ("http://bücher/", "http://bücher/a http://BÜCHER/a http://xn--bcher-kva/a"),
        ("http://xn--bcher-kva/", "http://bücher/a"),
        ("http://[::1]:81/", "http://[::1]:81/a"),
        ("http://e.com/a/*/b/", "http://e.com/a/x/b/c http://e.com/a/x@y/b/c http://e.com/a/x%2fy/b/"),
        ("http://e.com/ä b/", "http://e.com/ä b/c http://e.com/%C3%A4%20b/c"),
        ("http://e.com/a?id=*&b", "http://e.com/a?id=1&b http://e.com/a?id=1?&b"),
        ("http://e.com/a/", "http://e.com/a/?b=/../ http://e.com/a/..b http://e.com/a/b..  http://e.com/a/...;/b"),
        ("http://u:p@e.com/", "http://u:p@e.com/a"),
        ("http://*@e.com/", "http://u:p@e.com/a http://e.com/a"),
        ("http*", "http://e.com/ https://e.com/a"),
        ("http*://e.com/", "http://e.com/a https://e.com/a"),
        ("*", "http://e.com/ https://e.com/a local:///a s3://b/k"),
        ("local://", "local:///a local:///a/../b local://a LOCAL:///a"),
        ("local:///a/", "local:///a/b local:////a//b local://a/b local:///a/b?c"),
        ("local://a/", "local:///a/b"),
        ("local:///a*/", "local:///abc/d"),
        ("s3://", "s3://b/k s3://b/a/../k S3://b/k"),
        ("s3://b/a/", "s3://b/a/k s3://b//a/k"),
        ("s3://*-b/", "s3://a-b/k"),
    ],
)
def test_a_source_may_be_allowed(pattern: str, urls: str) -> None:
    for url in urls.replace("ä b", "ä+b").split():
        assert allowed(pattern, url.replace("ä+b", "ä b")), url


@pytest.mark.parametrize(
    ("pattern", "urls"),
    [
        (
            "http://e.com/",
            "http://e.com.evil.org/ http://e.com:81/ https://e.com/ http://e.com@evil.org/ e.com //e.com/",
        ),
        ("http://e.com/", "http:/e.com/ http:///e.com/ http://evil.org/http://e.com/ http://eXcom/ http://["),
        ("http://e.com", "http://e.com@evil.org/ http://e.com:x@evil.org/ http://e.com%40evil.org@other/ "),
        ("http://*.e.com/", "http://evil.org?.e.com/x http://evil.org#.e.com/x http://u@evil.org?.e.com/x"),
        ("http://*.e.com/", "http://10.9.9.1:80?.e.com/x http://evil.org\\.e.com/ http://evil.org\\@x.e.com:x/"),
        (
            "http://*.e.com/",
            "http://evil.org/.e.com/ http://e.com/ http://evil.org%3f.e.com/ http://evil.org%2f.e.com/",
        ),
        ("http://*.e.com/", "http://.e.com:p@evil.org/ http://a.e.com@evil.org/ http://a.e.com%00.evil.org/"),
        ("http://e.com/a/", "http://e.com/a/../b http://e.com/a/%2e%2e/b http://e.com/a/.%2E/b http://e.com/b/../a/c"),
        (
            "http://e.com/a/",
            "http://e.com/a/..%2fb http://e.com/a/..\\b http://e.com/a/..%5Cb http://e.com/a/b/..;c/../b",
        ),
        ("http://e.com/a/", "http://e.com/a/x%2f../../b http://e.com/a/.. http://e.com/a/..?b http://e.com/a/..#b"),
        ("http://e.com/a*/b", "http://e.com/a?/b http://e.com/a%3f/c http://e.com/ax?y/b"),
        ("http://e.com/*/b/", "http://e.com/./b/c http://e.com/x/../b/"),
        ("http://u:p@e.com/", "http://e.com/a http://u@e.com/a http://x:p@e.com/a http://u:p@evil.org/a"),
        ("local:///a/", "local:///a/../b local:///b local:///a local:///b?/a/ local:///./a/b"),
        ("local:///a*/", "local:///a.jpg?/ local:///ab.jpg?x/"),
        ("s3://b/a/", "s3://b/k s3://b/a/../k s3://c/a/k s3://b/a/%2e%2e/k s3://B/a/k"),
        ("s3://b/a*/", "s3://b/a?/"),
    ],
)
def test_any_other_source_is_not(pattern: str, urls: str) -> None:
    for url in urls.split():
        assert not allowed(pattern, url), url


def test_an_asterisk_ends_where_the_settings_say_that_a_query_begins() -> None:
    assert not allowed("local:///a*/", "local:///a.jpg#v/", "#v")
    assert allowed("local:///a*/", "local:///a.jpg#v/", "")
    assert allowed("local:///a*/", "local:///a.jpg?v/", "")
    assert not allowed("http://e.com/a*/", "http://e.com/a?v/", "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_kind_of_source_is_judged(scheme: str) -> None:
    assert run(refused(f"{scheme}://a/b", None, Reach(allowed=("nothing://",)))) == (404, "Invalid source URL")


def test_a_server_is_asked_for_what_was_judged(tmp_path: Path) -> None:
    """Over sockets and out of a folder: no spelling reaches what is not allowed, and those that do are answered."""
    asked: list[str] = []
    (tmp_path / "pub").mkdir()
    for name in ("pub/a", "priv"):
        (tmp_path / name).write_bytes(name.encode())

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(request.raw_path)
        if request.path == "/pub/moved":
            return web.Response(status=302, headers={"Location": "/pub/../priv"})
        return web.Response(body=b"pub/a")

    async def work() -> None:
        async with served(handler) as port:
            web_folder = f"http://127.0.0.1:{port}/pub/"
            reach = replace(HERE, allowed=(web_folder, "local:///pub/"), local_root=str(tmp_path))
            for path in ("/pub/../priv", "/pub/%2e%2e/priv", "/pub/..%2fpriv", "?/pub/", "#/pub/"):
                assert (await refused(f"http://127.0.0.1:{port}{path}", None, reach))[0] == 404
            assert asked == []
            for url in ("local:///pub/../priv", "local:///priv", "local:///priv?/pub/"):
                assert await refused(url, None, reach) == (404, "Invalid source URL")
            assert (await get("local:///pub/a", None, reach))[2] == b"pub/a"
            assert (await get(f"{web_folder}a", None, reach))[2] == b"pub/a"
            assert await refused(f"{web_folder}moved", None, reach) == (
                404,
                "Invalid source URL",
            )
            assert asked == ["/pub/a", "/pub/moved"]

    run(work())
