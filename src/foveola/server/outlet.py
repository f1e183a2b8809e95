"""Where lines go without anybody waiting: what reads the log may be slow, and those who ask are not to notice.

A short line is written at once if the system says that this does not block, as it is for all lines while whoever reads
them keeps up: nothing is kept that the end of the process could take along. From the first that would block on, lines
wait in their order for a thread that may be blocked. So much memory they may have; what is beyond is dropped and
counted, and the log says so as soon as it can. Source: https://man7.org/linux/man-pages/man7/pipe.7.html
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import sys
import threading
from collections import deque
from functools import cache
from typing import Protocol, TextIO

_log = logging.getLogger("foveola.server")
MOST_BYTES = 8 << 20
"""Bytes of lines that may wait."""
LAST_SECONDS = 5.0
"""How long the end of the process waits for those that do."""
_AT_ONCE = select.PIPE_BUF
"""Bytes that a pipe takes as a whole, or not at all."""
_BATCH = 1 << 16
"""Bytes that the thread writes at a time."""


class Stream(Protocol):
    """Where a log can be written."""

    def write(self, text: str, /) -> object:
        """Take a text."""
        ...

    def flush(self) -> object:
        """Write what was taken."""
        ...

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        ...


class Outlet:
    """A descriptor that lines are written to.

    Args:
        descriptor: stays open.
        most: bytes of lines that may wait.
    """

    def __init__(self, descriptor: int, most: int = MOST_BYTES) -> None:
        self._fd = descriptor
        self._most = most
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._lost = 0
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Write a line, or have it written; return its characters.

        Raises:
            OSError: nobody reads the other end any more.
        """
        data = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if not self._waiting and len(data) <= _AT_ONCE and self._ready.poll(0):
                with contextlib.suppress(BlockingIOError):  # a terminal that is not blocking may be full all the same
                    data = data[os.write(self._fd, data) :]
            if data:
                self._keep(data)
        return len(text)

    def flush(self) -> None:
        """Do nothing: what can be written at once is."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._fd)

    def close(self, seconds: float = LAST_SECONDS) -> bool:
        """Wait for lines that wait, as long as it may take; return whether all are written."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _keep(self, data: bytes) -> None:
        """Have a line written; `_changed` is held."""
        if self._waiting + len(data) > self._most:
            self._lost += 1
            return
        self._lines.append(data)
        self._waiting += len(data)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._lines))
                batch = self._batch()
            with contextlib.suppress(OSError):  # nobody reads the other end any more
                self._write(batch)
            with self._changed:
                self._waiting -= len(batch)
                lost, self._lost = self._lost, 0
                self._changed.notify_all()
            if lost:
                _log.warning("Whoever reads the log is too slow: %d records were dropped", lost)

    def _batch(self) -> bytes:
        """Return some of the lines that wait, which go on being counted."""
        found = [self._lines.popleft()]
        size = len(found[0])
        while self._lines and (size := size + len(self._lines[0])) <= _BATCH:
            found.append(self._lines.popleft())
        return b"".join(found)

    def _write(self, data: bytes) -> None:
        """Write lines, however long it takes."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                self._ready.poll()


@cache
def _of(descriptor: int) -> Outlet:
    outlet = Outlet(descriptor)
    atexit.register(outlet.close)
    return outlet


def stdout() -> TextIO | Outlet:
    """Return the one outlet of stdout; stdout itself where that is no descriptor."""
    try:
        sys.stdout.flush()
        return _of(sys.stdout.fileno())
    except OSError:  # io.UnsupportedOperation
        return sys.stdout
