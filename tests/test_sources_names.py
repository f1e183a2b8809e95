"""Names that nobody answers for hold up who asks for them, and nobody else."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections import Counter
from typing import Any

import pytest

from foveola.errors import SourceError
from foveola.sources import Sources, names
from foveola.sources.names import Names
from tests.origins import HERE, canned, content, run
from tests.serving import until

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Silent:
    """A name server that leaves names which begin with `slow` unanswered until it is told to go on."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.goes_on = threading.Event()

    def look_up(self, host: str, family: int) -> list[Any]:
        """Return this machine for any name but `none`."""
        self.asked[host] += 1
        if host.startswith("slow"):
            self.goes_on.wait(10)
        host.encode("idna")  # as the system's own does first
        if host == "none":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return socket.getaddrinfo("127.0.0.1", None, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Any:
    server = Silent()
    monkeypatch.setattr(names, "look_up", server.look_up)
    yield server
    server.goes_on.set()
    assert until(lambda: not _threads())


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "foveola-name"]


def test_silent_names_do_not_stop_the_others(silent: Silent) -> None:
    """As many as there may be, but one: the last place is enough for everyone else."""

    async def work() -> None:
        sources = Sources(HERE)
        async with canned(WHOLE) as (port, _):
            hanging = [
                asyncio.create_task(sources.fetch(f"http://slow{number}:{port}/")) for number in range(names.MOST - 1)
            ]
            assert await asyncio.to_thread(until, lambda: len(_threads()) == names.MOST - 1)
            for number in range(20):
                assert content(await sources.fetch(f"http://good{number}:{port}/")) == b"ok"

            hanging += [asyncio.create_task(sources.fetch(f"http://slow:{port}/"))]
            assert await asyncio.to_thread(until, lambda: len(_threads()) == names.MOST)
            with pytest.raises(SourceError, match="looked up already") as error:
                await sources.fetch(f"http://another:{port}/")
            assert (error.value.status, error.value.public) == (503, "Source is unreachable")
            assert content(await sources.fetch(f"http://127.0.0.1:{port}/")) == b"ok"

            silent.goes_on.set()
            assert [content(found) for found in await asyncio.gather(*hanging)] == [b"ok"] * names.MOST
            assert content(await sources.fetch(f"http://another:{port}/")) == b"ok"
            await sources.close()

    run(work())


def test_a_name_is_looked_up_once_for_all_who_wait(silent: Silent) -> None:
    async def work() -> None:
        looking = Names()
        waiting = [asyncio.create_task(looking.resolve("slow", port)) for port in range(50)]
        await asyncio.sleep(0.05)
        assert silent.asked == {"slow": 1}
        waiting.pop().cancel()
        silent.goes_on.set()

        found = await asyncio.gather(*waiting)

        assert {(one[0]["host"], one[0]["hostname"]) for one in found} == {("127.0.0.1", "slow")}
        assert [one[0]["port"] for one in found] == list(range(49))
        await looking.resolve("slow")
        assert silent.asked == {"slow": 2}

    run(work())


def test_who_leaves_leaves_the_others_their_answer(silent: Silent) -> None:
    async def work() -> None:
        looking = Names()
        first = asyncio.create_task(looking.resolve("slow"))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(looking.resolve("slow"))
        await asyncio.sleep(0.05)
        silent.goes_on.set()
        assert (await second)[0]["host"] == "127.0.0.1"
        assert silent.asked == {"slow": 1}

    run(work())


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("host", ["none", "a" * 64, "a..b"])
def test_a_name_that_is_none_is_unreachable(host: str) -> None:
    async def work() -> None:
        sources = Sources(HERE)
        for _ in range(2):
            with pytest.raises(SourceError) as error:
                await sources.fetch(f"http://{host}/")
            assert error.value.status == 404
        await sources.close()

    run(work())


@pytest.mark.usefixtures("silent")
def test_an_end_of_the_loop_waits_for_no_name() -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Names().resolve("slow"), 0.05)

    run(work())
    assert len(_threads()) == 1
    assert all(thread.daemon for thread in _threads())


def test_the_systems_own_patience_is_short_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RES_OPTIONS", raising=False)
    Names()
    assert os.environ["RES_OPTIONS"] == names.PATIENCE

    monkeypatch.setenv("RES_OPTIONS", "attempts:9")
    Names()
    assert os.environ["RES_OPTIONS"] == "attempts:9"


def test_a_zone_stays_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a link is nothing without the link, and is judged as what it is."""
    info = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 0, 0, 1))
    monkeypatch.setattr(names, "look_up", lambda *_: [info])

    (found,) = run(_zoned())

    assert (found["host"], found["port"]) == ("fe80::1%lo", 80)


async def _zoned() -> Any:
    return await Names().resolve("zoned", 80)
