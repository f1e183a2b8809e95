"""What is remembered: keys that tell all apart, stores that bound, survive and fail alone, memory that guides."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveola.autoquality import Result
from foveola.decisions import MOST_POINTS, MOST_ROWS, Decision, Key, Point, Store, open_store
from foveola.decisions.page import CODEC, GOAL, HARMLESS, Page, build, key_of, page_of, told
from foveola.decisions.sqlite import SqliteStore
from foveola.errors import ConfigError
from foveola.options.values import STAGE
from foveola.picture import Picture
from foveola.pipeline import Defaults, Plan, Saving, never, plan, render, saving
from foveola.remembered import NOTHING, Remembered
from foveola.server.jobs import Facts
from foveola.server.memory import Memory
from foveola.sources.base import Body
from foveola.transform.load import header_of
from foveola.urls import parse
from tests.graphs import logits, write
from tests.serving import encoded, until
from tests.toys import photo

KEY = Key("0" * 32, "1" * 32, "2" * 32)
DECISION = Decision(KEY, "dssim", 78, 0.0204, 48211, "met", 480_000, True, (Point(70, 0.1), Point(78, -0.2)))
SOURCE = "ab" * 32
PICTURE = encoded(photo(300, 200), "PNG")


def numbered(number: int) -> Decision:
    return replace(DECISION, key=replace(KEY, goal=f"{number:032x}"))


def planned(path: str, **defaults: Any) -> tuple[Plan, Saving]:
    """Return what is decided about the pixels and, at the size that is foreseen, about the file."""
    made = plan(header_of(PICTURE), parse(path).options, Defaults(**defaults))
    return made, saving(made, made.geometry.result, False)


def rendered(page: Page, remembered: Remembered = NOTHING, stop: Callable[[], bool] = never) -> Result:
    return render(PICTURE, page.plan, stop, lambda saving: (saving, remembered)).result


def searched(path: str, rows: tuple[Decision, ...] = (), check: bool = False) -> tuple[Result, str, Decision | None]:
    """Search with what is remembered; return what was found, what memory did and what is to be remembered."""
    page = page_of(*planned(path), rows)
    assert page is not None
    result = rendered(page, told(page, check))
    return (result, *page.outcome(result, check))


# What a decision is


def test_a_decision_is_read_as_it_was_written() -> None:
    assert Decision.read(json.loads(DECISION.write())) == DECISION
    assert len(replace(DECISION, points=(Point(100, -9.123456789012345),) * MOST_POINTS).write()) < 800


@pytest.mark.parametrize(
    "change",
    [
        {"key": {"processing": "0" * 32, "codec": "1" * 32, "goal": "2" * 31}},
        {"key": {"processing": "0" * 32, "codec": "1" * 32, "goal": "G" * 32}},
        {"key": {"processing": "0" * 32, "codec": "1" * 32}},
        {"key": {"processing": 1, "codec": 2, "goal": 3}},
        {"key": None},
        {"unit": "pixels"},
        {"quality": 0},
        {"quality": 101},
        {"quality": 78.0},
        {"quality": True},
        {"dssim": -0.1},
        {"dssim": 1.1},
        {"dssim": float("nan")},
        {"dssim": "0.1"},
        {"bytes": -1},
        {"bytes": 1 << 50},
        {"bytes": None},
        {"why": "deadline"},
        {"why": "max_encodes"},
        {"why": ["met"]},
        {"pixels": 0},
        {"scaled": 1},
        {"points": [{"quality": 70, "above": 1.0}] * (MOST_POINTS + 1)},
        {"points": [{"quality": 70, "above": float("inf")}]},
        {"points": [{"quality": 70, "above": 11.0}]},
        {"points": [{"quality": 70}]},
        {"points": [70]},
        {"points": 5},
        {"more": 1},
    ],
)
def test_a_decision_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="decision"):
        Decision.read(asdict(DECISION) | change)


@pytest.mark.parametrize("thing", [None, [], 1, "x", {}])
def test_what_is_no_decision_is_refused(thing: object) -> None:
    with pytest.raises(ValueError, match="decision"):
        Decision.read(thing)


def test_what_stands_in_for_a_network_that_is_trusted_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be served in place of what the network says, once that works."""
    networks = {"webp": str(write(logits(), tmp_path / "net.pb"))}

    def found(error: float, rows: tuple[Decision, ...] = ()) -> tuple[Result, Decision | None]:
        page = page_of(*planned(f"aq:ml:0.02:1:100:{error}/plain/x@webp", networks=networks), rows)
        assert page is not None
        result = rendered(page, told(page))
        return result, page.outcome(result)[1]

    with monkeypatch.context() as without:
        without.setattr("foveola.networks.available", lambda: False)
        trusting, verified = found(1), found(0.002)
    assert trusting[0].notes == verified[0].notes == ("no_ml_extra",)
    assert trusting[1] is None
    assert verified[1] is not None  # it was measured, whoever said where to look

    said, remembered = found(1)
    assert (said.why, said.first, remembered) == ("trusted", "network", None)
    assert found(0.002, (verified[1],))[0].first == "remembered"


