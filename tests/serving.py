"""A real server in a process of its own, over a unix socket, and a real origin on this machine, for tests."""

from __future__ import annotations

import gzip
import http.client
import http.server
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from foveola.picture import Picture
from tests.toys import photo

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_MAIN = """
import os
from foveola.config import Settings
from foveola.server.main import serve
serve(*Settings.read(os.environ))
"""


def encoded(picture: Picture, format: str, **options: int) -> bytes:
    """Return a file of Pillow's making."""
    file = io.BytesIO()
    picture.pillow.save(file, format, **options)
    return file.getvalue()


def write_pictures(folder: Path) -> Path:
    """Write pictures, and files that are none, into a folder and return it."""
    cat = encoded(photo(200, 100), "JPEG", quality=92)
    noise = np.random.default_rng(1).integers(0, 255, (1, 900, 900, 3), np.uint8)
    files = {
        "cat.jpg": cat,
        "ä b.jpg": cat,
        "clear.png": encoded(photo(64, 48, 4), "PNG"),
        "photo.png": encoded(photo(200, 150), "PNG"),
        "broken.jpg": cat[: len(cat) // 2],
        "text.jpg": b"This is no picture, whatever its name says.",
        "empty.jpg": b"",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "large.png": encoded(Picture(np.zeros((1, 1100, 1000, 3), np.uint8)), "PNG"),
        "noise.png": encoded(Picture(noise), "PNG"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def autoquality(self) -> dict[str, str]:
        """The pairs of the `X-Autoquality` header."""
        pairs = (part.split("=", 1) for part in self.headers.get("x-autoquality", "").split(", ") if part)
        return {name: value for name, value in pairs}  # noqa: C416  # mypy needs to see the pair


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[bytes]
    path: Path
    log: Path

    def connect(self, timeout: float = 20) -> http.client.HTTPConnection:
        """Return a connection; its targets go over the wire as they are written."""
        connection = http.client.HTTPConnection("foveola", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        try:
            connection.sock.connect(str(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def get(self, target: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        """Ask once."""
        connection = self.connect()
        try:
            connection.request(method, target, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @property
    def forkserver(self) -> int:
        """The process that workers are forked from."""
        return children(self.process.pid)[0]

    @property
    def workers(self) -> list[int]:
        """The workers that run, by process number; those that have ended are not counted."""
        return [pid for pid in children(self.forkserver) if state(pid) not in "ZX"]

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def inside(pid: int, what: str) -> bytes:
    """Return a file of a process of a server; see `looking`."""
    with looking():
        return Path(f"/proc/{pid}/{what}").read_bytes()


@contextmanager
def looking() -> Iterator[None]:
    """Look into processes of a server, which only root may; skip the test for anyone else."""
    try:
        yield
    except PermissionError:
        pytest.skip("only root looks into a server")


def state(pid: int) -> str:
    """Return the letter of a process's state, `X` when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait until something is true; return whether it became so."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


@contextmanager
def serving(
    folder: Path,
    ours: Mapping[str, str] | None = None,
    /,
    *,
    before: Sequence[str] = (),
    program: str = _MAIN,
    **settings: str,
) -> Iterator[Served]:
    """Run a server with `IMGPROXY_` settings, and `ours` by their whole names; its socket and log are in `folder`.

    What stands `before` the command has to become it, not to start it. The `program` is Python that serves.
    """
    path, log = folder / "socket", folder / "log"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("IMGPROXY_")}
    environ |= {"IMGPROXY_NETWORK": "unix", "IMGPROXY_BIND": str(path), "IMGPROXY_GRACEFUL_STOP_TIMEOUT": "1"}
    environ |= {f"IMGPROXY_{name}": value for name, value in settings.items()} | dict(ours or {})
    with log.open("wb") as out:
        process = subprocess.Popen([*before, sys.executable, "-c", program], env=environ, stdout=out, stderr=out)
    served = Served(process, path, log)
    try:
        until(lambda: _answers(served) or process.poll() is not None, 30)
        assert process.poll() is None, log.read_text()
        assert _answers(served), log.read_text()
        yield served
    finally:
        process.kill()
        process.wait()


def _answers(served: Served) -> bool:
    try:
        return served.get("/health").status > 0
    except OSError:
        return False


@dataclass
class Origin:
    """A server that answers what it is told to."""

    files: dict[str, bytes] = field(default_factory=dict)
    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    """What is asked for below `/held/` waits until it is set."""

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin: Origin

    def do_GET(self) -> None:
        self.origin.asked.append((self.path, dict(self.headers.items())))
        head, _, rest = self.path.removeprefix("/").partition("/")
        act = getattr(self, "_" + head, None)
        if act is None:
            self._say(404, b"", {})
        else:
            act(rest)

    def _say(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _file(self, name: str) -> None:
        self._say(200, self.origin.files[name], {})

    def _with(self, rest: str) -> None:
        """Answer `/with/NAME=VALUE&NAME=VALUE/FILE` with those headers, and 304 to whom has that version."""
        said, _, name = rest.rpartition("/")
        headers = dict(urllib.parse.parse_qsl(said))
        lower = {key.lower(): value for key, value in headers.items()}
        tag, changed = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        unchanged = tag == lower.get("etag") if tag else changed and changed == lower.get("last-modified")
        self._say(304 if unchanged else 200, b"" if unchanged else self.origin.files[name], headers)

    def _range(self, name: str) -> None:
        """Answer a request for the first bytes, `Range: bytes=0-9`."""
        data = self.origin.files[name]
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        headers = {"Content-Range": f"bytes {first}-{last}/{len(data)}", "Content-Type": "image/x-cat", "X-Own": "1"}
        self._say(206, part, headers)

    def _held(self, name: str) -> None:
        self.origin.gate.wait(60)
        self._file(name)

    def _status(self, code: str) -> None:
        self._say(int(code), b"no", {})

    def _redirect(self, count: str) -> None:
        self._say(302, b"", {"Location": f"/redirect/{int(count) - 1}" if int(count) else "/file/cat.jpg"})

    def _elsewhere(self, host: str) -> None:
        self._say(302, b"", {"Location": f"http://{host}:{self.origin.port}/file/cat.jpg"})

    def _scheme(self, rest: str) -> None:
        self._say(302, b"", {"Location": rest})

    def _short(self, name: str) -> None:
        self._say(200, self.origin.files[name][:-10], {"Content-Length": str(len(self.origin.files[name]))})
        self.close_connection = True

    def _gzip(self, name: str) -> None:
        self._say(200, gzip.compress(self.origin.files[name]), {"Content-Encoding": "gzip"})

    def _part(self, range_: str) -> None:
        self._say(206, self.origin.files["cat.jpg"], {"Content-Range": f"bytes {range_}"})

    def _chunks(self, name: str) -> None:
        data = self.origin.files[name]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(data), 1000):
            part = data[at : at + 1000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def _slow(self, seconds: str) -> None:
        time.sleep(float(seconds))
        self._say(200, b"late", {})

    def log_message(self, *_: object) -> None:
        pass


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients leave in the middle: that is what is tested."""


@contextmanager
def origin(**files: bytes) -> Iterator[Origin]:
    """Run an origin with files; `cat_jpg` is `/file/cat.jpg`."""
    told = Origin({name.replace("_", "."): data for name, data in files.items()})
    handler = type("Handler", (_Handler,), {"origin": told})
    with _Quiet(("127.0.0.1", 0), handler) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join()
