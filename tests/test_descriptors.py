"""Descriptors are not all for clients, and for want of them nobody is told that a picture does not exist."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from pathlib import Path

import pytest

from foveola.errors import OverloadedError, SourceError
from foveola.server import descriptors
from foveola.sources import Reach, Sources, shortage
from tests.serving import serving, until, write_pictures


@pytest.mark.parametrize(
    ("limits", "most", "clients"),
    [((4096, 4096), 2048, 2048), ((1024, 1024), 2048, 752), ((1024, 1024), 0, 752), ((1024, 1024), 9, 9),
     ((64, 64), 9, 1), ((-1, -1), 0, 0), ((-1, -1), 2048, 2048)],
)  # fmt: skip
def test_clients_leave_a_reserve(
    limits: tuple[int, int], most: int, clients: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)

    assert descriptors.clients(most, 2) == clients


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((1024, 4096), (4096, 4096)), ((1024, 1 << 30), (1 << 20, 1 << 30)), ((1024, -1), (1 << 20, -1)),
     ((4096, 4096), None), ((-1, -1), None)],
)  # fmt: skip
def test_what_may_be_had_is_had(
    limits: tuple[int, int], raised: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, asked: found.append(asked))

    descriptors.raise_limit()

    assert found == ([raised] if raised else [])


def test_clients_can_not_take_the_descriptors_of_sources(tmp_path: Path) -> None:
    """1100 connections that asked nothing left a server with 1024 descriptors without an answer for anyone."""
    pictures = write_pictures(tmp_path)
    few = ["prlimit", "--nofile=200:400"]
    with serving(tmp_path, before=few, LOCAL_FILESYSTEM_ROOT=str(pictures), WORKERS="1") as served:
        limits = Path(f"/proc/{served.process.pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if "open files" in line).split()[3] == "400"
        assert "Only 136 connections are let in at a time" in served.log.read_text()
        first = served.connect()
        idle = [served.connect() for _ in range(420)]
        first.request("GET", "/unsafe/w:9/plain/local:///cat.jpg")
        assert first.getresponse().status == 200
        for connection in (first, *idle):
            connection.close()
        assert until(lambda: served.get("/health").status == 200)


async def fetched(url: str, root: Path) -> None:
    sources = Sources(Reach(local_root=str(root), loopback=True))
    try:
        (await sources.fetch(url)).body.close()
    finally:
        await sources.close()


@pytest.mark.parametrize("url", ["local:///cat.jpg", "http://127.0.0.1:9/a.jpg"])
def test_a_source_that_can_not_be_opened_is_not_said_to_be_missing(url: str, tmp_path: Path) -> None:
    """It was a 404, which caches keep."""
    write_pictures(tmp_path)

    async def without() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        held = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 40, hard))
        try:
            while True:
                try:
                    held.append(os.dup(held[0]))
                except OSError:
                    break
            await fetched(url, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in held:
                os.close(descriptor)

    with pytest.raises(OverloadedError) as refused:
        asyncio.run(without())
    assert refused.value.status == 503


def test_only_want_is_want() -> None:
    with pytest.raises(SourceError), shortage.told():
        raise SourceError("x") from OSError(errno.ENOENT, "no")
    with pytest.raises(OverloadedError), shortage.told():
        raise SourceError("x") from OSError(errno.EMFILE, "no")
