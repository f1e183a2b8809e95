"""Identical requests that are under way at the same time are done once, and all are sent the same bytes.

When a page is new, or a cache before the server is emptied, the same picture is asked for many times at once. The
first who asks begins the work; who asks while it is under way waits for it. The work belongs to nobody: it ends early
only when everyone who waited has left. What failed has failed for all who wait, and is tried again for the next.
Source: https://pkg.go.dev/golang.org/x/sync/singleflight
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Closing(Protocol):
    """What holds something until it is closed."""

    def close(self) -> None:
        """Let go."""
        ...


T = TypeVar("T", bound=Closing)


@dataclass
class _Flight(Generic[T]):
    """One piece of work, and how many wait for it or use what came of it."""

    task: asyncio.Future[T]
    holders: int = 0

    def release(self) -> None:
        """Close what came of the work once nobody uses it."""
        if not self.holders and self.task.done() and not self.task.cancelled() and self.task.exception() is None:
            self.task.result().close()


class Flights(Generic[T]):
    """All that is under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    def flying(self, key: Hashable) -> bool:
        """Return whether work under `key` is under way."""
        return key in self._flights

    @contextmanager
    def join(self, key: Hashable, work: Callable[[], Coroutine[None, None, T]]) -> Iterator[Awaitable[T]]:
        """Wait for the work under `key` for the length of a `with` block, beginning it if nobody has.

        Args:
            key: everything that the outcome depends on.
            work: begins it; what it returns is closed after the last block has ended.

        Yields:
            What to await for the outcome. Cancelling that leaves the work to the others.
        """
        flight = self._flights.get(key) or self._begun(key, work)
        flight.holders += 1
        try:
            yield asyncio.shield(flight.task)
        finally:
            flight.holders -= 1
            if not flight.holders:
                flight.release()
                self._drop(key, flight)  # who comes now must not wait for what is being cancelled
                flight.task.cancel()

    def _begun(self, key: Hashable, work: Callable[[], Coroutine[None, None, T]]) -> _Flight[T]:
        flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    def _landed(self, key: Hashable, flight: _Flight[T]) -> None:
        self._drop(key, flight)
        flight.release()

    def _drop(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
