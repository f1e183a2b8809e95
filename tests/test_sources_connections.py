"""Connections to servers are kept for the next request, or not, as the settings say."""

from __future__ import annotations

import asyncio

import pytest

from foveola.sources import Sources
from foveola.sources.base import Reach


@pytest.mark.parametrize(("keep_alive", "connections"), [(90.0, 1), (0.0, 3)])
def test_a_connection_is_kept_or_not(keep_alive: float, connections: int) -> None:
    made = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ncat")
            await writer.drain()
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        sources = Sources(Reach(loopback=True, keep_alive=keep_alive))
        async with server:
            for _ in range(3):
                found = await sources.fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
                assert found.body.size == 3
                found.body.close()
            await sources.close()

    asyncio.run(ask())

    assert made == connections
