"""How many requests are let in: who can't be served in time is told at once, while it is still cheap.

imgproxy counts the requests that wait beside those that are worked on, and answers 429 above the sum; a queue of 0 is
none that is full. Source: https://docs.imgproxy.net/configuration/options (`IMGPROXY_REQUESTS_QUEUE_SIZE`)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from foveola.errors import OverloadedError


class Admission:
    """The count of the requests that are inside.

    Args:
        workers: how many are worked on at a time.
        queue: how many may wait besides; 0 for any number.
    """

    def __init__(self, workers: int, queue: int) -> None:
        self._workers = workers
        self._most = workers + queue if queue else 0
        self.inside = 0

    @property
    def spare(self) -> int:
        """How many of two cores a request may use: both while half of the workers have nothing to do."""
        return 2 if 2 * self.inside <= self._workers else 1

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be inside for the length of a `with` block.

        Raises:
            OverloadedError: the queue is full.
        """
        if self._most and self.inside >= self._most:
            raise OverloadedError(f"{self.inside} requests are inside, {self._most} may be")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
