"""The targets by name, and how one is fed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

SLOW = 5
"""Seconds that one input of 64 kB may take at most."""


class SlowError(AssertionError):
    """An input took far too long."""


@dataclass(frozen=True)
class Target:
    """One reader, what it is fed with first, and words that it knows."""

    name: str
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    act: Callable[[bytes], None]

    def feed(self, data: bytes) -> None:
        """Feed it once; raises what comes out of it but should not."""
        begun = time.process_time()
        self.act(data)
        if (took := time.process_time() - begun) > SLOW:
            raise SlowError(f"{took:.1f} s for {len(data)} bytes")

    def line(self, error: Exception) -> str:
        """Return the place in our code where an error began."""
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "foveola" in f.filename or "fuzz" in f.filename
        ]
        return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[a-z]*.py"))


def named(name: str) -> Target:
    """Return a target by its name."""
    module = import_module(f"fuzz.targets.{name}")
    return Target(name, module.seeds(), module.TOKENS, module.target)
