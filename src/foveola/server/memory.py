"""What the front remembers of the qualities that were found, and what it does when it can't: serve without it.

A store is slow compared with the loop of the front and may fail in a hundred ways, so it has one thread of its own, a
short time to answer in, and one place where whatever it raises ends: counted, logged once in a while, and left alone
for a moment. The name that a source has in the store is the hash of its bytes, taken here and never told by a worker:
one that was taken over by a picture can spoil what is remembered of the sources that it is handed, and no others.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from foveola.decisions import Decision, Store
from foveola.server.jobs import Facts
from foveola.sources.base import Body

T = TypeVar("T")

_log = logging.getLogger("foveola.server")
PATIENCE_SECONDS = 0.5
"""How long a store may take; more than it needs to give up by itself."""
PAUSE_SECONDS = 5.0
"""How long a store that failed is left alone."""
SILENCE_SECONDS = 60.0
"""How long nothing is logged after a failure was."""


@dataclass(frozen=True)
class Known:
    """What is remembered of one source.

    Args:
        source: SHA-256 of its bytes; of those of the watermark too, if there is one.
        decisions: the latest first.
        check: whether it is time to measure an answer again.
    """

    source: str
    decisions: tuple[Decision, ...]
    check: bool


class Memory:
    """A store, as the front uses it.

    Args:
        store: None remembers nothing.
        every: of so many answers one is measured again; 0 for none.

    Attributes:
        counts: how often memory did what (the words of `foveola.server.jobs.MEMORY`), and `failures` of the store.
    """

    def __init__(self, store: Store | None, every: int) -> None:
        self.counts: Counter[str] = Counter()
        self._store = store
        self._every = every
        self._unchecked = 0
        self._thread = ThreadPoolExecutor(1, "decisions")
        self._learning: set[asyncio.Task[None]] = set()
        self._resumes = self._speaks = 0.0

    async def start(self) -> None:
        """Open the store, so that it is said at once when it can't be used."""
        if self._store is not None:
            await self._rows("00" * 32)

    async def recall(self, source: Body, watermark: Body | None = None) -> Known | None:
        """Return what is remembered of a source with a watermark, None where nothing is to be remembered."""
        if self._store is None:
            return None
        name = await source.name()
        if watermark is not None:
            name = hashlib.sha256(f"{name} {await watermark.name()}".encode()).hexdigest()
        return Known(name, await self._rows(name), self._every > 0 and self._unchecked >= self._every - 1)

    def learn(self, known: Known, facts: Facts) -> None:
        """Take in what a worker has found of a source; the store is told later."""
        self.counts[facts.memory] += 1
        if facts.memory in ("hit", "checked", "spoiled"):
            self._unchecked = self._unchecked + 1 if facts.memory == "hit" else 0
        task = asyncio.create_task(self._learn(known.source, facts))
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)

    async def close(self) -> None:
        """Tell the store what is left to tell, close it, and log the counts."""
        await asyncio.gather(*self._learning)
        if self._store is not None:
            await self._attempt(lambda store: store.close(), None)
            _log.info("Decisions: %s", self._told())
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _rows(self, source: str) -> tuple[Decision, ...]:
        return await self._attempt(lambda store: tuple(store.rows(source)), ())

    async def _learn(self, source: str, facts: Facts) -> None:
        decision = facts.decision
        if facts.memory == "spoiled":
            _log.warning("What was remembered of the source %s was wrong and is forgotten", source)
            await self._attempt(lambda store: store.forget(source), None)
        if decision is not None:
            await self._attempt(lambda store: store.remember(source, decision), None)

    async def _attempt(self, act: Callable[[Store], T], otherwise: T) -> T:
        """Return what the store answers, or `otherwise` where it does not."""
        store = self._store
        if store is None or time.monotonic() < self._resumes:
            return otherwise
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, act, store)
        except Exception as error:  # whatever it is, the picture is served
            self._failed(store, error)
            return otherwise

    def _failed(self, store: Store, error: Exception) -> None:
        now = time.monotonic()
        self.counts["failures"] += 1
        self._resumes = now + PAUSE_SECONDS
        self._thread.submit(store.close)
        if now >= self._speaks:
            self._speaks = now + SILENCE_SECONDS
            why = f"{type(error).__name__}: {error}"
            _log.warning("Decisions can't be used and pictures are searched without (%s): %s", self._told(), why)

    def _told(self) -> str:
        return ", ".join(f"{word} {count}" for word, count in sorted(self.counts.items()) if word) or "none yet"
