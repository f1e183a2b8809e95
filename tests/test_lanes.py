"""Lanes to the workers: who goes when, with what memory, and that nothing is lost however it ends."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from foveola.config import Settings
from foveola.errors import DeadlineError, FoveolaError
from foveola.options import ProcessingOptions
from foveola.pipeline import Accepted
from foveola.pipeline.cost import HEAVY_SECONDS, Cost
from foveola.server.budget import PART, available, budget
from foveola.server.jobs import UNLIMITED, CostlyError, Job, WorkerError, check_cost, read_reply, refusal
from foveola.server.lanes import HEAVY, LARGE, LIGHT, SHARE, Lanes
from foveola.server.metrics import Metrics

T = TypeVar("T")
MB = 1 << 20
QUICK, LONG = Cost(MB, 0.01), Cost(MB, 3.0)


def large(megabytes: int) -> Cost:
    return Cost(megabytes * MB, 0.01)


def job(seconds: float = 60) -> Job:
    return Job(0, ProcessingOptions(), Accepted(), time.monotonic() + seconds)


@dataclass
class Floor:
    """Workers that do what they are told until they are told to end, and write down who began."""

    lanes: Lanes
    began: list[str] = field(default_factory=list)
    working: dict[str, asyncio.Event] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[str]] = field(default_factory=dict)

    async def ask(self, name: str, cost: Cost, seconds: float = 60) -> None:
        """Ask for a job, and let it come as far as it does."""
        self.tasks[name] = asyncio.create_task(self.lanes.work(job(seconds), lambda said: self._do(name, cost, said)))
        await settle()

    async def _do(self, name: str, cost: Cost, said: Job) -> str:
        check_cost(cost, said)
        self.began.append(name)
        self.working[name] = asyncio.Event()
        try:
            await self.working[name].wait()
        finally:
            del self.working[name]
        return name

    async def end(self, name: str) -> None:
        """Let a job end."""
        self.working[name].set()
        await settle()
        assert await self.tasks[name] == name

    async def end_all(self) -> None:
        """Let all jobs end, those that begin meanwhile too."""
        while not all(task.done() for task in self.tasks.values()):
            for event in self.working.values():
                event.set()
            await asyncio.sleep(0)
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert idle(self.lanes)


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def idle(lanes: Lanes) -> bool:
    return (lanes.running, lanes.granted, *map(lanes.waiting, (LIGHT, HEAVY, LARGE))) == (0, 0, 0, 0, 0)


def on_floor(workers: int, act: Callable[[Floor], Awaitable[T]], megabytes: int = 0) -> T:
    async def run() -> T:
        return await act(Floor(Lanes(workers, megabytes * MB, Metrics(Settings().monitoring, workers))))

    return asyncio.run(run())


# Whose turn it is


def test_a_light_job_goes_while_all_workers_are_at_heavy_ones() -> None:
    async def act(floor: Floor) -> None:
        for name in ("a", "b", "c"):
            await floor.ask(name, LONG)
        assert sorted(floor.working) == ["a", "b"]
        assert floor.lanes.waiting(HEAVY) == 1
        await floor.ask("thumbnail", QUICK)
        await floor.ask("second", QUICK)
        assert floor.began == ["a", "b", "thumbnail"]
        assert floor.lanes.waiting(LIGHT) == 1
        await floor.end("thumbnail")
        assert floor.began[-1] == "second"
        await floor.end_all()

    on_floor(2, act)


def test_no_more_light_jobs_are_done_than_there_are_workers() -> None:
    async def act(floor: Floor) -> None:
        for name in "abcd":
            await floor.ask(name, QUICK)
        assert floor.began == ["a", "b"]
        await floor.end("b")
        assert floor.began == ["a", "b", "c"]
        await floor.end_all()

    on_floor(2, act)


@pytest.mark.parametrize(("workers", "owed"), [(1, 1), (2, 1), (4, 1), (8, 2)])
def test_a_stream_of_light_jobs_leaves_heavy_ones_their_part(workers: int, owed: int) -> None:
    async def act(floor: Floor) -> None:
        asked = [f"light {number}" for number in range(workers + 5)] + [f"heavy {number}" for number in range(3)]
        for name in asked:
            await floor.ask(name, LONG if name.startswith("heavy") else QUICK)
        for number in range(100, 120 + workers):
            await floor.end(next(name for name in floor.working if name.startswith("light")))
            await floor.ask(f"light {number}", QUICK)
        assert len([name for name in floor.working if name.startswith("heavy")]) == owed
        assert floor.lanes.waiting(LIGHT) > 0
        await floor.end_all()
        assert [name for name in floor.began if name.startswith("heavy")] == ["heavy 0", "heavy 1", "heavy 2"]

    on_floor(workers, act)


def test_light_jobs_go_before_heavy_ones_that_have_their_part() -> None:
    async def act(floor: Floor) -> None:
        for name in ("a", "b", "c"):
            await floor.ask(name, LONG)
        await floor.ask("first", QUICK)
        await floor.ask("second", QUICK)
        await floor.end("a")  # there are two jobs, a heavy and a light one
        assert floor.began[-1] == "first"
        await floor.end("first")
        assert floor.began[-1] == "second"
        await floor.end("second")
        assert floor.began[-1] == "c"
        await floor.end_all()

    on_floor(2, act)


def test_workers_may_all_be_at_heavy_jobs() -> None:
    async def act(floor: Floor) -> None:
        for name in "abcdef":
            await floor.ask(name, LONG)
        assert floor.began == ["a", "b", "c", "d"]
        await floor.end_all()
        assert floor.began == list("abcdef")

    on_floor(4, act)


# Memory


def test_large_jobs_wait_for_each_other_and_heavy_ones_pass() -> None:
    async def act(floor: Floor) -> None:
        assert (floor.lanes.share, floor.lanes.most) == (SHARE, (1024 - 3 * 128) * MB)
        await floor.ask("first", large(500))
        await floor.ask("second", large(500))
        await floor.ask("third", large(130))
        await floor.ask("heavy", LONG)
        assert floor.began == ["first", "heavy"]
        assert (floor.lanes.granted, floor.lanes.waiting(LARGE)) == (372 * MB, 2)
        await floor.end("first")
        assert floor.began[2:] == ["second", "third"]  # the small one has waited, so that the large one got its turn
        await floor.end_all()

    on_floor(3, act, 1024)


def test_one_job_may_hold_all_that_is_not_kept_for_light_ones() -> None:
    async def act(floor: Floor) -> None:
        await floor.ask("most", Cost(floor.lanes.most, 1.0))
        await floor.ask("light", QUICK)
        assert floor.began == ["most", "light"]
        await floor.ask("more", Cost(floor.lanes.most + 1, 1.0))
        with pytest.raises(FoveolaError, match="bytes of memory") as raised:
            await floor.tasks.pop("more")
        assert (raised.value.status, raised.value.public) == (422, "Picture needs too much memory")
        await floor.end_all()

    on_floor(3, act, 1024)


@pytest.mark.parametrize("megabytes", [1, 7, 100, 1000, 100_000])
@pytest.mark.parametrize("workers", [1, 2, 7, 64])
def test_all_that_is_granted_at_a_time_is_in_the_budget(workers: int, megabytes: int) -> None:
    lanes = Lanes(workers, megabytes * MB, Metrics(Settings().monitoring, workers))

    assert 0 < lanes.share <= SHARE
    assert workers * lanes.share + lanes.most <= megabytes * MB
    assert lanes.most >= megabytes * MB // 2


def test_without_a_budget_nothing_is_large() -> None:
    async def act(floor: Floor) -> None:
        await floor.ask("vast", Cost(1 << 50, 0.01))
        assert floor.began == ["vast"]
        await floor.end_all()

    on_floor(1, act)


# Time, and those who leave


def test_who_could_not_be_begun_in_time_is_not() -> None:
    async def act(floor: Floor) -> None:
        await floor.ask("slow", LONG)
        await floor.ask("light", QUICK)
        await floor.ask("waiting", QUICK, seconds=0.05)
        await floor.ask("heavy", LONG, seconds=0.05)
        await floor.ask("late", QUICK, seconds=-1)
        for name in ("waiting", "heavy", "late"):
            with pytest.raises(DeadlineError):
                await floor.tasks[name]
        await floor.end("light")
        await floor.end("slow")
        assert floor.began == ["slow", "light"]
        await floor.end_all()

    on_floor(1, act)


def test_a_free_worker_is_not_given_to_who_is_late() -> None:
    async def act(floor: Floor) -> None:
        await floor.ask("late", QUICK, seconds=-1)
        with pytest.raises(DeadlineError):
            await floor.tasks["late"]
        assert floor.began == []
        await floor.end_all()

    on_floor(1, act)


@pytest.mark.parametrize("seed", range(20))
def test_whoever_leaves_at_any_moment_leaves_nothing_behind(seed: int) -> None:
    chance = random.Random(seed)

    async def act(floor: Floor) -> None:
        lanes = floor.lanes
        for number in range(300):
            name = str(number)
            seconds = chance.choice((60, 60, 0.001))
            floor.tasks[name] = asyncio.create_task(lanes.work(job(seconds), partial(some, floor, name)))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.6:
                chance.choice(list(floor.tasks.values())).cancel()
            if floor.working and chance.random() < 0.5:
                chance.choice(list(floor.working.values())).set()
            assert lanes.running <= 3
            assert 0 <= lanes.granted <= lanes.most - lanes.share
            assert min(lanes.waiting(lane) for lane in (LIGHT, HEAVY, LARGE)) >= 0
        await floor.end_all()

    async def some(floor: Floor, name: str, said: Job) -> str:
        costs = (QUICK, LONG, large(200), large(400), large(10_000))
        return await floor._do(name, costs[int(name) % len(costs)], said)

    on_floor(2, act, 1024)


# What workers say


def test_a_cost_is_told_and_read() -> None:
    with pytest.raises(CostlyError) as raised:
        read_reply(refusal(CostlyError(Cost(123, 4.5))))

    assert raised.value.cost == Cost(123, 4.5)


@pytest.mark.parametrize(
    "cost",
    [
        {"memory": -1, "seconds": 1.0},
        {"memory": UNLIMITED, "seconds": 1.0},
        {"memory": 1.5, "seconds": 1.0},
        {"memory": True, "seconds": 1.0},
        {"memory": "1", "seconds": 1.0},
        {"memory": 1, "seconds": -1.0},
        {"memory": 1, "seconds": float("nan")},
        {"memory": 1, "seconds": float("inf")},
        {"memory": 1, "seconds": 1.0, "more": 1},
        {"memory": 1},
        [],
        None,
    ],
)
def test_nonsense_costs_are_refused(cost: Any) -> None:
    with pytest.raises(WorkerError):
        read_reply(json.dumps({"cost": cost}).encode())


@pytest.mark.parametrize("cost", [QUICK, Cost(0, 0.0)])
def test_a_worker_that_refuses_a_light_job_is_not_asked_again(cost: Cost) -> None:
    assert refused(cost) == 1


@pytest.mark.parametrize("cost", [LONG, large(200), Cost(0, 1e300)])
def test_a_worker_that_refuses_what_was_granted_is_not_asked_again(cost: Cost) -> None:
    assert refused(cost) == 2


def refused(cost: Cost) -> int:
    """Return how often a worker is asked that refuses always."""
    asked = []

    async def act(floor: Floor) -> None:
        async def refuse(said: Job) -> None:
            asked.append(said)
            raise CostlyError(cost)

        with pytest.raises(WorkerError):
            await floor.lanes.work(job(), refuse)
        assert idle(floor.lanes)

    on_floor(1, act, 1024)
    return len(asked)


def test_a_job_is_done_only_at_what_was_granted() -> None:
    check_cost(Cost(10, HEAVY_SECONDS), job())
    for cost, memory, heavy in ((Cost(11, 0.0), 10, True), (Cost(10, HEAVY_SECONDS), 10, False)):
        with pytest.raises(CostlyError):
            check_cost(cost, Job(0, ProcessingOptions(), Accepted(), 0.0, memory=memory, heavy=heavy))


# The budget


def test_what_the_settings_say_is_the_budget() -> None:
    assert (budget(0), budget(3)) == (0, 3 * MB)
    assert budget(None) == int(PART * available())


@pytest.mark.parametrize(
    ("groups", "files", "found"),
    [
        ("0::/\n", {"memory.max": "1000000"}, 1_000_000),
        ("0::/a/b\n", {"memory.max": "max", "a/memory.max": "2000000", "a/b/memory.max": "max"}, 2_000_000),
        ("0::/a/b\n", {"a/memory.max": "2000000", "a/b/memory.max": "3000000"}, 2_000_000),
        ("0::/../../other\n", {"memory.max": "4000000"}, 4_000_000),
        ("5:cpu,memory:/a\n1:name=systemd:/a\n", {"memory/memory.limit_in_bytes": "5000000"}, 5_000_000),
        ("3:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "6000000", "memory.max": "max"}, 6_000_000),
    ],
)
def test_a_container_s_limit_is_found(tmp_path: Path, groups: str, files: dict[str, str], found: int) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    assert available(tmp_path) == found


def test_without_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    assert available(tmp_path) > 100 * MB
