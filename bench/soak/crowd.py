"""The crowd: clients side by side, each drawing what it does next from random numbers of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random

from bench.soak import asking
from bench.soak.asking import Asked, World
from bench.soak.clients import Visit

CLIENTS = 8
PAUSE = 0.25
"""Seconds that a client rests at most after an answer: the machine is to be busy, not beyond its means."""
HEALTH_SECONDS = 0.5
Acts = tuple[tuple[str, float], ...]
"""What clients do, and how often."""
PLAIN: Acts = (
    *(("picture", 50), ("raw", 4), ("info", 6), ("several", 5), ("burst", 4), ("hostile file", 10)),
    *(("hostile URL", 8), ("failing source", 8)),
)
"""Acts of clients that wait for answers which take a moment."""
MIXED: Acts = (*PLAIN, ("leave", 12), ("slow sender", 3), ("slow reader", 2), ("no reader", 1), ("slow", 1.2))
"""All acts."""


class Crowd:
    """Clients of one server.

    Args:
        visit: how they ask.
        world: what they ask for.
        seed: of what they do.
    """

    def __init__(self, visit: Visit, world: World, seed: int) -> None:
        self._visit, self._world, self._seed = visit, world, seed
        self._large = asyncio.Semaphore(1)

    async def run(self, acts: Acts, seconds: float, each: int | None = None) -> None:
        """Do acts for so long, and wait until the last are done; the same ones each time with the same acts.

        Args:
            acts: what is done.
            seconds: how long at most.
            each: how many acts each client does at most.
        """
        end = time.monotonic() + seconds
        names, weights = [name for name, _ in acts], [weight for _, weight in acts]

        async def client(random: Random) -> None:
            done = 0
            while time.monotonic() < end and done != each:
                await self._act(random.choices(names, weights)[0], random)
                await asyncio.sleep(PAUSE * random.random())
                done += 1

        nurse = asyncio.create_task(self._nurse())
        try:
            await asyncio.gather(*(client(Random(f"{self._seed} {len(acts)} {n}")) for n in range(CLIENTS)))
        finally:
            nurse.cancel()

    async def _nurse(self) -> None:
        """Ask whether the server is well, until this is cancelled."""
        while True:
            await self._visit.ask(Asked("health", "/health"))
            await asyncio.sleep(HEALTH_SECONDS)

    async def _act(self, name: str, random: Random) -> None:
        world, visit = self._world, self._visit
        drawn = self._drawn().get(name)
        if drawn is not None:
            await visit.ask(drawn(world, random))
            return
        others: dict[str, Callable[[], Awaitable[object]]] = {
            "several": lambda: visit.ask_all([asking.picture(world, random, "several") for _ in range(3)]),
            "burst": lambda: self._burst(random),
            "leave": lambda: visit.leave(
                random.choice((asking.picture, asking.picture, asking.slow))(world, random), random
            ),
            "slow sender": lambda: visit.ask(asking.picture(world, random, "slow sender"), random.uniform(0.2, 2)),
            "slow reader": lambda: visit.dawdle(asking.large(world, random), random.uniform(0.005, 0.03)),
            "no reader": lambda: visit.dawdle(asking.large(world, random), 0),
            "slow": lambda: self._slow(random),
        }
        await others[name]()

    @staticmethod
    def _drawn() -> dict[str, Callable[[World, Random], Asked]]:
        return {
            "picture": asking.picture,
            "raw": asking.raw,
            "info": asking.info,
            "hostile file": asking.hostile,
            "hostile URL": asking.mutated,
            "failing source": asking.failing,
        }

    async def _burst(self, random: Random) -> None:
        """Ask for one picture by several at the same time, of whom one leaves."""
        asked = asking.picture(self._world, random, "burst")
        await asyncio.gather(*(self._visit.ask(asked) for _ in range(3)), self._visit.leave(asked, random))

    async def _slow(self, random: Random) -> None:
        """Ask for one that takes too long; two at a time would leave nobody for the others."""
        if not self._large.locked():
            async with self._large:
                await self._visit.ask(asking.slow(self._world, random))
