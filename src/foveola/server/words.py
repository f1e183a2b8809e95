"""What a worker writes to its stdout and stderr becomes records of the front's log, a bounded number of them.

A worker that a picture has taken over must not reach the log itself: it could cut it off, forge lines and steer a
terminal. So its two descriptors are a pipe of its own. Its records come as JSON, and what libraries write, also in the
moment in which they die, as bare lines; both are escaped like all that strangers say. Who writes more than the front
reads finds the pipe full, which never blocks: then lines are lost, and only those of that worker.
Source: https://man7.org/linux/man-pages/man7/pipe.7.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import traceback
from collections.abc import Mapping
from itertools import islice

from foveola.server.logs import NOISY, Fields

_log = logging.getLogger("foveola.worker")
LINES = 100
"""How many lines are written down of a process in a second."""
BYTES = 1 << 15
"""How many bytes are read of it in a second."""
LONGEST = 1 << 14
"""Bytes of a line; what is longer becomes several."""
MESSAGE, STACK = 2000, 6000
"""Characters that a worker says of what has happened, and of where."""
LEVEL = "IMGPROXY_LOG_LEVEL"
_SECOND = 1.0
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Teller(logging.Handler):
    """Says records to who reads a descriptor, as JSON: level, message, error, stack.

    Args:
        descriptor: where to.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Say one, unless the pipe is full or nobody reads it any more."""
        error = stack = ""
        if record.exc_info and record.exc_info[1] is not None:
            error = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"[:MESSAGE]
            stack = "".join(traceback.format_exception(record.exc_info[1]))[-STACK:]
        said = json.dumps([record.levelname, record.getMessage()[:MESSAGE], error, stack])
        with contextlib.suppress(OSError):
            os.write(self._descriptor, said.encode() + b"\n")


def inherit(environ: Mapping[str, str], descriptor: int = 1) -> None:
    """Say all records of this process to the front, from the level on that an environment says, which was checked."""
    logging.basicConfig(handlers=[Teller(descriptor)], level=(environ.get(LEVEL) or "info").upper(), force=True)
    logging.captureWarnings(True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


class Words:
    """The reading end of a process's pipe.

    Args:
        about: the fields of its records.

    Attributes:
        theirs: the writing end, until `hand_over`.
    """

    def __init__(self, about: Fields) -> None:
        self.about = about
        self._pipe, self.theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._rest = b""
        self._lines = self._bytes = self._left_out = 0
        self._pause: asyncio.TimerHandle | None = None
        self._listen()

    @property
    def ended(self) -> bool:
        """Whether all was heard."""
        return self._pipe < 0

    def hand_over(self) -> None:
        """Let go of the writing end, which the process has now; a second call does nothing."""
        if self.theirs >= 0:
            os.close(self.theirs)
        self.theirs = -1

    def end(self) -> None:
        """Take in the last words of a process that has ended, and close; a second call does nothing."""
        self.hand_over()
        if self.ended:
            return
        said = bytearray()
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._pipe, LONGEST):
                said += part
                if len(said) > 1 << 20:  # no pipe holds as much: somebody still writes
                    break
        self._deafen()
        os.close(self._pipe)
        self._pipe = -1
        self._left_out += tell(self._rest + said, self.about)
        self._tell_left_out()

    def _listen(self) -> None:
        self._pause = None
        self._lines = self._bytes = 0
        self._tell_left_out()
        asyncio.get_running_loop().add_reader(self._pipe, self._hear)

    def _deafen(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pipe)
        if self._pause is not None:
            self._pause.cancel()

    def _hear(self) -> None:
        """Take in what is there; when it is too much, hear no more until a second is over."""
        try:
            said = os.read(self._pipe, LONGEST)
        except BlockingIOError:
            return
        if not said:
            self.end()
            return
        if not self._bytes:
            self._pause = asyncio.get_running_loop().call_later(_SECOND, self._listen)
        self._bytes += len(said)
        if self._bytes >= BYTES:
            asyncio.get_running_loop().remove_reader(self._pipe)
        *lines, self._rest = (self._rest + said).split(b"\n")
        if len(self._rest) >= LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        told = (line for line in lines if line.strip())
        for line in islice(told, LINES - self._lines):
            self._lines += 1
            _tell(line, self.about)
        self._left_out += sum(1 for _ in told)

    def _tell_left_out(self) -> None:
        if self._left_out:
            _log.warning("A worker has said %d lines more", self._left_out, extra={"fields": self.about})
        self._left_out = 0


def tell(said: bytes, about: Fields) -> int:
    """Write down what a process has said at its end; of too many lines the last ones, which say why it ended.

    Args:
        said: lines, records or not.
        about: the fields of their records.

    Returns:
        How many lines were left out.
    """
    lines = [line for line in said.split(b"\n") if line.strip()]
    for line in lines[-LINES:]:
        _tell(line[:LONGEST], about)
    return max(len(lines) - LINES, 0)


def _tell(line: bytes, about: Fields) -> None:
    level, message, error, stack = _read(line)
    more = {name: value for name, value in (("error", error), ("stack", stack)) if value}
    _log.log(logging.getLevelName(level), "%s", message, extra={"fields": {**about, **more}})


def _read(line: bytes) -> tuple[str, str, str, str]:
    """Return the level, message, error and stack of a line; one that is no record is a warning."""
    if line.startswith(b'["'):
        with contextlib.suppress(ValueError, RecursionError):
            said = json.loads(line)
            if len(said) == 4 and all(isinstance(part, str) for part in said) and said[0] in _LEVELS:
                return said[0], said[1], said[2], said[3]
    return "WARNING", line.decode("utf-8", "backslashreplace").strip(), "", ""
