"""The parts of the server by themselves: messages, answers, admission, one worker's work, and the front without one."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import socket
import time
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from foveola.autoquality import find
from foveola.config import Server, Settings, Urls
from foveola.errors import ConfigError, FoveolaError, ImageError, OverloadedError
from foveola.goal import Autoquality
from foveola.picture import Limits, Picture
from foveola.pipeline import Accepted, Defaults
from foveola.server import jobs, worker
from foveola.server.admission import Admission
from foveola.server.answers import Answer
from foveola.server.front import Front
from foveola.server.jobs import Facts, Job, WorkerError
from foveola.server.main import listen
from foveola.sources.base import Body
from foveola.urls import parse
from tests.serving import encoded
from tests.toys import ToyCodec, photo

FACTS = Facts("webp", (200, 100), (100, 50), 48211, "ml", 78, 0.0204, 2, True, "met")


# Messages


@pytest.mark.parametrize(
    ("facts", "header"),
    [
        (FACTS, "method=ml, quality=78, dssim=0.02040, bytes=48211, encodes=2, met=true, why=met"),
        (
            replace(FACTS, method="size", dssim=None, met=False, why="at_min"),
            "method=size, quality=78, bytes=48211, encodes=2, met=false, why=at_min",
        ),
        (
            replace(FACTS, quality=None, dssim=None, met=None, why="fixed"),
            "method=ml, bytes=48211, encodes=2, why=fixed",
        ),
    ],
)
def test_the_header_leaves_out_what_is_unknown(facts: Facts, header: str) -> None:
    assert facts.autoquality == header


def test_facts_go_over_the_wire() -> None:
    assert jobs.read_reply(jobs.reply(FACTS)) == FACTS


def test_an_error_goes_over_the_wire() -> None:
    with pytest.raises(FoveolaError) as told:
        jobs.read_reply(jobs.refusal(ImageError("two words", public="Invalid source image")))

    assert (str(told.value), told.value.status, told.value.public) == ("two words", 422, "Invalid source image")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "exe"},
        {"format": "webp\r\nSet-Cookie: a=b"},
        {"method": "x\r\n"},
        {"why": "x"},
        {"quality": "78"},
        {"quality": 78.5},
        {"dssim": "low"},
        {"met": 1},
        {"bytes": -1.5},
        {"bytes": jobs.LARGEST + 1},
        {"origin": [1]},
        {"origin": None},
        {"size": ["1", "2"]},
        {"more": 1},
        {"vips": [1, 2]},
        {"vips": ["1", 2, 3]},
        {"vips": None},
        {"error": {"status": 200, "public": "", "message": ""}},
        {"error": {"status": 500, "public": 1, "message": ""}},
        {"error": {"status": 500}},
        {"error": "x"},
    ],
)
def test_a_worker_is_not_believed(change: dict[str, object]) -> None:
    with pytest.raises(WorkerError):
        jobs.read_reply(json.dumps(asdict(FACTS) | change).encode())


@pytest.mark.parametrize("message", [b"", b"x", b"[]", b"1", b'{"format": "webp"}', b"\x80\x04.", b"\xff"])
def test_what_is_no_reply_is_an_error(message: bytes) -> None:
    with pytest.raises(WorkerError):
        jobs.read_reply(message)


def test_the_reasons_are_those_of_the_search() -> None:
    from typing import get_args

    from foveola.search import Why

    assert set(jobs.WHYS) == set(get_args(Why))


# Answers


def test_a_body_in_memory_is_sent_in_parts() -> None:
    data = os.urandom(2_500_000)
    with Body() as body:
        body.write(data)
        answer = Answer(200, (), body)

        async def sent() -> list[bytes]:
            return [part async for part in answer.parts()]

        parts = asyncio.run(sent())
        assert [len(part) for part in parts] == [1 << 20, 1 << 20, 2_500_000 - (2 << 20)]
        assert b"".join(parts) == data
        assert answer.length == len(data)


# Admission


def test_who_does_not_fit_is_refused_and_the_next_is_not() -> None:
    admission = Admission(2, 1)
    with admission.enter(), admission.enter():
        with admission.enter(), pytest.raises(OverloadedError) as refused, admission.enter():
            pass
        with admission.enter():
            assert admission.inside == 3

    assert (refused.value.status, refused.value.public) == (429, "Too many requests")
    assert admission.inside == 0


def test_a_request_may_use_two_cores_while_half_of_the_workers_are_free() -> None:
    admission = Admission(4, 0)
    seen = []
    with admission.enter():
        seen.append(admission.spare)
        with admission.enter():
            seen.append(admission.spare)
            with admission.enter():
                seen.append(admission.spare)

    assert seen == [2, 2, 1]
    assert Admission(1, 0).spare == 2  # nobody is inside


def test_no_queue_is_none_that_is_full() -> None:
    admission = Admission(1, 0)

    with admission.enter(), admission.enter(), admission.enter():
        assert admission.inside == 3


# One worker's work


def ask(data: bytes, path: str = "plain/local:///x@jpeg", defaults: Defaults | None = None) -> tuple[Any, bytes]:
    """Do one job in this process; return the reply and what was written."""
    with Body() as source, Body() as result:
        source.write(data)
        job = Job(len(data), parse(path).options, Accepted(), time.monotonic() + 60)
        message = worker.answer(job, defaults or Defaults(), source.fd, result.fd)
        return json.loads(message), os.pread(result.fd, 1 << 24, 0)


def test_a_worker_writes_the_file_and_says_what_is_true_of_it() -> None:
    told, data = ask(encoded(photo(60, 40), "PNG"), "w:30/aq:dssim:0.03:5:95/plain/local:///x@webp")

    facts = jobs.read_reply(json.dumps(told).encode())
    assert (facts.format, facts.origin, facts.size, facts.bytes) == ("webp", (60, 40), (30, 20), len(data))
    assert facts.method == "dssim"


def test_a_search_ends_when_the_time_is_nearly_over() -> None:
    picture = encoded(photo(60, 40), "PNG")
    options = parse("aq:dssim:0.03:1:100:0/plain/x@jpeg").options

    rendered = worker.work(picture, Job(len(picture), options, Accepted(), time.monotonic()), Defaults())

    assert rendered.result.why == "deadline"


@dataclass
class Slow(ToyCodec):
    """A codec each of whose encodes takes longer than the one before, by a clock of its own."""

    now: float = 0.0

    def encode(self, picture: Picture, quality: int, settings: Any) -> bytes:
        self.now += 1 + 0.2 * len(self.encoded)
        return super().encode(picture, quality, settings)


@pytest.mark.parametrize(("limit", "encodes"), [(0.5, 1), (2.4, 1), (2.6, 2), (4.1, 3)])
def test_a_search_does_not_begin_what_it_cannot_finish(limit: float, encodes: int) -> None:
    slow = Slow(same=1)
    deadline = worker.Deadline(limit, lambda: slow.now)
    deadline()

    found = find(photo(60, 40), slow, Autoquality(target=0.03, allowed_error=0), (), stop=deadline)

    assert (found.why, found.encodes) == ("deadline", encodes)
    assert slow.now <= max(limit, 1)
    assert found.data


def test_what_comes_before_the_first_look_is_no_look() -> None:
    times = iter([9.0, 10.0, 11.0, 14.0])
    deadline = worker.Deadline(15.0, lambda: next(times))

    assert [deadline(), deadline(), deadline(), deadline()] == [False, False, False, True]


@pytest.mark.parametrize(
    ("data", "defaults", "told"),
    [
        (b"", Defaults(), (422, "Invalid source image")),
        (b"no picture at all", Defaults(), (422, "Invalid source image")),
        (encoded(photo(40, 40), "PNG"), Defaults(limits=Limits(1000)), (422, "Invalid source image")),
        (encoded(photo(40, 40), "PNG")[:200], Defaults(), (422, "Broken or unsupported image")),
    ],
)
def test_a_picture_that_cannot_be_served_is_an_error(data: bytes, defaults: Defaults, told: tuple[int, str]) -> None:
    reply, written = ask(data, defaults=defaults)

    assert (reply["error"]["status"], reply["error"]["public"]) == told
    assert written == b""


def mutations(data: bytes, count: int, random: random.Random) -> list[bytes]:
    """Return a file cut at, and changed at, several places."""
    cuts = [data[: random.randrange(len(data))] for _ in range(count)]
    changed = [bytearray(data) for _ in range(count)]
    for file in changed:
        for _ in range(random.choice((1, 3, 10))):
            file[random.randrange(len(file))] = random.randrange(256)
    return cuts + [bytes(file) for file in changed]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_a_broken_file_is_a_picture_or_an_error_of_the_picture(format: str) -> None:
    """Never an unforeseen error: whatever the bytes are, the fault is theirs."""
    whole = encoded(photo(48, 36, 4 if format in ("PNG", "WEBP") else 3), format)

    for data in mutations(whole, 30, random.Random(format)):
        for path in ("w:20/plain/x@jpeg", "aq:size:500:10:90/plain/x@webp"):
            told, _ = ask(data, path, Defaults(limits=Limits(pixels=100_000)))
            assert "error" not in told or told["error"]["status"] == 422, told


def test_an_unforeseen_error_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no one foresaw this")

    monkeypatch.setattr(worker, "work", fail)

    told, _ = ask(b"anything")

    assert 'raise RuntimeError("no one foresaw this")' in told["error"].pop("stack")
    assert told["error"] == {
        "status": 500,
        "public": "Internal error",
        "message": "RuntimeError: no one foresaw this",
        "unknown": False,
    }


# The front by itself


async def call(front: Front, path: str, *, method: str = "GET", **scope: object) -> list[MutableMapping[str, Any]]:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asked = {"type": "http", "method": method, "headers": [], "raw_path": path.encode(), **scope}
    await front(asked, receive, send)
    return sent


@pytest.mark.parametrize(
    ("settings", "scope", "path", "status"),
    [
        (Settings(), {}, "/health", 200),
        (Settings(), {"root_path": "/img"}, "/img/health", 200),
        (Settings(), {"root_path": "/img"}, "/health", 404),
        (Settings(urls=Urls(path_prefix="/a")), {"root_path": "/img"}, "/img/a/health", 200),
        (Settings(urls=Urls(path_prefix="/a")), {}, "/a", 200),
        (Settings(urls=Urls(path_prefix="/a")), {}, "/a/", 200),
        (Settings(), {"root_path": "/img"}, "/img/unsafe/nope:1/plain/x", 404),
        (Settings(), {}, "/%68ealth", 200),
    ],
)
def test_the_front_can_be_mounted(settings: Settings, scope: dict[str, str], path: str, status: int) -> None:
    async def asked() -> list[MutableMapping[str, Any]]:
        return await call(Front(settings), path, **scope)

    sent = asyncio.run(asked())

    assert sent[0]["status"] == status
    assert sent[-1] == {"type": "http.response.body", "body": b""}


def test_a_server_that_hides_the_raw_path_is_told_so() -> None:
    async def asked() -> None:
        await call(Front(Settings()), "/health", raw_path=None)

    with pytest.raises(FoveolaError, match="raw_path"):
        asyncio.run(asked())


@pytest.mark.parametrize(
    ("network", "bind", "family"),
    [
        ("tcp", "127.0.0.1:0", socket.AF_INET),
        ("tcp4", ":0", socket.AF_INET),
        ("tcp", "localhost:0", socket.AF_INET),
        ("unix", "{}/socket", socket.AF_UNIX),
    ],
)
def test_an_address_is_listened_on(network: str, bind: str, family: int, tmp_path: Path) -> None:
    for _ in range(2):  # a socket file that was left behind is no obstacle
        with listen(Settings(server=Server(network=network, bind=bind.format(tmp_path)))) as listener:
            assert listener.family in (family, socket.AF_INET6)
            with socket.socket(listener.family) as client:
                client.connect(listener.getsockname())


def test_everyone_is_listened_to_where_no_host_is_named() -> None:
    with listen(Settings(server=Server(bind=":0"))) as listener, socket.socket() as client:
        client.connect(("127.0.0.1", listener.getsockname()[1]))


@pytest.mark.parametrize("bind", ["", "nowhere", "127.0.0.1:x", "127.0.0.1:99999", "203.0.113.1:80", "e.invalid:80"])
def test_what_is_no_address_is_an_error_of_the_settings(bind: str) -> None:
    with pytest.raises(ConfigError, match="IMGPROXY_BIND"):
        listen(Settings(server=Server(bind=bind)))


def test_the_guide_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "server.md").read_text()
    (snippet,) = re.findall(r"^```python\n(.*?)^```", guide, re.M | re.S)

    exec(snippet)

    assert capsys.readouterr().out == snippet.splitlines()[-1].removeprefix("# ") + "\n"
