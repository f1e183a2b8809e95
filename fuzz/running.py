"""The targets by name, and how one is fed."""

from __future__ import annotations

import resource
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

SLOW = 2.0
"""Seconds of a processor that one input of 64 kB may take at most."""
LARGE = 1 << 28
"""Bytes that one input may add to the most memory that the process has ever had."""


class SlowError(AssertionError):
    """An input took far too long."""


class LargeError(AssertionError):
    """An input took far too much memory."""


@dataclass(frozen=True)
class Target:
    """One reader, what it is fed with first, and words that it knows."""

    name: str
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    act: Callable[[bytes], object]

    def feed(self, data: bytes) -> None:
        """Feed it once; raises what comes out of it but should not. What has no end is ended where it is then."""
        before = _most()
        signal.signal(signal.SIGPROF, _too_slow)
        signal.setitimer(signal.ITIMER_PROF, SLOW)
        try:
            self.act(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if (grown := _most() - before) > LARGE:
            raise LargeError(f"{grown >> 20} MB for {len(data)} bytes")

    def line(self, error: Exception) -> str:
        """Return the place in our code where an error began."""
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "foveola" in f.filename or "fuzz" in f.filename
        ]
        ours = [f for f in frames if f.name != _too_slow.__name__]
        return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _too_slow(*_: object) -> NoReturn:
    raise SlowError(f"more than {SLOW} s")


def _most() -> int:
    """Return the most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[a-z]*.py"))


def named(name: str) -> Target:
    """Return a target by its name."""
    module = import_module(f"fuzz.targets.{name}")
    return Target(name, module.seeds(), module.TOKENS, module.target)
