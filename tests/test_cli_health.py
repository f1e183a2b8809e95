"""`foveola health` asks the server that its environment describes, and says it with its exit code."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foveola import __version__
from foveola.cli import main
from tests.serving import serving

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwell\n"
ILL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nError"


@contextmanager
def answering(listener: socket.socket, words: bytes) -> Iterator[list[bytes]]:
    """Answer one connection with bytes; yields what was asked."""
    heard: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(4096))
            connection.sendall(words)

    thread = threading.Thread(target=answer, daemon=True)
    with listener:
        thread.start()
        yield heard
        thread.join(5)


def health(**settings: str) -> Result:
    environ = {f"IMGPROXY_{name}": value for name, value in settings.items()}
    return CliRunner().invoke(main, ["health"], env=environ)


def test_a_real_server_is_well_while_it_runs(tmp_path: Path) -> None:
    with serving(tmp_path, PATH_PREFIX="/pictures", WORKERS="1") as served:
        settings = {"NETWORK": "unix", "BIND": str(served.path), "PATH_PREFIX": "/pictures"}
        running = health(**settings)
        lost = health(**settings | {"PATH_PREFIX": "/elsewhere"})
        served.stop()
    stopped = health(**settings)

    assert (running.exit_code, running.output) == (0, "foveola is running\n")
    assert (lost.exit_code, lost.output) == (1, "foveola: 404\n")
    assert stopped.exit_code == 1
    assert str(served.path) in stopped.output


@pytest.mark.parametrize("host", ["", "0.0.0.0", "127.0.0.1", "localhost"])
def test_the_address_is_asked(host: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with answering(listener, WELL) as heard:
        result = health(BIND=f"{host}:{listener.getsockname()[1]}")

    assert (result.exit_code, result.output) == (0, "well\n")
    assert heard[0].startswith(b"GET /health HTTP/1.1\r\nHost: foveola\r\n")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize(("bind", "network"), [("[::]", "tcp"), ("", "tcp6"), ("[::1]", "tcp6")])
def test_addresses_of_the_sixth_version_are_asked(bind: str, network: str) -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    with answering(listener, WELL):
        result = health(BIND=f"{bind}:{listener.getsockname()[1]}", NETWORK=network)

    assert (result.exit_code, result.output) == (0, "well\n")


@pytest.mark.parametrize(
    ("words", "said"), [(ILL, "500 Error"), (b"SSH-2.0\r\n", "No answer in HTTP"), (b"", "No answer")]
)
def test_what_does_not_say_that_it_is_well_is_not(words: bytes, said: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with answering(listener, words):
        result = health(BIND=f":{listener.getsockname()[1]}")

    assert result.exit_code == 1
    assert result.output.startswith(f"foveola: {said}")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("bind", ["127.0.0.1:1", ":x", "8080", "no.such.host.invalid:80"])
def test_an_address_where_nobody_is(bind: str) -> None:
    result = health(BIND=bind)

    assert result.exit_code == 1
    assert result.output.startswith(f"foveola: {bind}: ")


def test_settings_that_can_not_be_read_are_named() -> None:
    result = health(TTL="soon", QUALITY="101")

    assert result.exit_code == 1
    assert [line.partition(" for ")[2].partition(",")[0] for line in result.output.splitlines()] == [
        "IMGPROXY_TTL",
        "IMGPROXY_QUALITY",
    ]


def test_the_version_is_a_command() -> None:
    assert CliRunner().invoke(main, ["version"]).output == f"{__version__}\n"
