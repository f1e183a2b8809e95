"""Who is worked on when: three lanes to the workers, and the memory that large jobs hold.

What a picture costs is known only by its header, which a worker reads. So every job is first handed on as a light one;
a worker that sees that it is not refuses at once and says what it costs, and the job comes again when that is granted.
One process more than there are workers is kept for light jobs while all workers are busy with others, so that a
thumbnail never waits for an AVIF, and heavy jobs may have all cores. Source: docs/design.md, "Lanes"
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from foveola.errors import DeadlineError, FoveolaError
from foveola.pipeline.cost import Cost
from foveola.server.jobs import UNLIMITED, CostlyError, Job, WorkerError
from foveola.server.metrics import LANES, Metrics
from foveola.sources.base import Body

if TYPE_CHECKING:
    from foveola.server.jobs import Facts
    from foveola.server.making import Workers

T = TypeVar("T")

LIGHT, HEAVY, LARGE = LANES
"""What takes neither long nor much memory, or was not looked at yet; what takes long; what needs more than a share."""
SHARE = 128 << 20
"""Bytes that every job may hold without asking; less where the budget is small."""


@dataclass(frozen=True, eq=False)
class _Place:
    """One job in a lane.

    Args:
        number: who came earlier has the lower.
        lane: a word of `LANES`.
        extra: bytes that it holds beyond its share.
        admitted: done once it may go.
    """

    number: int
    lane: str
    extra: int
    admitted: asyncio.Future[None]


class Lanes:
    """Lets jobs go to the workers, as many as there are, and one light one more while all of them are at others.

    A light job goes before the others, but for a quarter of the workers, one at least, that others have a right to. In
    each lane, and between heavy and large jobs, who came first goes first; only what has to wait for memory is passed
    by those that need none.

    Args:
        workers: how many jobs are done at a time.
        budget: bytes of memory that all of them may hold; 0 for any.
        metrics: measures how long jobs wait.

    Attributes:
        share: bytes that each job may hold without asking.
        most: bytes that one job may hold; what needs more is refused.
        granted: bytes that large jobs under way hold beyond their share.
    """

    def __init__(self, workers: int, budget: int, metrics: Metrics) -> None:
        self.share = min(SHARE, budget // 2 // (workers + 1)) if budget else UNLIMITED
        self.most = budget - workers * self.share if budget else UNLIMITED
        self.granted = 0
        self._room = self.most - self.share
        self._workers, self._owed = workers, max(workers // 4, 1)
        self._metrics = metrics
        self._light = self._others = 0
        self._waiting: dict[str, OrderedDict[int, _Place]] = {lane: OrderedDict() for lane in LANES}
        self._numbers = count()

    @property
    def running(self) -> int:
        """How many jobs are with workers."""
        return self._light + self._others

    def waiting(self, lane: str) -> int:
        """Return how many jobs wait in a lane."""
        return len(self._waiting[lane])

    async def work(self, job: Job, act: Callable[[Job], Awaitable[T]]) -> T:
        """Have a job done: as a light one, or by what it costs if a worker says so.

        Args:
            job: what to do; once a search would have to end it is not begun any more.
            act: hands it to a worker. Cancelling this leaves the lane and cancels it.

        Raises:
            DeadlineError: it could not be begun in time.
            FoveolaError: it needs more memory than one job may hold; or what `act` raises.
            WorkerError: a worker refuses what was granted.
        """
        try:
            return await self._go(LIGHT, replace(job, memory=self.share, heavy=False), act)
        except CostlyError as error:
            cost = error.cost
        lane = self._lane(cost)
        try:
            return await self._go(lane, replace(job, memory=max(cost.memory, self.share), heavy=True), act)
        except CostlyError:
            raise WorkerError("A worker refused a job at the cost that it had said itself") from None

    def _lane(self, cost: Cost) -> str:
        if cost.memory > self.most:
            raise FoveolaError(
                f"Expected at most {self.most} bytes of memory for a picture, got an estimate of {cost.memory}",
                status=422,
                public="Picture needs too much memory",
            )
        if cost.memory > self.share:
            return LARGE
        if cost.heavy:
            return HEAVY
        raise WorkerError("A worker refused a job that was light by its own words")

    async def _go(self, lane: str, job: Job, act: Callable[[Job], Awaitable[T]]) -> T:
        place = self._queued(lane, job.memory - self.share)
        with self._held(place):
            with self._metrics.span("queue"):
                await _admitted(place, job.until - time.monotonic())
            return await act(job)

    def _queued(self, lane: str, extra: int) -> _Place:
        """Return a place at the end of a lane, which may have been admitted at once."""
        place = _Place(next(self._numbers), lane, extra, asyncio.get_running_loop().create_future())
        self._waiting[lane][place.number] = place
        self._admit()
        return place

    @contextmanager
    def _held(self, place: _Place) -> Iterator[None]:
        """Hold a place, or what it was granted, for the length of a `with` block, however that ends."""
        try:
            yield
        finally:
            if self._waiting[place.lane].pop(place.number, None) is None:
                self._count(place, -1)
            self._admit()

    def _admit(self) -> None:
        """Let everyone go who may."""
        while (place := self._next()) is not None:
            del self._waiting[place.lane][place.number]
            self._count(place, 1)
            if not place.admitted.done():  # cancelled, and about to give back what it gets
                place.admitted.set_result(None)

    def _count(self, place: _Place, one: int) -> None:
        self.granted += one * place.extra
        if place.lane == LIGHT:
            self._light += one
        else:
            self._others += one

    def _next(self) -> _Place | None:
        free = self.running < self._workers
        other = self._next_other() if free else None
        if other is not None and self._others < self._owed:
            return other
        if free or not self._light:
            return self._first(LIGHT) or other
        return other

    def _next_other(self) -> _Place | None:
        """Return who came first of those that are not light, without those that there is no memory for."""
        heavy, large = self._first(HEAVY), self._first(LARGE)
        if large is None or self.granted + large.extra > self._room:
            return heavy
        return large if heavy is None or large.number < heavy.number else heavy

    def _first(self, lane: str) -> _Place | None:
        return next(iter(self._waiting[lane].values()), None)


class Paced:
    """Workers behind lanes: `foveola.server.making.Workers`.

    Args:
        workers: do the work.
        lanes: say when.
    """

    def __init__(self, workers: Workers, lanes: Lanes) -> None:
        self._workers, self._lanes = workers, lanes

    async def work(self, job: Job, source: Body, result: Body, watermark: Body | None = None) -> Facts:
        """Have a picture made when it is its turn."""
        return await self._lanes.work(job, lambda granted: self._workers.work(granted, source, result, watermark))

    async def tell(self, job: Job, source: Body, result: Body) -> None:
        """Have a text about a picture written when it is its turn."""
        await self._lanes.work(job, lambda granted: self._workers.tell(granted, source, result))


async def _admitted(place: _Place, seconds: float) -> None:
    """Wait for so many seconds that a job may go.

    Raises:
        DeadlineError: it may not, or too late: a worker would be lost to it.
    """
    try:
        if not place.admitted.done():
            async with asyncio.timeout(seconds):
                await place.admitted
        elif seconds <= 0:
            raise TimeoutError
    except TimeoutError:
        raise DeadlineError("No worker was free in time") from None
