"""Sources are asked through a proxy where the settings and the environment both say so."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from foveola.errors import ConfigError
from foveola.sources import Ask, Reach, check
from foveola.sources.proxies import proxies
from tests.origins import HERE, canned, get, refused, run, self_signed, served

BOTH = {"HTTP_PROXY": "http://proxy:3128", "https_proxy": "secure.proxy:8443"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://e.com/", "http://proxy:3128"),
        ("http://e.com:81/", "http://proxy:3128"),
        ("https://e.com/", "http://secure.proxy:8443"),
        ("http://localhost/", None),
        ("http://localhost./", None),
        ("https://127.0.0.9/", None),
        ("http://[::1]/", None),
        ("http://localhost.e.com/", "http://proxy:3128"),
    ],
)
def test_each_scheme_has_its_proxy_but_this_machine_has_none(url: str, proxy: str | None) -> None:
    found = proxies(BOTH).of(URL(url))

    assert found == (None if proxy is None else URL(proxy))


@pytest.mark.parametrize(
    ("exempt", "direct", "proxied"),
    [
        ("e.com", "http://e.com/ http://a.e.com/ http://E.COM:81/ http://e.com./", "http://xe.com/ http://e.com.org/"),
        (".e.com", "http://a.e.com/ http://b.a.e.com/", "http://e.com/ http://xe.com/"),
        ("*.e.com", "http://a.e.com/", "http://e.com/"),
        ("e.com:81", "http://e.com:81/", "http://e.com/ http://e.com:8/"),
        ("10.0.0.0/8", "http://10.1.2.3/", "http://11.1.2.3/ http://10.e.com/"),
        ("192.0.2.1", "http://192.0.2.1:99/", "http://192.0.2.2/"),
        ("192.0.2.1:99", "http://192.0.2.1:99/", "http://192.0.2.1/"),
        ("2001:db8::/32", "http://[2001:db8::1]/", "http://[2001:db9::1]/"),
        ("2001:db8::1", "http://[2001:db8::1]/", "http://[2001:db8::2]/"),
        ("[2001:db8::1]", "http://[2001:db8::1]/", "http://[2001:db8::2]/"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]/", "http://[2001:db8::1]:81/"),
        ("a.com, e.com ,", "http://e.com/ http://a.com/", "http://b.com/"),
        ("*", "http://e.com/", ""),
        ("", "", "http://e.com/"),
    ],
)
def test_who_is_exempt_is_asked_directly(exempt: str, direct: str, proxied: str) -> None:
    found = proxies(BOTH | {"NO_PROXY": exempt})

    assert [url for url in direct.split() if found.of(URL(url))] == []
    assert [url for url in proxied.split() if not found.of(URL(url))] == []


def test_a_program_behind_a_web_server_takes_no_proxy_from_a_client() -> None:
    assert proxies(BOTH | {"REQUEST_METHOD": "GET"}).of(URL("http://e.com/")) is None


@pytest.mark.parametrize("text", ["socks5://proxy:1080", "http://", "http://proxy:port", "ftp://proxy"])
def test_a_proxy_that_can_not_be_used_stops_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", text.replace("://", "://user:secret@") if "//proxy:1" in text else text)

    check(Reach())
    with pytest.raises(ConfigError, match="HTTP_PROXY") as error:
        check(Reach(proxy=True))
    assert "secret" not in str(error.value)


def test_a_proxy_is_asked_for_names_that_only_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets its own password, and the source's headers as they are; where it sends us, we ask it again."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://m\xc3\xbcnchen.invalid/b\r\nContent-Length: 0\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

    async def work() -> None:
        async with canned(moved, whole) as (port, asked):
            monkeypatch.setenv("HTTP_PROXY", f"http://me:too@127.0.0.1:{port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            reach = Reach(proxy=True, private=False)
            url = "http://b\xfccher.invalid:81/a"
            assert (await get(url, Ask((("cookie", "a=b"),)), reach))[2] == b"abc"

        assert asked[0].startswith(b"GET http://xn--bcher-kva.invalid:81/a HTTP/1.1\r\n")
        assert asked[1].startswith(b"GET http://xn--mnchen-3ya.invalid/b HTTP/1.1\r\n")
        password = b"Proxy-Authorization: Basic " + base64.b64encode(b"me:too")
        assert all(password in request for request in asked)
        assert [b"cookie: a=b" in request for request in asked] == [True, False]

    run(work())


def test_no_proxy_is_asked_unless_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as (port, asked):
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
            assert await refused("http://e.invalid/") == (404, "Source is unreachable")
            assert asked == []

    run(work())


@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]", "10.0.0.1"])
def test_a_forbidden_address_is_not_asked_through_a_proxy_either(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as (port, asked):
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
            reach = replace(HERE, proxy=True, private=False)
            assert await refused(f"http://{host}/", None, reach) == (404, "Invalid source URL")
            assert asked == []

    run(work())


def test_a_server_behind_tls_is_asked_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The proxy sees a name and a port, and nothing of what is asked there."""
    tunnels: list[bytes] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        assert "Proxy-Authorization" not in request.headers
        return web.Response(body=f"{request.headers['Host']} {request.path}".encode())

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def work() -> None:
        async with served(handler, self_signed(tmp_path)) as origin:

            async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tunnels.append(await reader.readuntil(b"\r\n\r\n"))
                there = await asyncio.open_connection("127.0.0.1", origin)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

            server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:too@127.0.0.1:{port}")
            reach = Reach(proxy=True, verify=False)
            assert (await get("https://e.invalid/secret", None, reach))[2] == b"e.invalid /secret"
            assert await refused("https://e.invalid/secret", None, Reach(proxy=True)) == (404, "Source is unreachable")
            server.close()

        assert tunnels[0].startswith(b"CONNECT e.invalid:443 HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic bWU6dG9v" in tunnels[0]
        assert b"secret" not in tunnels[0]

    run(work())
