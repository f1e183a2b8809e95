"""Servers that send what is no picture, without end: the loop that serves everyone is not held up by them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest

from foveola.errors import FoveolaError, SourceError
from foveola.sources import Sources, wires
from foveola.sources.http import _parts
from tests.origins import HERE, canned, content, get, run, stream

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"
FLOODS = {
    "hints": (b"", HINT),
    "hints with headers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunks of a byte": (HEAD, b"1\r\na\r\n"),
    "chunks with extensions": (HEAD, b"4;a=b\r\nabcd\r\n"),
    "one extension": (HEAD + b"4;a=", b"a"),
    "trailers": (HEAD + b"4\r\nabcd\r\n0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("raw", [False, True])
def test_what_is_around_a_body_has_an_end(flood: str, raw: bool) -> None:
    """150,000 hints in one go kept everyone waiting for five seconds; chunks of a byte cost a hundred times a body."""
    begun, part = FLOODS[flood]

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begun)
            while True:
                writer.write(part * (200_000 // len(part)))
                await writer.drain()

    async def work() -> None:
        async with await asyncio.start_server(pour, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            before = time.process_time()
            with pytest.raises(FoveolaError) as error:
                await (stream(url) if raw else get(url))
            assert error.value.status in (404, 422)
            assert time.process_time() - before < 2

    run(work())


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (HINT * 50 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (HEAD + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n", b"a" * 2000),
        (HEAD + b"10;a=b\r\n0123456789abcdef\r\n" * 50_000 + b"0\r\n\r\n", b"0123456789abcdef" * 50_000),
    ],
)
def test_small_chunks_and_a_few_hints_are_nothing_bad(answer: bytes, whole: bytes) -> None:
    async def work() -> None:
        async with canned(answer) as (port, _):
            assert (await get(f"http://127.0.0.1:{port}/"))[2] == whole

    run(work())


@pytest.mark.parametrize("data", [(os.urandom(64) + bytes(2000)) * 20_000, os.urandom(1 << 22)])
def test_a_compressed_body_is_counted_as_it_comes(data: bytes) -> None:
    """What is read ahead and not yet unpacked is no flood."""
    packed = gzip.compress(data, 1)

    async def work() -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
        async with canned(head + packed) as (port, _):
            assert (await get(f"http://127.0.0.1:{port}/"))[2] == data

    run(work())


def test_kept_connections_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each server that was asked kept a descriptor for 90 seconds; the last ones asked are those that stay."""
    monkeypatch.setattr(wires, "IDLE", 4)
    asked: list[int] = []

    async def work() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(writer.get_extra_info("sockname")[1])
            with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(12)]
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        sources = Sources(HERE)
        before = len([*Path("/proc/self/fd").iterdir()])
        for port in ports:
            assert content(await sources.fetch(f"http://127.0.0.1:{port}/")) == b"ok"
        await asyncio.sleep(0.05)
        assert len([*Path("/proc/self/fd").iterdir()]) - before <= 2 * 4 + 2  # both ends are here
        for port in (*ports[-4:], ports[0]):
            assert content(await sources.fetch(f"http://127.0.0.1:{port}/")) == b"ok"
        assert asked == [*ports, ports[0]]
        await sources.close()
        for server in servers:
            server.close()

    run(work())


def test_a_connection_is_as_good_as_new_for_the_next_answer() -> None:
    """What came around one answer is not held against the next."""
    answer = HEAD + b"1\r\na\r\n" * 15_000 + b"0\r\n\r\n"

    async def work() -> None:
        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n"):
                    writer.write(answer)

        async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
            sources = Sources(HERE)
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            for _ in range(4):
                assert content(await sources.fetch(url)) == b"a" * 15_000
            await sources.close()

    run(work())


def test_a_connection_that_is_lost_between_two_parts_is_a_source_that_broke_off() -> None:
    """Aiohttp says so by a RuntimeError, if it was lost while the part before it was looked at."""

    class Content:
        async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
            yield b"a"
            raise RuntimeError("Connection closed.")

        def is_eof(self) -> bool:
            return True

    async def work() -> None:
        response = cast(aiohttp.ClientResponse, SimpleNamespace(content=Content()))
        with pytest.raises(SourceError, match="broke off: Connection closed") as refused:
            _ = [part async for part in _parts("http://a/b", response)]
        assert (refused.value.status, refused.value.public) == (422, "Source response is incomplete")

    asyncio.run(work())
