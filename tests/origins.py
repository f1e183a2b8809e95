"""Servers of a test's own event loop, and what is fetched from them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from foveola.errors import FoveolaError
from foveola.sources import Ask, Fetched, Reach, Sources
from tests.serving import until

T = TypeVar("T")
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
HERE = Reach(loopback=True, timeout=5)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one test in a loop of its own, with an end."""
    return asyncio.run(asyncio.wait_for(work, 20))


@asynccontextmanager
async def served(handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve a handler, and give its port."""
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def canned(*answers: bytes, hang: bool = False) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer the n-th connection with the n-th bytes, the last for all others; give the port and what was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answers[min(len(asked), len(answers)) - 1])
            await writer.drain()
            if hang:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


def content(fetched: Fetched) -> bytes:
    """Return the bytes, and give their memory back."""
    with fetched.body as body:
        return os.pread(body.fd, body.size + 1, 0)


async def get(url: str, ask: Ask | None = None, reach: Reach = HERE) -> tuple[int, dict[str, str], bytes]:
    """Fetch one file: status, headers, bytes."""
    sources = Sources(reach)
    try:
        fetched = await sources.fetch(url, ask or Ask())
        return fetched.status, dict(fetched.headers), content(fetched)
    finally:
        await sources.close()


async def stream(url: str, reach: Reach = HERE, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Take what is passed on raw: status, headers, bytes."""
    sources = Sources(reach)
    ask = Ask(tuple((name.replace("_", "-"), value) for name, value in headers.items()), raw=True)
    try:
        async with sources.stream(url, ask) as opened:
            parts = [part async for part in opened.chunks()]
            return opened.status, dict(opened.headers), b"".join(parts)
    finally:
        await sources.close()


async def refused(url: str, ask: Ask | None = None, reach: Reach = HERE) -> tuple[int, str]:
    """Return what is said of a file that can't be fetched."""
    with pytest.raises(FoveolaError) as error:
        await get(url, ask, reach)
    return error.value.status, error.value.public


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return what a server for 127.0.0.1 needs whose certificate nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(1))
    signed = built.add_extension(address, critical=False).sign(key, hashes.SHA256())
    pem, unlocked = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unlocked)
    path = folder / "here.pem"
    path.write_bytes(private + signed.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextlib.contextmanager
def process(*command: str, port: int, log: Path, seconds: float = 30) -> Iterator[str]:
    """Run a server until it listens, and end it; give its address."""

    def listens() -> bool:
        with socket.socket() as there:
            return there.connect_ex(("127.0.0.1", port)) == 0

    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        until(lambda: listens() or server.poll() is not None, seconds)
        if not listens():
            pytest.skip(f"{command[0]} does not start: {log.read_text()[-500:]}")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, 15)
        server.wait(10)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
