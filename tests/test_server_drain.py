"""A server that is told to end says so, answers all that it can, takes nothing new and is gone in time."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from foveola.cli import main
from foveola.config import Settings
from foveola.errors import ConfigError
from foveola.server.front import STOPPING
from tests.serving import Origin, Reply, Served, children, origin, serving, state, until

QUICK = "/unsafe/w:20/plain/local:///cat.jpg"
CAT = b"GET /unsafe/raw:1/plain/local:///cat.jpg HTTP/1.1\r\nHost: f\r\n\r\n"


@contextmanager
def draining(folder: Path, tmp_path: Path, limit: int = 20, drain: int = 0) -> Iterator[tuple[Served, Origin]]:
    """Run a server that may take so many seconds to end, and an origin that may take any number."""
    settings = {"WORKERS": "1", "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", "DOWNLOAD_TIMEOUT": "30", "TIMEOUT": "60"}
    settings |= {"GRACEFUL_STOP_TIMEOUT": str(limit), "LOCAL_FILESYSTEM_ROOT": str(folder)}
    ours = {"FOVEOLA_DRAIN_SECONDS": str(drain)}
    with origin() as elsewhere, serving(tmp_path, ours, **settings) as served:
        yield served, elsewhere


@contextmanager
def asking(served: Served, elsewhere: Origin, seconds: float) -> Iterator[list[Reply]]:
    """Ask for what takes so long; the list has the reply when the block has ended."""
    replies: list[Reply] = []
    target = f"/unsafe/raw:1/plain/{elsewhere.url(f'/slow/{seconds}')}"
    running = threading.Thread(target=lambda: replies.append(served.get(target)))
    running.start()
    assert until(lambda: bool(elsewhere.asked))
    yield replies
    running.join(20)


def stop(served: Served) -> None:
    """Tell the server to end, and wait until it knows."""
    served.process.send_signal(signal.SIGTERM)
    assert until(lambda: "Stopping" in served.log.read_text())


def test_what_is_under_way_is_finished_and_nothing_new_is_made(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, elsewhere):
        with asking(served, elsewhere, 1.5) as replies:
            stop(served)
            health = served.get("/health")
            told = CliRunner().invoke(
                main, ["health"], env={"IMGPROXY_NETWORK": "unix", "IMGPROXY_BIND": str(served.path)}
            )
            picture, info = served.get(QUICK), served.get("/info/unsafe/plain/local:///cat.jpg")
            landing = served.get("/")

            assert replies == []
        ended = time.monotonic()
        assert served.process.wait(10) == 0
        assert time.monotonic() - ended < 5
    assert (replies[0].status, replies[0].body, replies[0].headers["connection"]) == (200, b"late", "close")
    for refused in (health, picture, info):
        assert (refused.status, refused.body) == (503, STOPPING.encode())
        assert refused.headers["connection"] == "close"
    assert (told.exit_code, told.output) == (1, f"foveola: 503 {STOPPING}\n")
    assert (landing.status, landing.headers["connection"]) == (200, "close")


def test_a_server_that_does_nothing_ends_at_once(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, _):
        start = time.monotonic()

        assert served.stop() == 0
        assert time.monotonic() - start < 5


def test_what_takes_longer_than_the_limit_is_told_so(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path, limit=1) as (served, elsewhere):
        with asking(served, elsewhere, 5) as replies:
            start = time.monotonic()

            assert served.stop() == 0
            assert 1 <= time.monotonic() - start < 4
        assert (replies[0].status, replies[0].body) == (503, STOPPING.encode())
        assert "IMGPROXY_GRACEFUL_STOP_TIMEOUT is over" in served.log.read_text()


def test_a_client_that_takes_nothing_does_not_hold_the_end_up(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path, limit=1) as (served, _), socket.socket(socket.AF_UNIX) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(str(served.path))
        client.sendall(CAT.replace(b"cat.jpg", b"noise.png"))
        assert client.recv(1)

        start = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - start < 5


def test_load_balancers_are_given_time(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path, limit=5, drain=1) as (served, _):
        start = time.monotonic()
        stop(served)
        health, picture = served.get("/health"), served.get(QUICK)

        assert (health.status, picture.status, picture.headers["connection"]) == (503, 200, "close")
        assert served.process.wait(10) == 0
        assert 1 <= time.monotonic() - start < 4


def test_the_time_of_load_balancers_is_a_part_of_the_whole() -> None:
    settings = {"FOVEOLA_DRAIN_SECONDS": "20"}
    with pytest.raises(ConfigError, match=r"less than IMGPROXY_GRACEFUL_STOP_TIMEOUT \(20\) for FOVEOLA_DRAIN_SECONDS"):
        Settings.from_env(settings)

    assert Settings.from_env(settings | {"IMGPROXY_GRACEFUL_STOP_TIMEOUT": "21"}).server.drain_seconds == 20
    assert Settings.from_env({"IMGPROXY_GRACEFUL_STOP_TIMEOUT": "0"}).server.drain_seconds == 0


def test_a_second_signal_ends_the_server_at_once(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, elsewhere):
        others = [served.forkserver, *served.workers]
        with pytest.raises(http.client.RemoteDisconnected):
            served_twice(served, elsewhere)

        assert served.process.wait(1) == -signal.SIGINT
        assert until(lambda: all(state(pid) in "ZX" for pid in others), 2)


def served_twice(served: Served, elsewhere: Origin) -> None:
    """Ask for what takes long, and tell the server twice to end meanwhile."""

    def tell() -> None:
        assert until(lambda: bool(elsewhere.asked))
        stop(served)
        served.process.send_signal(signal.SIGINT)

    threading.Thread(target=tell).start()
    served.get(f"/unsafe/raw:1/plain/{elsewhere.url('/slow/5')}")


def test_an_idle_connection_is_answered_once_more_and_then_closed(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, _):
        late, silent = served.connect(), served.connect()
        for client in (late, silent):
            client.request("GET", QUICK)
            assert client.getresponse().read()
        stop(served)
        late.request("GET", "/health")
        answer = late.getresponse()

        assert (answer.status, answer.headers["Connection"]) == (503, "close")
        assert silent.sock.recv(1) == b""  # the end, not a reset
        for client in (late, silent):
            client.close()
        assert served.process.wait(10) == 0


def test_who_waits_to_be_let_in_is_answered(folder: Path, tmp_path: Path) -> None:
    settings = {"MAX_CLIENTS": "1", "LOCAL_FILESYSTEM_ROOT": str(folder), "GRACEFUL_STOP_TIMEOUT": "20"}
    with serving(tmp_path, WORKERS="1", **settings) as served:
        inside = served.connect()
        inside.request("GET", QUICK)
        assert inside.getresponse().read()
        waiting = served.connect()
        waiting.request("GET", QUICK)
        stop(served)
        answer = waiting.getresponse()

        assert (answer.status, answer.read()) == (503, STOPPING.encode())
        assert served.process.wait(10) == 0
        for client in (inside, waiting):
            client.close()


def test_a_request_that_has_begun_to_come_is_waited_for(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, _), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(served.path))
        client.sendall(CAT[:30])
        served.get("/health")  # whoever came before was let in
        stop(served)
        time.sleep(1)
        client.sendall(CAT[30:])

        assert client.recv(99).startswith(b"HTTP/1.1 503 ")
        assert served.process.wait(10) == 0


def _exchange(client: socket.socket) -> bytes:
    """Ask, and return all of one answer; nothing where the server had hung up before."""
    client.sendall(CAT)
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(1 << 16)
        if not part:
            return head
        head += part
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    while len(body) < length:
        part = client.recv(1 << 16)
        assert part, "an answer broke off"
        body += part
    return head


def _customer(served: Served, found: Counter[str]) -> None:
    """Ask over and over, on one connection until it ends, until nobody listens."""
    while True:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            try:
                client.connect(str(served.path))
            except ConnectionRefusedError:
                return
            while True:
                try:
                    head = _exchange(client)
                except (ConnectionResetError, BrokenPipeError):
                    found["reset"] += 1
                    break
                found[head[9:12].decode() or "unanswered"] += 1
                if not head or b"connection: close" in head:
                    break


def test_nobody_is_reset_by_a_busy_server_that_ends(folder: Path, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    with draining(folder, tmp_path) as (served, elsewhere):
        with asking(served, elsewhere, 1):
            customers = [threading.Thread(target=_customer, args=(served, found)) for _ in range(8)]
            for customer in customers:
                customer.start()
            assert until(lambda: found["200"] > 100)
            stop(served)
        for customer in customers:
            customer.join(20)
        assert served.process.wait(10) == 0

    assert found["503"] > 0
    assert found.keys() == {"200", "503"}


_IN_A_TERMINAL = """
import os, sys
os.setsid()
os.dup2(os.open(sys.argv[1], os.O_RDWR), 0)  # which makes it the terminal of the session
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_the_end_of_its_terminal_is_the_end_of_a_server(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    before = [sys.executable, "-c", _IN_A_TERMINAL, os.ttyname(theirs)]
    with serving(tmp_path, before=before, WORKERS="1") as served:
        os.close(theirs)
        os.close(ours)

        assert served.process.wait(10) == 0
        assert "Reading the settings" not in served.log.read_text()


def test_no_process_is_left(folder: Path, tmp_path: Path) -> None:
    with draining(folder, tmp_path) as (served, _):
        served.get(QUICK)
        below = children(served.process.pid)
        others = [*below, *(pid for child in below for pid in children(child))]
        assert len(others) >= 2
        assert served.stop() == 0

        assert until(lambda: all(state(pid) in "ZX" for pid in others), 2)
