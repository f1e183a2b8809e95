"""How much memory pictures may take: what the settings say, or a share of what this process may have.

A container's limit is that of its control group, which `sysinfo` does not know of; the groups above count too.
Source: https://docs.kernel.org/admin-guide/cgroup-v2.html (`memory.max`) and cgroup-v1/memory.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PART = 0.6
"""The share of all memory that pictures may take; the rest is for sources, results, the front and idle workers."""
_ROOT = Path("/")


def budget(said: int | None) -> int:
    """Return the bytes that pictures may take together, 0 for any.

    Args:
        said: megabytes by the settings; None where they say nothing.
    """
    return said << 20 if said is not None else int(PART * available())


def available(root: Path = _ROOT) -> int:
    """Return the bytes that this process and its like may have: the least of the machine's and their groups' limits.

    Args:
        root: where `proc` and `sys` are.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min((machine, *_limits(root)))


def _limits(root: Path) -> Iterator[int]:
    for file in _files(root):
        try:
            text = file.read_text().strip()
        except OSError:  # the first group has none, and a container does not see those above its own
            continue
        if text.isdecimal():  # or `max`
            yield int(text)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files that may hold a limit, by `/proc/self/cgroup`, whose lines are `number:controllers:path`."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
            name = "memory.limit_in_bytes" if controllers else "memory.max"
            group = Path(path.lstrip("/"))
            yield from (mount / part / name for part in (group, *group.parents))
