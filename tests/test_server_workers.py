"""Workers can be lost: to the clock, to a crash, to a client that leaves, to wear; the server goes on."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving import Origin, Reply, Served, children, serving, state, until

SLOW = "/unsafe/plain/local:///noise.png@avif"
QUICK = "/unsafe/w:20/plain/local:///cat.jpg"


@pytest.fixture(scope="module")
def slow(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with one worker, a place to wait and an encoder that takes longer than a request may."""
    settings = {"WORKERS": "1", "REQUESTS_QUEUE_SIZE": "1", "TIMEOUT": "2", "AVIF_SPEED": "0"}
    with serving(tmp_path_factory.mktemp("slow"), LOCAL_FILESYSTEM_ROOT=str(folder), **settings) as served:
        yield served


def settled(served: Served) -> list[int]:
    """Return the workers, when none is being replaced any more."""
    assert served.get(QUICK).status == 200
    before: list[int] = []

    def same() -> bool:
        nonlocal before
        found, before = before, served.workers
        time.sleep(0.2)
        return bool(before) and found == before

    assert until(same)
    return before


def spent(pid: int) -> float:
    """Return the seconds that a process has computed."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def wakings(pid: int) -> int:
    """Return how often a process has waited for something and gone on; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    except (OSError, IndexError):
        return 0


@contextmanager
def working(served: Served, act: Callable[[], object]) -> Iterator[int]:
    """Have an act done that keeps a worker busy, and give that worker when it is deep in it."""
    before = {worker: spent(worker) for worker in settled(served)}
    thread = threading.Thread(target=act)
    thread.start()
    assert until(lambda: any(spent(worker) > seconds + 0.1 for worker, seconds in before.items()))
    yield next(worker for worker, seconds in before.items() if spent(worker) > seconds + 0.1)
    thread.join()


def zombies(served: Served) -> list[int]:
    return [pid for pid in children(served.forkserver) if state(pid) == "Z"]


@pytest.mark.parametrize("target", [SLOW, "/unsafe/pngo:0:1:256/plain/local:///noise.png@png"])
def test_a_deadline_is_kept_though_nothing_stops_the_encoder(slow: Served, target: str) -> None:
    late, warm = [], []
    for _ in range(3):
        before = settled(slow)
        start = time.monotonic()
        reply = slow.get(target)
        late.append(time.monotonic() - start - 2)
        assert (reply.status, reply.body) == (503, b"Timeout")

        woken = {worker: wakings(worker) for worker in before}
        start = time.monotonic()
        assert slow.get(QUICK).status == 200
        assert time.monotonic() - start < 1
        seen = {worker for worker, times in woken.items() if wakings(worker) > times}
        assert until(lambda before=before: slow.workers != before)  # type: ignore[misc]
        warm.append(bool(seen & {*slow.workers}))
    assert min(late) >= 0
    assert statistics.median(late) < 0.15
    assert sum(warm) >= 2, "the next request was served by a worker that was not there before"
    assert until(lambda: not zombies(slow))


def test_a_worker_that_crashes_takes_one_request_with_it(slow: Served) -> None:
    replies: list[Reply] = []
    with working(slow, lambda: replies.append(slow.get(SLOW))) as worker:
        os.kill(worker, signal.SIGSEGV)

    assert (replies[0].status, replies[0].body) == (500, b"Internal error")
    assert slow.get(QUICK).status == 200
    assert slow.get("/health").status == 200


def test_a_worker_that_was_killed_by_someone_costs_a_second_try(folder: Path, tmp_path: Path) -> None:
    replies: list[Reply] = []
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1", TIMEOUT="20", AVIF_SPEED="6") as served:
        with working(served, lambda: replies.append(served.get(SLOW))) as worker:
            os.kill(worker, signal.SIGKILL)
        assert (replies[0].status, replies[0].headers["content-type"]) == (200, "image/avif")
        assert "A worker was killed, over the picture of" in served.log.read_text()

        with working(served, lambda: replies.append(served.get(SLOW))) as worker:  # that death is forgiven by now
            os.kill(worker, signal.SIGKILL)
            assert until(lambda: any(other != worker and spent(other) > 0.4 for other in served.workers))
            for other in served.workers:
                os.kill(other, signal.SIGKILL)
        assert replies[1].status == 503
        assert until(lambda: "local:///noise.png" in served.log.read_text().splitlines()[-1])
        assert served.get(SLOW).status == 422
        assert until(lambda: "2 workers have died of this picture" in served.log.read_text())
        assert served.get(QUICK).status == 200
        assert until(lambda: not zombies(served))


