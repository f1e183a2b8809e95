"""Names of servers, looked up in threads of our own: a name server that is silent holds up who asks it, nobody else.

The system's own reading of names (`getaddrinfo`) can't be given up, so it needs a thread as long as it takes. Event
loops have few of them for all names: four that nobody answers would stop all others. Here each lookup has its own, a
name is looked up once for all who wait for it, and there is an end to how many are under way. What a name leads to is
judged where it is dialled (`foveola.sources.guard`).
Source: https://docs.aiohttp.org/en/stable/abc.html#aiohttp.abc.AbstractResolver; resolv.conf(5)
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from foveola.errors import SourceError

Key = tuple[str, int]
Infos = list[Any]
"""What `getaddrinfo` returns."""
MOST = 64
"""Names that are looked up at the same time."""
PATIENCE = "timeout:2 attempts:2"
"""How long a name server may be silent, as the C library reads it; its own is 5 seconds, twice."""


def look_up(host: str, family: int) -> Infos:
    """Return the addresses of a host, as the system finds them; waits as long as that takes.

    Raises:
        OSError: it has none.
        UnicodeError: it is no name.
    """
    return socket.getaddrinfo(host, None, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)


class Names(AbstractResolver):
    """Looks up names for aiohttp."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[Infos]] = {}
        os.environ.setdefault("RES_OPTIONS", PATIENCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            SourceError: too many names are looked up already.
            OSError: it has none.
        """
        key = host, int(family)
        found = self._under_way.get(key) or self._begin(key)
        return [_result(host, port, *info) for info in await asyncio.shield(found)]

    async def close(self) -> None:
        """Wait for nobody: the threads end by themselves."""

    def _begin(self, key: Key) -> asyncio.Future[Infos]:
        if len(self._under_way) >= MOST:
            raise SourceError(f"{MOST} names are looked up already, so {key[0]} is not", status=503)
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Infos] = loop.create_future()
        found.add_done_callback(lambda done: done.exception())  # perhaps nobody waits for it any more
        tell = lambda act, what: loop.call_soon_threadsafe(self._end, key, act, what)  # noqa: E731
        try:
            threading.Thread(target=_work, args=(key, found, tell), name="foveola-name", daemon=True).start()
        except RuntimeError as error:
            raise SourceError(f"No thread is to be had to look up {key[0]}", status=503) from error
        self._under_way[key] = found
        return found

    def _end(self, key: Key, act: Callable[[Any], None], what: Any) -> None:
        del self._under_way[key]
        act(what)


def _work(key: Key, found: asyncio.Future[Infos], tell: Callable[[Callable[[Any], None], Any], object]) -> None:
    act: Callable[[Any], None]
    what: Any
    try:
        act, what = found.set_result, look_up(*key)
    except Exception as error:  # whatever it is, who waits is told
        act, what = found.set_exception, error
    with suppress(RuntimeError):  # the loop has ended
        tell(act, what)


def _result(
    host: str, port: int, family: int, _: int, protocol: int, __: str, address: tuple[Any, ...]
) -> ResolveResult:
    zoned = len(address) == 4 and address[3]
    numbers = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    text = socket.getnameinfo(address, numbers)[0] if zoned else address[0]
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=text, port=port, family=family, proto=protocol, flags=flags)
