"""Other servers are asked with the client's conditions, believed in nothing, and never told another's secrets."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import time
import zlib
from dataclasses import replace

import pytest
from aiohttp import web

from foveola.errors import OverloadedError, SourceError
from foveola.sources import Ask, Reach, Sources, names
from tests.origins import HERE, canned, content, get, refused, run, self_signed, served, stream

DATA = bytes(range(256)) * 40
UNREACHABLE = "Source is unreachable"
INCOMPLETE = (422, "Source response is incomplete")
TAG = '"v1"'


def ask(**headers: str) -> Ask:
    return Ask(tuple((name.replace("_", "-"), value) for name, value in headers.items()))


async def _versioned(request: web.BaseRequest) -> web.Response:
    """One file with a tag, a date and what caches may do."""
    headers = {"ETag": TAG, "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Cache-Control": "max-age=60"}
    known = request.headers.get("If-None-Match") == TAG or "If-Modified-Since" in request.headers
    return web.Response(status=304 if known else 200, body=None if known else DATA, headers=headers)


# Conditions


def test_what_a_server_says_of_its_file_is_passed_on() -> None:
    async def work() -> None:
        async with served(_versioned) as port:
            status, headers, data = await get(f"http://127.0.0.1:{port}/")

            assert (status, data) == (200, DATA)
            assert headers["etag"] == TAG
            assert headers["last-modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
            assert headers["cache-control"] == "max-age=60"

    run(work())


@pytest.mark.parametrize("condition", [{"if_none_match": TAG}, {"if_modified_since": "Sun, 06 Nov 1994 08:49:37 GMT"}])
def test_a_client_that_has_the_file_is_told_so(condition: dict[str, str]) -> None:
    async def work() -> None:
        async with served(_versioned) as port:
            status, headers, data = await get(f"http://127.0.0.1:{port}/", ask(**condition))

            assert (status, headers["etag"], data) == (304, TAG, b"")
            assert (await get(f"http://127.0.0.1:{port}/", ask(if_none_match='"v0"')))[0] == 200

    run(work())


def test_304_that_nobody_asked_for_is_no_file() -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n") as (port, _):
            assert await refused(f"http://127.0.0.1:{port}/") == (404, UNREACHABLE)
            assert await refused(f"http://127.0.0.1:{port}/", ask(cookie="a=b")) == (404, UNREACHABLE)

    run(work())


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/a?sig=a%2Bb%2F%3D&u=http%3a%2F%2Fe.com&t=%7E", "/a?sig=a%2Bb%2F%3D&u=http%3a%2F%2Fe.com&t=%7E"),
        ("/w:1/plain/http%3A%2F%2Fe.com%2Fa%40b/%41", "/w:1/plain/http%3A%2F%2Fe.com%2Fa%40b/%41"),
        ("/a?b[0]=(1)&c=d+e!*',;:@$", "/a?b[0]=(1)&c=d+e!*',;:@$"),
        ("/a b/é?c d=é#part", "/a%20b/%C3%A9?c%20d=%C3%A9"),
        ('/a%zz%4?"<>\\^`{|}', "/a%25zz%254?%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("/a\r\nX: y", "/a%0D%0AX:%20y"),
    ],
)
def test_a_path_is_asked_for_as_it_is_written(written: str, sent: str) -> None:
    """Whoever signs URLs signs what is written; only what no URL may have is encoded."""

    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, asked):
            await get(f"http://127.0.0.1:{port}{written}")

        assert asked[0].split(b"\r\n")[0].decode() == f"GET {sent} HTTP/1.1"

    run(work())


def test_a_redirect_is_followed_as_it_is_written() -> None:
    async def turn(request: web.BaseRequest) -> web.Response:
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/b%2Fc?d=%7E&e=%2F"})
        return web.Response(body=request.raw_path.encode())

    async def work() -> None:
        async with served(turn) as port:
            assert (await get(f"http://127.0.0.1:{port}/"))[2] == b"/b%2Fc?d=%7E&e=%2F"

    run(work())


@pytest.mark.parametrize(
    ("path", "location", "there"),
    [
        ("/a%2Fb/c", "d%2F", "/a%2Fb/d%2F"),
        ("/a%3Fb/c", "./d", "/a%3Fb/d"),
        ("/a/b%2Fc/d", "../e?f", "/a/e?f"),
        ("/%C3%B6/a", "?b", "/%C3%B6/a?b"),
        ("/%C3%B6", "a", "/a"),
        ("/a//b", "../c", "/a/c"),
    ],
)
def test_a_redirect_is_joined_to_a_path_as_that_is_written(path: str, location: str, there: str) -> None:
    """`%2F` stays a part of a folder's name."""

    async def turn(request: web.BaseRequest) -> web.Response:
        if request.raw_path == path:
            return web.Response(status=302, headers={"Location": location})
        return web.Response(body=request.raw_path.encode())

    async def work() -> None:
        async with served(turn) as port:
            assert (await get(f"http://127.0.0.1:{port}{path}"))[2] == there.encode()

    run(work())


