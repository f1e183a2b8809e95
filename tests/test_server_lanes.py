"""A server under heavy work: small pictures go on being answered, large ones wait for memory, late ones are let go."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving import Reply, Served, serving, until

SLOW = "/unsafe/cb:{}/plain/local:///noise.png@avif"
QUICK = "/unsafe/w:20/cb:{}/plain/local:///cat.jpg"
LARGE = "/unsafe/w:100/cb:{}/plain/local:///interlaced.png@jpeg"
VAST = "/unsafe/cb:{}/plain/local:///vast.jpg@avif"


@pytest.fixture(scope="module")
def pictures(folder: Path) -> Path:
    """The folder of all server tests, with a picture that is held whole, and one that is too large as AVIF."""
    import pyvips

    image = pyvips.Image.black(1600, 1200, bands=3).linear(1, [90, 120, 30], uchar=True).copy(interpretation="srgb")
    image.pngsave(str(folder / "interlaced.png"), interlace=True)
    image.replicate(2, 2).jpegsave(str(folder / "vast.jpg"))
    return folder


def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def laned(pictures: Path, place: Path, megabytes: int = 0, **settings: str) -> Iterator[tuple[Served, int]]:
    """Run a server whose AVIF takes long, and say where it tells of itself."""
    told = port()
    said = {
        "LOCAL_FILESYSTEM_ROOT": str(pictures),
        "PROMETHEUS_BIND": f"127.0.0.1:{told}",
        "AVIF_SPEED": "0",
        "TIMEOUT": "60",
    }
    with serving(place, {"FOVEOLA_MEMORY_BUDGET": str(megabytes)}, **{**said, **settings}) as served:
        yield served, told


def gauges(told: int) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", told, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def quiet(told: int) -> bool:
    found = gauges(told)
    names = ("memory_granted_bytes", "images_in_progress", "requests_in_progress")
    return not any((*map(found.__getitem__, names), *(found[f"jobs_waiting {x}"] for x in ("light", "heavy", "large"))))


def answered(served: Served, target: str) -> tuple[Reply, float]:
    """Return an answer and the seconds that it took."""
    began = time.monotonic()
    return served.get(target), time.monotonic() - began


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thumbnail_does_not_wait_for_heavy_pictures(pictures: Path, tmp_path: Path, workers: int) -> None:
    with (
        ThreadPoolExecutor(workers + 1) as clients,  # who wait until the server is gone
        laned(pictures, tmp_path, WORKERS=str(workers)) as (served, told),
    ):
        assert served.get(QUICK.format("warm")).status == 200
        slow = [clients.submit(answered, served, SLOW.format(number)) for number in range(workers + 1)]
        assert until(lambda: gauges(told)["jobs_waiting heavy"] == 1)
        assert gauges(told)["images_in_progress"] == workers

        quick = [answered(served, QUICK.format(number)) for number in range(5)]

        assert [reply.status for reply, _ in quick] == [200] * 5
        assert sorted(seconds for _, seconds in quick)[2] < 0.5
        assert not any(future.done() for future in slow)


def test_pictures_that_do_not_fit_beside_each_other_are_made_one_after_the_other(
    pictures: Path, tmp_path: Path
) -> None:
    with laned(pictures, tmp_path, 40, WORKERS="2") as (served, told), ThreadPoolExecutor(4) as clients:
        asked = [clients.submit(answered, served, LARGE.format(number)) for number in range(4)]
        granted, waited = set(), 0.0
        while not all(future.done() for future in asked):
            found = gauges(told)
            granted.add(found["memory_granted_bytes"])
            waited = max(waited, found["jobs_waiting large"])
            assert found["images_in_progress"] <= 2

        assert [future.result()[0].status for future in asked] == [200] * 4
        assert len(granted - {0.0}) == 1  # never two
        assert waited >= 2
        assert until(lambda: quiet(told))


def test_a_picture_that_needs_more_than_there_is_is_refused_at_once(pictures: Path, tmp_path: Path) -> None:
    with laned(pictures, tmp_path, 150, WORKERS="1") as (served, told):
        assert served.get(QUICK.format("warm")).status == 200

        replies = [answered(served, VAST.format(number)) for number in range(3)]

        assert [(reply.status, reply.body) for reply, _ in replies] == [(422, b"Picture needs too much memory")] * 3
        assert min(seconds for _, seconds in replies) < 0.1
        assert "bytes of memory for a picture" in served.log.read_text()
        assert quiet(told)


def test_requests_whose_time_is_over_are_never_begun(pictures: Path, tmp_path: Path) -> None:
    with laned(pictures, tmp_path, WORKERS="1", TIMEOUT="2") as (served, told):
        assert served.get(QUICK.format("warm")).status == 200
        before = gauges(told)["request_span_duration_seconds_count processing_image"]
        with ThreadPoolExecutor(6) as clients:
            asked = [clients.submit(answered, served, SLOW.format(number)) for number in range(6)]
            replies = [future.result() for future in asked]

        assert [reply.status for reply, _ in replies] == [503] * 6
        assert max(seconds for _, seconds in replies) < 2.5
        begun = gauges(told)["request_span_duration_seconds_count processing_image"] - before
        assert begun == 6 + 1  # each was looked at, one was begun
        assert until(lambda: quiet(told))
        assert served.get(QUICK.format("after")).status == 200


def test_clients_that_leave_leave_nothing_behind(pictures: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    with laned(pictures, tmp_path, 60, WORKERS="2") as (served, told):

        def leave(target: str, seconds: float) -> None:
            connection = served.connect()
            connection.request("GET", target)
            time.sleep(seconds)
            connection.close()

        clients = []
        for number in range(60):
            target = chance.choice((SLOW, QUICK, LARGE, VAST)).format(number)
            clients.append(threading.Thread(target=leave, args=(target, chance.uniform(0, 0.3))))
            clients[-1].start()
            time.sleep(chance.uniform(0, 0.03))
        for client in clients:
            client.join()

        assert until(lambda: quiet(told), 40)
        assert served.get(QUICK.format("after")).status == 200
        assert served.get(LARGE.format("after")).status == 200
