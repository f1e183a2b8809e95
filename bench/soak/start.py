"""`foveola serve` with a wall clock that can be set and, where no small disk can be had, a store that can be full.

    python -m bench.soak.start CONTROL

CONTROL is a file of `Control`, which another process writes while this one runs. The wall clock of a process can't be
set from outside, so `time.time` and `time.time_ns` are replaced before anything else is imported; the monotonic clock
is left alone, as it is when a machine's clock is set. `datetime` keeps the real one.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import struct
import sys
import time
from pathlib import Path
from typing import Any

_LAYOUT = struct.Struct("=d?")
"""Seconds that the clock is ahead; whether the store's disk is full."""


class Control:
    """What one process tells the other, through a file that both have mapped."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, mmap.PAGESIZE)
            self._memory = mmap.mmap(descriptor, mmap.PAGESIZE)
        finally:
            os.close(descriptor)

    @property
    def ahead(self) -> float:
        """Seconds that the wall clock is ahead."""
        seconds: float = _LAYOUT.unpack_from(self._memory)[0]
        return seconds

    @property
    def full(self) -> bool:
        """Whether the store finds its disk full."""
        said: bool = _LAYOUT.unpack_from(self._memory)[1]
        return said

    def tell(self, ahead: float | None = None, full: bool | None = None) -> None:
        """Change what is told."""
        ahead, full = self.ahead if ahead is None else ahead, self.full if full is None else full
        _LAYOUT.pack_into(self._memory, 0, ahead, full)


def main(path: Path) -> None:
    """Replace the clock and the store's connections, then be `foveola serve`."""
    control, clock, clock_ns, connect = Control(path), time.time, time.time_ns, sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, *words: Any) -> sqlite3.Cursor:
            if control.full:
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(*words)

    def connected(*words: Any, **named: Any) -> sqlite3.Connection:
        return connect(*words, **named, factory=Connection)

    time.time = lambda: clock() + control.ahead
    time.time_ns = lambda: clock_ns() + int(control.ahead * 1e9)
    sqlite3.connect = connected  # type: ignore[assignment]
    from foveola.cli import main as foveola

    sys.argv = ["foveola", "serve"]
    foveola()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