def test_a_source_without_a_host_or_with_a_strange_one_is_refused() -> None:
    async def work() -> None:
        for host in ("[]@", "u:[]@", "a b", "a\x14b", "a\r\nX: y", "a\tb", "7\u2006", "[", "[::1", "a:b"):
            assert await refused(f"http://{host}/") == (404, UNREACHABLE), host

    run(work())


def test_headers_are_bytes_there_and_back() -> None:
    """What is no ASCII comes as characters of Latin-1, which is what servers are handed, and goes as it came."""
    answer = b'HTTP/1.1 200 OK\r\nETag: "\xc3\xa9"\r\nX-A: \xff\r\nX-B: 1\r\nx-b: 2\r\nContent-Length: 2\r\n\r\nok'

    async def work() -> None:
        async with canned(answer) as (port, asked):
            _, headers, _ = await get(f"http://127.0.0.1:{port}/")
            await get(f"http://127.0.0.1:{port}/", ask(if_none_match=headers["etag"], cookie="\xff"))

        assert (headers["etag"], headers["x-a"], headers["x-b"]) == ('"\xc3\xa9"', "\xff", "1, 2")
        assert b'if-none-match: "\xc3\xa9"\r\n' in asked[1]

    run(work())


# What is asked


def test_headers_of_the_client_go_along_and_those_of_the_connection_do_not() -> None:
    said = ask(
        cookie="a=b",
        x_trace="1",
        accept_encoding="gzip",
        range="bytes=0-1",
        connection="X-Trace",
        host="evil",
        transfer_encoding="chunked",
        content_length="5",
        proxy_authorization="x",
    )

    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, asked):
            assert (await get(f"http://127.0.0.1:{port}/a", said))[2] == b"ok"

        first, *lines = asked[0].decode().lower().split("\r\n")
        assert first == "get /a http/1.1"
        named = {line.split(":")[0] for line in lines if line}
        assert named == {"host", "user-agent", "accept", "cdn-loop", "cookie", "x-trace"}
        assert f"host: 127.0.0.1:{port}" in lines
        assert "cookie: a=b" in lines

    run(work())


def test_headers_of_the_settings_go_before_those_of_the_client() -> None:
    reach = replace(HERE, request_headers=(("X-Key", "ours"), ("User-Agent", "cats/2")))

    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, asked):
            await get(f"http://127.0.0.1:{port}/", ask(x_key="theirs", x_other="1", user_agent="dogs"), reach)

        lines = asked[0].decode().split("\r\n")
        assert [line for line in lines if line.lower().startswith("x-key")] == ["x-key: ours"]
        assert [line for line in lines if line.lower().startswith("user-agent")] == ["user-agent: cats/2"]
        assert "x-other: 1" in lines

    run(work())


def test_a_header_can_not_smuggle_another() -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, asked):
            assert await refused(f"http://127.0.0.1:{port}/", ask(cookie="a\r\nx-evil: 1")) == (404, UNREACHABLE)
            assert asked == []

    run(work())


