"""How many descriptors the front may have, and how many of them connections of clients may take.

Many systems give a process 1024, of which a program may take more by asking for them; they are few only because
`select` can't count further, which nothing here uses. Each client has one, so that clients alone could take all, and
then no source could be opened, nor the memory for a picture. Source: https://man7.org/linux/man-pages/man2/getrlimit.2.html
"""

from __future__ import annotations

import resource

ENOUGH = 1 << 20
"""Descriptors beyond which no more are asked for: there are systems that allow a milliard."""
RESERVE = 256
"""Descriptors for all else: sources, memory of pictures, watermarks, what the process itself has."""
FOR_A_WORKER = 8
"""Descriptors for a worker: its channel, its end, and what it is handed."""


def raise_limit() -> None:
    """Have as many descriptors as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def needed(clients: int, workers: int) -> int:
    """Return how many descriptors it takes.

    Args:
        clients: connections at a time.
        workers: processes that work on pictures.
    """
    return clients + workers * FOR_A_WORKER + RESERVE


def clients(most: int, workers: int) -> int:
    """Return how many connections of clients there may be.

    Args:
        most: as the settings say; 0 for any number.
        workers: processes that work on pictures.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    room = max(soft - needed(0, workers), 1)
    return min(most, room) if most else room
