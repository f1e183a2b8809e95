"""Lines go to whoever reads them, in their order, and nobody waits for that; what is too much is counted."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from foveola.server import logs
from foveola.server.outlet import Outlet
from tests.serving import children, serving, until, write_pictures

FULL = 1 << 16
"""Bytes that a pipe holds."""


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Return both ends of a pipe."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


def drained(end: int, size: int) -> bytes:
    found = b""
    while len(found) < size and (part := os.read(end, size - len(found))):
        found += part
    return found


def test_a_short_line_is_there_when_write_returns() -> None:
    with pipe() as (reader, writer):
        threads = threading.active_count()
        assert Outlet(writer).write("å line\n") == 7
        assert os.read(reader, 99) == "å line\n".encode()
        assert threading.active_count() == threads


@pytest.mark.parametrize("blocking", [True, False])
def test_nobody_waits_and_the_order_is_kept(blocking: bool) -> None:
    lines = [f"{number:07} {'x' * (number * 37 % 9000)}\n" for number in range(300)]
    with pipe() as (reader, writer):
        os.set_blocking(writer, blocking)
        outlet = Outlet(writer)
        began = time.monotonic()
        for line in lines:
            outlet.write(line)
        assert time.monotonic() - began < 1
        assert not outlet.close(0.01)
        text = "".join(lines)
        assert drained(reader, len(text)).decode() == text
        assert outlet.close(5)
        outlet.write("at once\n")
        assert os.read(reader, 99) == b"at once\n"


def test_what_is_too_much_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    line = "x" * 999 + "\n"
    with pipe() as (reader, writer):
        outlet = Outlet(writer, most=50_000)
        for _ in range(1000):
            outlet.write(line)
        assert outlet._waiting <= 50_000
        os.set_blocking(reader, False)

        def read() -> bool:
            with suppress(BlockingIOError):
                got.append(os.read(reader, FULL))
            return bool(caplog.messages)

        got: list[bytes] = []
        assert until(read)
        written = b"".join(got).count(b"\n")
        assert until(lambda: outlet.close(0.1) or read())
        with suppress(BlockingIOError):
            got.append(os.read(reader, FULL))
        written = b"".join(got).count(b"\n")
        told = [
            re.fullmatch(r"Whoever reads the log is too slow: (\d+) records were dropped", m) for m in caplog.messages
        ]
        assert sum(int(one[1]) for one in told if one) == 1000 - written
        assert None not in told
        assert 50 < written < 150


def test_who_reads_no_more_keeps_nobody() -> None:
    with pipe() as (reader, writer):
        outlet = Outlet(writer)
        for _ in range(200):
            outlet.write("x" * 999 + "\n")
        os.close(reader)
        assert outlet.close(5)
        with pytest.raises(BrokenPipeError):
            outlet.write("x\n")


PROGRAM = """
import logging
from foveola.server import logs
class Asked: log_format, log_level = "pretty", "info"
logs.setup(Asked)
for number in range(3000):
    logging.getLogger("x").warning("%07d %s", number, "y" * 99)
"""


def test_the_end_of_a_process_loses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(1)
        text = process.stdout.read().decode()
    assert [line.split("[WRN] ")[1][:7] for line in text.splitlines()] == [f"{number:07}" for number in range(3000)]


def test_a_server_does_not_wait_for_whoever_reads_its_log(tmp_path: Path) -> None:
    """A collector that stopped for ten seconds stopped everyone who asked for a picture."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    redirected = ["sh", "-c", f'exec "$@" >{fifo}', "sh"]
    pictures = write_pictures(tmp_path)
    with serving(tmp_path, before=redirected, LOCAL_FILESYSTEM_ROOT=str(pictures), WORKERS="1") as served:
        for number in range(60):
            assert served.get(f"/unsafe/cb:{number}/plain/local:///none.jpg").status == 404
        assert len(children(served.process.pid)) == 1
        os.set_blocking(reader, True)
        text = b""
        while b"cb:59" not in text:
            text += os.read(reader, FULL)
    os.close(reader)
    assert [number for number in range(60) if f"/cb:{number}/".encode() not in text] == []


def test_lines_cost_little() -> None:
    """A record is written as before: with one call of the system more, which asks whether it may block."""
    with Path(os.devnull).open("wb") as out:
        handler = logging.StreamHandler(Outlet(out.fileno()))
        handler.setFormatter(logs.Lines("structured"))
        record = logging.LogRecord("x", logging.INFO, "", 0, "Started /a", (), None)
        began = time.process_time()
        for _ in range(1000):
            handler.handle(record)
        assert time.process_time() - began < 0.1