def test_a_picture_that_crashes_workers_is_refused(folder: Path, tmp_path: Path) -> None:
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "WORKERS": "1", "TIMEOUT": "20", "AVIF_SPEED": "6"}
    replies: list[Reply] = []
    with serving(tmp_path, **settings) as served:
        for _ in range(2):
            with working(served, lambda: replies.append(served.get(SLOW))) as worker:
                os.kill(worker, signal.SIGSEGV)
            assert served.get("/unsafe/w:20/plain/local:///noise.png").status == (422 if replies[1:] else 200)
        shutil.copyfile(folder / "noise.png", folder / "copy.png")
        again = served.get("/unsafe/w:20/plain/local:///copy.png")
        log = served.log.read_text()

    assert [reply.status for reply in replies] == [500, 500]
    assert "A worker has ended by itself (SIGSEGV), over the picture of" in log
    assert hashlib.sha256((folder / "noise.png").read_bytes()).hexdigest() in log
    assert (again.status, again.body) == (422, b"Broken or unsupported image")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_that_are_lost_idle_take_none(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1", TIMEOUT="20") as served:
        before = settled(served)
        for worker in before:
            os.kill(worker, number)

        assert served.get(QUICK).status == 200
        assert until(lambda: not {*before} & {*served.workers})


def test_a_worker_that_died_idle_is_replaced_before_anyone_asks(slow: Served) -> None:
    before = settled(slow)
    os.kill(before[0], signal.SIGKILL)

    assert until(lambda: len(slow.workers) == len(before) and before[0] not in slow.workers)
    assert "A worker has ended that had nothing to do (SIGKILL)" in slow.log.read_text()
    assert not zombies(slow)


def test_a_worker_that_is_stopped_ends_with_its_deadline(slow: Served) -> None:
    replies: list[Reply] = []
    start = time.monotonic()
    with working(slow, lambda: replies.append(slow.get(SLOW))) as worker:
        os.kill(worker, signal.SIGSTOP)
    assert replies[0].status == 503
    assert time.monotonic() - start < 10
    assert until(lambda: worker not in slow.workers)


@pytest.mark.parametrize("wear", [{"REQUESTS": "5"}, {"SECONDS": "1"}, {"MEMORY": "1"}])
def test_worn_workers_are_replaced_and_no_request_fails(folder: Path, tmp_path: Path, wear: dict[str, str]) -> None:
    ours = {f"FOVEOLA_WORKER_{name}": value for name, value in wear.items()}
    seen: set[int] = set()
    with serving(tmp_path, ours, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="2") as served:
        most = len(settled(served))

        def ask(width: int) -> int:
            status = served.get(f"/unsafe/w:{width}/plain/local:///cat.jpg").status
            found = served.workers
            assert len(found) <= most + 1  # one may be about to end
            seen.update(found)
            return status

        with ThreadPoolExecutor(3) as pool:
            statuses = [*pool.map(ask, range(1, 60))]
            time.sleep(1.1)
            statuses += pool.map(ask, range(60, 100))
        assert {*statuses} == {200}
        assert len(seen) > most + 1
        assert until(lambda: len(served.workers) == most and not zombies(served))


def test_a_job_may_compute_for_a_while_only(slow: Served) -> None:
    def limit(worker: int) -> str:
        lines = Path(f"/proc/{worker}/limits").read_text().splitlines()
        return next(line for line in lines if line.startswith("Max cpu time")).split()[3]

    with working(slow, lambda: slow.get(SLOW)) as worker:
        assert int(limit(worker)) <= 4 * 3 + 60


def test_a_client_that_leaves_takes_its_work_along(slow: Served) -> None:
    connection = slow.connect()
    with working(slow, lambda: connection.request("GET", SLOW)) as worker:
        connection.close()

    assert until(lambda: "status=499" in slow.log.read_text())
    assert until(lambda: worker not in slow.workers)
    assert slow.get(QUICK).status == 200


def test_a_full_queue_is_said_at_once(slow: Served) -> None:
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(slow.get, [SLOW] * 4))

    statuses = sorted(reply.status for reply in replies)
    assert statuses == [429, 429, 503, 503]
    refused = next(reply for reply in replies if reply.status == 429)
    assert (refused.body, refused.headers["retry-after"]) == (b"Too many requests", "1")


