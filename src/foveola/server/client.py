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

    async def __aenter__(self) -> Client:
        self._gone = asyncio.create_task(self._leave())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._gone is not None:
            self._gone.cancel()
            await asyncio.gather(self._gone, return_exceptions=True)

    async def _leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def during(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what the work returns, None where the client has left; it is cancelled then.

        Raises:
            BaseException: what the work raises.
        """
        assert self._gone is not None
        task = asyncio.create_task(work)
        try:
            await asyncio.wait((task, self._gone), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
