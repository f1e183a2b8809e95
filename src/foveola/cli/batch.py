"""Many pictures at a time: rows in the order of the inputs; what is known survives Ctrl-C and a closed pipe.

A closed stdout ends the printing, not the work, for the pictures are what was asked for. Ctrl-C ends the work after
what is being encoded, for an encoder can't be stopped; a second one ends the process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import NoReturn

from foveola.cli import files
from foveola.cli.bar import Bar
from foveola.cli.rows import Row
from foveola.cli.show import Interrupted, json_line, say, sentence

POLL = 0.1
"""Seconds after which Ctrl-C is noticed while a picture is waited for."""
WAITING = "foveola: interrupted: waiting for what is being encoded; Ctrl-C again to leave at once\n"
Work = Callable[[files.Job, Callable[[], bool]], Row | None]


@dataclass
class Report:
    """What is known of a batch, printed as it comes.

    Args:
        as_json: a row is printed as JSON, also one that failed; else as a line.
        to_stderr: lines go there, since stdout takes the picture.
        rows: those that are finished.
        interrupted: whether somebody pressed Ctrl-C.
        closed: what went wrong with stdout.
        unprinted: lines that found it closed.
    """

    as_json: bool = False
    to_stderr: bool = False
    rows: list[Row] = field(default_factory=list)
    interrupted: bool = False
    closed: OSError | None = None
    unprinted: int = 0

    def add(self, row: Row | None) -> None:
        """Take a row and print it; None is a picture that was not finished."""
        if row is None:
            return
        self.rows.append(row)
        if not self.as_json and row.error is not None:
            return
        try:
            if self.closed is None:
                json_line(row.as_dict()) if self.as_json else say(row.line(), err=self.to_stderr)
        except OSError as error:
            self.closed = error
            _give_up_stdout()
        self.unprinted += self.closed is not None

    @property
    def failed(self) -> int:
        """How many pictures failed."""
        return sum(row.error is not None for row in self.rows)

    @property
    def written(self) -> int:
        """How many pictures were written."""
        return len(self.rows) - self.failed

    def remark(self) -> None:
        """Say on stderr what went wrong, and what a reader should know of the rest."""
        for row in self.rows:
            if remark := row.remark():
                say(f"foveola: {row.source}: {remark}", err=True)
        if self.failed and len(self.rows) > 1:
            say(f"foveola: {self.failed} of {len(self.rows)} pictures failed", err=True)
        if self.closed is not None:
            lost = f"{self.unprinted} of {len(self.rows)} pictures could not be reported"
            say(f"foveola: stdout: {sentence(self.closed)}: {lost}, {self.written} were written", err=True)


def run(jobs: Sequence[files.Job], work: Work, threads: int, report: Report) -> None:
    """Do the work and report each row as it is known, in the order of the inputs.

    Args:
        jobs: what there is to do.
        work: makes the row of a job, or None once the function that it is given says that it is to stop.
        threads: jobs done at a time.
        report: takes the rows; after Ctrl-C it has those that were finished.
    """
    with ThreadPoolExecutor(threads) as pool, Bar("Encoding") as bar, _interruptible(report) as stop:
        ends = [pool.submit(work, job, stop.is_set) for job in jobs]
        while len(ends) > len(report.rows) and not stop.is_set():
            with suppress(TimeoutError):
                report.add(ends[len(report.rows)].result(POLL))
            if len(jobs) > 1:
                bar.show(len(report.rows), len(jobs))
        _finish(ends[len(report.rows) :], report)


def _finish(ends: Sequence[Future[Row | None]], report: Report) -> None:
    """Report after Ctrl-C what is finished at once, and then what ends with the encodes that are running."""
    begun = [end for end in ends if not end.cancel()]
    running = [end for end in begun if not end.done()]
    for end in (*(end for end in begun if end not in running), *running):
        report.add(end.result())


@contextmanager
def _interruptible(report: Report) -> Iterator[Event]:
    """Yield what Ctrl-C sets; the work is told, not torn: an exception out of nowhere would lose what is under way."""
    stop = Event()

    def interrupt(*_: object) -> None:
        if stop.is_set():
            _leave()
        report.interrupted = True
        stop.set()
        os.write(sys.stderr.fileno(), WAITING.encode())

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        stop.set()
        signal.signal(signal.SIGINT, before)


def _leave() -> NoReturn:
    """End the process with threads that can't be ended; no part of a file stays behind."""
    try:
        for part in list(files.UNFINISHED):
            part.unlink(missing_ok=True)
        os.write(sys.stderr.fileno(), b"foveola: interrupted\n")
    finally:
        os._exit(Interrupted.exit_code)


def _give_up_stdout() -> None:
    """Let what is still printed and what is stuck in the buffer go nowhere: Python would fail on it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