def test_what_no_network_is_wanted_for_is_remembered_whatever_the_error() -> None:
    page = page_of(*planned("aq:ml:0.02:1:100:1/plain/x@webp", networks={"webp": "none"}), ())
    assert page is not None
    assert page.outcome(rendered(page))[1] is not None


# Keys


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    if is_dataclass(value) and not isinstance(value, type):
        first = fields(value)[0]
        return replace(value, **{first.name: other(getattr(value, first.name))})
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.5 + 0.25
    if isinstance(value, str):
        return {"jpeg": "webp", "dssim": "ml"}.get(value, value + "x")
    if value is None:
        return 70
    return (*value, "first_frame") if not value else tuple(other(item) for item in value)


Kind = type[Plan] | type[Saving]
WANTED = "w:200/aq:dssim:0.02:1:100/plain/x@webp"


@pytest.mark.parametrize("kind", [Plan, Saving])
@pytest.mark.parametrize("name", sorted({f.name for kind in (Plan, Saving) for f in fields(kind)}))
def test_every_field_of_a_plan_changes_its_key_or_is_said_to_be_harmless(name: str, kind: Kind) -> None:
    """A field that is new stands in the part for the pixels, unless it is named."""
    before = planned(WANTED)
    if name not in {f.name for f in fields(kind)} or (name == "format" and kind is Plan):
        return  # the format of the file counts
    keys = asdict(key_of(*before)), asdict(key_of(*_with(before, kind, name, other)))
    changed = {part for part, value in keys[0].items() if keys[1][part] != value}

    expected = (
        {"codec"} if name in CODEC else {"goal"} if name in GOAL else set() if name in HARMLESS else {"processing"}
    )
    assert changed == expected


def test_every_field_inside_a_plan_changes_its_key() -> None:
    before = planned(WANTED)
    kinds: dict[Kind, list[str]] = {Plan: ["source", "geometry", "reading", "looks"], Saving: ["goal", "settings"]}
    for kind, outer in ((kind, outer) for kind, names in kinds.items() for outer in names):
        part = getattr(before[kind is Saving], outer)
        for inner in fields(part):
            changed = _forced(part, inner.name, other(getattr(part, inner.name)))
            after = _with(before, kind, outer, lambda _, changed=changed: changed)  # type: ignore[misc]
            assert key_of(*after) != key_of(*before), (outer, inner.name)


def test_everything_that_a_pipeline_does_changes_the_key() -> None:
    before, saved = planned(WANTED)
    for name in STAGE:
        value = "another" if name in ("watermark_url",) else getattr(before.stages[0], name)
        stage = _forced(before.stages[0], name, other(value))
        assert key_of(replace(before, stages=(stage,)), saved) != key_of(before, saved), name


def _with(decided: tuple[Plan, Saving], kind: Kind, name: str, change: Callable[[Any], Any]) -> tuple[Plan, Saving]:
    """Return both decisions, one of them with a field changed."""
    made, saved = decided
    if kind is Plan:
        return _forced(made, name, change(getattr(made, name))), saved
    return made, _forced(saved, name, change(getattr(saved, name)))


def _forced(thing: Any, name: str, value: Any) -> Any:
    """Return a copy with a value that its constructor might refuse."""
    copy = object.__new__(type(thing))
    copy.__dict__.update(thing.__dict__ | {name: value})
    return copy


def test_urls_that_mean_the_same_share_a_key() -> None:
    one, two = (planned(f"{path}/aq:dssim:0.02:1:100/plain/x@webp") for path in ("w:200", "cb:1/rs:fit:200:0"))

    assert key_of(*one) == key_of(*two)


def test_the_build_names_what_writes_the_files() -> None:
    text = " ".join(build())

    assert all(name in text for name in ("libvips 8", "libwebp 1", "libjpeg-turbo", "aom", "pillow-jxl-plugin 1"))
    assert "None" not in text