def test_a_user_in_a_url_is_basic_authorization() -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, asked):
            await get(f"http://us%40er:p%C3%A4ss@127.0.0.1:{port}/", ask(authorization="Bearer client"))
            await get(f"http://:only@127.0.0.1:{port}/")

        assert b"authorization: Basic dXNAZXI6cMOkc3M=" in asked[0]
        assert b"Bearer" not in asked[0]
        assert b"authorization: Basic Om9ubHk=" in asked[1]
        assert b"@" not in asked[0]

    run(work())


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_goes_without_secrets(status: int) -> None:
    """Not even when a third hop comes back to the first server."""
    seen: list[tuple[str, dict[str, str]]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
        port = request.url.port
        there = {
            "/same": "/there",
            "/there": f"http://127.0.0.2:{port}/back",
            "/back": f"http://127.0.0.1:{port}/end",
        }
        if request.path == "/end":
            return web.Response(body=DATA)
        return web.Response(status=status, headers={"Location": there[request.path]})

    async def work() -> None:
        async with served(handler, host="0.0.0.0") as port:
            reach = replace(HERE, request_headers=(("authorization", "Bearer ours"), ("x-ours", "1")))
            assert (await get(f"http://127.0.0.1:{port}/same", ask(cookie="a=b", x_trace="1"), reach))[2] == DATA

        secrets = [(path, said.get("cookie"), said.get("authorization")) for path, said in seen]
        assert secrets == [
            ("/same", "a=b", "Bearer ours"),
            ("/there", "a=b", "Bearer ours"),
            ("/back", None, None),
            ("/end", None, None),
        ]
        assert [said.get("x-trace") for _, said in seen] == ["1", "1", None, None]
        assert all(said["x-ours"] == "1" for _, said in seen)

    run(work())


def test_a_user_in_a_url_is_for_that_server_only() -> None:
    seen: list[str | None] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        port = request.url.port
        hops = {"/a": "/b", "/b": f"http://127.0.0.2:{port}/c", "/c": f"http://me:too@127.0.0.1:{port}/end"}
        if request.path == "/end":
            return web.Response(body=DATA)
        return web.Response(status=302, headers={"Location": hops[request.path]})

    async def work() -> None:
        async with served(handler, host="0.0.0.0") as port:
            assert (await get(f"http://user:pass@127.0.0.1:{port}/a"))[2] == DATA

        assert seen == ["Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", None, "Basic bWU6dG9v"]

    run(work())


def test_a_redirect_to_nowhere_is_not_followed() -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n") as (port, asked):
            assert await refused(f"http://127.0.0.1:{port}/") == (404, UNREACHABLE)
            assert len(asked) == 1
            assert (await stream(f"http://127.0.0.1:{port}/"))[0] == 302

    run(work())


def test_another_port_is_another_server() -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (there, asked):
            answer = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{there}/\r\nContent-Length: 0\r\n\r\n"
            async with canned(answer.encode()) as (port, _):
                await get(f"http://127.0.0.1:{port}/", ask(cookie="secret"))

        assert b"secret" not in asked[0]

    run(work())


def test_a_redirect_to_a_forbidden_address_is_not_followed() -> None:
    """The first hop is allowed by address; a link-local one is where clouds keep credentials."""

    async def work() -> None:
        for there in ("169.254.169.254", "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "0xa9fea9fe"):
            location = f"http://{there}/latest/meta-data"
            answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
            async with canned(answer) as (port, _):
                assert (await refused(f"http://127.0.0.1:{port}/"))[0] == 404, there
        answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
        async with canned(answer) as (port, _):
            assert await refused(f"http://127.0.0.1:{port}/") == (404, "Invalid source URL")

    run(work())


def test_a_redirect_to_a_source_that_is_not_allowed_is_not_followed() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        if request.path == "/secret/a":
            return web.Response(body=b"secret")
        return web.Response(status=302, headers={"Location": "/secret/a"})

    async def work() -> None:
        async with served(handler) as port:
            reach = replace(HERE, allowed=(f"http://127.0.0.1:{port}/open/",))
            assert await refused(f"http://127.0.0.1:{port}/open/a", None, reach) == (404, "Invalid source URL")

    run(work())


def test_a_cookie_that_is_set_on_the_way_comes_back_to_who_set_it() -> None:
    """Some servers let nobody in who does not bring the cookie that they have just set."""
    seen: list[tuple[str, str | None]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.path, request.headers.get("Cookie")))
        port = request.url.port
        hops = {"/": "/in", "/in": f"http://127.0.0.2:{port}/other", "/other": f"http://127.0.0.1:{port}/end"}
        if request.path == "/end":
            return web.Response(body=DATA)
        headers = {"Location": hops[request.path], "Set-Cookie": f"at={request.path[1:] or 'root'}; Path=/"}
        return web.Response(status=302, headers=headers)

    async def work() -> None:
        async with served(handler, host="0.0.0.0") as port:
            assert (await get(f"http://127.0.0.1:{port}/", ask(cookie="a=b")))[2] == DATA

        assert seen == [("/", "a=b"), ("/in", "a=b; at=root"), ("/other", None), ("/end", "at=in")]

    run(work())


@pytest.mark.parametrize("domain", ["co.uk", ".co.uk"])
def test_a_cookie_is_for_the_host_that_set_it(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody keeps a list here of the domains under which strangers are neighbours, as `co.uk` is one."""
    monkeypatch.setattr(names, "look_up", lambda _, family: socket.getaddrinfo("127.0.0.1", None, family, 1))
    seen: list[tuple[str, str | None]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.path, request.headers.get("Cookie")))
        port = request.url.port
        hops = {"/": f"http://b.co.uk:{port}/there", "/there": f"http://a.co.uk:{port}/end"}
        if request.path == "/end":
            return web.Response(body=DATA)
        headers = {"Location": hops[request.path], "Set-Cookie": f"a=b; Domain={domain}; Path=/"}
        return web.Response(status=302, headers=headers)

    async def work() -> None:
        async with served(handler) as port:
            assert (await get(f"http://a.co.uk:{port}/"))[2] == DATA

    run(work())
    assert seen == [("/", None), ("/there", None), ("/end", "a=b")]


# Bodies


def _answer(head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("head", "body", "whole"),
    [
        ("Content-Length: 3", b"abc", b"abc"),
        ("Connection: close", b"abc", b"abc"),
        ("Transfer-Encoding: chunked", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
        ("Transfer-Encoding: chunked", b"1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX: y\r\n\r\n", b"abc"),
        ("Content-Length: 0", b"", b""),
    ],
)
def test_a_body_is_as_long_as_it_says(head: str, body: bytes, whole: bytes) -> None:
    async def work() -> None:
        async with canned(_answer(head, body)) as (port, _):
            assert (await get(f"http://127.0.0.1:{port}/"))[2] == whole

    run(work())


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 4", b"abc"),
        ("Content-Length: 4", b""),
        ("Transfer-Encoding: chunked", b"3\r\nabc\r\n"),
        ("Transfer-Encoding: chunked", b"9\r\nabc"),
        ("Content-Encoding: gzip\r\nContent-Length: 7", b"no gzip"),
    ],
)
def test_a_body_that_breaks_off_is_incomplete(head: str, body: bytes) -> None:
    async def work() -> None:
        async with canned(_answer(head, body)) as (port, _):
            assert await refused(f"http://127.0.0.1:{port}/") == INCOMPLETE

    run(work())


def test_a_compressed_body_is_unpacked_though_nobody_asked() -> None:
    async def work() -> None:
        for name, packed in (("gzip", gzip.compress(DATA)), ("deflate", zlib.compress(DATA))):
            head = f"Content-Encoding: {name}\r\nContent-Length: {len(packed)}"
            async with canned(_answer(head, packed)) as (port, asked):
                _, headers, data = await get(f"http://127.0.0.1:{port}/")

            assert data == DATA
            assert not {"content-encoding", "content-length"} & headers.keys()
            assert b"accept-encoding" not in asked[0].lower()

    run(work())


@pytest.mark.parametrize("limit", [Reach(loopback=True, max_bytes=1 << 20), HERE])
def test_a_bomb_ends_at_the_limit(limit: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 MB of zeros in 16 kB; where no size is limited, one for what was compressed still is."""
    monkeypatch.setattr("foveola.sources.UNPACKED", 1 << 21)
    packed = gzip.compress(bytes(1 << 24))

    async def work() -> None:
        head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}"
        async with canned(_answer(head, packed)) as (port, _):
            assert await refused(f"http://127.0.0.1:{port}/", None, limit) == (422, "Invalid source image")

    run(work())


def test_files_without_a_limit_have_a_quarter_of_the_memory() -> None:
    """A server that never ends would fill the machine; what the settings say of a file goes before."""

    async def work() -> None:
        async with canned(_answer("Connection: close", DATA)) as (port, _):
            url = f"http://127.0.0.1:{port}/"
            small = replace(HERE, memory=4 * len(DATA) - 4)
            assert await refused(url, None, small) == (422, "Invalid source image")
            assert await refused(url, Ask(max_bytes=0), small) == (422, "Invalid source image")
            assert (await get(url, None, replace(small, max_bytes=len(DATA))))[2] == DATA
            assert (await get(url, None, replace(small, memory=4 * len(DATA))))[2] == DATA

    run(work())


def test_files_together_have_the_memory_until_they_are_let_go() -> None:
    async def work() -> None:
        sources = Sources(replace(HERE, memory=4 * len(DATA)))
        async with canned(_answer("Connection: close", DATA)) as (port, _):
            url = f"http://127.0.0.1:{port}/"
            held = [(await sources.fetch(url)).body for _ in range(4)]
            for _ in range(2):
                with pytest.raises(OverloadedError) as error:
                    await sources.fetch(url)
                assert error.value.status == 429
            held.pop().close()
            held.append((await sources.fetch(url)).body)
            for body in held:
                body.close()
                body.close()
            assert sources._room.taken == 0
            await sources.close()

    run(work())


def test_a_request_may_have_a_limit_of_its_own() -> None:
    async def work() -> None:
        async with canned(_answer("Content-Length: 3", b"abc")) as (port, _):
            url = f"http://127.0.0.1:{port}/"
            small = replace(HERE, max_bytes=2)
            assert await refused(url, None, small) == (422, "Invalid source image")
            assert (await get(url, Ask(max_bytes=3), small))[2] == b"abc"
            assert (await get(url, Ask(max_bytes=0), small))[2] == b"abc"
            assert await refused(url, Ask(max_bytes=2)) == (422, "Invalid source image")

    run(work())


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", _answer("Content-Length: 9", b"abc")])
def test_a_server_that_hangs_is_given_up(begun: bytes) -> None:
    async def work() -> None:
        async with canned(begun, hang=True) as (port, _):
            reach = replace(HERE, timeout=0.1)
            assert await refused(f"http://127.0.0.1:{port}/", None, reach) == (504, UNREACHABLE)

    run(work())


def test_a_connection_that_is_lost_is_tried_once_more() -> None:
    whole = _answer("Content-Length: 3", b"abc")

    async def work() -> None:
        async with canned(b"", whole) as (port, asked):
            assert (await get(f"http://127.0.0.1:{port}/"))[2] == b"abc"
            assert len(asked) == 2
        async with canned(b"", b"", whole) as (port, asked):
            assert await refused(f"http://127.0.0.1:{port}/") == (404, UNREACHABLE)
            assert len(asked) == 2

    run(work())


@pytest.mark.parametrize("answer", [b"220 smtp ready\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b"\x16\x03\x01\r\n\r\n"])
def test_what_is_no_http_is_unreachable(answer: bytes) -> None:
    async def work() -> None:
        async with canned(answer) as (port, _):
            assert await refused(f"http://127.0.0.1:{port}/") == (404, UNREACHABLE)

    run(work())


@pytest.mark.parametrize(("keep_alive", "connections"), [(90, 1), (0, 6)])
def test_connections_are_used_again(keep_alive: float, connections: int) -> None:
    """Whole bodies and redirects leave a connection as good as new."""
    seen: set[object] = set()

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.add(request.transport)
        if request.path == "/there":
            return web.Response(body=DATA)
        return web.Response(status=302, headers={"Location": "/there"})

    async def work() -> None:
        sources = Sources(replace(HERE, keep_alive=keep_alive))
        async with served(handler) as port:
            for _ in range(3):
                assert content(await sources.fetch(f"http://127.0.0.1:{port}/")) == DATA
            await sources.close()

        assert len(seen) == connections

    run(work())


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_what_nobody_has_asked_for_is_no_answer(seconds: float) -> None:
    """A server that sends on after an answer would choose what the next one who asks it for a file is given."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
                await asyncio.sleep(seconds)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanother")
        writer.close()

    async def work() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            sources = Sources(HERE)
            for path in ("/one", "/two", "/three"):
                assert content(await sources.fetch(url + path, Ask())) == path.encode()
                await asyncio.sleep(2 * seconds)
            await sources.close()

    run(work())


# Raw


def test_raw_answers_are_passed_on_as_they_are() -> None:
    packed = gzip.compress(DATA)

    async def handler(request: web.BaseRequest) -> web.Response:
        if request.path == "/gone":
            return web.Response(status=410, body=b"gone")
        if "Range" in request.headers:
            span = {"Content-Range": "bytes 1-2/9"}
            return web.Response(status=206, body=request.headers["Range"].encode(), headers=span)
        assert request.headers["Accept-Encoding"] == "gzip"
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "image/svg+xml"})

    async def work() -> None:
        async with served(handler) as port:
            url = f"http://127.0.0.1:{port}"
            status, headers, data = await stream(f"{url}/", accept_encoding="gzip")
            assert (status, headers["content-encoding"], data) == (200, "gzip", packed)
            assert headers["content-type"] == "image/svg+xml"
            assert (await stream(f"{url}/gone"))[::2] == (410, b"gone")
            status, headers, data = await stream(f"{url}/", range="bytes=1-2")
            assert (status, headers["content-range"], data) == (206, "bytes 1-2/9", b"bytes=1-2")

    run(work())


def test_a_slow_client_of_a_raw_answer_has_its_time() -> None:
    """Only the source is timed: the parts come at once, their reader takes longer than the source may."""

    async def work() -> None:
        async with canned(_answer("Content-Length: 10240", DATA)) as (port, _):
            sources = Sources(replace(HERE, timeout=0.2))
            async with sources.stream(f"http://127.0.0.1:{port}/") as opened:
                assert opened.size == len(DATA)
                await asyncio.sleep(0.3)
                assert b"".join([part async for part in opened.chunks()]) == DATA
            await sources.close()

    run(work())


def test_a_raw_answer_that_hangs_is_given_up() -> None:
    async def work() -> None:
        async with canned(_answer("Content-Length: 9", b"abc"), hang=True) as (port, _):
            with pytest.raises(Exception, match="No answer within"):
                await stream(f"http://127.0.0.1:{port}/", replace(HERE, timeout=0.1))

    run(work())


def test_a_raw_answer_that_hardly_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole would take for ever."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer("Content-Length: 100000", b""))
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.02)

    async def work() -> None:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            began = time.monotonic()
            with pytest.raises(SourceError, match="No answer within") as error:
                await stream(url, replace(HERE, timeout=0.3))
            assert error.value.status == 504
            assert time.monotonic() - began < 2
            monkeypatch.setattr("foveola.sources.SLOWEST", 10)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream(url, replace(HERE, timeout=0.3)), 1)

    run(work())


def test_small_parts_are_put_together() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer("Content-Length: 1000", b""))
            for _ in range(1000):
                writer.write(b"a")
                await asyncio.sleep(0)

    async def work() -> None:
        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            sources = Sources(HERE)
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            async with sources.stream(url) as opened:
                parts = [part async for part in opened.chunks()]
            await sources.close()

        assert b"".join(parts) == b"a" * 1000
        assert len(parts) < 100

    run(work())


# TLS


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_a_certificate_that_nobody_has_signed_is_refused_unless_the_settings_say_so(tls: ssl.SSLContext) -> None:
    async def handler(_: web.BaseRequest) -> web.Response:
        return web.Response(body=DATA)

    async def work() -> None:
        async with served(handler, tls) as port:
            url = f"https://127.0.0.1:{port}/"
            assert await refused(url) == (404, UNREACHABLE)
            assert (await get(url, None, replace(HERE, verify=False)))[2] == DATA

    run(work())


@pytest.mark.parametrize("path", ["@127.0.0.1:{port}/", "@127.0.0.1:1/", "@["])
def test_an_error_shows_no_password(path: str) -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as (port, _):
            with pytest.raises(SourceError) as caught:
                await get("http://user:secret" + path.format(port=port))

            assert "secret" not in str(caught.value)

    run(work())
