"""The pool of workers by itself: what it hands over stays as it is, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import mmap
import os
import signal
import subprocess
import threading
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from foveola import sandbox
from foveola.config import Settings
from foveola.errors import ImageError, UrlError
from foveola.options import ProcessingOptions
from foveola.pipeline import Accepted
from foveola.server import forkserver, suspects
from foveola.server.jobs import Job, WorkerError
from foveola.server.metrics import Metrics
from foveola.server.processes import Worker
from foveola.server.suspects import Suspects
from foveola.server.workers import Pool, Wear, _check_result
from foveola.sources.base import Body
from tests.serving import children, encoded, state, until
from tests.toys import photo

JPEG = encoded(photo(200, 100), "JPEG")
LARGE = encoded(photo(1600, 1200), "JPEG")


def body(data: bytes) -> Body:
    made = Body()
    made.write(data)
    return made


def job(size: int) -> Job:
    return Job(size, ProcessingOptions(width=20, format="webp"), Accepted(), time.monotonic() + 60)


def pool() -> Pool:
    settings = Settings()
    return Pool(1, settings.defaults, Metrics(settings.monitoring, 1), settings.fence, Wear(), Suspects())


async def started() -> tuple[Pool, Worker, int]:
    """Return a pool, its only worker, and the process that forks."""
    workers = pool()
    await workers.start()
    (worker,) = workers._alive
    return workers, worker, next(pid for pid in children(os.getpid()) if worker.pid in children(pid))


def ours() -> set[int]:
    return {pid for pid in children(os.getpid()) if state(pid) not in "X"}


def run(work: Coroutine[None, None, None]) -> None:
    """Run with nothing left behind."""
    before = ours()
    asyncio.run(work)
    assert until(lambda: ours() <= before)


def test_nobody_forks_beside_a_second_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", int)
    over = threading.Event()
    another = threading.Thread(target=over.wait)
    another.start()
    try:
        with pytest.raises(RuntimeError, match=f"one thread in the process that forks, got {sandbox.threads()}"):
            forkserver._fork()
    finally:
        over.set()
        another.join()


def test_what_a_worker_has_in_hands_stays_as_it_is() -> None:
    async def work() -> None:
        workers = pool()
        await workers.start()
        with body(JPEG) as source, Body() as result, body(JPEG) as mark:
            asked = replace(job(source.size), watermark=mark.size)
            facts = await workers.work(asked, source, result, mark)
            assert facts.bytes == result.size == os.fstat(result.fd).st_size
            for sealed in (source, result, mark):
                for act in (lambda fd: os.pwrite(fd, b"x", 0), lambda fd: os.ftruncate(fd, 1)):
                    with pytest.raises(PermissionError):
                        act(sealed.fd)
        await workers.close()

    run(work())


def test_a_result_that_someone_may_still_change_is_refused() -> None:
    with body(b"abc") as result, mmap.mmap(result.fd, 3), pytest.raises(WorkerError, match="kept hold"):
        _check_result(3, result)
    with body(b"abc") as result, pytest.raises(WorkerError, match="another size"):
        _check_result(4, result)


def test_a_file_of_this_machine_needs_no_seal(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with Body.of(os.open(path, os.O_RDONLY), 3) as source:
        source.seal()
    with Body.of(os.open(path, os.O_RDWR), 3) as source:
        source.seal()


def test_options_that_fit_into_no_message_are_refused() -> None:
    async def work() -> None:
        with body(b"") as source, Body() as result:
            large = Job(0, ProcessingOptions(filename="a" * (1 << 17)), Accepted(), 0.0)
            with pytest.raises(UrlError, match="Expected options that fit into 131072 bytes"):
                await pool().work(large, source, result)

    asyncio.run(work())


def test_a_pool_that_is_closed_while_it_starts_another_leaves_nothing() -> None:
    async def work() -> None:
        workers = pool()
        await workers.start()
        (worker,) = workers._alive
        os.kill(worker.pid, signal.SIGKILL)
        await worker.ended
        await asyncio.sleep(0.001)
        await workers.close()
        assert not workers._alive

    run(work())


def test_a_pool_that_is_closed_while_a_job_is_given_up_says_nothing() -> None:
    async def work() -> None:
        said: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
        for close_first in (False, True):
            workers = pool()
            await workers.start()
            with body(LARGE) as source, Body() as result:
                asked = Job(source.size, ProcessingOptions(format="avif"), Accepted(), time.monotonic() + 60)
                task = asyncio.create_task(workers.work(asked, source, result))
                await asyncio.sleep(0.2)
                closing = asyncio.create_task(workers.close()) if close_first else None
                task.cancel()
                await (closing or workers.close())
                with pytest.raises((asyncio.CancelledError, WorkerError)):
                    await task
        gc.collect()
        assert said == []

    uvloop.run(work())


def test_a_lost_fork_server_is_started_again_and_loses_no_job() -> None:
    async def work() -> None:
        workers, _, server = await started()
        os.kill(server, signal.SIGKILL)
        with body(JPEG) as source, Body() as result:
            assert (await workers.work(job(source.size), source, result)).format == "webp"
        await workers.close()

    run(work())


def test_a_fork_server_that_is_stopped_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveola.server.processes.FORK_SECONDS", 1.0)

    async def work() -> None:
        workers, worker, server = await started()
        os.kill(server, signal.SIGSTOP)
        os.kill(worker.pid, signal.SIGKILL)  # nobody hears how it has ended
        with body(JPEG) as source, Body() as result:
            assert (await workers.work(job(source.size), source, result)).format == "webp"
        await workers.close()

    run(work())


def test_a_worker_that_ends_while_nobody_tells_how_costs_a_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveola.server.processes.FORK_SECONDS", 1.0)

    async def work() -> None:
        workers, worker, server = await started()
        with body(LARGE) as source, Body() as result:
            asked = Job(source.size, ProcessingOptions(format="avif", width=600), Accepted(), time.monotonic() + 60)
            task = asyncio.create_task(workers.work(asked, source, result))
            await asyncio.sleep(0.1)
            os.kill(server, signal.SIGSTOP)
            os.kill(worker.pid, signal.SIGKILL)
            assert (await task).format == "avif"
        assert worker not in workers._alive
        await workers.close()

    run(work())


def test_a_fork_server_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    async def work() -> None:
        workers = pool()
        with pytest.raises(WorkerError, match="No worker can be forked"):
            await workers.start()
        await workers.close()

    run(work())


def test_pictures_that_workers_have_died_of_are_refused_for_a_while() -> None:
    now = 1000.0

    async def work() -> None:
        nonlocal now
        known = Suspects(lambda: now)
        one, other = body(b"one"), body(b"two")
        await known.blame(one, crashed=True)
        await known.check(one)
        await known.forgive(one)
        await known.blame(one, crashed=False)
        with pytest.raises(ImageError, match="2 workers have died of this picture, it is refused for 600 seconds"):
            await known.check(body(b"one"))
        await known.check(other)
        now += suspects.SECONDS
        await known.check(one)

        for _ in range(3):
            await known.blame(other, crashed=False)
            await known.forgive(other)
        await known.check(other)
        for _ in range(2):
            await known.blame(other, crashed=False)
        with pytest.raises(ImageError, match="for 60 seconds"):
            await known.check(other)
        now += suspects.KILLED_SECONDS
        await known.blame(other, crashed=False)
        await known.check(other)

    asyncio.run(work())


def test_only_so_many_suspects_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "MOST", 2)

    async def work() -> None:
        known = Suspects()
        for name in (b"a", b"a", b"b", b"b", b"c", b"c"):
            await known.blame(body(name), crashed=True)
        await known.check(body(b"a"))
        for name in (b"b", b"c"):
            with pytest.raises(ImageError):
                await known.check(body(name))

    asyncio.run(work())


def test_a_picture_is_hashed_only_where_it_may_be_a_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        known = Suspects()
        await known.blame(body(b"abc"), crashed=True)
        monkeypatch.setattr(Body, "digest", lambda *_: pytest.fail("hashed"))
        await known.check(body(b"abcd"))

    asyncio.run(work())


def test_a_large_picture_is_hashed_once_and_right() -> None:
    data = os.urandom(1 << 20)

    async def work() -> None:
        with body(data) as large:
            expected = subprocess.run(["sha256sum"], input=data, stdout=subprocess.PIPE, check=True).stdout.split()[0]
            assert await large.name() == await large.name() == expected.decode()

    asyncio.run(work())
