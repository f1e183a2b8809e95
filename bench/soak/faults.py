"""What goes wrong on purpose, one thing after the other by chance: processes, disks, the clock.

The kinds are dealt like cards: each comes before any comes again as often. What was done is written down, with the time
in which it may be the reason for an answer that would be wrong without it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from random import Random

from bench.soak.disks import Disk
from bench.soak.processes import Tree, send
from bench.soak.start import Control

MEAN_SECONDS = 1.7
"""Between two faults."""
CARDS = {
    "kill": 5,
    "kill all": 1,
    "stop a while": 3,
    "stop": 2,
    "kill the fork server": 1,
    "stop the fork server": 1,
    "full store": 2,
    "full scratch": 1,
    "clock": 3,
}
"""Faults, and how often each is in a deck."""
RELOAD = "reload"
"""SIGHUP, in the decks for servers that take it."""


@dataclass
class Fault:
    """Something that went wrong.

    Args:
        name: of the kind.
        begun: when, by `time.monotonic`.
        ended: when it was over; None while it goes on.
        hurt: how many processes it hit.
    """

    name: str
    begun: float
    ended: float | None = None
    hurt: int = 0


@dataclass
class Faults:
    """Makes faults.

    Args:
        tree: the server's processes.
        control: its clock.
        store: the disk of what it remembers.
        scratch: the disk for what it may want to write.
        random: what comes when.
        cards: kinds and how often each is in a deck.
    """

    tree: Tree
    control: Control
    store: Disk
    scratch: Disk
    random: Random
    cards: dict[str, int] = field(default_factory=lambda: dict(CARDS))
    done: list[Fault] = field(default_factory=list)
    _going: set[asyncio.Task[None]] = field(default_factory=set)

    def deal(self, name: str, count: int) -> None:
        """Put a fault so often into each deck."""
        self.cards[name] = count

    def left_out(self) -> list[str]:
        """Return what this machine does not let us do."""
        said = []
        if not self.store.small:
            said.append("no disk may be mounted: the store only says that its disk is full")
        if not self.scratch.small:
            said.append("no disk may be mounted: scratch is never full")
        if not self.cards.get(RELOAD):
            said.append("SIGHUP would end the server: its settings are never read again")
        return said

    async def run(self, seconds: float) -> None:
        """Make faults for so long; then let go on what was stopped for a while, make room and set the clock right."""
        end = time.monotonic() + seconds
        deck: list[str] = []
        while True:
            pause = self.random.expovariate(1 / MEAN_SECONDS)
            if time.monotonic() + pause >= end:
                await asyncio.sleep(max(0, end - time.monotonic()))
                break
            await asyncio.sleep(pause)
            deck = deck or self._deck()
            self._begin(deck.pop())
        for task in self._going:
            task.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)
        self.control.tell(ahead=0.0)

    def _deck(self) -> list[str]:
        deck = [name for name, count in self.cards.items() for _ in range(count)]
        self.random.shuffle(deck)
        return deck

    def _begin(self, name: str) -> None:
        task = asyncio.create_task(self._fault(name))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _fault(self, name: str) -> None:
        """Make one fault, and undo it after a while, early if this is cancelled."""
        fault = Fault(name, time.monotonic())
        self.done.append(fault)
        try:
            match name:
                case "kill" | "kill all" | "kill the fork server":
                    self._kill(fault)
                case "stop" | "stop a while" | "stop the fork server":
                    await self._stopped(fault)
                case "full store":
                    await self._full(self.store)
                case "full scratch":
                    await self._full(self.scratch)
                case "clock":
                    self.control.tell(ahead=3600 * self.random.uniform(-30, 30))
                case _ if name == RELOAD:
                    os.kill(self.tree.front, signal.SIGHUP)
        finally:
            fault.ended = time.monotonic()

    def _targets(self, name: str) -> list[int]:
        """Return the processes that a fault is for."""
        if name.endswith("fork server"):
            found = self.tree.forkserver
            return [] if found is None else [found]
        workers = self.tree.workers
        return workers if name == "kill all" or not workers else [self.random.choice(workers)]

    def _signal(self, fault: Fault, number: signal.Signals) -> list[int]:
        """Signal whom a fault is for; return descriptors of them."""
        hit = []
        for pid in self._targets(fault.name):
            process = self.tree.open(pid)
            if process is None:
                continue
            if send(process, number):
                hit.append(process)
                fault.hurt += 1
            else:
                os.close(process)
        return hit

    def _kill(self, fault: Fault) -> None:
        for process in self._signal(fault, signal.SIGKILL):
            os.close(process)

    async def _stopped(self, fault: Fault) -> None:
        """Stop a process, and let it go on after a while; or never, so that the server has to see to it."""
        hit = self._signal(fault, signal.SIGSTOP)
        try:
            if fault.name != "stop":
                await asyncio.sleep(self.random.uniform(0.2, 4))
        finally:
            for process in hit:
                if fault.name != "stop":
                    send(process, signal.SIGCONT)
                os.close(process)

    async def _full(self, disk: Disk) -> None:
        """Fill a disk for a while."""
        disk.fill()
        if disk is self.store and not disk.small:
            self.control.tell(full=True)
        try:
            await asyncio.sleep(self.random.uniform(2, 8))
        finally:
            disk.clear()
            self.control.tell(full=False)
