"""The processes of workers, seen from the front: it has them forked, speaks to them, kills them, hears how they ended.

They are children of the fork server, which therefore is who learns how they ended, and tells. The front holds a process
descriptor of each, never a number that the system may have given to someone else.
Source: https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import mmap
import os
import select
import signal
import socket
import subprocess
import time

from foveola.sandbox import Fence
from foveola.server import forkserver
from foveola.server.jobs import LIMIT, WorkerError, receive, send
from foveola.server.words import Words

_log = logging.getLogger("foveola.server")
START_SECONDS = 60.0
"""How long the first fork may take: NumPy and libvips are imported for it, perhaps from a cold disk."""
FORK_SECONDS = 10.0
"""How long any other may take, and a new worker until it is ready."""


class Worker:
    """One process, and the channel to it.

    Args:
        channel: our end.
        pid: its number, by which the fork server knows it.
        process: its process descriptor.
        words: what it writes.

    Attributes:
        ended: its exit status once it has ended, that of a signal negative.
        owes: how many messages it has still to send.
        jobs: how many it was given.
        born: when it was forked, by `time.monotonic`.
    """

    def __init__(self, channel: socket.socket, pid: int, process: int, words: Words) -> None:
        self.channel, self.pid, self.process, self.words = channel, pid, process, words
        words.about = {"worker": pid}
        self._heard = select.poll()  # half the time of a look that ends in an exception
        self._heard.register(channel, select.POLLIN)
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.owes = self.jobs = 0
        self.born = time.monotonic()
        self._memory = _opened(f"/proc/{pid}/statm")

    def tell(self, message: bytes, *descriptors: int, owes: int) -> bool:
        """Send a message that is answered with so many; return whether there was someone to take it."""
        self.owes = owes
        try:
            send(self.channel, message, descriptors)
        except OSError:
            return False
        return True

    async def hear(self) -> bytes:
        """Wait for a message; an empty one means that the worker has died."""
        try:
            message = await asyncio.get_running_loop().sock_recv(self.channel, LIMIT)
        except (OSError, ValueError):  # uvloop's error where the channel is closed already
            return b""
        self.owes -= bool(message)
        return message

    @property
    def silent(self) -> bool:
        """Whether it lives and has nothing to say at present, as it shall between jobs."""
        return not self._heard.poll(0)

    @property
    def memory(self) -> int:
        """Bytes of memory that it has at present, shared ones too; 0 where the system does not say."""
        try:
            words = os.pread(self._memory, 100, 0).split()
        except OSError:
            return 0
        return int(words[1]) * mmap.PAGESIZE if words else 0

    @property
    def gone(self) -> bool:
        """Whether the process has ended, be it known how or not."""
        ended = select.poll()
        ended.register(self.process, select.POLLIN)
        return bool(ended.poll(0))

    def kill(self) -> None:
        """End the process, whatever it is doing; whoever hears it will hear that."""
        with contextlib.suppress(OSError):  # it has ended already
            signal.pidfd_send_signal(self.process, signal.SIGKILL)

    def close(self) -> None:
        """Kill it and let go of it; a second call does nothing."""
        self.kill()
        self.channel.close()
        for descriptor in {self.process, self._memory} - {-1}:
            os.close(descriptor)
        self.process = self._memory = -1


class Processes:
    """All workers of one fork server, which is started when it is first needed, and again when it is lost.

    Args:
        fence: what workers are kept in.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._running: dict[int, Worker] = {}
        self._server: tuple[subprocess.Popen[bytes], socket.socket, Words] | None = None
        self._fresh = True
        self._asking = asyncio.Lock()
        self._reply: asyncio.Future[Worker] | None = None
        self._ends: tuple[socket.socket, Words]
        self._parting: set[Words] = set()
        self._burials: set[asyncio.Task[int]] = set()

    async def fork(self) -> Worker:
        """Return a new worker.

        Raises:
            WorkerError: there can be none.
        """
        async with self._asking:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.setblocking(False)
            words = Words({})
            try:
                with theirs:
                    return await self._asked(ours, theirs, words)
            except BaseException as error:
                ours.close()
                words.end()
                if isinstance(error, WorkerError):
                    raise
                self._lose()  # an answer that comes later would be taken for that to the next question
                if not isinstance(error, OSError):  # a TimeoutError is one
                    raise
                raise WorkerError(f"No worker can be forked: {type(error).__name__} {error}") from error

    async def close(self) -> None:
        """End the fork server and all its workers."""
        self._lose()
        await asyncio.gather(*self._burials)
        for words in self._parting:
            words.end()
        self._parting.clear()

    async def _asked(self, ours: socket.socket, theirs: socket.socket, words: Words) -> Worker:
        """Have a worker forked that speaks over one end of a channel; return it with the other."""
        loop = asyncio.get_running_loop()
        if self._server is None:
            self._start()
        assert self._server is not None
        self._reply, self._ends = loop.create_future(), (ours, words)
        send(self._server[1], b"fork", [theirs.fileno(), words.theirs])
        words.hand_over()
        async with asyncio.timeout(START_SECONDS if self._fresh else FORK_SECONDS):
            worker = await self._reply
        self._fresh = False
        return worker

    def _start(self) -> None:
        """Start the fork server."""
        words = Words({})
        try:
            process, control = forkserver.start(self._fence, words.theirs)
        except BaseException:
            words.end()
            raise
        words.about = {"forkserver": process.pid}
        words.hand_over()
        self._server, self._fresh = (process, control, words), True
        asyncio.get_running_loop().add_reader(control, self._hear)

    def _hear(self) -> None:
        """Take in what the fork server says: that it has forked, that it can't, or that a worker has ended."""
        assert self._server is not None
        try:
            message, descriptors = receive(self._server[1], 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            _log.error("The process that forks workers is lost")
            self._lose()
            return
        said = json.loads(message)
        if "ended" in said:
            worker = self._running.pop(said["pid"], None)
            if worker is not None:
                worker.words.end()
                worker.ended.set_result(said["ended"])
        elif self._reply is not None and not self._reply.done():
            if "error" in said:
                self._reply.set_exception(WorkerError(f"No worker can be forked: {said['error']}"))
            else:
                channel, words = self._ends
                worker = self._running[said["pid"]] = Worker(channel, said["pid"], descriptors[0], words)
                self._reply.set_result(worker)

    def _lose(self) -> None:
        """Let go of the fork server; its workers end with it."""
        if self._server is None:
            return
        process, control, words = self._server
        self._server = None
        asyncio.get_running_loop().remove_reader(control)
        control.close()
        process.kill()
        burial = asyncio.create_task(asyncio.to_thread(process.wait))
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionError("the process that forks is gone"))
        self._parting = {one for one in (*self._parting, words) if not one.ended}
        for worker in self._running.values():
            self._parting.add(worker.words)
            worker.ended.set_result(-signal.SIGKILL)
        self._running.clear()


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
