"""A server of sources in a process of its own: one that serves, and that fails in all ways that are asked for.

    python -m bench.soak.origin FOLDER

It listens on a free port of this machine, writes the number to its standard output, and ends with its standard input.
`/WAY/NAME` is a file of the folder, sent in one of the ways below. One connection may be asked many times.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

LONG = 3600.0
"""Seconds that a source stalls: until the other side has had enough."""
DECOY = "decoy.jpg"
"""The picture that `poison` sends and nobody asks for."""
_ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Call:
    """One request to the origin, and where the answer goes.

    Args:
        name: of the file.
        data: its bytes.
        decoy: the bytes of a picture that nobody asks for.
        writer: the connection.
    """

    name: str
    data: bytes
    decoy: bytes
    writer: asyncio.StreamWriter

    def head(self, length: int | None, *more: str, status: str = "200 OK") -> None:
        """Write the head of an answer."""
        size = () if length is None else (f"Content-Length: {length}",)
        lines = (f"HTTP/1.1 {status}", "Content-Type: image/jpeg", *size, *more, "", "")
        self.writer.write("\r\n".join(lines).encode())

    def reset(self) -> None:
        """End the connection with a reset."""
        there = self.writer.get_extra_info("socket")
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.writer.transport.abort()


async def _good(call: Call) -> bool:
    call.head(len(call.data))
    call.writer.write(call.data)
    return True


async def _chunks(call: Call) -> bool:
    call.head(None, "Transfer-Encoding: chunked")
    for at in range(0, len(call.data), 5000):
        part = call.data[at : at + 5000]
        call.writer.write(b"%x\r\n%s\r\n" % (len(part), part))
    call.writer.write(b"0\r\n\r\n")
    return True


async def _mute(_: Call) -> bool:
    await asyncio.sleep(LONG)
    return False


async def _stall(call: Call) -> bool:
    call.head(len(call.data))
    call.writer.write(call.data[: len(call.data) // 2])
    await asyncio.sleep(LONG)
    return False


async def _drip(call: Call) -> bool:
    call.head(len(call.data))
    for byte in call.data:
        call.writer.write(bytes((byte,)))
        await call.writer.drain()
        await asyncio.sleep(1)
    return True


async def _reset(call: Call) -> bool:
    call.head(len(call.data))
    call.writer.write(call.data[: len(call.data) // 2])
    await call.writer.drain()
    await asyncio.sleep(0.02)
    call.reset()
    return False


async def _shorter(call: Call) -> bool:
    call.head(len(call.data) + 1000)
    call.writer.write(call.data)
    return False


async def _longer(call: Call) -> bool:
    call.head(len(call.data))
    call.writer.write(call.data + call.data[:1000])
    return True


async def _poison(call: Call) -> bool:
    """Send a second answer that nobody has asked for: another picture, for whoever asks next on this connection."""
    for data in (call.data, call.decoy):
        call.head(len(data))
        call.writer.write(data)
    return True


async def _broken(call: Call) -> bool:
    call.head(None, "Transfer-Encoding: chunked")
    call.writer.write(b"%x\r\n%s\r\nzz\r\n" % (len(call.data), call.data))
    return False


async def _garbage(call: Call) -> bool:
    call.writer.write(call.data)
    return False


async def _silent(_: Call) -> bool:
    return False


async def _circle(call: Call) -> bool:
    there = "round" if call.name != "round" else "and-round"
    call.head(0, f"Location: /circle/{there}", status="302 Found")
    return True


async def _error(call: Call) -> bool:
    call.head(len(call.data), status="500 Internal Server Error")
    call.writer.write(call.data)
    return True


SOUND = ("good", "good", "chunks", "poison")
"""Ways in which a file comes whole, whatever comes after it; what comes after it in `longer` is no HTTP."""
WAYS: dict[str, Callable[[Call], Awaitable[bool]]] = {
    "good": _good,
    "chunks": _chunks,
    "longer": _longer,
    "poison": _poison,
    "mute": _mute,
    "stall": _stall,
    "drip": _drip,
    "reset": _reset,
    "shorter": _shorter,
    "broken": _broken,
    "garbage": _garbage,
    "silent": _silent,
    "circle": _circle,
    "error": _error,
}
"""How a file is sent; whether the connection is kept is what each returns."""
FAULTS = tuple(way for way in WAYS if way not in SOUND)


async def _serve(folder: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection until it ends."""
    decoy = (folder / DECOY).read_bytes()
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            _, way, name = head.split(b" ")[1].decode().split("/", 2)
            file = folder / name
            data = file.read_bytes() if file.is_file() else b"nothing of that name"
            kept = await WAYS.get(way, _error)(Call(name, data, decoy, writer))
            await writer.drain()
            if not kept:
                break
    writer.close()


async def main(folder: Path) -> None:
    """Serve until the standard input ends."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # whoever it writes to may have gone
    server = await asyncio.start_server(lambda r, w: _serve(folder, r, w), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
