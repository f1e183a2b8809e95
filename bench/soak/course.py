"""The course of a soak: a server and an origin are started, warmed up, tormented, left to recover, and looked at."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bench.soak import crowd, marks
from bench.soak.asking import Asked, World, build
from bench.soak.clients import Record, Visit
from bench.soak.crowd import Crowd
from bench.soak.disks import disk
from bench.soak.faults import RELOAD, Faults
from bench.soak.judging import Course
from bench.soak.processes import Load, Seen, Tree, memory, prefer
from bench.soak.start import Control

MIXED_SECONDS = 60.0
"""How long the warm-up mixes all acts, but no longer than a quarter of the time of faults."""
WARM_SECONDS = 40.0
"""How long the last acts of the warm-up, and the same ones at the end, may take."""
WARM_ACTS = 24
"""How many each client does."""
REST_SECONDS = 2.2
"""How long nobody asks before the server is looked at: longer than it keeps idle connections to sources."""
START_SECONDS = 30.0
FRONT_SECONDS = 5
"""After how long the memory of the front is looked at again."""
END_SECONDS = 15.0
HOSTILE = 120
"""Hostile files: some of each kind."""
SETTINGS = {
    "DOWNLOAD_TIMEOUT": "2",
    "READ_REQUEST_TIMEOUT": "4",
    "WRITE_RESPONSE_TIMEOUT": "4",
    "CLIENT_KEEP_ALIVE_TIMEOUT": "1",
    "GRACEFUL_STOP_TIMEOUT": "5",
    "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true",
    "MAX_RESULT_DIMENSION": "6000",
}
"""What the server is told, beside where things are."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        seconds: of faults.
        seed: of all chance.
        workers: of the server.
        timeout: seconds that it has for a request.
        mounted: whether small disks are mounted, where that is possible.
        faults: whether there are any.
        nice: of all processes; below 0 only where that is allowed.
    """

    seconds: float
    seed: int = 1
    workers: int = 2
    timeout: int = 5
    mounted: bool = True
    faults: bool = True
    nice: int = 0


def soak(plan: Plan, say: Callable[[str], None]) -> Course:
    """Do it all, and return what is to be judged; after an interrupt what there is is looked at.

    Args:
        plan: what.
        say: is told how it goes.
    """
    with ExitStack() as stack:
        if plan.nice:
            stack.callback(prefer, os.getpid(), os.getpriority(os.PRIO_PROCESS, 0))
            prefer(os.getpid(), plan.nice)
        place = Path(stack.enter_context(TemporaryDirectory(prefix="foveola-soak-")))
        root = place / "sources"
        root.mkdir()
        world = replace(build(root, plan.seed, HOSTILE), port=stack.enter_context(_origin(root, plan.nice)))
        store, scratch = (stack.enter_context(disk(place / name, plan.mounted)) for name in ("store", "scratch"))
        control, log = Control(place / "control"), place / "log"
        where = {"LOCAL_FILESYSTEM_ROOT": str(root), "WORKERS": str(plan.workers), "TIMEOUT": str(plan.timeout)}
        environ = {f"IMGPROXY_{name}": value for name, value in (SETTINGS | where).items()}
        environ |= {"FOVEOLA_DECISIONS": str(store.folder / "decisions"), "TMPDIR": str(scratch.folder)}
        process, port = stack.enter_context(_server(environ, place / "control", log))
        preferred = plan.nice < 0 and prefer(process.pid, plan.nice)
        tree = Tree(process.pid)
        faults = Faults(tree, control, store, scratch, Random(f"{plan.seed} faults"))
        faults.deal(RELOAD, 2 * tree.catches(signal.SIGHUP))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _calm) as checking:
            course = asyncio.run(_Soak(plan, world, port, tree, faults, checking, say).run())
        code = _ended(process)
        return replace(course, code=code, preferred=preferred, log=log.read_text(errors="replace").splitlines())


def _calm() -> None:
    """Be the process that looks at pictures: it can wait, and an interrupt is not for it."""
    os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Soak:
    """The phases, in one event loop."""

    def __init__(
        self,
        plan: Plan,
        world: World,
        port: int,
        tree: Tree,
        faults: Faults,
        checking: ProcessPoolExecutor,
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._tree, self._faults, self._checking, self._say = plan, tree, faults, checking, say
        self._checks: list[tuple[Record, Future[str]]] = []
        self._visit = Visit(port, plan.timeout, self._check)
        self._crowd = Crowd(self._visit, world, plan.seed)
        self._plain = Asked("plain", f"/unsafe/w:100/plain/local:///{world.sources[0].name}")
        self._load = Load(os.getpid())
        self._front: list[int] = []
        self._over = False
        self._phase: asyncio.Future[Any] | None = None

    async def run(self) -> Course:
        """Do all phases; the code and the log are not known yet."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)
        ticking, looking = (asyncio.create_task(work) for work in (self._visit.ticker.run(), self._looking()))
        await self._during(self._crowd.run(crowd.MIXED, min(MIXED_SECONDS, self._plan.seconds / 4)))
        before, first = await self._looked()
        self._say(f"warm: {before.memory / 1e6:.0f} MB, {first * 1000:.0f} ms")
        for line in self._faults.left_out() if self._plan.faults else ["no faults"]:
            self._say(f"left out: {line}")
        tormented = [self._crowd.run(crowd.MIXED, self._plan.seconds)]
        await self._during(*tormented, *([self._faults.run(self._plan.seconds)] if self._plan.faults else []))
        made = Counter(fault.name for fault in self._faults.done)
        self._say("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(made.items())))
        await self._during(self._crowd.run(crowd.PLAIN, self._plan.timeout + 1))
        after, last = await self._looked()
        health = await self._visit.ask(Asked("health", "/health"))
        ticking.cancel()
        looking.cancel()
        for record, found in self._checks:
            record.wrong = await asyncio.wrap_future(found)
        records, done = self._visit.records, self._faults.done
        plain, others, lags = (first, last), self._load.others, self._visit.ticker.lags
        return Course(
            records, done, before, after, plain, health.status, [], None, self._plan.timeout, others, lags, self._front
        )

    async def _looking(self) -> None:
        """See what else the machine does."""
        for second in count():
            await asyncio.sleep(1)
            self._load.look()
            if second % FRONT_SECONDS == 0:
                self._front.append(memory([self._tree.front])[1])

    async def _during(self, *work: Coroutine[Any, Any, None]) -> None:
        """Wait for the parts of a phase, or for an interrupt, after which nothing is begun."""
        if self._over:
            for part in work:
                part.close()
            return
        self._phase = asyncio.gather(*work)
        with suppress(asyncio.CancelledError):
            await self._phase

    def _interrupt(self) -> None:
        self._over = True
        if self._phase is not None:
            self._phase.cancel()

    async def _looked(self) -> tuple[Seen, float]:
        """Return what a server at rest is like, and the seconds of a plain request.

        New workers have done the same acts before, so what differs between two looks is what others have kept.
        """
        for pid in self._tree.workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._during(self._crowd.run(crowd.PLAIN, WARM_SECONDS, WARM_ACTS))
        took = [(await self._visit.ask(self._plain)).took for _ in range(15)]
        await asyncio.sleep(REST_SECONDS)
        return self._tree.seen(), statistics.median(took)

    def _check(self, record: Record, body: bytes) -> None:
        if record.asked.wanted is not None:
            self._checks.append((record, self._checking.submit(marks.wrong, body, record.asked.wanted)))


@contextmanager
def _origin(root: Path, nice: int) -> Iterator[int]:
    """Run the origin, and yield its port."""
    command = [sys.executable, "-P", "-m", "bench.soak.origin", str(root)]
    with subprocess.Popen(
        command, env=_environment({}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        if nice:
            prefer(process.pid, nice)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.kill()


@contextmanager
def _server(environ: Mapping[str, str], control: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the server, and yield it and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "bench.soak.start", str(control)]
    environ = _environment({**environ, "IMGPROXY_BIND": f"127.0.0.1:{port}"})
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        end = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"The server does not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield process, port
    finally:
        process.kill()
        process.wait()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of ours, with no settings but these, that finds this package."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("IMGPROXY_", "FOVEOLA_"))}
    here = str(Path(__file__).parents[2])
    return kept | {"PYTHONPATH": os.pathsep.join((here, kept.get("PYTHONPATH", "")))} | dict(own)


def _listens(port: int) -> bool:
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Ask the server to end, and return its code; None where it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        return None
