"""The front: one asyncio process that reads URLs, fetches sources, hands both to workers and sends back what they made.

It is a plain ASGI application and never imports what works on pictures: bytes from strangers pass through it unread.
What a request asks for is told in `foveola.server.story`; here it comes in, is watched for a client that leaves, and
goes out. The front lives as long as the process and holds what a reload must not lose; everything that settings say is
in one `Service`, which a reload replaces. Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from foveola.config import Settings
from foveola.decisions import open_store
from foveola.errors import FoveolaError
from foveola.server import answers, logs
from foveola.server.answers import Answer
from foveola.server.client import Client, Receive
from foveola.server.memory import Memory
from foveola.server.metrics import Metrics
from foveola.server.request import Request, Scope
from foveola.server.routes import kind_of
from foveola.server.service import Service
from foveola.server.suspects import Suspects

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LEFT = 499
"""The status in the log of a request whose client has left."""
STOPPING = "The server is stopping"


class Front:
    """The ASGI application.

    Args:
        settings: what the environment says.
        now: seconds since 1970.

    Raises:
        ConfigError: what was found can't be remembered where the settings say.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._metrics = Metrics(settings.monitoring, settings.crew)
        self._memory = _memory(settings)
        self._suspects = Suspects()
        self._service = Service(settings, self._memory, self._suspects, self._metrics, now)
        self._metrics.lanes = self._service.lanes
        self._retiring: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[Any]] = set()
        self._leaving = self._refusing = self._ending = False

    @property
    def settings(self) -> Settings:
        """What new requests are served by."""
        return self._service.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def start(self) -> None:
        """Start the workers."""
        await self._metrics.start()
        await self._memory.start()
        await self._service.start()
        gc.freeze()  # what lives until the end is not looked through again and again

    async def stop(self) -> None:
        """End the workers and close the connections to sources."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._service.close()
        await self._memory.close()
        await self._metrics.stop()

    async def reload(self, settings: Settings) -> None:
        """Serve new requests by other settings, with other workers; those under way end as they began.

        What is counted stays, and what is remembered too where `FOVEOLA_DECISIONS` and its size do. Cancelling this
        leaves all as it was.

        Raises:
            FoveolaError: it can't be done, and all is as it was.
        """
        memory = self._memory if _place(settings) == _place(self.settings) else _memory(settings)
        service = Service(settings, memory, self._suspects, self._metrics, self._now)
        try:
            if memory is not self._memory:
                await memory.start()
            await service.start()
        except BaseException:
            await service.close()
            if memory is not self._memory:
                await memory.close()
            raise
        before, self._service = self._service, service
        old, self._memory = self._memory, memory
        memory.every = settings.decisions.decisions_check
        self._metrics.workers, self._metrics.lanes = settings.crew, service.lanes
        task = asyncio.create_task(_end(before, old if old is not memory else None))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def leave(self) -> None:
        """Say from now on that no more requests should be sent here, and serve those that come all the same."""
        self._leaving = True

    def refuse(self) -> None:
        """Make no more pictures; those under way go on."""
        self._leaving = self._refusing = True

    def end(self) -> None:
        """Stop what is under way; whoever has got nothing yet is told so."""
        self._ending = True
        for task in self._answering:
            task.cancel()

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop when the server says so."""
        for act, event in ((self.start, "lifespan.startup"), (self.stop, "lifespan.shutdown")):
            await receive()
            try:
                await act()
            except FoveolaError as error:
                await send({"type": f"{event}.failed", "message": str(error)})
                return
            await send({"type": f"{event}.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, service = Request.of(scope), self._service
        prefix = scope.get("root_path", "") + service.settings.urls.path_prefix
        kind = kind_of(request.method, request.path, prefix, service.settings.server.health_check_path)
        if kind == "picture" or kind == "info":
            with service.visits:
                await self._watched(service, request, request.path.removeprefix(prefix), receive, send)
        else:
            await _send(service, self._fixed(service, kind), request, send)

    def _fixed(self, service: Service, kind: str) -> Answer:
        """Return the answer to what is no picture."""
        if kind == "health" and self._leaving:
            return answers.text(503, STOPPING, ("Cache-Control", "no-cache"))
        if kind == "health":
            return service.speaker.health(working=not service.failing)
        if kind == "landing":
            return answers.landing()
        return answers.text(404 if kind == "nothing" else 200, "" if kind == "head" else " ")

    async def _watched(self, service: Service, request: Request, path: str, receive: Receive, send: Send) -> None:
        """Answer a request for a picture, as long as its client is there, and write both into the log."""
        fields = {"request_id": request.identity, "method": request.method, "client_ip": request.client}
        logs.started(request.shown, fields)
        began = time.monotonic()
        status = LEFT
        try:
            with self._metrics.request():
                status = await self._answered(service, request, path, fields, receive, send)
        finally:
            self._metrics.status(status)
            logs.completed(request.shown, time.monotonic() - began, status, fields)

    async def _answered(
        self, service: Service, request: Request, path: str, fields: dict[str, Any], receive: Receive, send: Send
    ) -> int:
        """Answer a request and return the status; what `end` stops before its answer has begun is refused."""
        task = asyncio.current_task()
        assert task is not None
        answer: Answer | None = None
        if not self._refusing:
            self._answering.add(task)
            try:
                async with AsyncExitStack() as stack, Client(receive) as client:
                    answer = await client.during(service.answer(request, path, fields, stack))
                    if answer is None:
                        return LEFT
                    with self._metrics.span("streaming_image"):
                        return await client.during(self._sent(service, answer, request, send, fields)) or LEFT
            except asyncio.CancelledError:
                if not self._ending:
                    raise
                task.uncancel()
            finally:
                self._answering.discard(task)
        if answer is not None:  # a part of it was sent
            fields["error"] = STOPPING
            return answer.status
        refused = FoveolaError(STOPPING, public=STOPPING, status=503)
        told = service.speaker.refusal(refused, request.headers.get("accept", ""))
        return await self._sent(service, told, request, send, fields)

    async def _sent(
        self, service: Service, answer: Answer, request: Request, send: Send, fields: dict[str, Any]
    ) -> int:
        """Send an answer and return its status; what breaks off is left unfinished, which the client can see."""
        if answer.error is not None:
            fields["error"] = str(answer.error)
        try:
            await _send(service, answer, request, send)
        except FoveolaError as error:
            fields["error"] = str(error)
            self._metrics.error("streaming")
        return answer.status


async def _send(service: Service, answer: Answer, request: Request, send: Send) -> None:
    size = (("Content-Length", str(answer.length)),) if answer.length is not None else ()
    custom = service.settings.server.custom_response_headers
    raw = answers.merged(answer.headers, service.speaker.common(request.identity), custom, size)
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if request.method != "HEAD" and answer.status != 304:
        async with contextlib.aclosing(answer.parts()) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _place(settings: Settings) -> tuple[str, int]:
    return settings.decisions.decisions, settings.decisions.decisions_size


def _memory(settings: Settings) -> Memory:
    return Memory(open_store(*_place(settings)), settings.decisions.decisions_check)


async def _end(service: Service, memory: Memory | None) -> None:
    """End what a reload has replaced."""
    try:
        await service.retire()
    finally:
        if memory is not None:
            await memory.close()
