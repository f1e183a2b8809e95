"""The life of a server: it serves, reads its settings anew on SIGHUP, and ends on SIGTERM and SIGINT.

uvicorn closes its listener at once when it is told to stop, so that whoever asks for its health finds nobody, and what
waits to be accepted is reset. Here the end has steps: `/health` says 503 while all is served (`FOVEOLA_DRAIN_SECONDS`),
then new pictures are refused while those under way are finished, then the listener and what is idle are closed, and at
the latest after `IMGPROXY_GRACEFUL_STOP_TIMEOUT` whatever is left is stopped. A second signal ends the process itself.
Source: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import uvicorn

from foveola.server.connections import Connection, Door
from foveola.server.front import Front

_log = logging.getLogger("foveola.server")
POLL_SECONDS = 0.02
"""How often is looked whether the server has started, and whether all is answered when it ends."""
LINGER_SECONDS = 0.25
"""How long an idle connection stays after the listener was closed: a request may be on its way to us."""
LAST_SECONDS = 0.5
"""How long clients have to take what they are told at the very end, and to close their side."""


class Server(uvicorn.Server):
    """uvicorn's server, which leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Do nothing: `Life` has the signals."""
        yield


class Hangups:
    """Remembers SIGHUP from the time when the settings are read until someone can act on it."""

    def __init__(self) -> None:
        self._terminal = os.isatty(0)
        self.told = False
        signal.signal(signal.SIGHUP, self._remember)

    def _remember(self, *_: object) -> None:
        self.told = True

    @property
    def final(self) -> bool:
        """Whether the terminal that the server was started from is gone: nobody wants a reload then."""
        return self._terminal and not os.isatty(0)


class Life:
    """One server, from its start to its end.

    Args:
        server: has a `Front` as its application.
        front: that.
        door: lets clients in.
        reload: reads the settings anew.
        hangups: what came before there was a loop.
    """

    def __init__(
        self, server: Server, front: Front, door: Door, reload: Callable[[], Awaitable[None]], hangups: Hangups
    ) -> None:
        self._server, self._front, self._door, self._reload = server, front, door, reload
        self._hangups = hangups
        self._stopping = asyncio.Event()
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Serve until a signal says otherwise, and let running requests end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        if self._hangups.told:
            self._hang_up()
        living = asyncio.create_task(self._live())
        try:
            await self._server.serve(sockets=[])
        finally:
            living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await living

    def _stop(self, number: int) -> None:
        if self._stopping.is_set():
            _end_at_once(number)
        self._stopping.set()

    def _hang_up(self) -> None:
        if self._hangups.final:
            self._stopping.set()
        else:
            self._told.set()

    async def _live(self) -> None:
        """Let clients in from the server's start until it is told to stop, then drain."""
        reloading = asyncio.create_task(self._reload_when_told())
        try:
            while not self._server.started:
                await asyncio.sleep(POLL_SECONDS)
            self._door.open()
            await self._stopping.wait()
            reloading.cancel()
            await self._drain()
        finally:
            self._server.should_exit = True  # whatever ended it, nobody can ask any more
            reloading.cancel()
            await asyncio.gather(reloading, return_exceptions=True)

    async def _reload_when_told(self) -> None:
        """Reload, one time after the other."""
        while True:
            await self._told.wait()
            self._told.clear()  # before anything is read: what changes later is told by another signal
            while not self._server.started:
                await asyncio.sleep(POLL_SECONDS)
            await self._reload()

    async def _drain(self) -> None:
        """Answer all that can be answered in time, and let clients go."""
        settings = self._front.settings.server
        _log.info("Stopping: %d requests are under way", len(self._server.server_state.tasks))
        self._front.leave()
        self._door.leaving = True
        for connection in self._connections():
            connection.leave()
        try:
            async with asyncio.timeout(settings.graceful_stop_timeout):
                await asyncio.sleep(settings.drain_seconds)
                self._front.refuse()
                while any(connection.busy for connection in self._connections()):
                    await asyncio.sleep(POLL_SECONDS)
                self._door.close()
                await self._empty(LINGER_SECONDS)
        except TimeoutError:
            _log.warning("IMGPROXY_GRACEFUL_STOP_TIMEOUT is over: what is under way is stopped")
            self._front.refuse()
            self._door.close()
            self._front.end()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._empty(0)
        for connection in self._connections():
            connection.transport.abort()

    async def _empty(self, linger: float) -> None:
        """Wait until all is answered, and hang up, after a while, where nothing is asked."""
        loop = asyncio.get_running_loop()
        until = loop.time() + linger
        while self._door.entering or (connections := self._connections()):
            now = loop.time()
            if now >= until and not self._door.entering:
                for connection in connections:
                    connection.hang_up()
                if now >= until + LINGER_SECONDS and not any(connection.busy for connection in connections):
                    return
            await asyncio.sleep(POLL_SECONDS)

    def _connections(self) -> list[Connection]:
        return [one for one in self._server.server_state.connections if isinstance(one, Connection)]


def _end_at_once(number: int) -> None:
    """End as the signal would have ended a process that does nothing about it; the workers end with it."""
    _log.warning("Stopped at once, by a second signal")
    asyncio.get_running_loop().remove_signal_handler(number)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container is not ended by its own signals
