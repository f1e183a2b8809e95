"""How clients are let in: so many at a time, each with a time to ask in and a time to take the answer.

uvicorn reads and writes HTTP; what it lacks is here. Above `IMGPROXY_MAX_CLIENTS` connections the next one waits to be
accepted, as with imgproxy, and is not refused. A client that does not finish its request, or that takes nothing of its
answer, would hold its place for ever. And a server that ends closes a connection only when nothing was asked on it that
is not answered. Source: https://docs.python.org/3/library/asyncio-protocol.html
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foveola.server import heads
from foveola.server.headers import ALWAYS
from foveola.server.heads import Refusal

PAUSE_SECONDS = 0.1
"""How long nothing is accepted after the system could not: mostly it has no descriptors left."""
BATCH = 64
"""How many connections are accepted before those that are there have their turn."""


@dataclass(frozen=True)
class Patience:
    """How long clients are waited for.

    Args:
        asking: seconds until a request is there.
        taking: seconds in which nothing of an answer is taken.
    """

    asking: float = 10.0
    taking: float = 10.0


class House(Protocol):
    """Where a connection has come in: a `Door`."""

    @property
    def leaving(self) -> bool:
        """Whether the server is about to end, so that each answer is the last of its connection."""
        ...

    def left(self) -> None:
        """Take in that a connection has ended."""
        ...


class Connection(HttpToolsProtocol):
    """One connection."""

    patience = Patience()
    house: House | None = None
    _head = 0
    _fields = 0
    _refused: Refusal | None = None
    _hung_up = False
    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._asking = self.loop.call_later(self.patience.asking, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request in; whoever has begun one has a time to end it in, and bytes for its head."""
        if self._refused is not None or self._hung_up:
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
        if self.house is not None and self.house.leaving:
            self.leave()

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
        safe = (f"{name.lower()}: {value}" for name, value in ALWAYS)
        lines = (f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}", "content-type: text/plain", *safe)
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
        if self.house is not None:
            self.house.left()

    @property
    def busy(self) -> bool:
        """Whether something was asked, be it in part, that is not answered and sent."""
        asked = self.cycle is not None and not self.cycle.response_complete
        return asked or self._head > 0 or self.transport.is_closing()

    def leave(self) -> None:
        """Say with the answer that is due, if one is, that it is the last one."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def hang_up(self) -> None:
        """Send the end to a client that has asked nothing, and leave it to them to close: nobody's bytes are reset."""
        if not self._hung_up and not self.busy and not _readable(self.transport.get_extra_info("socket")):
            self._hung_up = True
            self.transport.write_eof()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None


def _readable(peer: socket.socket) -> bool:
    """Return whether bytes wait that nobody has read yet."""
    poll = select.poll()
    poll.register(peer.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Door:
    """Accepts the connections of one server.

    Args:
        listener: where they come in; closed by `close`.
        most: how many may be open at a time; 0 for any number.
        patience: how long clients are waited for.
        make: makes what speaks to one of them.

    Attributes:
        leaving: whether each answer is the last of its connection.
    """

    def __init__(self, listener: socket.socket, most: int, patience: Patience, make: Callable[[], Connection]) -> None:
        listener.setblocking(False)
        self.leaving = False
        self._listener = listener
        self._most = most
        self._patience = patience
        self._make = make
        self._inside = 0
        self._entering: set[asyncio.Task[object]] = set()
        self._watching = False
        self._closed = False

    @property
    def entering(self) -> bool:
        """Whether there are connections that nobody speaks to yet."""
        return bool(self._entering)

    def open(self) -> None:
        """Accept connections from now on, in the running loop."""
        if not self._closed and not self._watching and (not self._most or self._inside < self._most):
            self._watching = True
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept all who wait in front of it, and nobody after them."""
        self._ignore()
        self._closed = True
        try:
            while True:
                self._let_in(self._listener.accept()[0])
        except OSError:  # nobody waits, or there is nothing left to accept with
            self._listener.close()

    def left(self) -> None:
        """Make room for the next."""
        self._inside -= 1
        self.open()

    def _accept(self) -> None:
        try:
            for _ in range(BATCH):
                if self._most and self._inside >= self._most:
                    self._ignore()
                    return
                self._let_in(self._listener.accept()[0])
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            self._ignore()
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.open)

    def _ignore(self) -> None:
        if self._watching:
            self._watching = False
            asyncio.get_running_loop().remove_reader(self._listener)

    def _let_in(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._inside += 1
        task: asyncio.Task[object] = asyncio.create_task(self._entered(connection))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _entered(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._welcomed, connection)
        except OSError:
            connection.close()
            self.left()

    def _welcomed(self) -> Connection:
        connection = self._make()
        connection.patience = self._patience
        connection.house = self
        return connection
