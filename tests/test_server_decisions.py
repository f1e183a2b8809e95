"""The server remembers: a second request costs one encode, ten at once one job, and a worker is believed in nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from foveola.errors import ImageError
from foveola.server import jobs
from foveola.server.flights import Flights
from foveola.server.jobs import WorkerError
from foveola.sources.base import Body
from tests.serving import Origin, Reply, Served, encoded, origin, serving, until
from tests.test_decisions import DECISION, FACTS
from tests.toys import photo

SETTINGS = {
    "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true",
    "ENABLE_DEBUG_HEADERS": "true",
    "WORKERS": "2",
    "DOWNLOAD_TIMEOUT": "4",
}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Origin]:
    """Another server that has pictures, one of them slow to come."""
    with origin(
        a_png=encoded(photo(400, 300), "PNG"), b_png=encoded(photo(900, 700, seed=3), "PNG"), text_png=b"no"
    ) as told:
        yield told


@pytest.fixture(scope="module")
def server(elsewhere: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that remembers in its memory."""
    with serving(tmp_path_factory.mktemp("server"), **SETTINGS) as served:
        assert elsewhere.port
        yield served


def target(elsewhere: Origin, name: str, options: str = "w:300/aq:dssim:0.02:1:100:0.001", format: str = "webp") -> str:
    return f"/unsafe/{options}/plain/{elsewhere.url('/file/' + name)}@{format}"


def test_the_second_request_costs_one_encode(server: Served, elsewhere: Origin) -> None:
    first = server.get(target(elsewhere, "a.png", format="jxl"))
    second = server.get(target(elsewhere, "a.png", "cb:1/rs:fit:300/aq:dssim:0.02:1:100:0.001", format="jxl"))

    assert (first.status, second.status) == (200, 200)
    assert second.body == first.body
    assert second.autoquality == first.autoquality | {"encodes": "1"}


def test_what_is_remembered_survives_in_a_file_and_is_counted(elsewhere: Origin, tmp_path: Path) -> None:
    where = {"FOVEOLA_DECISIONS": str(tmp_path / "d.sqlite"), "FOVEOLA_DECISIONS_CHECK": "2"}
    replies = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        with serving(tmp_path / str(number), where, **SETTINGS) as served:
            replies += [served.get(target(elsewhere, "a.png", format="avif")) for _ in range(2)]
            served.process.kill() if number == 0 else served.stop()

    assert len({reply.body for reply in replies}) == 1
    assert [reply.autoquality["encodes"] for reply in replies[1:]] == ["1"] * 3
    assert "Decisions: checked 1, hit 1" in (tmp_path / "1" / "log").read_text()


def test_a_server_that_cannot_remember_serves(elsewhere: Origin, tmp_path: Path) -> None:
    (tmp_path / "d.sqlite").write_bytes(b"no database" * 1000)
    with serving(tmp_path, {"FOVEOLA_DECISIONS": str(tmp_path / "d.sqlite")}, **SETTINGS) as served:
        replies = [served.get(target(elsewhere, "a.png")) for _ in range(2)]

        assert [reply.status for reply in replies] == [200, 200]
        assert served.log.read_text().count("Decisions can't be used") == 1


def test_a_place_that_is_none_stops_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match=r"Expected a path to a file .* for FOVEOLA_DECISIONS"),
        serving(tmp_path, {"FOVEOLA_DECISIONS": "/nowhere/at/all"}),
    ):
        pass


# Identical requests under way


def test_ten_identical_requests_are_one_fetch_and_one_job(server: Served, elsewhere: Origin) -> None:
    path = target(elsewhere, "b.png", "aq:dssim:0.02:1:100:0.001", "avif")
    asked = len(elsewhere.asked)
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(server.get, [path] * 10))

    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert len({reply.headers["x-autoquality"] for reply in replies}) == 1
    assert len({reply.headers["x-request-id"] for reply in replies}) == 10
    assert len(elsewhere.asked) - asked == 1


