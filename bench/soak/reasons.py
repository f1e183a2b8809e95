"""Which fault is the reason for an answer that would be wrong without it; each is good for so many only."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.soak.clients import Record
from bench.soak.faults import Fault

SUSPECTED_SECONDS = 600.0
"""How long a picture may be refused over which workers were killed twice."""
HARMFUL = ("kill", "stop")
"""How the faults begin that may cost somebody an answer: a full disk and a clock may not."""
HEAVY = frozenset({"slow", "hostile file"})
"""Kinds of requests that may hold a worker up to the deadline."""
HELD_SECONDS = 1.0
"""How long another request has to hold a worker to be the reason of a delay."""
SHED = 0.9
"""The share of its time after which a request that waits for a worker is given up."""
NEAR_SECONDS = 1.5
"""How soon after a kill its error comes."""


class Reasons:
    """The faults of a soak, as reasons.

    Args:
        faults: that were made.
        records: of all requests: heavy ones are a reason for others to wait.
        workers: of the server.
        timeout: seconds that a request has.
        busy: whether other work kept the machine from the server.
    """

    def __init__(
        self, faults: Sequence[Fault], records: Sequence[Record], workers: int, timeout: float, busy: bool
    ) -> None:
        self._faults = [fault for fault in faults if fault.hurt and fault.name.startswith(HARMFUL)]
        self._heavy = [one for one in records if one.asked.kind in HEAVY or one.outcome == "left"]
        self._timeout, self._busy = timeout, busy
        self._left = {id(fault): fault.hurt * (workers if _is_fork_server(fault) else 1) for fault in self._faults}
        self._paid: set[tuple[int, str]] = set()

    def find(self, record: Record) -> str:
        """Return the reason for a status that its request does not allow; nothing where there is none."""
        near = [fault for fault in self._faults if self._overlaps(fault, record)]
        if record.asked.kind == "health":  # it says that a worker could not be started
            return next((fault.name for fault in near), "")
        killed = [fault for fault in near if fault.name.startswith("kill")]
        late = record.took >= SHED * self._timeout - 0.2  # a slow sender's time begins before it is measured
        match record.status:
            case 503 if late:
                return near[-1].name if near else self._held(record)
            case 500 | 503 if paid := next((fault for fault in killed if self._pays(fault, record)), None):
                return paid.name
            case 429:
                return near[-1].name if near else self._held(record)
            case 504:
                return "other work" * self._busy
            case 422 if len(killed) > 1:
                return "killed twice"
        return ""

    def _pays(self, fault: Fault, record: Record) -> bool:
        """Return whether a kill is the reason of an error; all who wait for the same picture have it from one."""
        if not fault.begun - 0.1 <= record.ended <= fault.begun + NEAR_SECONDS:
            return False
        bill = id(fault), record.asked.target
        if bill not in self._paid:
            if not self._left[id(fault)]:
                return False
            self._left[id(fault)] -= 1
            self._paid.add(bill)
        return True

    def _overlaps(self, fault: Fault, record: Record) -> bool:
        """Return whether a fault, with what it leaves behind, falls into the time of a request."""
        left = SUSPECTED_SECONDS if record.status == 422 else self._timeout
        until = math.inf if fault.ended is None or fault.name == "stop" else fault.ended + left
        return fault.begun <= record.ended and record.begun <= until

    def _held(self, record: Record) -> str:
        """Return what else may have held the workers."""
        shared = (min(record.ended, one.ended) - max(record.begun, one.begun) for one in self._heavy if one != record)
        return "heavy requests" if any(seconds > HELD_SECONDS for seconds in shared) else "other work" * self._busy


def _is_fork_server(fault: Fault) -> bool:
    return fault.name.endswith("fork server")