# A search that remembers

ASKED = {
    "jpeg": "w:200/aq:dssim:0.02:1:100:0.001/plain/x@jpeg",
    "best": "w:200/aq:ml:0.02:1:100:0.001/plain/x@jpeg",
    "webp": "w:200/aq:dssim:0.02:1:100:0.001/plain/x@webp",
    "avif": "w:200/aq:dssim:0.02:1:100:0.001/plain/x@avif",
    "jxl": "w:200/aq:dssim:0.02:1:100:0.001/plain/x@jxl",
    "size": "w:200/aq:size:9000:1:100/plain/x@webp",
    "at_min": "w:200/aq:dssim:0.9/plain/x@webp",
    "max_bytes": "w:200/aq:dssim:0.001:1:100/mb:8000/plain/x@webp",
}


@pytest.mark.parametrize("path", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("check", [False, True])
def test_a_hit_costs_one_encode_and_is_what_a_search_finds(path: str, check: bool) -> None:
    fresh, word, decision = searched(path)
    assert (word, fresh.first == "remembered") == ("new", False)
    assert decision is not None

    again, what, same = searched(path, (decision,), check)

    assert (again.encodes, again.first, what) == (1, "remembered", "checked" if check else "hit")
    assert same == decision
    assert [probe.seen for probe in again.probes] == ["remembered"]
    for name in ("data", "quality", "dssim", "met", "kept", "why", "notes", "method"):
        assert getattr(again, name) == getattr(fresh, name), name


@pytest.mark.parametrize("name", ["jpeg", "webp", "size"])
@pytest.mark.parametrize("change", [{"quality": 20}, {"bytes": 77}])
def test_a_file_that_comes_out_otherwise_is_searched_anew(name: str, change: dict[str, Any]) -> None:
    fresh, _, decision = searched(ASKED[name])
    assert decision is not None

    result, word, learned = searched(ASKED[name], (replace(decision, **change),))

    assert word == "spoiled"
    assert learned == decision
    assert (result.data, result.dssim, result.encodes) == (fresh.data, fresh.dssim, fresh.encodes + 1)


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_wrong_value_is_found_when_it_is_measured_again(name: str) -> None:
    fresh, _, decision = searched(ASKED[name])
    assert decision is not None
    spoiled = replace(decision, dssim=0.0195)

    believed, word, _ = searched(ASKED[name], (spoiled,))
    checked, found, learned = searched(ASKED[name], (spoiled,), check=True)

    assert (believed.dssim, word) == (0.0195, "hit")
    assert (checked.dssim, found, learned) == (fresh.dssim, "spoiled", decision)


def test_an_answer_without_a_measured_value_is_none_for_a_dssim() -> None:
    _, _, decision = searched(ASKED["webp"])
    assert decision is not None

    assert searched(ASKED["webp"], (replace(decision, dssim=None),))[1] == "spoiled"


@pytest.mark.parametrize("format", ["webp", "jxl", "jpeg"])
def test_a_file_that_is_the_very_picture_is_remembered_too(format: str) -> None:
    """A black square on nothing comes out of WebP and JPEG XL as it was: DSSIM 0, whose log is as far as it goes."""
    square = np.zeros((1, 10, 10, 4), np.uint8)
    square[:, :5, :5, 3] = 255
    picture = encoded(Picture(square), "PNG")
    made = plan(header_of(picture), parse(f"aq:dssim/plain/x@{format}").options, Defaults())
    page = page_of(made, saving(made, (10, 10), True), ())
    assert page is not None

    result = render(picture, made, never, lambda saving: (saving, NOTHING)).result
    _, decision = page.outcome(result)

    assert decision is not None
    assert result.dssim == 0 or format not in ("webp", "jxl")
    assert Decision.read(json.loads(decision.write())) == decision


def test_what_was_ended_by_the_clock_is_not_remembered() -> None:
    page = page_of(*planned("aq:dssim:0.02:1:100:0/plain/x@webp"), ())
    assert page is not None

    result = rendered(page, stop=lambda: True)

    assert result.why == "deadline"
    assert page.outcome(result) == ("new", None)


def test_what_is_not_searched_for_has_no_page() -> None:
    assert page_of(*planned("q:50/plain/x@webp"), ()) is None
    assert page_of(*planned(ASKED["webp"]), None) is None


NEAR = {
    "target": "w:200/aq:dssim:0.012:1:100:0.001/plain/x@{}",
    "width": "w:140/aq:dssim:0.02:1:100:0.001/plain/x@{}",
}


@pytest.mark.parametrize("format", ["webp", "avif", "jxl"])
@pytest.mark.parametrize("path", NEAR.values(), ids=NEAR)
def test_another_width_or_target_starts_near(format: str, path: str) -> None:
    _, _, decision = searched(ASKED[format])
    assert decision is not None
    assert decision.points
    fresh, _, _ = searched(path.format(format))

    result, word, learned = searched(path.format(format), (decision,))

    assert (result.first, word) == ("remembered", "near")
    assert (result.met, result.why) == (fresh.met, fresh.why)
    assert result.encodes <= fresh.encodes
    assert learned is not None
    assert learned.key != decision.key


def test_the_nearest_width_guides_and_the_very_picture_before_it() -> None:
    _, _, small = searched("w:100/aq:dssim:0.02:1:100/plain/x@webp")
    _, _, large = searched("w:220/aq:dssim:0.02:1:100/plain/x@webp")
    assert small is not None
    assert large is not None
    page = page_of(*planned("w:200/aq:dssim:0.02:1:100/plain/x@webp"), (small, large))
    same = page_of(*planned("w:100/aq:dssim:0.03:1:100/plain/x@webp"), (large, small))
    assert page is not None
    assert same is not None

    (hint,) = page.told().hints
    assert hint.above in [point.above for point in large.points]
    assert hint.variance > 0
    assert {(h.quality, h.above, h.variance) for h in same.told().hints} == {
        (p.quality, p.above, 0.0) for p in small.points
    }


@pytest.mark.parametrize(
    "path",
    [
        "w:200/aq:size:9000:1:100/plain/x@webp",
        "w:200/aq:dssim:0.012:1:100/plain/x@avif",
        "aq:dssim:0.012:1:100/plain/x@webp",
    ],
)
def test_another_unit_codec_or_an_unscaled_picture_is_no_guide(path: str) -> None:
    _, _, decision = searched(ASKED["webp"])
    assert decision is not None

    assert searched(path, (decision,))[1] == "new"


@pytest.mark.parametrize("above", [-10.0, -1.0, 1.0, 10.0])
@pytest.mark.parametrize("format", ["webp", "jpeg", "jxl"])
@pytest.mark.parametrize("path", NEAR.values(), ids=NEAR)
def test_a_poisoned_hint_costs_looks_and_no_truth(above: float, format: str, path: str) -> None:
    method = "ml" if format == "jpeg" else "dssim"
    _, _, decision = searched(ASKED["best" if format == "jpeg" else format])
    assert decision is not None
    points = tuple(Point(quality, above) for quality in (10, 30, 50, 60, 70, 80, 90, 100))
    asked = path.format(format).replace("dssim", method)
    fresh, _, _ = searched(asked)

    result, word, _ = searched(asked, (replace(decision, points=points),))

    assert word == "near"
    assert (result.met, result.why) == (fresh.met, fresh.why) == (True, "met")
    assert result.encodes <= fresh.encodes + 4
    assert result.dssim is not None
    assert abs(result.dssim - page_target(asked)) <= 0.001


def page_target(path: str) -> float:
    return planned(path)[1].goal.target


# SQLite


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """A store for a hundred decisions."""
    with closing(SqliteStore(":memory:" if request.param == "memory" else str(tmp_path / "d.sqlite"), 100)) as found:
        yield found


def works(store: Store) -> None:
    """See whether a store does what stores do."""
    assert store.rows(SOURCE) == []
    for number in range(5):
        store.remember(SOURCE, numbered(number))
    store.remember(SOURCE, replace(numbered(2), quality=50))
    store.remember("cd" * 32, DECISION)

    assert [int(row.key.goal, 16) for row in store.rows(SOURCE)] == [2, 4, 3, 1, 0]
    assert store.rows(SOURCE)[0].quality == 50
    for number in range(MOST_ROWS + 10):
        store.remember(SOURCE, numbered(number))
    assert [int(row.key.goal, 16) for row in store.rows(SOURCE)] == [*range(MOST_ROWS + 9, 9, -1)]
    store.forget(SOURCE)
    assert store.rows(SOURCE) == []
    assert store.rows("cd" * 32) == [DECISION]


def test_sqlite_does_what_stores_do(store: SqliteStore) -> None:
    works(store)


def test_the_bound_is_kept_and_the_least_used_goes_first(store: SqliteStore) -> None:
    sources = [f"{number:064x}" for number in range(400)]
    for source in sources:
        store.remember(source, DECISION)
        store.remember(sources[0], DECISION)
        (count,) = store._connection().execute("SELECT count(*) FROM decisions").fetchone()
        assert count <= 100

    kept = [source for source in sources if store.rows(source)]
    assert len(kept) > 90
    assert kept == [sources[0], *sources[401 - len(kept) :]]


def test_a_file_is_there_for_the_next_server(tmp_path: Path) -> None:
    path = str(tmp_path / "d.sqlite")
    with closing(SqliteStore(path, 10)) as first:
        first.remember(SOURCE, DECISION)

    with closing(SqliteStore(path, 10)) as second:
        assert second.rows(SOURCE) == [DECISION]


def test_a_file_of_another_version_is_emptied_and_one_of_another_program_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "d.sqlite")
    with closing(SqliteStore(path, 10)) as store:
        store.remember(SOURCE, DECISION)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    with closing(SqliteStore(path, 10)) as store:
        assert store.rows(SOURCE) == []
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA application_id = 5")
    with closing(SqliteStore(path, 10)) as store, pytest.raises(sqlite3.DatabaseError, match="another program"):
        store.rows(SOURCE)


