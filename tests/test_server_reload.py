"""A server that is told to read its settings anew takes all of them or none, and no request notices."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from foveola import urls
from foveola.picture import Picture
from foveola.urls import Keys
from tests.serving import Served, children, encoded, inside, origin, serving, until
from tests.toys import photo

QUICK = "/unsafe/w:20/plain/local:///cat.jpg"
NEAR = {"ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", "DOWNLOAD_TIMEOUT": "60", "TIMEOUT": "60"}
IN_USE, REFUSED = "The settings are in use", "The settings are refused"


@dataclass
class Living:
    """A server whose settings stand in a file."""

    served: Served
    file: Path
    seen: int = 0

    def say(self, **settings: str) -> None:
        """Write other settings into the file."""
        said = {"WORKERS": "1"} | settings
        self.file.write_text("".join(f"IMGPROXY_{name}={value}\n" for name, value in said.items()))

    def hang_up(self) -> None:
        """Tell the server to read it."""
        self.served.process.send_signal(signal.SIGHUP)

    def reload(self) -> str:
        """Have it read, and return what the log says of that."""
        self.hang_up()
        return self.told()

    def told(self) -> str:
        """Return what the log says until the next reload has ended."""
        read = self.served.log.read_text
        assert until(lambda: IN_USE in read()[self.seen :] or REFUSED in read()[self.seen :], 60), read()
        text = read()[self.seen :]
        end = min(text.index(word) + len(word) for word in (IN_USE, REFUSED) if word in text)
        self.seen += end
        return text[:end]


@contextmanager
def living(tmp_path: Path, said: Mapping[str, str] = MappingProxyType({}), /, **settings: str) -> Iterator[Living]:
    """Run a server with settings in its environment, and others that are `said` in a file."""
    file = tmp_path / "settings.env"
    found = Living(Served(None, tmp_path, tmp_path), file)  # type: ignore[arg-type]
    found.say(**said)
    fixed = {"ENV_LOCAL_FILE_PATH": str(file), "GRACEFUL_STOP_TIMEOUT": "20"}
    with serving(tmp_path, **fixed | settings) as served:
        found.served = served
        yield found


def signed(key: bytes, path: str = QUICK.removeprefix("/unsafe/")) -> str:
    """Return a path, signed."""
    return urls.signed(path, Keys(((key, key),)))


def test_another_key_and_others_that_are_bad(folder: Path, tmp_path: Path) -> None:
    old, new = signed(b"old"), signed(b"new")
    first = {"KEY": b"old".hex(), "SALT": b"old".hex()}
    second = {"KEY": b"new".hex(), "SALT": b"new".hex(), "PORT": "1"}
    with living(tmp_path, first, LOCAL_FILESYSTEM_ROOT=str(folder)) as server:
        get, workers = server.served.get, server.served.workers
        assert (get(old).status, get(new).status) == (200, 403)

        server.say(**first | {"QUALITY": "200", "PRESETS_PATH": "/none", "TTL": "x"})
        told = server.reload()
        assert len([line for line in told.splitlines() if "ERROR" in line]) == 4
        for word in ("IMGPROXY_QUALITY, got", "IMGPROXY_TTL, got", "IMGPROXY_PRESETS_PATH, got", REFUSED):
            assert word in told
        assert (get(old).status, get(new).status) == (200, 403)
        assert server.served.workers == workers

        server.file.unlink()
        assert "IMGPROXY_ENV_LOCAL_FILE_PATH" in server.reload()
        server.file.mkdir()
        assert REFUSED in server.reload()
        server.file.rmdir()
        assert (get(old).status, get(new).status) == (200, 403)
        assert server.served.workers == workers

        server.say(**second)
        assert IN_USE in server.reload()
        assert (get(old).status, get(new).status) == (403, 200)
        assert until(lambda: len(children(server.served.process.pid)) == 1)
        assert set(server.served.workers).isdisjoint(workers)
        assert server.served.stop() == 0


def test_a_file_outside_that_can_not_be_used_is_refused(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark.png"
    mark.write_bytes(encoded(photo(8, 8), "PNG"))
    red, blue = (Picture(np.full((1, 8, 8, 3), colour, np.uint8)) for colour in ((255, 0, 0), (0, 0, 255)))
    target = "/unsafe/wm:1:ce:0:0:1/plain/local:///cat.jpg@png"
    with living(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), WATERMARK_PATH=str(mark)) as server:
        get = server.served.get
        pictures = [get(target)]
        for picture in (red, blue):
            mark.write_bytes(encoded(picture, "PNG"))
            assert IN_USE in server.reload()
            pictures.append(get(target))
        mark.unlink()
        assert f'IMGPROXY_WATERMARK_PATH, got \\"{mark}' in server.reload()
        pictures.append(get(target))

    assert {picture.status for picture in pictures} == {200}
    assert [p.body == pictures[2].body for p in pictures] == [False, False, True, True]
    assert pictures[0].body != pictures[1].body


def test_presets_and_workers_are_those_of_the_files(folder: Path, tmp_path: Path) -> None:
    presets = tmp_path / "presets"
    presets.write_text("small=w:30\n")
    with living(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), PRESETS_PATH=str(presets)) as server:
        get = server.served.get
        assert get("/unsafe/preset:tiny/plain/local:///cat.jpg").status == 404
        assert len(server.served.workers) == 2  # one more than there may be pictures at a time
        presets.write_text("tiny=w:10\n")
        server.say(WORKERS="3", HEALTH_CHECK_MESSAGE="fine", LOG_FORMAT="json")
        assert IN_USE in server.reload()

        assert get("/unsafe/preset:tiny/plain/local:///cat.jpg").status == 200
        assert get("/health").body == b"fine"
        assert until(lambda: len(server.served.workers) == 4)
        assert server.served.log.read_text().splitlines()[-1].startswith("{")


def test_what_is_read_at_the_start_only_is_named(folder: Path, tmp_path: Path) -> None:
    said = {"MAX_CLIENTS": "100", "PROMETHEUS_NAMESPACE": "a"}
    with living(tmp_path, said, LOCAL_FILESYSTEM_ROOT=str(folder)) as server:
        assert "at the start only" not in server.reload()
        server.say(MAX_CLIENTS="1", KEEP_ALIVE_TIMEOUT="3", PROMETHEUS_NAMESPACE="b")
        for _ in range(2):
            told = server.reload()
            assert IN_USE in told
            for name in ("MAX_CLIENTS", "KEEP_ALIVE_TIMEOUT", "PROMETHEUS_NAMESPACE"):
                assert f"IMGPROXY_{name} is read at the start only" in told
        assert told.count("at the start only") == 3
        with (
            closing(server.served.connect()) as first,
            closing(server.served.connect()) as second,
        ):  # more than one may be there
            for client in (first, second):
                client.request("GET", QUICK)
                assert client.getresponse().read()


def test_what_is_under_way_ends_as_it_began(folder: Path, tmp_path: Path) -> None:
    first, cat = {"KEY": b"old".hex(), "SALT": b"old".hex()}, (folder / "cat.jpg").read_bytes()
    with origin(cat_jpg=cat) as elsewhere, living(tmp_path, first, **NEAR) as server:
        target = signed(b"old", f"w:20/plain/{elsewhere.url('/held/cat.jpg')}")
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.append(server.served.get(target).status))
        asking.start()
        assert until(lambda: len(elsewhere.asked) == 1)
        server.say(KEY=b"new".hex(), SALT=b"new".hex())
        assert IN_USE in server.reload()

        assert server.served.get(target).status == 403
        assert len(children(server.served.process.pid)) == 2  # the old workers wait for it
        elsewhere.gate.set()
        asking.join(20)
        assert statuses == [200]
        assert until(lambda: len(children(server.served.process.pid)) == 1)


def test_who_takes_a_source_slowly_keeps_no_workers(folder: Path, tmp_path: Path) -> None:
    with living(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder)) as server, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(str(server.served.path))
        client.sendall(b"GET /unsafe/raw:1/plain/local:///noise.png HTTP/1.0\r\n\r\n")
        got = len(client.recv(100))
        assert IN_USE in server.reload()

        assert until(lambda: len(children(server.served.process.pid)) == 1)
        while part := client.recv(1 << 16):
            got += len(part)
    assert got > (folder / "noise.png").stat().st_size


def test_signals_are_obeyed_one_after_the_other_and_an_end_ends_a_reload(folder: Path, tmp_path: Path) -> None:
    with living(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder)) as server:
        served = server.served
        server.hang_up()
        assert until(lambda: "Reading the settings anew" in served.log.read_text())
        server.hang_up()
        server.hang_up()
        told = server.told(), server.told()
        assert all(text.count("Reading the settings anew") == 1 for text in told)
        assert until(lambda: len(children(served.process.pid)) == 1)

        server.hang_up()
        assert until(lambda: len(children(served.process.pid)) == 2)  # new workers are being started
        assert served.stop() == 0
        assert served.log.read_text().count(IN_USE) == 2
        assert "ERROR" not in served.log.read_text()


def test_a_signal_before_the_server_serves_is_not_lost(folder: Path, tmp_path: Path) -> None:
    early = "import os, signal, sys, threading; from foveola.server import main\n"
    early += "listen = main.listen\n"
    early += "def late(settings): os.kill(os.getpid(), signal.SIGHUP); return listen(settings)\n"
    early += "main.listen = late; main.serve(*main.Settings.read(os.environ))"
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "WORKERS": "1"}
    with serving(tmp_path, program=early, **settings) as served:
        assert until(lambda: IN_USE in served.log.read_text(), 60)


@contextmanager
def load(served: Served, targets: list[str]) -> Iterator[Counter[str]]:
    """Ask for all targets, over and over, on one connection each; yields how often what came of it."""
    found: Counter[str] = Counter()
    done = threading.Event()

    def ask(target: str) -> None:
        connection = served.connect()
        while not done.is_set():
            try:
                connection.request("GET", target)
                answer = connection.getresponse()
                answer.read()
                found[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                found[repr(error)] += 1
                break
        connection.close()

    threads = [threading.Thread(target=ask, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    yield found
    done.set()
    for thread in threads:
        thread.join(20)


def samples(port: int) -> dict[str, float]:
    """Return what Prometheus would fetch."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}


