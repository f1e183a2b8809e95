"""Names that answer otherwise the second time, redirects to where nobody may go, and secrets that stay at home.

The origins are real; only names are looked up in a table of ours, so that a name can change its mind.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from foveola.errors import SourceError
from foveola.sources import Ask, Sources
from tests.origins import HERE, content, refused, run, served

ANSWERS: dict[str, list[str]] = {}
"""What a name resolves to, one answer each time, the last for ever."""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Look names up here; return those that were asked for. Addresses of others are never connected."""
    asked: list[str] = []
    connect = asyncio.SelectorEventLoop.sock_connect

    def look_up(host: str, family: int) -> list[Any]:
        asked.append(host)
        answers = ANSWERS[host]
        text = answers.pop(0) if len(answers) > 1 else answers[0]
        return socket.getaddrinfo(text, None, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)

    async def dial(loop: asyncio.SelectorEventLoop, sock: socket.socket, address: tuple[Any, ...]) -> None:
        if not address[0].startswith("127."):
            raise ConnectionRefusedError(111, "Not from here")
        await connect(loop, sock, address)

    monkeypatch.setattr("foveola.sources.names.look_up", look_up)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", dial)
    ANSWERS.clear()
    return asked


Seen = list[tuple[str, dict[str, str]]]


def recording(seen: Seen, answer: Any) -> Any:
    async def handle(request: web.BaseRequest) -> web.Response:
        seen.append(
            (f"{request.host.partition(':')[0]}{request.path}", {k.lower(): v for k, v in request.headers.items()})
        )
        return answer(request)  # type: ignore[no-any-return]

    return handle


def to(location: str, **headers: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location, **headers})


async def fetched(url: str, ask: Ask = Ask(), reach: Any = HERE) -> bytes:  # noqa: B008  # frozen
    sources = Sources(reach)
    try:
        return content(await sources.fetch(url, ask))
    finally:
        await sources.close()


NOWHERE = replace(HERE, loopback=False)


def test_a_name_that_changes_its_mind_is_judged_each_time(names: list[str]) -> None:
    """The first answer is a public address, which nobody listens on here; the second is this machine."""
    seen: Seen = []

    async def work() -> None:
        async with served(recording(seen, lambda _: web.Response(body=b"secret"))) as port:
            ANSWERS["rebound"] = ["8.8.8.8", "127.0.0.1"]
            sources = Sources(NOWHERE)
            for public in ("Source is unreachable", "Invalid source URL", "Invalid source URL"):
                with pytest.raises(SourceError) as error:
                    await sources.fetch(f"http://rebound:{port}/a.jpg")
                assert error.value.public == public
                sources._open["http"]._direct.connector.clear_dns_cache()  # type: ignore[attr-defined]  # 10 s later
            await sources.close()
            assert seen == []
            ANSWERS["rebound"] = ["127.0.0.1"]
            assert await fetched(f"http://rebound:{port}/a.jpg") == b"secret"

    run(work())
    assert names[:2] == ["rebound", "rebound"]


def test_a_name_that_leads_elsewhere_after_a_redirect_is_judged_again() -> None:
    """This machine may be asked here, where clouds keep their credentials may not."""
    seen: Seen = []

    async def work() -> None:
        async with served(recording(seen, lambda r: to(f"http://other:{r.url.port}/2"))) as port:
            ANSWERS.update(first=["127.0.0.1"], other=["169.254.169.254"])
            assert await refused(f"http://first:{port}/1") == (404, "Invalid source URL")

    run(work())
    assert [path for path, _ in seen] == ["first/1"]


@pytest.mark.parametrize(
    "there",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[::ffff:169.254.169.254]/"),
        *(
            "//169.254.169.254/",
            "http://metadata/",
            "http://user@169.254.169.254/",
            "HTTP://[fe80::1]/",
            "http://[fd00:ec2::254]/",
        ),
        *("http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/", "http://224.0.1.1/", "http://255.255.255.255/"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_forbidden_address_ends_there(there: str, status: int) -> None:
    seen: Seen = []
    reach = replace(HERE, allowed=())

    async def work() -> None:
        answer = lambda _: web.Response(status=status, headers={"Location": there})  # noqa: E731
        async with served(recording(seen, answer)) as port:
            ANSWERS["metadata"] = ["169.254.169.254"]
            expected = "Source is unreachable" if there == "http://[::1]/" else "Invalid source URL"
            assert await refused(f"http://127.0.0.1:{port}/", reach=reach) == (404, expected)

    run(work())
    assert len(seen) == 1


CLIENT = Ask(
    (
        ("authorization", "Bearer client"),
        ("cookie", "session=client"),
        ("if-none-match", '"x"'),
        ("x-api-key", "client"),
        ("proxy-authorization", "Basic client"),
    )
)


@pytest.mark.parametrize("user", ["", "us:pa@"])
@pytest.mark.parametrize("way", ["http://other:{port}/2", "//other:{port}/2", "HTTP://OTHER:{port}/2"])
def test_secrets_are_for_the_first_server_only(user: str, way: str) -> None:
    seen: Seen = []

    def answer(request: web.BaseRequest) -> web.Response:
        if request.path != "/1":
            return web.Response(body=b"ok")
        return to(way.format(port=request.url.port), **{"Set-Cookie": "set=first"})

    async def work() -> None:
        ANSWERS.update(first=["127.0.0.1"], other=["127.0.0.1"])
        async with served(recording(seen, answer)) as port:
            assert await fetched(f"http://{user}first:{port}/1", CLIENT) == b"ok"

    run(work())
    (_, first), (host, other) = seen
    assert host == "other/2"
    assert first["authorization"] == ("Basic dXM6cGE=" if user else "Bearer client")
    assert first["cookie"] == "session=client"
    assert not {"authorization", "cookie", "proxy-authorization"} & set(other)
    assert "client" not in str(other)
    assert "dXM6cGE" not in str(other)


def test_of_the_settings_others_are_told_all_but_secrets() -> None:
    seen: Seen = []

    async def work() -> None:
        ANSWERS.update(first=["127.0.0.1"], other=["127.0.0.1"])
        answer = lambda r: web.Response(body=b"ok") if r.path == "/2" else to(f"http://other:{r.url.port}/2")  # noqa: E731
        ours = replace(HERE, request_headers=(("Authorization", "ours"), ("X-Agent", "ours"), ("Cookie", "ours")))
        async with served(recording(seen, answer)) as port:
            await fetched(f"http://first:{port}/1", reach=ours)

    run(work())
    assert {name for name, value in seen[0][1].items() if value == "ours"} == {"authorization", "cookie", "x-agent"}
    assert {name for name, value in seen[1][1].items() if value == "ours"} == {"x-agent"}
