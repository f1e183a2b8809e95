"""Workers that a picture has taken over: code is planted in real ones, and the front must not suffer from it."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from foveola.config import Settings
from foveola.errors import FoveolaError
from foveola.options import ProcessingOptions
from foveola.pipeline import Accepted
from foveola.server import forkserver, jobs, words
from foveola.server.jobs import Job, WorkerError
from foveola.server.metrics import Metrics
from foveola.server.processes import Worker
from foveola.server.suspects import Suspects
from foveola.server.workers import Pool, Wear
from foveola.sources.base import Body
from tests.fenced import needs
from tests.serving import encoded
from tests.toys import photo

JPEG = encoded(photo(200, 100), "JPEG")
FACTS = jobs.Facts("webp", (1, 1), (1, 1), 0, "none", 80, None, 1, None, "fixed")
PLANT = """
import os, sys, json, socket, time
from foveola.sandbox import Fence
from foveola.server import forkserver, worker
from foveola.server.worker import send
answer, receive, said = worker.answer, worker.receive, {{}}
def listening(channel, count=0):
    said["channel"] = channel
    return receive(channel, count)
def sending(channel, message):
    send(channel, said.pop("first", message) if message == b"begun" else message)
def lost(job, defaults, *descriptors):
    channel = said["channel"]
    count = said["count"] = said.get("count", 0) + 1
    {code}
    return answer(job, defaults, *descriptors)
worker.receive, worker.answer, worker.send = listening, lost, sending
{more}
forkserver.main(int(sys.argv[1]), Fence.read(sys.argv[2]))
"""


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def job(width: int) -> Job:
    return Job(len(JPEG), ProcessingOptions(width=width, format="webp"), Accepted(), time.monotonic() + 60)


class Lost:
    """A pool of one worker in which code is planted."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def ask(self, width: int = 20) -> jobs.Facts:
        """Have a picture made."""
        with Body() as source, Body() as result:
            source.write(JPEG)
            return await self.pool.work(job(width), source, result)

    @property
    def worker(self) -> Worker:
        """The one that waits for work."""
        (worker,) = self.pool._alive
        return worker


@pytest.fixture
def planted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Callable[[str, Callable[[Lost], Awaitable[None]]], None]:
    """Return what plants code before each answer of a worker, and runs a function with its pool."""
    caplog.set_level(logging.INFO)

    def run(code: str, act: Callable[[Lost], Awaitable[None]], more: str = "") -> None:
        program = PLANT.format(code=code.replace("\n", "\n    "), more=more)
        start = subprocess.Popen

        def popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
            at = command.index("-m")
            return start([*command[:at], "-c", program, *command[at + 2 :]], **options)

        monkeypatch.setattr(forkserver.subprocess, "Popen", popen)  # type: ignore[attr-defined]

        async def whole() -> None:
            settings = Settings()
            metrics = Metrics(settings.monitoring, 1)
            pool = Pool(1, settings.defaults, metrics, settings.fence, Wear(), Suspects())
            await pool.start()
            try:
                await act(Lost(pool))
            finally:
                await pool.close()

        before = open_descriptors()
        asyncio.run(whole())
        assert open_descriptors() == before

    return run


Planted = Callable[..., None]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what workers have said."""
    return [record.getMessage() for record in caplog.records if record.name == "foveola.worker"]


def test_what_a_worker_writes_is_a_record_of_it(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    async def act(lost: Lost) -> None:
        worker = lost.worker
        await lost.ask()
        async with asyncio.timeout(5):
            while len(lines(caplog)) < 4:
                await asyncio.sleep(0.01)
        assert {record.fields["worker"] for record in caplog.records} == {worker.pid}  # type: ignore[attr-defined]

    planted(
        r"""os.write(1, b'time="now" level="INFO" msg="forged"\n\n\x1b]0;owned\x07\xff\n')
os.write(2, b'["ERROR","one","two","three"]\n["FATAL","a","b","c"]\n["ERROR",' + b'[' * 5000 + b'\n')
try: os.ftruncate(1, 0)
except OSError: pass""",
        act,
    )
    told = [(r.levelname, r.getMessage(), getattr(r, "fields", {}).get("stack")) for r in caplog.records]
    assert told[:3] == [
        ("WARNING", 'time="now" level="INFO" msg="forged"', None),
        ("WARNING", "\x1b]0;owned\x07\\xff", None),
        ("ERROR", "one", "three"),
    ]
    assert told[3][:2] == ("WARNING", '["FATAL","a","b","c"]')
    assert len(told) == 5


def test_what_a_worker_logs_keeps_its_level_and_its_stack(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    async def act(lost: Lost) -> None:
        for _ in range(3):
            with pytest.raises(FoveolaError):
                await lost.ask()

    planted("worker.work = None", act)
    (first, *_) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert first.getMessage() == "Unforeseen error"
    assert "TypeError" in first.fields["error"]  # type: ignore[attr-defined]
    assert first.fields["stack"].startswith("Traceback")  # type: ignore[attr-defined]


def test_the_last_words_of_a_crash_stand_before_the_news_of_it(
    planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(lost: Lost) -> None:
        with pytest.raises(WorkerError, match="SIGABRT"):
            await lost.ask()

    planted("os.write(2, b'free(): invalid ' + b'pointer'); os.abort()", act)
    assert caplog.records[0].getMessage() == "free(): invalid pointer"


def test_a_flood_is_bounded_and_blocks_nobody(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    flood = r"""import threading
def flood():
    while True:
        try: os.write(1, b'x\n' * 2000 + b'y' * 60000)
        except BlockingIOError: pass