def test_downloads_hold_no_worker(folder: Path, tmp_path: Path, elsewhere: Origin) -> None:
    settings = {"WORKERS": "1", "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", "TIMEOUT": "30", "DOWNLOAD_TIMEOUT": "30"}
    targets = [f"/unsafe/w:{width}/plain/{elsewhere.url('/held/cat.jpg')}" for width in range(1, 9)]
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), **settings) as served:
        settled(served)
        with ThreadPoolExecutor(len(targets)) as pool:
            hanging = [pool.submit(served.get, target) for target in targets]
            try:
                assert until(lambda: len(elsewhere.asked) == len(targets))
                start = time.monotonic()
                assert served.get(QUICK).status == 200
                assert time.monotonic() - start < 1
                assert not any(reply.done() for reply in hanging)
            finally:
                elsewhere.gate.set()
            assert {reply.result().status for reply in hanging} == {200}


def test_workers_are_the_first_to_go_when_memory_is_short(slow: Served) -> None:
    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    assert all(score(worker) == 500 for worker in settled(slow))
    assert score(slow.process.pid) == score(os.getpid())


def test_the_process_that_forks_has_one_thread_whatever_was_served(slow: Served) -> None:
    for format in ("jpeg", "webp", "avif", "png", "gif", "jxl"):
        assert slow.get(f"{QUICK}@{format}").status == 200

    assert [int(task.name) for task in Path(f"/proc/{slow.forkserver}/task").iterdir()] == [slow.forkserver]


def test_losing_the_process_that_forks_is_survived(slow: Served) -> None:
    os.kill(slow.forkserver, signal.SIGKILL)

    assert until(lambda: slow.get(QUICK).status == 200, 20)


def test_a_request_that_is_worked_on_is_finished_when_the_server_is_told_to_stop(folder: Path, tmp_path: Path) -> None:
    replies: list[Reply] = []
    settings = {"WORKERS": "1", "AVIF_SPEED": "7", "GRACEFUL_STOP_TIMEOUT": "20", "TIMEOUT": "20"}
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), **settings) as served:
        with working(served, lambda: replies.append(served.get(SLOW))) as worker:
            code = served.stop()

        assert code == 0
        assert replies[0].status == 200
        assert until(lambda: not Path(f"/proc/{worker}").exists())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"QUALITY": "x", "TIMEOUT": "y"}, "Expected integer 1..100 for IMGPROXY_QUALITY"),
        ({"LOCAL_FILESYSTEM_ROOT": "/none"}, 'Expected a folder for IMGPROXY_LOCAL_FILESYSTEM_ROOT, got "/none"'),
        ({"NETWORK": "unixpacket"}, "Expected one of tcp, tcp4, tcp6, unix for IMGPROXY_NETWORK"),
        ({"WATERMARK_PATH": "/none"}, 'Expected a file for IMGPROXY_WATERMARK_PATH, got "/none"'),
        ({"FALLBACK_IMAGE_PATH": "/none"}, 'Expected a file for IMGPROXY_FALLBACK_IMAGE_PATH, got "/none"'),
        ({"CUSTOM_RESPONSE_HEADERS": "X Y=1"}, "Expected headers of HTTP for IMGPROXY_CUSTOM_RESPONSE_HEADERS"),
        ({"CUSTOM_REQUEST_HEADERS": "X=€"}, "Expected headers of HTTP for IMGPROXY_CUSTOM_REQUEST_HEADERS"),
        ({"NETWORK": "tcp", "BIND": "nowhere:x"}, 'Expected an address for IMGPROXY_BIND, got "nowhere:x"'),
    ],
)
def test_a_server_that_cannot_be_as_asked_does_not_start(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence.replace('"', ".")), serving(tmp_path, **settings):
        pass
