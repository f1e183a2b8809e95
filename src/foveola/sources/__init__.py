"""The sources by scheme, each imported when its first URL is asked for: a client library costs only its users."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import import_module

from foveola.errors import SourceError
from foveola.sources.base import Body, Reach, Source

__all__ = ["SCHEMES", "Body", "Reach", "Source", "Sources"]

SCHEMES: Mapping[str, str] = {"http": "http", "https": "http", "local": "local"}
"""The module of each scheme; it has a function `create(reach) -> Source`."""


class Sources:
    """All sources as one: the scheme of a URL says which is asked.

    Args:
        reach: where pictures may come from, and what fetching may cost.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._open: dict[str, Source] = {}

    async def fetch(self, url: str) -> Body:
        """Return the bytes of the file at `url`.

        Raises:
            SourceError: it can't be reached in time or may not be.
            ImageError: it is too large.
        """
        self._reach.check(url)
        scheme, mark, _ = url.partition("://")
        if not mark or scheme not in SCHEMES:
            raise SourceError(f"Expected a URL that begins with one of {', '.join(SCHEMES)}, got {url!r}")
        try:
            async with asyncio.timeout(self._reach.timeout):
                source = await self._source(SCHEMES[scheme])
                return await source.fetch(url)
        except TimeoutError:
            raise SourceError(f"No answer within {self._reach.timeout} seconds from {url}", status=504) from None

    async def _source(self, name: str) -> Source:
        """Return an open source; a thread imports it, because a client library may take half a second."""
        if name not in self._open:
            module = await asyncio.to_thread(import_module, f"foveola.sources.{name}")
            if name not in self._open:
                self._open[name] = module.create(self._reach)
        return self._open[name]

    async def close(self) -> None:
        """Close the connections of all of them."""
        for source in self._open.values():
            await source.close()
        self._open.clear()
