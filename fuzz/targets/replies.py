"""What a worker says, which has had hostile bytes in its hands: facts in their ranges, an error, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import get_args

from foveola.decisions import Decision, Key, Point, Unit
from foveola.errors import FoveolaError, ImageError
from foveola.goal import METHODS
from foveola.picture import FORMATS
from foveola.server import answers, jobs
from foveola.server.headers import sendable
from foveola.server.jobs import Facts, TextFacts

TOKENS = (
    *(f'"{name}":'.encode() for name in (*Facts.__dataclass_fields__, *Decision.__dataclass_fields__)),
    *(f'"{word}"'.encode() for word in (*jobs.WHYS, *jobs.MEMORY, *METHODS, *FORMATS, *get_args(Unit))),
    *(b"null", b"true", b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 400, b"[1,2]", b"{}", b'"\\ud800"', b'"\\r\\n"'),
    *(b'"error":', b'"status":', b'"public":', b'"message":', b'"stack":', b'"unknown":', b"[" * 100),
)
KEY = Key("0" * 32, "1" * 32, "2" * 32)
DECISION = Decision(KEY, "dssim", 80, 0.01, 900, "met", 600, True, (Point(80, 0.1), Point(70, -0.2)))
FACTS = (
    Facts("webp", (30, 20), (3, 2), 900, "dssim", 80, 0.01, 3, True, "met", "new", DECISION, (1, 2, 3)),
    Facts("png", (30, 20), (3, 2), 900, "none", None, None, 1, None, "fixed"),
)


def seeds() -> list[bytes]:
    errors = [jobs.refusal(ImageError("broken", status=422)), jobs.refusal(jobs.UnknownTypeError("what"), "a stack")]
    return [*map(jobs.reply, FACTS), jobs.reply(TextFacts(9, (1, 2, 3))), *errors]


def target(data: bytes) -> None:
    for read in (jobs.read_reply, jobs.read_text_facts):
        found = _read(read, data)
        if isinstance(found, FoveolaError):
            assert 400 <= found.status < 600, found.status
            assert len(found.public) <= 200, found.public
            continue
        assert 0 <= found.bytes <= jobs.LARGEST, found
        if isinstance(found, Facts):
            _check(found)
        assert read(jobs.reply(found)) == found, found


def _read(read: Callable[[bytes], Facts | TextFacts], data: bytes) -> Facts | TextFacts | FoveolaError:
    try:
        return read(data)
    except FoveolaError as error:
        return error


def _check(facts: Facts) -> None:
    """Check what is sent to strangers, and what is remembered."""
    assert min(*facts.origin, *facts.size, facts.encodes) >= 0, facts
    assert facts.quality is None or 0 <= facts.quality <= 100, facts
    assert facts.dssim is None or 0 <= facts.dssim <= 1, facts
    for name, value in answers._debug(facts, 9):
        assert sendable(value), name
        assert len(value) < 300, name
    if facts.decision is not None:
        assert Decision.read(json.loads(facts.decision.write())) == facts.decision
    with suppress(KeyError):
        assert FORMATS[facts.format]
