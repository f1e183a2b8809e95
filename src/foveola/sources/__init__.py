"""The sources by scheme, each imported when its first URL is asked for: a client library costs only its users.

What is made of an answer is decided here, for all sources alike, with imgproxy's statuses and sentences: only a whole
file is a picture, a source's own 4xx is passed on, its 5xx is a bad gateway.
Source: https://docs.imgproxy.net/image_sources
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib import import_module

from foveola.errors import ConfigError, SourceError
from foveola.sources import local, shortage
from foveola.sources.allowed import ordinary
from foveola.sources.base import Ask, Body, Fetched, Opened, Reach, Source, masked
from foveola.sources.body import Room, too_large
from foveola.sources.stores import Stores, check_extra

__all__ = ["SCHEMES", "Ask", "Fetched", "Reach", "Sources", "Stores", "check", "module_of", "ordinary"]

SCHEMES: Mapping[str, str] = {
    "http": "http",
    "https": "http",
    "local": "local",
    "s3": "objects",
    "gs": "objects",
    "abs": "objects",
}
"""The module of each scheme; it has a function `create(reach) -> Source`."""
UNPACKED = 1 << 26
"""Bytes that a compressed answer may become where no size is limited: a few kilobytes may become any number."""
SLOWEST = 1 << 14
"""Bytes a second that a source has to send of what is passed on, beyond its time-out."""
_ASK = Ask()
_ASK_RAW = Ask(raw=True)
_CONDITIONS = ("if-none-match", "if-modified-since")
_FROM_THE_START = re.compile(r"(?:bytes )?0-([0-9]{1,18})/([0-9]{1,18}|\*)")


class Sources:
    """All sources as one: the scheme of a URL says which is asked.

    Args:
        reach: where pictures may come from, and what fetching may cost.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._room = Room(reach.memory)
        self._open: dict[str, Source] = {}

    async def fetch(self, url: str, ask: Ask = _ASK) -> Fetched:
        """Return the whole file at `url`, or 304 without bytes where the client has it already.

        Raises:
            SourceError: it can't be reached in time or may not be, or is no whole file.
            ImageError: it is too large.
            OverloadedError: other files have the memory.
        """
        with self._in_time(url):
            async with asyncio.timeout(self._reach.timeout):
                source = await self._source(url)
                async with source.open(ordinary(url), ask) as opened:
                    _check_status(url, opened, ask)
                    if opened.status == 304:
                        return Fetched(304, opened.headers)
                    body = await _read(opened, self._most(opened, ask), self._room)
                    return Fetched(200, _about_file(opened.headers), body)

    @asynccontextmanager
    async def stream(self, url: str, ask: Ask = _ASK_RAW) -> AsyncIterator[Opened]:
        """Return what is at `url` as the source says it, whatever its status and size, to be passed on in parts.

        The source may take its time-out until it answers, and again for each part: a client may be slow. Of all the
        time that it takes each second has to bring something.

        Raises:
            SourceError: it can't be reached in time or may not be; while it is read: it broke off.
        """
        with self._in_time(url):
            async with asyncio.timeout(self._reach.timeout):
                source = await self._source(url)
                context = source.open(ordinary(url), ask)
                opened = await context.__aenter__()
        try:
            yield replace(opened, parts=lambda: self._patient(url, opened))
        finally:
            await context.__aexit__(None, None, None)

    def _most(self, opened: Opened, ask: Ask) -> int:
        """Return the bytes that an answer may have; 0 for any number."""
        limited = self._reach.max_bytes if ask.max_bytes is None else ask.max_bytes
        unpacked = UNPACKED if "content-encoding" in opened.headers and not limited else 0
        limits = [limit for limit in (self._reach.most(ask.max_bytes), unpacked) if limit]
        return min(limits, default=0)

    async def _patient(self, url: str, opened: Opened) -> AsyncIterator[bytes]:
        parts = opened.chunks()
        left = self._reach.timeout
        while True:
            began = time.monotonic()
            with self._in_time(url):
                async with asyncio.timeout(min(left, self._reach.timeout)):
                    part = await anext(parts, b"")
            if not part:
                return
            left += len(part) / SLOWEST - (time.monotonic() - began)
            yield part

    @contextmanager
    def _in_time(self, url: str) -> Iterator[None]:
        try:
            with shortage.told():
                yield
        except TimeoutError:
            raise SourceError(
                f"No answer within {self._reach.timeout} seconds from {masked(url)}", status=504
            ) from None

    async def _source(self, url: str) -> Source:
        """Return an open source; a thread imports it, because a client library may take half a second."""
        name = module_of(url, self._reach)
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


def module_of(url: str, reach: Reach) -> str:
    """Return the module that a URL is asked by.

    Args:
        url: where a picture comes from.
        reach: where pictures may come from.

    Raises:
        SourceError: it is not allowed, or of no scheme that is served.
    """
    reach.check(url)
    scheme, mark, _ = ordinary(url).partition("://")
    if not mark or scheme not in SCHEMES or not reach.stores.uses(scheme):
        used = [name for name in SCHEMES if reach.stores.uses(name)]
        raise SourceError(f"Expected a URL that begins with one of {', '.join(used)}, got {masked(url)!r}")
    return SCHEMES[scheme]


def check(reach: Reach, environ: Mapping[str, str] | None = None) -> None:
    """Refuse settings that no source could be served with, before the first is asked for.

    Args:
        reach: where pictures may come from.
        environ: names proxies; the environment of the process when None.

    Raises:
        ConfigError: there are some, each in a line of the message.
    """
    said = os.environ if environ is None else environ
    checks: tuple[Callable[[], object], ...] = (
        lambda: local.create(reach),
        lambda: _check_stores(reach),
        lambda: reach.proxy and import_module("foveola.sources.proxies").proxies(said),
    )
    problems = []
    for act in checks:
        try:
            act()
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


def _check_stores(reach: Reach) -> None:
    check_extra(reach.stores)
    if reach.stores.any:
        import_module("foveola.sources.clients").check(reach)


def _check_status(url: str, opened: Opened, ask: Ask) -> None:
    """Accept a whole file, and 304 where it was asked for.

    Raises:
        SourceError: anything else, with imgproxy's status for it.
    """
    status = opened.status
    if status == 200 or (status == 304 and any(map(ask.header, _CONDITIONS))):
        return
    if status == 206 and _whole(opened):
        return
    passed_on = status if 400 <= status < 500 else 502 if status >= 500 else 404
    raise SourceError(f"{masked(url)} answered {status}", status=passed_on)


def _whole(opened: Opened) -> bool:
    """Return whether what it says is the whole file: `bytes 0-99/100`, or `bytes 0-99/*` in 100 bytes."""
    found = _FROM_THE_START.fullmatch(opened.headers.get("content-range", ""))
    if found is None:
        return False
    last, total = found.groups()
    return int(last) + 1 == (opened.size if total == "*" else int(total))


def _about_file(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are about the whole file, decoded."""
    left_out = {"content-encoding", "content-range", "transfer-encoding"}
    left_out |= {"content-length"} if left_out & headers.keys() else set()
    return {name: value for name, value in headers.items() if name not in left_out}


async def _read(opened: Opened, most: int, room: Room) -> Body:
    """Return the body; one that is a file of this machine is taken as it is."""
    if most and opened.size is not None and opened.size > most:
        raise too_large(most)
    if opened.file is not None:
        body, opened.file = opened.file, None
        return body
    body = Body(most, room)
    try:
        async for part in opened.chunks():
            body.write(part)
    except BaseException:
        body.close()
        raise
    return body