@pytest.mark.slow
def test_no_request_fails_and_nothing_is_forgotten(folder: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    searched = "/unsafe/w:100/aq:dssim:0.02:1:100:0.001/plain/local:///photo.png@webp"
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "PROMETHEUS_BIND": f"127.0.0.1:{port}"}
    targets = [QUICK, "/unsafe/w:30/plain/local:///photo.png@webp", "/unsafe/raw:1/plain/local:///cat.jpg", "/health"]
    with living(tmp_path, ENABLE_DEBUG_HEADERS="true", **settings) as server:
        first = server.served.get(searched)
        before = samples(port)
        with load(server.served, targets) as found:
            for number in range(5):
                server.say(WORKERS=str(1 + number % 2))
                assert IN_USE in server.reload()
        second, after = server.served.get(searched), samples(port)

    assert found.keys() == {"200"}
    assert found["200"] > 50
    assert second.autoquality == first.autoquality | {"encodes": "1"}
    assert after["requests_total"] >= before["requests_total"] + sum(found.values()) * 0.25
    assert after["workers"] == 1


@pytest.mark.slow
def test_descriptors_and_processes_stay_as_many(folder: Path, tmp_path: Path) -> None:
    with living(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder)) as server:
        served = server.served

        def held() -> tuple[int, int]:
            inside(served.process.pid, "status")  # skips where one may not look
            return tuple(len(os.listdir(f"/proc/{served.process.pid}/{what}")) for what in ("fd", "task"))  # type: ignore[return-value]  # noqa: PTH208

        def few(most: tuple[int, int]) -> bool:
            # An executor may start another thread while its last one puts a result away: a few, not one per reload.
            (descriptors, threads), (most_descriptors, most_threads) = held(), most
            alone = len(children(served.process.pid)) == 1
            return alone and descriptors <= most_descriptors and threads <= most_threads + 4

        first = None
        for number in range(20):
            bad = number % 5 == 4
            server.say(QUALITY="0" if bad else str(70 + number))
            assert (REFUSED if bad else IN_USE) in server.reload()
            assert served.get(QUICK).status == 200
            if number == 1:
                assert until(lambda: len(children(served.process.pid)) == 1)
                time.sleep(0.5)
                first = held()
        assert first is not None
        assert until(lambda: few(first)), (first, held(), children(served.process.pid))
        assert len(served.workers) == 2
