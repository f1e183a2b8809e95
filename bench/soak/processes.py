"""What `/proc` tells of a tree of processes: who runs, how much memory they have, which descriptors are open."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGESIZE")


def prefer(pid: int, nice: int) -> None:
    """Give a process a priority, where that is allowed; so to its session, by which Linux shares processors out.

    Source: https://man7.org/linux/man-pages/man7/sched.7.html ("The autogroup feature")
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def children(pid: int) -> list[int]:
    """Return the children of a process, of all its threads; none when it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def state(pid: int) -> str:
    """Return the letter of a process's state, `X` when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def threads(pid: int) -> int:
    """Return how many threads a process has; 0 when it is gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


def descriptors(pid: int) -> Counter[str] | None:
    """Return how many descriptors of each kind a process has open, None where that may not be seen."""
    found: Counter[str] = Counter()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found[_kind(str(entry.readlink()))] += 1
    except OSError:
        return None
    return found


def _kind(target: str) -> str:
    if target.startswith("/memfd:"):
        return "memfd"
    if target.startswith("/dev/") or not target.startswith("/"):
        return target.partition(":[")[0].removeprefix("anon_inode:")
    return "file"


def memory(pids: list[int]) -> tuple[str, int]:
    """Return `PSS` and the bytes of processes, shared ones by their share; `RSS` where only that may be seen."""
    try:
        rows = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids if state(pid) not in "ZX"]
        return "PSS", sum(1024 * int(size) for row in rows for size in re.findall(r"^Pss: +(\d+) kB", row, re.M))
    except OSError:
        pages = 0
        for pid in pids:
            with suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return "RSS", pages * _PAGE


@dataclass(frozen=True)
class Seen:
    """A server at one moment.

    Args:
        measure: what its memory is counted by.
        memory: of all processes, bytes.
        parts: that of the front, of the fork server and of each worker.
        workers: how many run.
        zombies: processes that have ended and were not waited for.
        stopped: processes that do not go on.
        threads: of the front.
        front: descriptors of the front by kind; None where they may not be seen.
        worker: the most descriptors of any one worker, by kind.
    """

    measure: str
    memory: int
    parts: tuple[int, ...]
    workers: int
    zombies: int
    stopped: int
    threads: int
    front: Counter[str] | None
    worker: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Tree:
    """The processes of a server.

    Args:
        front: the number of the first.
    """

    front: int

    @property
    def forkserver(self) -> int | None:
        """The process that forks workers; None while there is none."""
        return next((pid for pid in children(self.front) if state(pid) not in "ZX"), None)

    @property
    def workers(self) -> list[int]:
        """The workers that have not ended."""
        parent = self.forkserver
        return [] if parent is None else [pid for pid in children(parent) if state(pid) not in "ZX"]

    def seen(self) -> Seen:
        """Look at it."""
        everyone, workers = tree(self.front), self.workers
        states = Counter(state(pid) for pid in everyone)
        most: Counter[str] = Counter()
        for pid in workers:
            most |= descriptors(pid) or Counter()
        measure, size = memory(everyone)
        front = descriptors(self.front)
        roles = [self.front, *(pid for pid in (self.forkserver,) if pid is not None), *workers]
        parts = tuple(memory([pid])[1] for pid in roles)
        return Seen(measure, size, parts, len(workers), states["Z"], states["T"], threads(self.front), front, most)

    def catches(self, number: signal.Signals) -> bool:
        """Return whether the front does something about a signal."""
        caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{self.front}/status").read_text(), re.M)
        return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)

    def open(self, pid: int) -> int | None:
        """Return a process descriptor of one of the tree, None where it is gone or the number is someone else's."""
        try:
            process = os.pidfd_open(pid)
        except OSError:
            return None
        if pid in tree(self.front):
            return process
        os.close(process)
        return None


class Load:
    """What others have had of the machine's processors, while some processes of ours ran.

    Args:
        root: the first of ours; all below it are ours, too.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._ours: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._busy = self._all = 0
        self.look()
        self._start = self._busy, self._all
        self._before = dict(self._ours)

    def look(self) -> None:
        """Count what was used so far; what a process used after the last look before its end is not counted."""
        for pid in tree(self._root):
            with suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._ours[pid] = int(fields[11]) + int(fields[12])
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        self._all, self._busy = sum(ticks), sum(ticks) - ticks[3] - ticks[4]

    @property
    def others(self) -> float:
        """The share that others had of all processors."""
        ours = sum(used - self._before.get(pid, 0) for pid, used in self._ours.items())
        busy, all = self._busy - self._start[0], self._all - self._start[1]
        return max(0.0, (busy - ours) / all) if all else 0.0


def send(process: int, number: signal.Signals) -> bool:
    """Signal a process by its descriptor; return whether it was still there."""
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return False
    return True
