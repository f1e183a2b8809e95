"""Connections to other servers, which are watched: kept ones are few and clean, and an answer is mostly a body.

aiohttp reads whatever comes: it would take what nobody has asked for as the answer to what is asked next, keep a
descriptor for each server for as long as connections are kept, and look through hints (`103`), chunks of one byte and
trailers without end, which costs a hundred times what a body costs.
Source: https://docs.aiohttp.org/en/stable/client_advanced.html; RFC 9110, section 15.2; RFC 9112, section 7.1
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.tracing import Trace

from foveola.sources.base import Reach
from foveola.sources.guard import AddressInfo
from foveola.sources.names import Names

IDLE = 100
"""Connections that are kept though nothing goes over them; of more the one that was used longest ago is closed."""
BESIDE = 1 << 17
"""Bytes of an answer that need be no body: more than the headers of anyone. Beyond, half of what comes has to be."""


class Wires(aiohttp.TCPConnector):
    """The connections.

    Args:
        reach: how long they are kept, and whether servers have to prove who they are.
        make: makes sockets, or refuses to, by address; None makes any.
        names: looks up names.
    """

    def __init__(self, reach: Reach, make: Callable[[AddressInfo], socket.socket] | None, names: Names) -> None:
        kept: dict[str, Any] = {"keepalive_timeout": reach.keep_alive} if reach.keep_alive else {"force_close": True}
        super().__init__(limit=0, socket_factory=make, ssl=reach.verify, resolver=names, **kept)
        self._factory = cast("partial[ResponseHandler]", partial(_Answers, loop=self._loop))

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return a connection that is kept, if there is one over which nothing came that nobody has asked for."""
        kept = await super()._get(key, traces)
        while kept is not None and (kept.protocol is None or kept.protocol.should_close or _speaks(kept.transport)):
            kept.close()
            kept = await super()._get(key, traces)
        return kept

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        while sum(map(len, self._conns.values())) > IDLE:
            oldest = min(self._conns, key=lambda one: self._conns[one][0][1])
            self._conns[oldest].popleft()[0].close()
            if not self._conns[oldest]:
                del self._conns[oldest]


class _Answers(ResponseHandler):
    """What comes over one connection."""

    _came = 0

    def set_response_params(self, **params: Any) -> None:
        """Begin with an answer."""
        self._came = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless there is too much around the body."""
        super().data_received(data)
        self._came += len(data)
        body = 0 if self._payload is None or self._payload is EMPTY_PAYLOAD else self._payload.total_raw_bytes
        if self._came > BESIDE + 2 * body and not self._reading_paused and self.transport is not None:
            self._give_up(aiohttp.ClientPayloadError("There is more around the body than in it"))

    def _give_up(self, error: Exception) -> None:
        if self._payload is not None:
            self._payload.set_exception(error)
        self.set_exception(error)
        assert self.transport is not None
        self.transport.abort()


def _speaks(transport: asyncio.BaseTransport | None) -> bool:
    """Return whether a connection has something to be read, or its end, though nothing was asked."""
    here = None if transport is None else transport.get_extra_info("socket")
    if here is None:
        return True
    poll = select.poll()
    poll.register(here.fileno(), select.POLLIN)
    return bool(poll.poll(0))
