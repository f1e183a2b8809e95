"""What has to hold after a soak, as rows of a table; one that does not hold fails the whole.

A status that its request does not allow has to be explained by a fault, and a fault explains only so much: a worker
that was killed is the reason of one error, and an answer at the deadline needs something that held the
workers meanwhile.
"""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.soak.clients import Record
from bench.soak.faults import Fault
from bench.soak.processes import Seen
from bench.soak.reasons import Reasons

GROWTH = 0.10
"""The share by which memory may have grown."""
SLACK = 0.15
"""Seconds that an answer may come after the deadline."""
EXPLAINED = 0.10
"""The share of answers that faults may spoil."""
THREADS = 2 + min(32, (os.cpu_count() or 1) + 4) + 4
"""Threads that the front may come to: its own, the store's, and those of asyncio and libuv, which start when needed."""
BUSY = 0.15
"""The share of the machine that other work may have, for times to be judged in any case."""
HOPELESS = 2
"""How many deadlines an answer takes that no other work excuses."""
LAG_SECONDS = 0.05
"""How long a process that goes before other work may wait for a processor, but for the hundredth time."""


@dataclass(frozen=True)
class Row:
    """One thing that has to hold.

    Args:
        what: it is.
        found: how it was.
        holds: whether it is as it has to be; None where that can't be judged.
        wanted: how it has to be.
    """

    what: str
    found: str
    holds: bool | None
    wanted: str = ""


@dataclass(frozen=True)
class Course:
    """What happened in a soak.

    Args:
        records: of all requests.
        faults: that were made.
        before: the server after the warm-up, at rest.
        after: the server after the last requests, at rest.
        plain: seconds of a plain request, after the warm-up and at the end.
        health: status of the health check at the end.
        log: lines of the server's log.
        code: what the server ended with; None if it had to be killed.
        timeout: seconds that a request has.
        others: the share that other work had of the machine.
        lags: seconds that a process of ours waited for a processor, again and again; see `Ticker`.
        front: bytes of the front, again and again.
        preferred: whether the server went before other work.
    """

    records: Sequence[Record]
    faults: Sequence[Fault]
    before: Seen
    after: Seen
    plain: tuple[float, float]
    health: int | None
    log: Sequence[str]
    code: int | None
    timeout: float
    others: float = 0.0
    lags: Sequence[float] = ()
    front: Sequence[int] = ()
    preferred: bool = False

    @property
    def busy(self) -> bool:
        """Whether other work took so much of the machine that times tell nothing of the server."""
        waits = percentile(sorted(self.lags), 0.99)
        return self.others > BUSY and not (self.preferred and waits <= LAG_SECONDS)


def judge(course: Course, slack: float = SLACK, growth: float = GROWTH) -> list[Row]:
    """Return all that has to hold, and whether it does.

    Args:
        course: what happened.
        slack: seconds that an answer may come after the deadline.
        growth: the share by which memory may have grown.
    """
    reasons = Reasons(course.faults, course.records, course.before.workers, course.timeout, course.busy)
    for record in sorted(course.records, key=lambda record: record.ended):
        if record.status is not None and record.status not in record.asked.allowed:
            record.explained = reasons.find(record)
    return [*_answers(course), *_deadlines(course, slack), *_state(course, growth), *_end(course)]


def _answers(course: Course) -> Iterable[Row]:
    records = course.records
    outcomes = Counter(record.outcome for record in records)
    yield Row("requests", f"{len(records)}, {outcomes['left']} left by their clients", len(records) > 0)
    yield _none("unanswered", [record for record in records if record.outcome == "unanswered"])
    yield _none("answers broken off", [record for record in records if record.outcome == "broken"])
    yield _none("wrong pictures", [record for record in records if record.wrong])
    checked = sum(record.status == 200 and record.asked.wanted is not None for record in records)
    yield Row("pictures checked", str(checked), checked > 0, "more than 0")
    odd = [r for r in records if r.status is not None and r.status not in r.asked.allowed]
    yield _none("unexplained statuses", [record for record in odd if not record.explained])
    told = Counter(f"{record.status} by {record.explained}" for record in odd if record.explained)
    sure = sum(record.asked.allowed == {200} and record.outcome == "answered" for record in records)
    share = told.total() / max(1, sure)
    found = f"{told.total()} of {sure} ({_counted(told)})"
    yield _timed(course, Row("statuses explained by faults", found, share <= EXPLAINED, f"{EXPLAINED:.0%} at most"))
    lags = sorted(course.lags)
    work = f"{course.others:.0%}; a process waits {1000 * percentile(lags, 0.99):.0f} ms at p99"
    yield Row("other work on this machine", work + ", too much to judge times" * course.busy, True)


def _timed(course: Course, row: Row, sure: bool = False) -> Row:
    """Return a row about times, not judged on a machine that was busy with other work, unless it is sure even so."""
    return replace(row, holds=None) if course.busy and not row.holds and not sure else row


