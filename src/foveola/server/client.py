"""Whoever has asked, as long as they are there: what is done for someone who has left is stopped.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html#disconnect-receive-event
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

T = TypeVar("T")

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Client:
    """Who has asked, for the length of an `async with` block.

    Args:
        receive: of ASGI.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone: asyncio.Task[None] | None = None
        self._working: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Client:
        self._gone = asyncio.create_task(self._leave())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._gone is not None:
            self._gone.cancel()

    async def _leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._working is not None:
            self._working.cancel()

    async def during(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what the work returns, None where the client has left; it is cancelled then.

        Raises:
            BaseException: what the work raises.
        """
        assert self._gone is not None
        if self._gone.done():
            work.close()
            return None
        self._working = asyncio.current_task()
        try:
            return await work
        except asyncio.CancelledError:
            if self._working is None or not self._gone.done() or self._working.uncancel() > 0:
                raise  # somebody else has cancelled it
            return None
        finally:
            self._working = None