threading.Thread(target=flood, daemon=True).start()"""

    async def act(lost: Lost) -> None:
        begun, used = time.monotonic(), time.process_time()
        assert (await lost.ask()).format == "webp"
        await asyncio.sleep(2.5)
        assert time.process_time() - used < 0.5
        spoken = len(lines(caplog))
        assert words.LINES <= spoken <= (words.LINES + 4) * (time.monotonic() - begun + 1)

    planted(flood, act)
    assert any(line.startswith("A worker has said") for line in lines(caplog))
    assert max(map(len, lines(caplog))) <= 2 * words.LONGEST


def test_a_reply_of_nothing_is_refused(planted: Planted) -> None:
    facts = jobs.reply(FACTS)

    async def act(lost: Lost) -> None:
        with pytest.raises(WorkerError, match="bad facts"):
            await lost.ask()

    planted(f"return {facts!r}", act)
    with pytest.raises(WorkerError, match="bad size"):
        jobs.read_text_facts(b'{"bytes": 0, "vips": [0, 0, 0]}')


def test_a_worker_that_says_more_than_it_was_asked_is_replaced(planted: Planted) -> None:
    async def act(lost: Lost) -> None:
        first = lost.worker
        await lost.ask(21)
        async with asyncio.timeout(5):
            while first.silent:
                await asyncio.sleep(0.01)
        assert (await lost.ask()).bytes > 0
        assert first not in lost.pool._alive

    planted(
        "if job.options.width == 21: import threading; threading.Timer(0.3, send, (channel, b'begun')).start()", act
    )


def test_a_worker_that_answers_twice_gets_no_other_job(planted: Planted) -> None:
    async def act(lost: Lost) -> None:
        first = lost.worker
        await lost.ask(21)
        await asyncio.sleep(0.2)
        assert (await lost.ask()).bytes > 0
        assert first not in lost.pool._alive

    planted(
        "if job.options.width == 21: send(channel, answer(job, defaults, *descriptors)); send(channel, b'begun')", act
    )


@pytest.mark.parametrize("first", ["b'Begun'", "b'begun '", "b'x' * 100_000"])
def test_a_job_begins_with_the_one_word_that_says_so(planted: Planted, first: str) -> None:
    async def act(lost: Lost) -> None:
        worker = lost.worker
        await lost.ask()
        assert (await lost.ask()).bytes > 0
        assert worker not in lost.pool._alive

    planted("", act, f"said['first'] = {first}; os.register_at_fork(after_in_parent=lambda: said.pop('first', 0))")


def test_descriptors_that_a_worker_sends_are_closed(planted: Planted) -> None:
    async def act(lost: Lost) -> None:
        await lost.ask()
        before = open_descriptors()
        for _ in range(3):
            await lost.ask()
        assert open_descriptors() < before + 100  # of 300; a worker that is being replaced has some, too

    planted(
        """reply = answer(job, defaults, *descriptors)
socket.send_fds(channel, [reply], [0] * 100)
def once(channel, message): worker.send = sending
worker.send = once
return b''""",
        act,
    )


def test_whether_a_worker_is_silent_is_asked_in_no_time(planted: Planted) -> None:
    async def act(lost: Lost) -> None:
        begun = time.thread_time()
        assert all(lost.worker.silent for _ in range(1000))
        assert time.thread_time() - begun < 0.05  # 5 microseconds each

    planted("", act)


@needs("seccomp")
def test_a_worker_can_not_outlive_its_parent(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    async def act(lost: Lost) -> None:
        await lost.ask()
        async with asyncio.timeout(5):
            while not lines(caplog):
                await asyncio.sleep(0.01)

    planted(
        """import ctypes
libc, signal = ctypes.CDLL(None), ctypes.c_int()
libc.prctl(1, 0)
libc.prctl(2, ctypes.byref(signal))
os.write(1, b"%d\\n" % signal.value)""",
        act,
    )
    assert lines(caplog) == ["9"]


def test_a_process_with_a_second_thread_forks_nobody(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    async def act(lost: Lost) -> None:
        await lost.ask()
        lost.worker.kill()
        async with asyncio.timeout(5):
            while not any(wanted in record.getMessage() for record in caplog.records):
                await asyncio.sleep(0.01)

    wanted = "No worker can be forked: Expected one thread in the process that forks, got 2"
    another = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    planted("", act, f"import threading; os.register_at_fork(after_in_parent=lambda: {another})")
