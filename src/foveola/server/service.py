"""Everything that is made of one set of settings, so that a reload can put another set in its place as a whole.

What outlives settings (counts, what is remembered) is handed in. A request keeps to the service that it came to: when
another has taken over, this one ends part by part, the workers as soon as no picture is being made and the connections
to sources as soon as nothing is passed on from them. Source: docs/design.md, "The server"
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from foveola.config import Settings
from foveola.server.admission import Admission
from foveola.server.answers import Answer, Speaker
from foveola.server.assets import Assets
from foveola.server.budget import budget
from foveola.server.lanes import Lanes, Paced
from foveola.server.making import Maker
from foveola.server.memory import Memory
from foveola.server.metrics import Metrics
from foveola.server.request import Request
from foveola.server.story import Story
from foveola.server.suspects import Suspects
from foveola.server.workers import Pool, Wear
from foveola.sources import Sources


class Count:
    """How many `with` blocks are under way."""

    def __init__(self) -> None:
        self._blocks = 0
        self._none = asyncio.Event()
        self._none.set()

    def __enter__(self) -> None:
        self._blocks += 1
        self._none.clear()

    def __exit__(self, *_: object) -> None:
        self._blocks -= 1
        if not self._blocks:
            self._none.set()

    async def none(self) -> None:
        """Wait until no block is under way."""
        await self._none.wait()


class Service:
    """Answers requests for pictures by one set of settings.

    Args:
        settings: what the environment says.
        memory: knows what was found before.
        suspects: the pictures that workers have died of.
        metrics: counts.
        now: seconds since 1970.

    Attributes:
        settings: those that it is made of.
        speaker: makes its answers.
        lanes: where its jobs wait.
        visits: a `with` block around each request, until its answer was sent.

    Raises:
        ConfigError: a file that the settings name can't be used.
    """

    def __init__(
        self, settings: Settings, memory: Memory, suspects: Suspects, metrics: Metrics, now: Callable[[], float]
    ) -> None:
        said = settings.server
        self.settings = settings
        self.speaker = Speaker(settings, now)
        self.visits = Count()
        self._making = Count()
        workers = settings.crew
        wear = Wear(said.worker_requests, said.worker_seconds, said.worker_memory << 20)
        self.lanes = Lanes(workers, budget(said.memory_budget), metrics)
        self._pool = Pool(workers + 1, settings.defaults, metrics, settings.fence, wear, suspects)
        self._sources = Sources(settings.reach)
        self._trusted = Sources(replace(settings.reach, allowed=()))
        admission = Admission(workers, said.requests_queue_size)
        assets = Assets(self._sources, self._trusted)
        paced = Paced(self._pool, self.lanes)
        maker = Maker(settings, self._sources, assets, paced, memory, admission, metrics)
        self._story = Story(settings, maker, self._sources, admission, metrics, self.speaker, now)

    @property
    def failing(self) -> bool:
        """Whether no worker can be started."""
        return self._pool.failing

    async def start(self) -> None:
        """Start the workers.

        Raises:
            FoveolaError: they can't be started.
        """
        await self._pool.start()

    async def answer(self, request: Request, path: str, fields: dict[str, Any], stack: AsyncExitStack) -> Answer:
        """Return the picture, or the sentence that says why there is none, as `Story.answer` does."""
        with self._making:
            return await self._story.answer(request, path, fields, stack)

    async def retire(self) -> None:
        """End, part by part, as soon as no request needs it; at once when this is cancelled."""
        try:
            await self._making.none()
            await self._pool.close()
            await self.visits.none()
        finally:
            await self.close()

    async def close(self) -> None:
        """End the workers and close the connections to sources."""
        await self._pool.close()
        await self._sources.close()
        await self._trusted.close()
