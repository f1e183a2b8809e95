"""The pool of workers: asked, waited for, and replaced when they are lost, stuck or worn.

One worker has one job, and nothing but its end stops an encoder in the middle. So whatever ends the waiting (the
deadline, a client that left) gives the worker a moment to end by itself, which most can, and then ends it. A worker
that is lost before it has begun costs nobody anything; one that was killed by somebody else costs a second try; one
that has crashed costs its request, and the picture is remembered for it (`foveola.server.suspects`). Each that ends is
replaced at once. Source: docs/design.md, "The server"
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from foveola.errors import FoveolaError, UrlError
from foveola.pipeline import Defaults
from foveola.sandbox import Fence
from foveola.server.jobs import (
    BEGUN,
    LIMIT,
    READY,
    Facts,
    Job,
    KilledError,
    TextFacts,
    WorkerError,
    pack,
    read_reply,
    read_text_facts,
)
from foveola.server.metrics import PROCESSING, Metrics
from foveola.server.processes import FORK_SECONDS, Processes, Worker
from foveola.server.suspects import Suspects
from foveola.sources.base import Body

T = TypeVar("T", Facts, TextFacts)

_log = logging.getLogger("foveola.server")
PAUSE_SECONDS = 1.0
"""How long to wait before trying again, when no worker can be started."""
BEGIN_SECONDS = 1.0
"""How long a worker may take to say that it has begun: one that does not is stopped or stuck, and its job goes on."""
GRACE_SECONDS = 0.1
"""How long a worker may go on that nobody waits for any more; a new one costs as much as a small job."""
DEATH_SECONDS = 1.0
"""How long is waited for how a worker has ended; one that does not end though it has closed its channel is killed."""
_OTHERS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP})
"""Signals that come from somebody else; any other is a worker's own doing."""


@dataclass(frozen=True)
class Wear:
    """How much a worker may have done before another takes its place; 0 for any number.

    Args:
        jobs: pictures.
        seconds: since it was forked.
        bytes: of memory that it has when it has nothing to do.
    """

    jobs: int = 0
    seconds: float = 0.0
    bytes: int = 0

    def out(self, worker: Worker) -> bool:
        """Return whether a worker is worn."""
        return (
            0 < self.jobs <= worker.jobs
            or 0 < self.seconds <= time.monotonic() - worker.born
            or 0 < self.bytes <= worker.memory
        )


