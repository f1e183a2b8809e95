"""How clients are let in: so many at a time, each with a time to ask in and a time to take the answer.

uvicorn reads and writes HTTP; what it lacks is here. Above `IMGPROXY_MAX_CLIENTS` connections the next one waits to be
accepted, as with imgproxy, and is not refused. A client that does not finish its request, or that takes nothing of its
answer, would hold its place for ever. Source: https://docs.python.org/3/library/asyncio-protocol.html
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foveola.server import heads
from foveola.server.heads import Refusal

POLL_SECONDS = 0.05
"""How often is looked whether the server has started and whether it is to end; uvicorn looks every 0.1."""
PAUSE_SECONDS = 0.1
"""How long nothing is accepted after the system could not: mostly it has no descriptors left."""


@dataclass(frozen=True)
class Patience:
    """How long clients are waited for.

    Args:
        asking: seconds until a request is there.
        taking: seconds in which nothing of an answer is taken.
    """

    asking: float = 10.0
    taking: float = 10.0


class Connection(HttpToolsProtocol):
    """One connection."""

    patience = Patience()
    _head = 0
    _fields = 0
    _refused: Refusal | None = None
    left: Callable[[], None] | None = None
    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._asking = self.loop.call_later(self.patience.asking, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request in; whoever has begun one has a time to end it in, and bytes for its head."""
        if self._refused is not None:
            return
        self._head += len(data)
        super().data_received(data)
        if self._head > heads.LONGEST and self._refused is None:
            self._refused = heads.TOO_LONG
            self.send_400_response("")
        if self._refused is not None:
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_asking()
        elif self._asking is None:
            self._asking = self.loop.call_later(self.patience.asking, self.transport.abort)

    def on_message_begin(self) -> None:
        """Begin a request, if there are not too many that wait already."""
        if len(self.pipeline) >= heads.MOST_WAITING:
            self._refuse(heads.TOO_MANY_WAITING)
        self._fields = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a field, if there are not too many, and they are not too long."""
        super().on_header(name, value)
        self._fields += len(name) + len(value)
        if len(self.headers) > heads.MOST_FIELDS:
            self._refuse(heads.TOO_MANY)
        if self._fields + len(self.url) > heads.LONGEST:
            self._refuse(heads.TOO_LONG)

    def on_headers_complete(self) -> None:
        """Go on with a request whose head is there, and is no riddle."""
        self._head = 0
        method, version = self.parser.get_method().decode("latin-1"), self.parser.get_http_version()
        if found := heads.refusal(method, self.url, version, self.headers):
            self._refuse(found)
        super().on_headers_complete()
        if heads.last(self.headers):
            self.cycle.keep_alive = False

    def _refuse(self, refusal: Refusal) -> NoReturn:
        """Have the parser stop, after which `send_400_response` is called."""
        self._refused = refusal
        raise ValueError(refusal.words)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # is uvicorn's
        """Refuse what was sent and close, after the answers to what came before it."""
        self._refused = refused = self._refused or heads.MALFORMED
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False  # it would be taken for the answer to that
            return
        lines = (f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}", "content-type: text/plain")
        rest = (f"content-length: {len(refused.words)}", "connection: close", "", refused.words)
        self.transport.write("\r\n".join((*lines, *rest)).encode("ascii"))
        self.transport.close()

    def on_body(self, body: bytes) -> None:  # noqa: ARG002  # nobody reads it
        """Drop a body, and leave it out of the count; kept in parts of a byte it would be copied at each."""
        self._head = 0

    def on_response_complete(self) -> None:
        """Wait for the next request, as long as idle connections are kept."""
        self._stop_asking()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for a client that has enough to take."""
        super().pause_writing()
        self._taking = self.loop.call_later(self.patience.taking, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has taken something."""
        super().resume_writing()
        self._stop_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next."""
        super().connection_lost(exc)
        self._stop_asking()
        self._stop_taking()
        if self.left is not None:
            self.left()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None


class Door:
    """Accepts the connections of one server.

    Args:
        listener: where they come in.
        most: how many may be open at a time; 0 for any number.
        patience: how long clients are waited for.
    """

    def __init__(self, listener: socket.socket, most: int, patience: Patience) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._room = asyncio.Semaphore(most) if most else None
        self._patience = patience

    async def accept(self, make: Callable[[], Connection]) -> None:
        """Accept connections until this is cancelled.

        Args:
            make: makes what speaks to one of them.
        """
        loop = asyncio.get_running_loop()
        while True:
            if self._room is not None:
                await self._room.acquire()
            try:
                connection, _ = await loop.sock_accept(self._listener)
                await loop.connect_accepted_socket(lambda: self._welcomed(make()), connection)
            except OSError:
                self._leave()
                await asyncio.sleep(PAUSE_SECONDS)

    def close(self) -> None:
        """Let nobody wait in front of it: who comes now is refused."""
        self._listener.close()

    def _welcomed(self, connection: Connection) -> Connection:
        connection.patience = self._patience
        connection.left = self._leave
        return connection

    def _leave(self) -> None:
        if self._room is not None:
            self._room.release()


async def run(server: uvicorn.Server, listener: socket.socket, most: int, patience: Patience) -> None:
    """Run a server until it is told to stop, and let its running requests end.

    Args:
        server: whose configuration has `Connection` as its `http`.
        listener: where connections come in.
        most: how many may be open at a time; 0 for any number.
        patience: how long clients are waited for.
    """
    accepting = asyncio.create_task(_accept(server, Door(listener, most, patience)))
    try:
        await server.serve(sockets=[])
    finally:
        accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting


async def _accept(server: uvicorn.Server, door: Door) -> None:
    """Accept connections from the server's start until it is told to stop."""

    def make() -> Connection:
        return Connection(server.config, server.server_state, server.lifespan.state)

    while not server.started:
        await asyncio.sleep(POLL_SECONDS)
    accepting = asyncio.create_task(door.accept(make))
    try:
        while not server.should_exit and not accepting.done():
            await asyncio.sleep(POLL_SECONDS)
    finally:
        server.should_exit = True  # whatever ended it, nobody can ask any more
        accepting.cancel()
        await asyncio.wait((accepting,))
        door.close()
    if not accepting.cancelled():
        accepting.result()
