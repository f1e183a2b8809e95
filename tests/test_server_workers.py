"""Workers can be lost: to the clock, to a crash, to a client that leaves; the server goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving import Reply, Served, serving, until

SLOW = "/unsafe/plain/local:///noise.png@avif"
QUICK = "/unsafe/w:20/plain/local:///cat.jpg"


@pytest.fixture(scope="module")
def slow(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with one worker, a place to wait and an encoder that takes longer than a request may."""
    settings = {"WORKERS": "1", "REQUESTS_QUEUE_SIZE": "1", "TIMEOUT": "2", "AVIF_SPEED": "0"}
    with serving(tmp_path_factory.mktemp("slow"), LOCAL_FILESYSTEM_ROOT=str(folder), **settings) as served:
        yield served


def only(served: Served) -> int:
    """Return the one worker, started and idle; one that was killed may take a moment to go."""
    assert served.get(QUICK).status == 200
    assert until(lambda: len(served.workers) == 1)
    return served.workers[0]


def test_a_worker_that_takes_too_long_is_replaced_at_once(slow: Served) -> None:
    before = only(slow)
    start = time.monotonic()

    reply = slow.get(SLOW)

    assert (reply.status, reply.body) == (503, b"Timeout")
    assert time.monotonic() - start < 4
    assert only(slow) != before


def spent(pid: int) -> float:
    """Return the seconds that a process has computed."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def working(served: Served, act: Callable[[], object]) -> Iterator[int]:
    """Have an act done that keeps the worker busy, and give the worker when it is deep in that."""
    worker = only(served)
    before = spent(worker)
    thread = threading.Thread(target=act)
    thread.start()
    assert until(lambda: spent(worker) > before + 0.1)
    yield worker
    thread.join()


def test_a_worker_that_crashes_takes_one_request_with_it(slow: Served) -> None:
    replies: list[Reply] = []
    with working(slow, lambda: replies.append(slow.get(SLOW))) as worker:
        os.kill(worker, signal.SIGSEGV)

    assert (replies[0].status, replies[0].body) == (500, b"Internal error")
    assert slow.get(QUICK).status == 200
    assert slow.get("/health").status == 200


def test_a_worker_that_died_idle_takes_none(slow: Served) -> None:
    os.kill(only(slow), signal.SIGKILL)

    assert slow.get(QUICK).status == 200


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
