"""The front: one asyncio process that reads URLs, fetches sources, hands both to workers and sends back what they made.

It is a plain ASGI application and never imports what works on pictures: bytes from strangers pass through it unread.
The order is imgproxy's (signature, options, source), so that nothing is done for a URL that nobody signed. No worker
is held while a source is fetched. Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from foveola import pipeline, urls
from foveola.config import Settings
from foveola.decisions import open_store
from foveola.errors import DeadlineError, FoveolaError, SignatureError
from foveola.pipeline import Accepted
from foveola.server import answers
from foveola.server.admission import Admission
from foveola.server.answers import Answer
from foveola.server.flights import Flights
from foveola.server.jobs import Facts, Job
from foveola.server.memory import Memory
from foveola.server.workers import Pool
from foveola.sources import Sources
from foveola.sources.base import Body
from foveola.urls import ImageUrl

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("foveola.server")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SOFT = 0.9
"""The share of a request's time after which a search has to take the best it has; the rest is for the last encode."""


@dataclass(frozen=True)
class Made:
    """A finished file, and how large its source was."""

    facts: Facts
    result: Body
    origin_bytes: int

    def close(self) -> None:
        """Give the memory of the file back."""
        self.result.close()


class Front:
    """The ASGI application.

    Args:
        settings: what the environment says.

    Raises:
        ConfigError: what was found can't be remembered where the settings say.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = settings.keys
        self._grammar = settings.grammar
        self._defaults = settings.defaults
        workers = settings.server.workers or len(os.sched_getaffinity(0))
        self._admission = Admission(workers, settings.server.requests_queue_size)
        self._pool = Pool(workers, self._defaults)
        self._sources = Sources(settings.reach)
        remembered = settings.decisions
        self._memory = Memory(open_store(remembered.decisions, remembered.decisions_size), remembered.decisions_check)
        self._flights: Flights[Made] = Flights()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def start(self) -> None:
        """Start the workers."""
        await self._memory.start()
        await self._pool.start()

    async def stop(self) -> None:
        """End the workers and close the connections to sources."""
        await self._pool.close()
        await self._sources.close()
        await self._memory.close()

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
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        identity = given if _REQUEST_ID.fullmatch(given) else secrets.token_urlsafe(16)
        path = _path(scope)
        prefix = scope.get("root_path", "") + self._settings.urls.path_prefix
        with contextlib.ExitStack() as stack:
            answer = self._fixed(scope["method"], path, prefix)
            if answer is None:
                answer = await self._watched(path.removeprefix(prefix), headers, identity, receive, stack)
            if answer is not None:
                await self._send(answer, identity, scope["method"], send)

    def _fixed(self, method: str, raw_path: str, prefix: str) -> Answer | None:
        """Return the answer to what is no picture, None for a picture."""
        path = unquote(raw_path.removeprefix(prefix))
        if method == "HEAD":
            return answers.text(200, "")
        if method == "OPTIONS":
            return answers.text(200, " ")
        strange = method != "GET" or not raw_path.startswith(prefix)
        if strange or path == "/favicon.ico" or path.startswith("/.well-known/"):
            return answers.text(404, " ")
        if path == "/health":
            return answers.health(working=not self._pool.failing)
        return answers.landing() if path in ("", "/") else None

    async def _watched(
        self, path: str, headers: dict[str, str], identity: str, receive: Receive, stack: contextlib.ExitStack
    ) -> Answer | None:
        """Return the answer, None for a client that has left; its work is stopped then."""
        _log.info("[%s] Started %s", identity, path)
        began = time.monotonic()
        work = asyncio.create_task(self._answer(path, headers, stack))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            answer = work.result() if work.done() else None
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        _log_end(identity, path, answer, time.monotonic() - began)
        return answer

    async def _answer(self, path: str, headers: dict[str, str], stack: contextlib.ExitStack) -> Answer:
        """Return the picture, or the sentence that says why there is none."""
        try:
            self._check_secret(headers.get("authorization", ""))
            signature, signed = urls.split(path)
            urls.verify(signature, signed, self._keys)
            url = urls.parse(signed, self._grammar)
            pipeline.check(url.options, self._defaults)
            with self._admission.enter():
                return await self._picture(url, headers.get("accept", ""), stack)
        except FoveolaError as error:
            return answers.refusal(error)
        except Exception as error:
            _log.exception("Unforeseen error at %s", path)
            return answers.refusal(FoveolaError(f"{type(error).__name__}: {error}"))

    def _check_secret(self, authorization: str) -> None:
        wanted = self._settings.security.secret
        if wanted and not hmac.compare_digest(authorization.encode(), f"Bearer {wanted}".encode()):
            raise SignatureError("Invalid secret")

    async def _picture(self, url: ImageUrl, accept: str, stack: contextlib.ExitStack) -> Answer:
        """Return the picture; who asks for the same at the same time gets the same.

        Of a request only its URL and what is made of its `Accept` reach the source and the worker: they are the key.
        """
        accepted = self._settings.accepted(accept)
        made = await stack.enter_context(self._flights.join((url, accepted), lambda: self._made(url, accepted)))
        return answers.picture(made.facts, made.result, url.source, made.origin_bytes, self._settings)

    async def _made(self, url: ImageUrl, accepted: Accepted) -> Made:
        until = time.monotonic() + SOFT * self._settings.server.timeout
        result = Body()
        try:
            async with asyncio.timeout(self._settings.server.timeout):
                fetched = await self._sources.fetch(url.source)
                with fetched.body as source:
                    job = Job(source.size, url.options, accepted, until, workers=self._admission.spare)
                    facts = await self._worked(job, source, result)
                    return Made(facts, result, source.size)
        except BaseException as error:
            result.close()
            if isinstance(error, TimeoutError):
                raise DeadlineError(f"Not done within {self._settings.server.timeout} seconds") from None
            raise

    async def _worked(self, job: Job, source: Body, result: Body) -> Facts:
        """Have a job done, with what is remembered of its source, and remember what was found."""
        known = await self._memory.recall(source) if pipeline.may_search(job.options, self._defaults) else None
        if known is None:
            return await self._pool.work(job, source, result)
        facts = await self._pool.work(replace(job, decisions=known.decisions, check=known.check), source, result)
        self._memory.learn(known, facts)
        return facts

    async def _send(self, answer: Answer, identity: str, method: str, send: Send) -> None:
        headers = [
            *answer.headers,
            ("Content-Length", str(answer.size)),
            ("Content-Security-Policy", answers.POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-ID", identity),
            ("Server", "foveola"),
            *self._cross_origin(),
        ]
        raw = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        for part in answer.parts() if method != "HEAD" else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _cross_origin(self) -> Iterator[tuple[str, str]]:
        if self._settings.security.allow_origin:
            yield "Access-Control-Allow-Origin", self._settings.security.allow_origin
            yield "Access-Control-Allow-Methods", "GET, OPTIONS"


def _path(scope: Scope) -> str:
    """Return the raw path, as it came over the wire; not every server passes it on."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        raise FoveolaError("The ASGI server does not pass `raw_path`, without which no signature can be checked")
    return raw.decode("latin-1").partition("?")[0]


async def _gone(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _log_end(identity: str, path: str, answer: Answer | None, seconds: float) -> None:
    status, why = (answer.status, answer.why) if answer else (499, "the client has left")
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    _log.log(level, "[%s] Completed in %.3f s: %d %s %s", identity, seconds, status, path, why)
