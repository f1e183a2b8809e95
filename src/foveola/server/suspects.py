"""Pictures that workers have died of: those are refused for a while, so that one file can't keep all workers dying.

What counts are the bytes, whatever URL they come from. A crash is the picture's doing for certain. A worker that
someone killed may have been the victim of a neighbour (the system, short of memory, kills whom it likes), so that such
a death is forgiven as soon as the picture has been served.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from foveola.errors import ImageError
from foveola.sources.base import Body

DEATHS = 2
"""After how many a picture is refused."""
SECONDS = 600.0
"""How long it is refused after the last one, if one was a crash."""
KILLED_SECONDS = 60.0
"""And if all workers were killed by someone."""
MOST = 1000
"""How many pictures are known at a time; the one that was blamed longest ago is forgotten first."""


@dataclass
class _Record:
    """What is known of one picture: its deaths, and until when they count."""

    size: int
    until: float = 0.0
    crashes: int = 0
    kills: int = 0


class Suspects:
    """The pictures that workers have died of.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    async def check(self, source: Body) -> None:
        """Refuse a picture that workers have died of.

        Raises:
            ImageError: it is one.
        """
        record = await self._record(source)
        if record and record.crashes + record.kills >= DEATHS:
            left = record.until - self._clock()
            raise ImageError(f"{DEATHS} workers have died of this picture, it is refused for {left:.0f} seconds")

    async def blame(self, source: Body, crashed: bool) -> None:
        """Take in that a worker has died over a picture.

        Args:
            source: its bytes.
            crashed: whether nobody else can have done it.
        """
        name = await source.name()
        record = self._records[name] = await self._record(source) or _Record(source.size)
        record.crashes += crashed
        record.kills += not crashed
        record.until = self._clock() + (SECONDS if record.crashes else KILLED_SECONDS)
        self._records.move_to_end(name)
        while len(self._records) > MOST:
            self._records.popitem(last=False)

    async def forgive(self, source: Body) -> None:
        """Take in that a picture was served."""
        record = await self._record(source)
        if record:
            record.kills = 0

    async def _record(self, source: Body) -> _Record | None:
        """Return what is known of a picture; only those that have the size of a suspect are hashed."""
        if not any(record.size == source.size for record in self._records.values()):
            return None
        name, now = await source.name(), self._clock()
        if name in self._records and self._records[name].until <= now:
            del self._records[name]
        return self._records.get(name)