class Pool:
    """N workers.

    Args:
        size: how many.
        defaults: what they do where a URL says nothing; handed to each when it starts.
        metrics: counts how long is waited for them, and how long they work.
        fence: what they are kept in.
        wear: when they are replaced.
        suspects: the pictures that workers have died of.
    """

    def __init__(
        self, size: int, defaults: Defaults, metrics: Metrics, fence: Fence, wear: Wear, suspects: Suspects
    ) -> None:
        self._failed = False
        self._size = size
        self._defaults = pack(defaults)
        self._metrics = metrics
        self._wear, self._suspects = wear, suspects
        self._processes = Processes(fence)
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._alive: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replacing = 0
        self._closed = False
        self._starting = asyncio.Lock()

    @property
    def failing(self) -> bool:
        """Whether no worker is there, and none could be started when that was tried."""
        return self._failed and not self._alive

    async def start(self) -> None:
        """Start all workers and wait until they are ready.

        Raises:
            WorkerError: they can't be started.
        """
        for _ in range(self._size):
            await self._start_one()

    async def work(self, job: Job, source: Body, result: Body, watermark: Body | None = None) -> Facts:
        """Have a picture made; cancelling this ends whatever is being done.

        Args:
            job: what to do.
            source: the file's bytes; nobody changes them from now on.
            result: where the finished file goes; nobody changes it afterwards.
            watermark: the bytes of the watermark, if the job says that there is one.

        Raises:
            FoveolaError: what the worker says is wrong with the picture.
            ImageError: workers have died of it.
            WorkerError: the worker has died.
        """
        return await self._done(job, read_reply, source, result, *((watermark,) if watermark else ()))

    async def tell(self, job: Job, source: Body, result: Body) -> None:
        """Have a text about a picture written, as `work` does."""
        await self._done(job, read_text_facts, source, result)

    async def close(self) -> None:
        """Kill all workers and the process that forks them."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # whoever was told to give up does so before his channel is closed
        for worker in self._alive:
            self._metrics.gone(worker)
            worker.close()
        self._alive.clear()
        await self._processes.close()

    async def _done(self, job: Job, read: Callable[[bytes], T], source: Body, result: Body, *marks: Body) -> T:
        """Have a job done, a second time if the worker was killed and there is time left."""
        message = pack(job)
        if len(message) > LIMIT:
            raise UrlError(f"Expected options that fit into {LIMIT} bytes, got {len(message)}")
        for body in (source, *marks):
            body.seal()
        await self._suspects.check(source)
        for again in (True, False):
            try:
                facts = await self._answered(message, read, source, result, *marks)
                break
            except WorkerError as error:
                killed = isinstance(error, KilledError)
                await self._suspects.blame(source, crashed=not killed)
                said = f"{error}, over the picture of {source.size} bytes with the SHA-256 {await source.name()}"
                _log.error(said)
                if not (killed and again and time.monotonic() < job.until):
                    raise type(error)(said) from None
            os.ftruncate(result.fd, 0)
        await self._suspects.forgive(source)
        return facts

    async def _answered(self, message: bytes, read: Callable[[bytes], T], *bodies: Body) -> T:
        """Hand a message to a worker, and take in what it has done."""
        worker, answer = await self._asked(message, *(body.fd for body in bodies))
        try:
            facts = read(answer)
            _check_result(facts.bytes, bodies[1])
        except WorkerError:
            self._replace(worker)
            raise
        except FoveolaError:
            self._return(worker)
            raise
        self._metrics.vips(worker, *facts.vips)
        self._return(worker)
        return facts

    async def _asked(self, message: bytes, *descriptors: int) -> tuple[Worker, bytes]:
        """Have a message answered by a worker that has begun with it.

        Raises:
            KilledError: it was killed.
            WorkerError: it has crashed.
        """
        loop = asyncio.get_running_loop()
        while True:
            worker = await self._free()
            late = loop.call_later(BEGIN_SECONDS, worker.kill)
            try:
                with self._metrics.span(PROCESSING):
                    begun = worker.tell(message, *descriptors, owes=2) and await worker.hear() == BEGUN
                    late.cancel()
                    answer = await worker.hear() if begun else b""
            except BaseException:
                self._do(self._abandon(worker))
                raise
            finally:
                late.cancel()
            if answer:
                return worker, answer
            if begun:
                raise await self._mourned(worker)
            self._replace(worker)

    async def _free(self) -> Worker:
        """Wait for a worker that has nothing to do, and nothing to say to what it was not asked."""
        while True:
            worker = await self._idle.get()
            if worker in self._alive:
                if worker.silent:
                    return worker
                self._replace(worker)

    async def _mourned(self, worker: Worker) -> WorkerError:
        """Return the error of a worker that has fallen silent over its job."""
        try:
            async with asyncio.timeout(DEATH_SECONDS):
                status = await asyncio.shield(worker.ended)
        except TimeoutError:
            if worker.gone:  # the process that forks is stuck: who knows what has come over this machine
                return KilledError("A worker has ended, and nobody has told how")
            return WorkerError("A worker has closed its channel")
        finally:
            self._replace(worker)
        if -status in _OTHERS:
            return KilledError("A worker was killed")
        return WorkerError(f"A worker has ended by itself ({_how(status)})")

    async def _abandon(self, worker: Worker) -> None:
        """Let a worker that nobody waits for end its job if that is a matter of a moment, else end it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while worker.owes and await worker.hear():
                    pass
        if worker.owes:
            self._replace(worker)
        else:
            self._return(worker)

    def _return(self, worker: Worker) -> None:
        """Let a worker have the next job, or another if it is worn and no other is being replaced."""
        worker.jobs += 1
        if worker.silent and (self._replacing or not self._wear.out(worker)):
            self._idle.put_nowait(worker)
        else:
            self._replace(worker)

    def _replace(self, worker: Worker) -> None:
        """End a worker, and have another one take its place."""
        if worker not in self._alive:
            return
        self._alive.discard(worker)
        self._metrics.gone(worker)
        worker.close()
        if not self._closed:
            self._do(self._refill())

    def _do(self, work: Coroutine[None, None, None]) -> None:
        """Have something done beside what is waited for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refill(self) -> None:
        """Put a new worker into the pool, however long it takes."""
        self._replacing += 1
        try:
            while True:
                try:
                    await self._start_one()
                except WorkerError as error:
                    self._failed = True
                    _log.error("No worker can be started; trying again: %s", error)
                    await asyncio.sleep(PAUSE_SECONDS)
                else:
                    self._failed = False
                    return
        finally:
            self._replacing -= 1

    async def _start_one(self) -> None:
        """Put a new worker into the pool that has said that it is ready; one starts at a time."""
        async with self._starting:
            worker = await self._processes.fork()
            ready = b""
            try:
                worker.tell(self._defaults, owes=1)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FORK_SECONDS):
                        ready = await worker.hear()
            finally:
                if ready != READY:
                    worker.close()
            if ready != READY:
                raise WorkerError("A worker does not start")
        self._alive.add(worker)
        self._idle.put_nowait(worker)
        worker.ended.add_done_callback(lambda _: self._lost(worker))

    def _lost(self, worker: Worker) -> None:
        """Replace a worker that has ended with nothing to do; who waits for one finds out alone."""
        if not worker.owes and worker in self._alive:
            _log.error("A worker has ended that had nothing to do (%s)", _how(worker.ended.result()))
            self._replace(worker)


def _how(status: int) -> str:
    """Say how a process has ended."""
    names = {-number: number.name for number in signal.Signals}
    return names.get(status, f"with status {status}")


def _check_result(said: int, result: Body) -> None:
    """Take a result in, if as much was written as is said; from now on it stays as it is.

    Raises:
        WorkerError: it was not, or whoever wrote it may still change it.
    """
    try:
        result.seal()
    except OSError:
        raise WorkerError("A worker has kept hold of its result") from None
    if os.fstat(result.fd).st_size != said:
        raise WorkerError("A worker said another size than it wrote")
    result.size = said
