"""What one client or one source can't do to a server and its other clients, over real sockets."""

from __future__ import annotations

import http.server
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Origin, Served, origin, serving, until, write_pictures

INSIDE = 2
"""Requests that may be inside: one is worked on, one waits."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> Iterator[Origin]:
    with origin(**{name.replace(".", "_"): (folder / name).read_bytes() for name in ("cat.jpg", "noise.png")}) as told:
        yield told


@pytest.fixture(scope="module")
def guarded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true",
        "WORKERS": "1",
        "REQUESTS_QUEUE_SIZE": str(INSIDE - 1),
        "COOKIE_PASSTHROUGH": "true",
        "COOKIE_PASSTHROUGH_ALL": "true",
        "REQUEST_HEADERS_PASSTHROUGH": "X-Tenant,Authorization",
    }
    with serving(tmp_path_factory.mktemp("server"), {"FOVEOLA_DOWNLOAD_MEMORY": "1"}, **settings) as served:
        yield served


# Circles


def test_a_source_that_leads_back_is_asked_a_few_times(folder: Path, tmp_path: Path) -> None:
    """Each turn asks for something else, so that nothing is answered together; 5 seconds were 265 turns."""
    turns, seen = itertools.count(1), list[int]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            turn = next(turns)
            there = f"http://{self.headers['Host']}/{turn}"
            reply = served.get(f"/unsafe/w:{turn}/plain/{there}", dict(self.headers.items()))
            seen.append(reply.status)
            self.send_response(reply.status)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", "WORKERS": "1"}
    with serving(tmp_path, **settings) as served, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        outer = served.get(f"/unsafe/w:99/plain/http://127.0.0.1:{server.server_address[1]}/first")
        server.shutdown()

    assert (outer.status, seen) == (502, [508, 502, 502, 502])


# What is passed on as it is


def test_sources_that_are_passed_on_are_counted(guarded: Served, elsewhere: Origin) -> None:
    target = f"/unsafe/raw:1/plain/{elsewhere.url('/slow/1.5')}"
    replies: list[int] = []
    asking = [threading.Thread(target=lambda: replies.append(guarded.get(target).status)) for _ in range(INSIDE)]
    begun = len(elsewhere.asked)
    for thread in asking:
        thread.start()
    assert until(lambda: len(elsewhere.asked) == begun + INSIDE)

    refused = guarded.get(target)

    for thread in asking:
        thread.join()
    assert (refused.status, refused.headers["retry-after"], replies) == (429, "1", [200] * INSIDE)
    assert guarded.get("/unsafe/w:9/plain/local:///cat.jpg").status == 200


@pytest.mark.parametrize("options", ["raw:1", "w:20"])
def test_what_a_source_was_told_is_what_an_answer_depends_on(guarded: Served, elsewhere: Origin, options: str) -> None:
    target = f"/unsafe/{options}/plain/{elsewhere.url('/file/cat.jpg')}"
    varies = "X-Tenant, Authorization, Cookie"

    for told in ({}, {"X-Tenant": "a"}):
        reply = guarded.get(target, told)
        assert reply.headers["vary"] == ("Accept-Encoding, " if options == "raw:1" else "") + varies
        assert reply.headers["cache-control"] == "max-age=31536000, public"
    for told in ({"Cookie": "a=b"}, {"Authorization": "Basic YTpi"}):
        assert guarded.get(target, told).headers["cache-control"] == "max-age=31536000, private"


# Memory


def test_a_source_without_an_end_is_refused(guarded: Served, elsewhere: Origin) -> None:
    for path in ("/file/noise.png", "/chunks/noise.png"):
        reply = guarded.get(f"/unsafe/w:20/plain/{elsewhere.url(path)}")
        assert (reply.status, reply.body) == (422, b"Invalid source image")
    assert guarded.get("/unsafe/w:20/plain/local:///noise.png").status == 422
    assert guarded.get(f"/unsafe/w:20/plain/{elsewhere.url('/file/cat.jpg')}").status == 200


# The loop


def test_hints_without_end_do_not_stop_the_front(guarded: Served) -> None:
    """4.5 MB of `103` kept everyone waiting for five seconds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 150_000)
                    connection.recv(1)
                except OSError:
                    return

        threading.Thread(target=speak, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        asking = threading.Thread(target=guarded.get, args=(f"/unsafe/plain/{url}",))
        asking.start()
        slowest = 0.0
        while asking.is_alive():
            began = time.monotonic()
            guarded.get("/health")
            slowest = max(slowest, time.monotonic() - began)

    assert slowest < 1