def test_a_row_that_cannot_be_read_is_as_none(store: SqliteStore) -> None:
    store.remember(SOURCE, DECISION)
    store.remember(SOURCE, numbered(7))
    with store._connection() as connection:
        connection.execute("UPDATE decisions SET row = '{}' WHERE row = ?", (DECISION.write(),))

    assert store.rows(SOURCE) == [numbered(7)]


WRITER = """
import sys
from foveola.decisions.sqlite import SqliteStore
from tests.test_decisions import numbered
store = SqliteStore(sys.argv[1], 100)
number = 0
while True:
    store.remember(f"{number % 7:064x}", numbered(number))
    number += 1
    if number == 50:
        print("going", flush=True)
"""


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    path = str(tmp_path / "d.sqlite")
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"going\n"
            time.sleep(0.05)
            writer.send_signal(signal.SIGKILL)
        with closing(SqliteStore(path, 100)) as store:
            assert store._connection().execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert store.rows("0" * 64)


# Redis


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis of our own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        assert until(lambda: _listens(port))
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_redis_does_what_stores_do(redis_server: str) -> None:
    store = open_store(redis_server, 1)
    assert store is not None
    with closing(store):
        works(store)


def test_rows_in_redis_have_an_end_and_strange_ones_are_as_none(redis_server: str) -> None:
    import redis

    store = open_store(redis_server, 1)
    assert store is not None
    with closing(store), closing(redis.Redis.from_url(redis_server)) as client:
        store.remember("ef" * 32, DECISION)
        (name,) = client.keys("foveola:*" + "ef" * 32)  # type: ignore[misc,unused-ignore]
        client.hset(name, "strange", b"\xff\xfe")

        assert client.ttl(name) > 86400  # type: ignore[operator,unused-ignore]
        assert store.rows("ef" * 32) == [DECISION]


