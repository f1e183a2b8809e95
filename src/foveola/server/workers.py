"""The pool of workers, seen from the front: processes that are asked, waited for, killed and replaced.

One worker has one job. Whatever ends the waiting (the deadline, a client that left, a crash) ends the worker too, since
nothing else stops an encoder in the middle; another takes its place at once. The front keeps a process descriptor of
each, never a number that the system may have given to someone else.
Source: https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from foveola.errors import FoveolaError, UrlError
from foveola.pipeline import Defaults
from foveola.sandbox import Fence
from foveola.server import forkserver
from foveola.server.jobs import LIMIT, Facts, Job, TextFacts, WorkerError, pack, read_reply, read_text_facts, send
from foveola.server.metrics import PROCESSING, Metrics
from foveola.sources.base import Body

T = TypeVar("T", Facts, TextFacts)

_log = logging.getLogger("foveola.server")
START_SECONDS = 60.0
"""How long the first workers may take: they import NumPy and libvips, perhaps from a cold disk."""
PAUSE_SECONDS = 1.0
"""How long to wait before trying again, when no worker can be started."""


@dataclass(frozen=True)
class Worker:
    """One process and the channel to it.

    Args:
        channel: our end.
        process: its process descriptor.
    """

    channel: socket.socket
    process: int

    def tell(self, message: bytes, *descriptors: int) -> bool:
        """Send a message; return whether there was someone to take it."""
        try:
            send(self.channel, message, descriptors)
        except OSError:
            return False
        return True

    async def hear(self) -> bytes:
        """Wait for a message; an empty one means that the worker has died."""
        try:
            return await asyncio.get_running_loop().sock_recv(self.channel, LIMIT)
        except OSError:
            return b""

    def kill(self) -> None:
        """End the process, whatever it is doing; a second call does nothing."""
        if self.channel.fileno() < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        self.channel.close()
        os.close(self.process)


class Pool:
    """N workers.

    Args:
        size: how many.
        defaults: what they do where a URL says nothing; handed to each when it starts.
        metrics: counts how long is waited for them, and how long they work.
        fence: what they are kept in.

    Attributes:
        failing: whether the last attempt to replace a worker has failed.
    """

    def __init__(self, size: int, defaults: Defaults, metrics: Metrics, fence: Fence) -> None:
        self.failing = False
        self._size = size
        self._defaults = pack(defaults)
        self._metrics = metrics
        self._fence = fence
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._alive: set[Worker] = set()
        self._replacing: set[asyncio.Task[None]] = set()
        self._forking = asyncio.Lock()
        self._server: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    async def start(self) -> None:
        """Start all workers and wait until they are ready.

        Raises:
            WorkerError: they can't be started.
        """
        for _ in range(self._size):
            self._idle.put_nowait(await self._started())

    async def work(self, job: Job, source: Body, result: Body, watermark: Body | None = None) -> Facts:
        """Have a picture made; cancelling this kills whoever is doing it.

        Args:
            job: what to do.
            source: the file's bytes.
            result: where the finished file goes.
            watermark: the bytes of the watermark, if the job says that there is one.

        Raises:
            FoveolaError: what the worker says is wrong with the picture.
            WorkerError: the worker has died.
        """
        marks = (watermark.fd,) if watermark is not None else ()
        return await self._done(job, result, read_reply, source.fd, result.fd, *marks)

    async def tell(self, job: Job, source: Body, result: Body) -> None:
        """Have a text about a picture written, as `work` does."""
        await self._done(job, result, read_text_facts, source.fd, result.fd)

    async def _done(self, job: Job, result: Body, read: Callable[[bytes], T], *descriptors: int) -> T:
        message = pack(job)
        if len(message) > LIMIT:
            raise UrlError(f"Expected options that fit into {LIMIT} bytes, got {len(message)}")
        worker, answer = await self._answered(message, *descriptors)
        try:
            facts = read(answer)
            _check_size(facts.bytes, result)
        except WorkerError:
            self._replace(worker)
            raise
        except FoveolaError:
            self._idle.put_nowait(worker)
            raise
        self._metrics.vips(worker, *facts.vips)
        self._idle.put_nowait(worker)
        return facts

    async def close(self) -> None:
        """Kill all workers and the process that forks them."""
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        for worker in self._alive:
            worker.kill()
        self._alive.clear()
        await self._stop_server()

    async def _answered(self, message: bytes, *descriptors: int) -> tuple[Worker, bytes]:
        """Have a message answered by a worker that has begun with it; one that died idle costs nothing."""
        while True:
            worker = await self._idle.get()
            try:
                with self._metrics.span(PROCESSING):
                    begun = worker.tell(message, *descriptors) and await worker.hear()
                    answer = await worker.hear() if begun else b""
            except BaseException:
                self._replace(worker)
                raise
            if answer:
                return worker, answer
            self._replace(worker)
            if begun:
                raise WorkerError("A worker has died")

    def _replace(self, worker: Worker) -> None:
        self._alive.discard(worker)
        self._metrics.gone(worker)
        worker.kill()
        task = asyncio.create_task(self._refill())
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _refill(self) -> None:
        """Put a new worker into the pool, however long it takes."""
        while True:
            try:
                self._idle.put_nowait(await self._started())
            except WorkerError:
                self.failing = True
                _log.exception("No worker can be started; trying again")
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.failing = False
                return

    async def _started(self) -> Worker:
        """Return a new worker that has said that it is ready."""
        async with self._forking:
            worker = await self._forked()
            try:
                worker.tell(self._defaults)
                async with asyncio.timeout(START_SECONDS):
                    ready = await worker.hear()
            except TimeoutError:
                ready = b""
            if not ready:
                self._alive.discard(worker)
                worker.kill()
                raise WorkerError("A worker does not start")
        return worker

    async def _forked(self) -> Worker:
        if self._server is None:
            self._server = forkserver.start(self._fence)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        try:
            with theirs:
                process = await asyncio.to_thread(forkserver.fork, self._server[1], theirs)
        except OSError as error:
            ours.close()
            await self._stop_server()
            raise WorkerError(f"No worker can be forked: {error}") from error
        worker = Worker(ours, process)
        self._alive.add(worker)
        return worker

    async def _stop_server(self) -> None:
        if self._server is not None:
            process, control = self._server
            self._server = None
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_RDWR)  # a thread may be waiting on it
            control.close()
            process.kill()
            await asyncio.to_thread(process.wait)


def _check_size(said: int, result: Body) -> None:
    """Take the size of a result in, if as much was written.

    Raises:
        WorkerError: it was not.
    """
    if os.fstat(result.fd).st_size != said:
        raise WorkerError("A worker said another size than it wrote")
    result.size = said