def _none(what: str, records: Sequence[Record]) -> Row:
    told = "".join(
        f"\n    {r.status} {r.outcome} {r.wrong} {r.said!r} {r.took:.2f} s {r.asked.kind}: {r.asked.target[:150]!r}"
        for r in records[:5]
    )
    return Row(what, f"{len(records)}{told}", not records, "0")


def _deadlines(course: Course, slack: float) -> Iterable[Row]:
    answered = [record for record in course.records if record.status is not None]
    took = sorted(record.took - record.late for record in answered)
    share = percentile(took, 0.999)
    worst = max(answered, key=lambda record: record.took, default=None)
    raw = percentile(sorted(record.took for record in answered), 0.999)
    over = sum(seconds > course.timeout for seconds in took)
    found = f"{share:.3f} s; {raw:.3f} s with the client's own lateness; {over} over {course.timeout:g} s"
    limit = course.timeout + slack
    row = Row("answers, p99.9", found, share <= limit, f"{limit:.2f} s at most")
    yield _timed(course, row, sure=share > HOPELESS * course.timeout)
    if worst is not None:
        yield Row("slowest", f"{worst.took:.3f} s, {worst.late:.3f} s of it the client's: {worst.asked.kind}", True)
    late = max((record.late for record in answered), default=0.0)
    yield Row("client late by at most", f"{1000 * late:.0f} ms", True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least of sorted values that so large a share does not exceed; 0 of none."""
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)] if values else 0.0


def _state(course: Course, growth: float) -> Iterable[Row]:
    before, after = course.before, course.after
    grown = after.memory / before.memory - 1
    parts = " to ".join("+".join(f"{part / 1e6:.0f}" for part in seen.parts) for seen in (before, after))
    sizes = f"{before.memory / 1e6:.0f} to {after.memory / 1e6:.0f} MB ({grown:+.1%}): {parts}"
    yield Row(f"memory of all processes ({after.measure})", sizes, grown <= growth, f"{growth:+.0%} at most")
    steps = [course.front[at * (len(course.front) - 1) // 9] for at in range(10)] if course.front else []
    yield Row("memory of the front, MB", " ".join(f"{size / 1e6:.0f}" for size in steps), True)
    yield Row("workers", f"{before.workers} to {after.workers}", before.workers == after.workers, "the same")
    yield Row("zombies, stopped processes", f"{after.zombies}, {after.stopped}", not after.zombies + after.stopped, "0")
    if before.front is None or after.front is None:
        yield Row("descriptors", "may not be seen by this user", True)
    else:
        yield _more("descriptors of the front", before.front, after.front)
        yield _more("most descriptors of a worker", before.worker, after.worker)
    most = max(before.threads, THREADS)
    found = f"{before.threads} to {after.threads}"
    yield Row("threads of the front", found, after.threads <= most, f"{most} at most")


def _more(what: str, before: Counter[str], after: Counter[str]) -> Row:
    more = after - before
    return Row(
        what, f"{before.total()} to {after.total()}{'; more: ' * bool(more)}{_counted(more)}", not more, "no more"
    )


def _end(course: Course) -> Iterable[Row]:
    stacks = [at for at, line in enumerate(course.log) if "Traceback" in line]
    told = "".join(f"\n    {line[:1500]}" for at in stacks[:3] for line in course.log[at : at + 1])
    yield Row("tracebacks in the log", f"{len(stacks)}{told}", not stacks, "0")
    before, after = (1000 * seconds for seconds in course.plain)
    told = f"{before:.0f} to {after:.0f} ms"
    yield _timed(course, Row("a plain request", told, after <= 2 * before + 20, "twice as long at most"))
    yield Row("health at the end", str(course.health), course.health == 200, "200")
    yield Row("exit code", str(course.code), course.code == 0, "0")


def table(rows: Sequence[Row]) -> str:
    """Return rows as text."""
    width = max(len(row.what) for row in rows)
    marks = {True: "ok  ", False: "FAIL", None: "--  "}
    wanted = (f"  [{row.wanted}]" if row.wanted and row.holds is False else "" for row in rows)
    return "\n".join(f"{marks[r.holds]} {r.what:{width}}  {r.found}{w}" for r, w in zip(rows, wanted, strict=True))


def kinds(records: Sequence[Record]) -> str:
    """Return what came of requests of each kind, as text."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    slowest: defaultdict[str, float] = defaultdict(float)
    for record in records:
        found[record.asked.kind][str(record.status or record.outcome)] += 1
        slowest[record.asked.kind] = max(slowest[record.asked.kind], record.took * (record.status is not None))
    return "\n".join(f"  {name:15} {_counted(found[name])}; slowest {slowest[name]:.2f} s" for name in sorted(found))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