def test_an_address_that_is_none_and_a_missing_folder_are_errors_of_the_settings(tmp_path: Path) -> None:
    for where in ("redis://host:port/x", str(tmp_path / "no" / "d.sqlite"), str(tmp_path)):
        with pytest.raises(ConfigError, match="FOVEOLA_DECISIONS"):
            open_store(where, 10)


def test_redis_without_its_extra_is_an_error_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "foveola.decisions.redis", raising=False)

    with pytest.raises(ConfigError, match=r"foveola\[redis\]"):
        open_store("redis://127.0.0.1", 10)


def test_nothing_is_kept_where_that_is_asked() -> None:
    assert open_store("off", 10) is None


# The front's side: whatever a store does, pictures are served

FACTS = Facts("webp", (200, 100), (100, 50), 48211, "dssim", 78, 0.0204, 2, True, "met", "new", DECISION)


def served_without(where: str, caplog: pytest.LogCaptureFixture) -> Memory:
    """Use a store that fails, and see that nothing is known, nothing raised, and all counted and said once."""

    async def use() -> Memory:
        memory = Memory(open_store(where, 100), 100)
        await memory.start()
        with Body() as body:
            body.write(b"a picture")
            for _ in range(3):
                memory._resumes = 0.0
                known = await memory.recall(body)
                assert known is not None
                assert known.decisions == ()
                memory.learn(known, FACTS)
                await asyncio.gather(*memory._learning)
        await memory.close()
        return memory

    with caplog.at_level(logging.INFO, "foveola.server"):
        memory = asyncio.run(use())
    said = [record.message for record in caplog.records if "can't be used" in record.message]
    assert len(said) == 1
    assert memory.counts["failures"] >= 3
    assert memory.counts["new"] == 3
    return memory


