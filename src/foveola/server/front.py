"""The front: one asyncio process that reads URLs, fetches sources, hands both to workers and sends back what they made.

It is a plain ASGI application and never imports what works on pictures: bytes from strangers pass through it unread.
What a request asks for is told in `foveola.server.story`; here it comes in, is watched for a client that leaves, and
goes out. Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from foveola.config import Settings
from foveola.decisions import open_store
from foveola.errors import FoveolaError
from foveola.server import answers, logs
from foveola.server.admission import Admission
from foveola.server.answers import Answer, Speaker
from foveola.server.assets import Assets
from foveola.server.client import Client, Receive
from foveola.server.making import Maker
from foveola.server.memory import Memory
from foveola.server.metrics import Metrics
from foveola.server.request import Request, Scope
from foveola.server.routes import kind_of
from foveola.server.story import Story
from foveola.server.suspects import Suspects
from foveola.server.workers import Pool, Wear
from foveola.sources import Sources

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LEFT = 499
"""The status in the log of a request whose client has left."""


class Front:
    """The ASGI application.

    Args:
        settings: what the environment says.
        now: seconds since 1970.

    Raises:
        ConfigError: what was found can't be remembered where the settings say.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        said = settings.server
        workers = settings.crew
        where, most, check = (getattr(settings.decisions, f"decisions{part}") for part in ("", "_size", "_check"))
        self._settings = settings
        self._metrics = Metrics(settings.monitoring, workers)
        self._memory = Memory(open_store(where, most), check)
        wear = Wear(said.worker_requests, said.worker_seconds, said.worker_memory << 20)
        self._pool = Pool(workers, settings.defaults, self._metrics, settings.fence, wear, Suspects())
        self._sources = Sources(settings.reach)
        self._trusted = Sources(replace(settings.reach, allowed=()))
        self._speaker = Speaker(settings, now)
        admission = Admission(workers, settings.server.requests_queue_size)
        assets = Assets(self._sources, self._trusted)
        maker = Maker(settings, self._sources, assets, self._pool, self._memory, admission, self._metrics)
        self._story = Story(settings, maker, self._sources, admission, self._metrics, self._speaker, now)

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
        await self._pool.start()
        gc.freeze()  # what lives until the end is not looked through again and again

    async def stop(self) -> None:
        """End the workers and close the connections to sources."""
        await self._pool.close()
        await self._sources.close()
        await self._trusted.close()
        await self._memory.close()
        await self._metrics.stop()

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
        request = Request.of(scope)
        prefix = scope.get("root_path", "") + self._settings.urls.path_prefix
        kind = kind_of(request.method, request.path, prefix, self._settings.server.health_check_path)
        if kind == "picture" or kind == "info":
            await self._watched(request, request.path.removeprefix(prefix), receive, send)
        else:
            await self._send(self._fixed(kind), request, send)

    def _fixed(self, kind: str) -> Answer:
        """Return the answer to what is no picture."""
        if kind == "health":
            return self._speaker.health(working=not self._pool.failing)
        if kind == "landing":
            return answers.landing()
        return answers.text(404 if kind == "nothing" else 200, "" if kind == "head" else " ")

    async def _watched(self, request: Request, path: str, receive: Receive, send: Send) -> None:
        """Answer a request for a picture, as long as its client is there, and write both into the log."""
        fields = {"request_id": request.identity, "method": request.method, "client_ip": request.client}
        logs.started(request.shown, fields)
        began = time.monotonic()
        status = LEFT
        try:
            with self._metrics.request():
                async with AsyncExitStack() as stack, Client(receive) as client:
                    answer = await client.during(self._story.answer(request, path, fields, stack))
                    if answer is not None:
                        status = answer.status
                        with self._metrics.span("streaming_image"):
                            status = await client.during(self._sent(answer, request, send, fields)) or LEFT
        finally:
            self._metrics.status(status)
            logs.completed(request.shown, time.monotonic() - began, status, fields)

    async def _sent(self, answer: Answer, request: Request, send: Send, fields: dict[str, Any]) -> int:
        """Send an answer and return its status; what breaks off is left unfinished, which the client can see."""
        if answer.error is not None:
            fields["error"] = str(answer.error)
        try:
            await self._send(answer, request, send)
        except FoveolaError as error:
            fields["error"] = str(error)
            self._metrics.error("streaming")
        return answer.status

    async def _send(self, answer: Answer, request: Request, send: Send) -> None:
        size = (("Content-Length", str(answer.length)),) if answer.length is not None else ()
        custom = self._settings.server.custom_response_headers
        raw = answers.merged(answer.headers, self._speaker.common(request.identity), custom, size)
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if request.method != "HEAD" and answer.status != 304:
            async with contextlib.aclosing(answer.parts()) as parts:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
