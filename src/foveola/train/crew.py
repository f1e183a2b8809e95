"""Processes that work through a list: one that dies costs its job, not the list, and Ctrl-C ends them all at once.

They are started clean, not forked, because libvips starts threads when it first computes and a fork would lose them.
The pools of the standard library either hang or give up everything when a process is killed, as the system does when
memory is short. Source: https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from foveola.errors import FoveolaError

Job = TypeVar("Job")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Failed:
    """A job that came to nothing, and why, in one line."""

    reason: str


def run(function: Callable[[Job], Made], jobs: Sequence[Job], processes: int) -> Iterator[tuple[int, Made | Failed]]:
    """Do jobs in processes of their own; whoever stops iterating ends them.

    Args:
        function: does one job; it has to be importable, and what it raises ends as a `Failed`.
        jobs: what there is to do.
        processes: how many jobs are done at a time.

    Yields:
        The index of a job and what came of it, in the order in which they end.
    """
    waiting, idle = deque(range(len(jobs))), list[_Worker]()
    busy: dict[Connection, tuple[_Worker, int]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                worker = idle.pop() if idle else _Worker(function)
                busy[worker.channel] = worker, waiting[0]
                worker.give(jobs[waiting.popleft()])
            for channel in wait(list(busy)):
                assert isinstance(channel, Connection)
                worker, index = busy.pop(channel)
                outcome = worker.take()
                (idle.append if worker.alive else _Worker.end)(worker)
                yield index, outcome
    finally:
        for worker in (*idle, *(worker for worker, _ in busy.values())):
            worker.end()


class _Worker:
    """One process and our end of the channel to it."""

    alive = True

    def __init__(self, function: Callable[[Any], Any]) -> None:
        context = get_context("spawn")
        self.channel, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_serve, args=(theirs, function), daemon=True)
        # Ctrl-C reaches every process of a terminal; a blocked signal stays blocked in what is started meanwhile. The
        # tracker is started with the first process, and lets signals through again when it is.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def give(self, job: Any) -> None:
        try:
            self.channel.send(job)
        except OSError:
            self.alive = False

    def take(self) -> Any:
        try:
            return self.channel.recv()
        except (EOFError, OSError):
            self.alive = False
            self._process.join()
            code = self._process.exitcode or 0
            return Failed(f"its process was killed by {_signal(-code)}" if code < 0 else f"its process ended ({code})")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self.channel.close()


def _signal(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _serve(channel: Connection, function: Callable[[Any], Any]) -> None:
    """Do what comes until the channel is closed."""
    while True:
        try:
            job = channel.recv()
        except EOFError:
            return
        channel.send(_tried(function, job))


def _tried(function: Callable[[Any], Any], job: Any) -> Any:
    try:
        return function(job)
    except OSError as error:
        return Failed(error.strerror or str(error))
    except Exception as error:
        text = str(error) if isinstance(error, FoveolaError) else f"{type(error).__name__}: {error}"
        return Failed(" ".join(text.split()))