def test_a_corrupt_file_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "d.sqlite"
    path.write_bytes(b"This is no database, whatever its name says. " * 100)

    served_without(str(path), caplog)

    assert path.read_bytes().startswith(b"This is no database")


def test_a_file_that_was_damaged_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "d.sqlite"
    with closing(SqliteStore(str(path), 10_000)) as store:
        for number in range(300):
            store.remember(f"{number:064x}", DECISION)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 4096))

    served_without(str(path), caplog)


def test_a_locked_file_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = str(tmp_path / "d.sqlite")
    with closing(sqlite3.connect(path)) as other_one:
        other_one.execute("BEGIN EXCLUSIVE")

        served_without(path, caplog)


def test_an_unreachable_redis_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    served_without("redis://127.0.0.1:1", caplog)


def test_a_full_disk_is_done_without(tmp_path: Path) -> None:
    """A process that may write no more: what is there is still read."""
    script = """
import asyncio, resource, signal, sys
from foveola.server.memory import Memory
from foveola.decisions import open_store
from foveola.sources.base import Body
from tests.test_decisions import FACTS, DECISION, numbered
from dataclasses import replace
async def main():
    memory = Memory(open_store(sys.argv[1], 100000), 0)
    await memory.start()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    body = Body()
    body.write(b"a picture")
    for number in range(2000):
        memory._resumes = 0.0
        known = await memory.recall(body)
        memory.learn(known, replace(FACTS, decision=numbered(number)))
        await asyncio.gather(*memory._learning)
    print(memory.counts["failures"] > 0, len(known.decisions) > 0)
    await memory.close()
asyncio.run(main())
"""
    command = [sys.executable, "-c", script, str(tmp_path / "d.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env={**os.environ})

    assert done.stdout == "True True\n"
    assert "can't be used" in done.stderr


class Slow:
    """A store that does not answer in time."""

    def rows(self, source: str) -> list[Decision]:
        time.sleep(1.0)
        raise AssertionError(source)

    def remember(self, source: str, decision: Decision) -> None:
        raise AssertionError(source, decision)

    def forget(self, source: str) -> None:
        raise AssertionError(source)

    def close(self) -> None:
        pass


def test_a_store_that_does_not_answer_holds_nobody_up() -> None:
    async def use() -> float:
        memory = Memory(Slow(), 0)
        start = time.monotonic()
        for _ in range(3):  # the second and the third do not even ask
            with Body() as body:
                assert await memory.recall(body) is not None
        spent = time.monotonic() - start
        assert memory.counts["failures"] == 1
        await memory.close()
        return spent

    assert asyncio.run(use()) < 0.9


def test_one_hit_in_so_many_is_checked() -> None:
    async def use(every: int) -> list[bool]:
        memory = Memory(open_store("memory", 10), every)
        due = []
        for _ in range(7):
            with Body() as body:
                known = await memory.recall(body)
            assert known is not None
            due.append(known.check)
            memory.learn(known, replace(FACTS, memory="checked" if known.check else "hit"))
        await memory.close()
        return due

    assert asyncio.run(use(3)) == [False, False, True] * 2 + [False]
    assert asyncio.run(use(1)) == [True] * 7
    assert asyncio.run(use(0)) == [False] * 7


def test_a_spoiled_row_takes_all_of_its_source_along() -> None:
    async def use() -> tuple[Decision, ...]:
        memory = Memory(open_store("memory", 10), 0)
        with Body() as body:
            body.write(b"x" * 300_000)
            for facts in (FACTS, replace(FACTS, memory="spoiled", decision=numbered(5))):
                known = await memory.recall(body)
                assert known is not None
                memory.learn(known, facts)
            await asyncio.gather(*memory._learning)
            known = await memory.recall(body)
        await memory.close()
        assert known is not None
        return known.decisions

    assert asyncio.run(use()) == (numbered(5),)


def test_a_page_knows_its_size() -> None:
    page = Page(*planned("w:150/aq:dssim:0.02:1:100/plain/x@webp"), ())

    assert (page.pixels, page.scaled, page.unit) == (150 * 100, True, "dssim")