def test_a_failure_is_shared_and_not_remembered(server: Served, elsewhere: Origin) -> None:
    path = f"/unsafe/plain/{elsewhere.url('/slow/0.5')}@webp"
    asked = len(elsewhere.asked)
    with ThreadPoolExecutor(3) as pool:
        replies = list(pool.map(server.get, [path] * 3))
    again = server.get(path)

    assert [(reply.status, reply.body) for reply in [*replies, again]] == [(422, b"Invalid source image")] * 4
    assert len(elsewhere.asked) - asked == 2


def test_one_who_leaves_does_not_take_the_others_along(server: Served, elsewhere: Origin) -> None:
    path = target(elsewhere, "b.png", "aq:dssim:0.013:1:100:0.001", "avif")
    asked = len(elsewhere.asked)
    leaving = server.connect()
    leaving.request("GET", path)
    assert until(lambda: len(elsewhere.asked) > asked)
    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(server.get, path)
        until(lambda: server.log.read_text().count(f"Started {path}") == 2)
        leaving.close()
        reply: Reply = staying.result()

    assert reply.status == 200
    assert until(lambda: "status=499" in server.log.read_text())
    assert len(elsewhere.asked) - asked == 1


def test_the_last_who_leaves_ends_the_work_and_the_next_begins_anew() -> None:
    ended: list[str] = []

    async def work() -> Body:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError

    async def quick() -> Body:
        return Body()

    async def use() -> None:
        flights: Flights[Body] = Flights()
        with flights.join("key", work), flights.join("key", work):
            await asyncio.sleep(0)
        with flights.join("key", quick) as made:
            body = await made
            assert body.fd >= 0
            with flights.join("key", quick) as other:
                assert await other is not body
        assert body.fd == -1
        assert flights._flights == {}

    asyncio.run(use())
    assert ended == ["cancelled"]


def test_what_was_made_is_closed_after_the_last_has_used_it() -> None:
    async def work() -> Body:
        await asyncio.sleep(0)
        return Body()

    async def fail() -> Body:
        await asyncio.sleep(0)
        raise ImageError("no picture")

    async def use() -> None:
        flights: Flights[Body] = Flights()
        with flights.join("key", work) as one:
            with flights.join("key", work) as other:
                assert await one is (body := await other)
            assert body.fd >= 0
        assert body.fd == -1
        for _ in range(2):
            with pytest.raises(ImageError), flights.join("key", fail) as one:
                await one
        with flights.join("key", fail):
            pass

    asyncio.run(use())


# Workers are not believed


@pytest.mark.parametrize(
    "change",
    [
        {"memory": "x"},
        {"memory": None},
        {"decision": {}},
        {"decision": []},
        {"decision": "x"},
        {"decision": asdict(DECISION) | {"quality": 1000}},
        {"decision": asdict(DECISION) | {"source": "ab" * 32}},
        {"decision": asdict(DECISION) | {"points": [{"quality": 1, "above": 1e300}]}},
        {"decision": asdict(DECISION) | {"points": [{"quality": 1, "above": 0.1}] * 9}},
        {"decision": asdict(DECISION) | {"key": {"processing": "../x", "codec": "1" * 32, "goal": "2" * 32}}},
    ],
)
def test_a_row_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WorkerError):
        jobs.read_reply(json.dumps(asdict(FACTS) | change).encode())


def test_a_row_goes_over_the_wire() -> None:
    assert jobs.read_reply(jobs.reply(FACTS)) == FACTS
    assert jobs.read_reply(jobs.reply(replace(FACTS, decision=None))).decision is None


def test_a_reply_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(WorkerError):
        jobs.read_reply(b"[" * 100_000)


def test_a_job_with_all_that_may_be_remembered_fits_into_a_message() -> None:
    from foveola.decisions import MOST_POINTS, MOST_ROWS, Point
    from foveola.options import ProcessingOptions
    from foveola.pipeline import Accepted

    points = tuple(Point(quality, -9.123456789012345 + quality) for quality in range(MOST_POINTS))
    rows = tuple(
        replace(DECISION, key=replace(DECISION.key, goal=f"{n:032x}"), points=points) for n in range(MOST_ROWS)
    )
    job = jobs.Job(1, ProcessingOptions(cachebuster="x" * 65_000), Accepted(), 1.0, rows)

    assert len(jobs.pack(job)) < jobs.LIMIT
