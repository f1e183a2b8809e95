"""Pictures that many requests need: watermarks and fallback images, fetched once and kept for a while.

What the settings name is trusted to be where it is; what a URL names is judged like any source. A picture is asked for
again after some minutes, and where that fails the one that is there goes on serving. However many requests need one at
the same time, it is fetched once. The bytes are memory that workers are handed, never looked at here.
Source: https://docs.imgproxy.net/features/watermark
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from foveola.errors import ConfigError, FoveolaError, expected
from foveola.server.flights import Flights
from foveola.sources.base import Ask, Body, Fetched, masked

Key = tuple[str, str]
_log = logging.getLogger("foveola.server")
FRESH_SECONDS = 300.0
"""How long a picture is used before it is asked for again."""
MOST_BYTES = 64 << 20
"""How much memory all pictures together may have; the one that was used last always stays."""
MOST = 64
"""How many pictures that URLs name are kept, since each is a descriptor; those of the settings always stay."""


@dataclass(frozen=True)
class Place:
    """Where the settings say that a picture is; the first that is not empty counts.

    Args:
        data: its bytes.
        path: of its file.
        url: its address.
    """

    data: bytes = b""
    path: str = ""
    url: str = ""

    def check(self, name: str) -> None:
        """Read the file, if it is one.

        Raises:
            ConfigError: it can't be read.
        """
        try:
            if not self.data and self.path:
                Path(self.path).read_bytes()
        except OSError as error:
            raise ConfigError(f"{expected('a file', name, self.path)}: {error}") from error


class Fetcher(Protocol):
    """Where sources come from: `foveola.sources.Sources`."""

    async def fetch(self, url: str, ask: Ask = ...) -> Fetched:
        """Return the whole file at a URL."""
        ...


@dataclass
class _Kept:
    body: Body
    until: float

    def close(self) -> None:
        """Do nothing: the memory stays as long as someone holds it."""


class Assets:
    """The pictures that are kept.

    Args:
        sources: fetches what URLs name.
        trusted: fetches what the settings name.
        clock: seconds.
    """

    def __init__(self, sources: Fetcher, trusted: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._trusted = trusted
        self._clock = clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._flights: Flights[_Kept] = Flights()

    async def find(self, url: str, place: Place) -> Body | None:
        """Return the picture at a URL, or without one that of the settings; None where there is neither.

        The memory is shared and stays as long as someone holds it: it is not to be closed.

        Raises:
            SourceError: it can't be reached or may not be.
            ImageError: it is too large.
        """
        if url:
            return await self._get(("url", url), lambda: _fetched(self._sources, url))
        if place.data:
            return await self._get(("data", ""), lambda: _written(place.data))
        if place.path:
            return await self._get(("path", place.path), lambda: _read(place.path))
        if place.url:
            return await self._get(("place", place.url), lambda: _fetched(self._trusted, place.url))
        return None

    async def _get(self, key: Key, fetch: Callable[[], Awaitable[Body]]) -> Body:
        kept = self._kept.get(key)
        if kept is None or (self._clock() >= kept.until and not self._flights.flying(key)):
            with self._flights.join(key, lambda: self._renewed(key, kept, fetch)) as renewed:
                kept = await renewed
        if key in self._kept:
            self._kept.move_to_end(key)
        return kept.body

    async def _renewed(self, key: Key, kept: _Kept | None, fetch: Callable[[], Awaitable[Body]]) -> _Kept:
        """Fetch a picture; where that fails go on with the one that there is, and if there is none keep nothing.

        Whoever asks meanwhile waits if there is none, and else takes the one that there is. When all who wait have
        left this is cancelled, and the next who asks begins anew.
        """
        try:
            body = await fetch()
        except FoveolaError as error:
            if kept is None:
                raise
            _log.warning("The picture at %s can't be had again: %s", masked(key[1]), error)
            body = kept.body
        found = self._kept[key] = _Kept(body, self._clock() + FRESH_SECONDS)
        self._kept.move_to_end(key)
        named = [other for other in self._kept if other[0] == "url" and other != key]
        while named and (len(named) >= MOST or sum(kept.body.size for kept in self._kept.values()) > MOST_BYTES):
            del self._kept[named.pop(0)]
        return found


async def _fetched(sources: Fetcher, url: str) -> Body:
    return (await sources.fetch(url)).body


async def _written(data: bytes) -> Body:
    body = Body()
    body.write(data)
    return body


async def _read(path: str) -> Body:
    try:
        return await _written(await asyncio.to_thread(Path(path).read_bytes))
    except OSError as error:
        raise FoveolaError(f"Can't read {path}: {error}") from error
