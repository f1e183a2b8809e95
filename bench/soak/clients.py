"""Clients of all manners: patient ones, slow ones and those that leave, each with a record of what came of it.

They speak HTTP over plain sockets, since half a head or a target that is no URL is what no library sends. How late
their own loop was is measured beside them: what an answer waited for its client is no delay of the server.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from bench.soak.asking import Asked

TICK = 0.01
"""Seconds between two looks at how late the loop is."""
PATIENCE = 20.0
"""Seconds that an answer is waited for; none that has come by then is one."""
_ABORT = struct.pack("ii", 1, 0)


@dataclass
class Record:
    """What came of one request.

    Args:
        asked: the request.
        begun: when the server had all of it, by `time.monotonic`.
        ended: when its answer began, or the waiting ended.
        status: of the answer; None where there was none.
        outcome: `answered`; `left`, by the client's will; `unanswered`; `broken`, in the middle of the answer.
        late: seconds that the client's loop may have been late to see it.
        wrong: what is wrong with the picture.
        said: the beginning of an answer that is no 200.
        explained: which fault is the reason for the status.
    """

    asked: Asked
    begun: float
    ended: float = 0.0
    status: int | None = None
    outcome: str = "unanswered"
    late: float = 0.0
    wrong: str = ""
    said: str = ""
    explained: str = ""

    @property
    def took(self) -> float:
        """Seconds from the request to its answer."""
        return self.ended - self.begun


class Ticker:
    """Measures how late a loop is: what another ready process has to wait for on this machine, too."""

    def __init__(self) -> None:
        self._lags: list[tuple[float, float]] = []
        self._due = time.monotonic()

    async def run(self) -> None:
        """Measure until this is cancelled."""
        while True:
            self._due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._lags.append((now, now - self._due))

    @property
    def lags(self) -> list[float]:
        """All that were measured, seconds."""
        return [lag for _, lag in self._lags]

    def worst(self, since: float) -> float:
        """Return the greatest lag, seconds, of those that ended after `since`, and of the one that goes on."""
        found = max(0.0, time.monotonic() - self._due)
        for at, lag in reversed(self._lags):
            if at < since:
                break
            found = max(found, lag)
        return found


@dataclass
class Visit:
    """Clients of one server.

    Args:
        port: of the server.
        timeout: seconds that it has for a request.
        check: takes an answer's record and body, to look at later.
    """

    port: int
    timeout: float
    check: Callable[[Record, bytes], None]
    records: list[Record] = field(default_factory=list)
    ticker: Ticker = field(default_factory=Ticker)

    async def ask(self, asked: Asked, slowly: float = 0.0) -> Record:
        """Ask once over a connection of its own; a slow client needs so many seconds to ask."""
        record = Record(asked, time.monotonic())
        with suppress(OSError):
            reader, writer = await self._connected()
            try:
                await _sent(writer, head(asked.target), slowly)
                record.begun = time.monotonic()
                await self._answered(record, reader)
            finally:
                _close(writer)
        return self._kept(record)

    async def ask_all(self, all: list[Asked]) -> None:
        """Send several requests at once over one connection, whose answers come one after the other."""
        try:
            reader, writer = await self._connected()
        except OSError:
            for asked in all:
                self._kept(Record(asked, time.monotonic(), time.monotonic()))
            return
        try:
            with suppress(OSError):
                await _sent(writer, b"".join(head(asked.target, keep=True) for asked in all))
            for asked in all:
                record = Record(asked, time.monotonic())
                with suppress(OSError):
                    await self._answered(record, reader)
                self._kept(record)
        finally:
            _close(writer)

    async def leave(self, asked: Asked, random: Random) -> None:
        """Ask, and leave at a random moment: in the head, before the answer or within it."""
        record = Record(asked, time.monotonic(), outcome="left")
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await self._connected()
            try:
                sent = head(asked.target)
                when = random.choice(("head", "before", "before", "within"))
                await _sent(writer, sent[: random.randrange(len(sent))] if when == "head" else sent)
                if when == "within":
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self.timeout):
                            await reader.readexactly(random.randrange(1, 2000))
                else:
                    await asyncio.sleep(random.choice((0, 0.002, 0.02, 0.2, 1)) * random.random())
                if random.random() < 0.5:
                    there = writer.get_extra_info("socket")
                    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            finally:
                _close(writer)
        record.ended = time.monotonic()
        self._kept(record)

    async def dawdle(self, asked: Asked, seconds: float) -> Record:
        """Ask, and take the answer in small parts, or, with 0 seconds a part, take nothing at all of it."""
        record = Record(asked, time.monotonic())
        with suppress(OSError):
            reader, writer = await self._connected(receive=4096)
            try:
                await _sent(writer, head(asked.target))
                record.begun = time.monotonic()
                if seconds:
                    await self._answered(record, reader, seconds)
                else:
                    await asyncio.sleep(self.timeout)
                    record.outcome = "left"
            finally:
                _close(writer)
        return self._kept(record)

    async def _connected(self, receive: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there = socket.socket()
        try:
            there.setblocking(False)
            if receive:
                there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            await asyncio.get_running_loop().sock_connect(there, ("127.0.0.1", self.port))
            return await asyncio.open_connection(sock=there, limit=receive * 16 or 1 << 20)
        except BaseException:
            there.close()
            raise

    async def _answered(self, record: Record, reader: asyncio.StreamReader, slowly: float = 0.0) -> None:
        """Take an answer; `slowly` is how many seconds are waited after each part."""
        try:
            async with asyncio.timeout(PATIENCE):
                lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            record.ended = time.monotonic()
            record.late = self.ticker.worst(max(record.begun, min(record.begun + self.timeout, record.ended)))
            record.status, record.outcome = int(lines[0].split()[1]), "broken"
            async with asyncio.timeout(None if slowly else PATIENCE):
                body = await _body(lines[1:], reader, slowly)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            record.ended = record.ended or time.monotonic()
            return
        record.outcome = "answered"
        if record.status != 200:
            record.said = body[:80].decode("latin-1")
        if record.status == 200 and record.asked.wanted is not None:
            self.check(record, body)

    def _kept(self, record: Record) -> Record:
        record.ended = record.ended or time.monotonic()
        self.records.append(record)
        return record


def head(target: str, keep: bool = False) -> bytes:
    """Return the head of a request; what no request line can have stays in the target, but for the ends of lines."""
    target = target.replace("\r", "").replace("\n", "").replace(" ", "%20")
    last = b"" if keep else b"Connection: close\r\n"
    return b"GET " + target.encode() + b" HTTP/1.1\r\nHost: soak\r\nAccept: */*\r\n" + last + b"\r\n"


async def _sent(writer: asyncio.StreamWriter, data: bytes, slowly: float = 0.0) -> None:
    parts = 10 if slowly else 1
    size = -(-len(data) // parts)
    for at in range(0, len(data), size or 1):
        writer.write(data[at : at + size])
        await writer.drain()
        if slowly:
            await asyncio.sleep(slowly / parts)


async def _body(lines: list[bytes], reader: asyncio.StreamReader, slowly: float) -> bytes:
    """Return the body that the lines of a head announce."""
    headers = dict(line.lower().split(b": ", 1) for line in lines if b": " in line)
    if headers.get(b"transfer-encoding") == b"chunked":
        parts = []
        while size := int((await reader.readline()).partition(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readline()
        return b"".join(parts)
    left, parts = int(headers.get(b"content-length", b"0")), []
    while slowly and left > 0:
        parts.append(await reader.readexactly(min(left, 1 << 15)))
        left -= len(parts[-1])
        await asyncio.sleep(slowly)
    return b"".join((*parts, await reader.readexactly(left)))


def _close(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.close()
