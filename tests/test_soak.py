"""A soak: its marks survive all formats, its judgement sees what is wrong, and a server stands a minute of it."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.soak import judging, marks
from bench.soak.asking import Asked
from bench.soak.clients import Record
from bench.soak.course import Plan, soak
from bench.soak.disks import disk
from bench.soak.faults import Fault
from bench.soak.judging import Course
from bench.soak.marks import Wanted
from bench.soak.processes import Seen, Tree, state
from bench.soak.start import Control
from tests.serving import until

REST = Seen("PSS", 100_000_000, (100_000_000,), 2, 0, 0, 8, Counter(socket=5))


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "PNG"])
def test_marks_survive_sizes_and_formats(format: str) -> None:
    for mark in (0, 5, 170, 255):
        file = io.BytesIO()
        marks.draw(mark, 300, 400).resize((64, 85)).save(file, format, quality=40)
        wanted = Wanted(mark, (64, 85), format)

        assert marks.wrong(file.getvalue(), wanted) == ""
        assert marks.wrong(file.getvalue(), replace(wanted, mark=mark ^ 1)) == f"mark {mark} instead of {mark ^ 1}"
        assert marks.wrong(file.getvalue(), replace(wanted, size=(64, 90))) == "64x85 instead of 64x90"
        assert marks.wrong(file.getvalue()[:50], wanted).startswith("unreadable")


def test_a_picture_without_a_mark_has_none() -> None:
    assert marks.read(marks.draw(1, 300, 300).crop((0, 0, 60, 60))) is None


def answered(status: int, took: float = 0.1, begun: float = 100.0, kind: str = "picture") -> Record:
    return Record(Asked(kind, f"/{begun}"), begun, begun + took, status, "answered")


def course(*records: Record, faults: tuple[Fault, ...] = (), after: Seen = REST, log: str = "") -> Course:
    good = [answered(200, begun=float(second)) for second in range(50)]
    good[0].asked = replace(good[0].asked, wanted=Wanted(0, None, "JPEG"))
    return Course([*good, *records], faults, REST, after, (0.01, 0.01), 200, log.splitlines(), 0, 5.0)


def failing(judged: Course) -> list[str]:
    return [row.what for row in judging.judge(judged) if row.holds is False]


def test_a_good_soak_holds() -> None:
    assert failing(course()) == []


@pytest.mark.parametrize(
    ("judged", "what"),
    [
        (course(Record(Asked("picture", "/"), 1, 2)), "unanswered"),
        (course(Record(Asked("picture", "/"), 1, 2, 200, "broken")), "answers broken off"),
        (course(Record(Asked("picture", "/"), 1, 2, 200, "answered", wrong="mark 1 instead of 2")), "wrong pictures"),
        (course(answered(404)), "unexplained statuses"),
        (course(answered(503, 5.0)), "unexplained statuses"),
        (course(answered(200, 5.3)), "answers, p99.9"),
        (course(after=replace(REST, memory=111_000_000)), "memory of all processes (PSS)"),
        (course(after=replace(REST, workers=1)), "workers"),
        (course(after=replace(REST, zombies=1)), "zombies, stopped processes"),
        (course(after=replace(REST, front=Counter(socket=5, memfd=1))), "descriptors of the front"),
        (course(after=replace(REST, threads=judging.THREADS + 1)), "threads of the front"),
        (course(log='level="ERROR" stack="Traceback (most'), "tracebacks in the log"),
        (replace(course(), plain=(0.01, 0.1)), "a plain request"),
        (replace(course(), health=500), "health at the end"),
        (replace(course(), code=None), "exit code"),
    ],
)
def test_what_does_not_hold_is_seen(judged: Course, what: str) -> None:
    assert failing(judged) == [what]


def test_a_kill_is_the_reason_of_one_error() -> None:
    kill = Fault("kill", 100.5, 100.5, hurt=1)
    first, second = (answered(500, 1.0, begun) for begun in (99.9, 99.8))

    assert failing(course(first, faults=(kill,))) == []
    assert failing(course(answered(500, 1.0, 105.0), faults=(kill,))) == ["unexplained statuses"]
    assert failing(course(first, second, faults=(kill,))) == ["unexplained statuses"]
    assert failing(course(first, replace(first), faults=(kill,))) == []  # the same picture, made once for both


def test_an_answer_at_the_deadline_needs_what_held_the_workers() -> None:
    late = answered(503, 5.0)
    heavy = replace(answered(503, 5.0, 98.0, "slow"), asked=Asked("slow", "/slow", allowed=frozenset({503})))

    assert failing(course(late, faults=(Fault("stop", 60.0, 60.0, hurt=1),))) == []
    assert failing(course(late, faults=(Fault("clock", 100.0, 101.0),))) == ["unexplained statuses"]
    assert failing(course(late, heavy)) == []
    assert failing(course(answered(503, 1.0), heavy)) == ["unexplained statuses"]


def test_times_are_not_judged_on_a_machine_with_other_work() -> None:
    busy = replace(course(answered(200, 5.3)), others=0.5, lags=(0.1,) * 10)

    assert failing(busy) == failing(replace(busy, preferred=True)) == []
    assert failing(replace(busy, preferred=True, lags=(0.001,) * 10)) == ["answers, p99.9"]


def test_answers_after_twice_the_deadline_are_judged_in_any_case() -> None:
    for took, what in ((9.9, []), (10.1, ["answers, p99.9"])):
        assert failing(replace(course(answered(200, took)), others=0.5, lags=(0.1,) * 10)) == what


def test_a_disk_is_filled_where_one_can_be_had(tmp_path: Path) -> None:
    with disk(tmp_path / "small") as small:
        small.fill()
        if small.small:
            with pytest.raises(OSError, match="No space"):
                (tmp_path / "small" / "more").write_bytes(b"x" * 5000)
        small.clear()
        (tmp_path / "small" / "more").write_bytes(b"x" * 5000)
    with disk(tmp_path / "folder", mounted=False) as folder:
        folder.fill()
        assert not folder.small


def test_a_clock_is_set_from_outside(tmp_path: Path) -> None:
    control = Control(tmp_path / "control")
    control.tell(ahead=7200.0)
    assert (Control(tmp_path / "control").ahead, Control(tmp_path / "control").full) == (7200.0, False)
    control.tell(full=True)
    assert (Control(tmp_path / "control").ahead, Control(tmp_path / "control").full) == (7200.0, True)


def test_only_processes_of_the_tree_are_touched() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        try:
            assert Tree(process.pid).open(1) is None
            assert Tree(process.pid).seen().workers == 0
            process.send_signal(signal.SIGSTOP)
            assert until(lambda: state(process.pid) == "T")
            assert Tree(process.pid).seen().stopped == 1
        finally:
            process.kill()


@pytest.mark.slow
def test_a_server_stands_a_minute_of_everything() -> None:
    said: list[str] = []
    done = soak(Plan(60.0, nice=-10), said.append)
    rows = judging.judge(done, slack=0.5, growth=0.2)  # lines are counted meanwhile, and in a minute little settles

    assert all(row.holds is not False for row in rows), "\n".join((*said, judging.table(rows)))
    assert len({fault.name for fault in done.faults}) > 5
