"""`foveola health`: whether a server that was started with the same environment answers, for container engines.

An image has no other client in it: this one asks over whatever `IMGPROXY_BIND` names, a unix socket too.
Source: https://docs.imgproxy.net/monitoring/health_check
"""

from __future__ import annotations

import http.client
import os
import socket
from typing import TYPE_CHECKING

import click

from foveola.cli.show import Command, say
from foveola.errors import ConfigError, FoveolaError

if TYPE_CHECKING:
    from foveola.config import Settings

SECONDS = 10.0
_LOCAL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked, not bound
_LOCAL_6 = {"": "::1", "::": "::1"}


@click.command(cls=Command)
def health() -> None:
    """Ask the server that has these IMGPROXY_* settings whether it is well.

    It is asked for /health at the address IMGPROXY_BIND; exit code 0 when it answers 200, else 1.
    """
    from foveola.config import examine

    found = examine(os.environ)  # the server has told its warnings when it started
    if found.problems:
        raise ConfigError("\n".join(found.problems))
    status, words = asked(found.settings)
    if status != 200:
        raise FoveolaError(f"{status} {words}")
    say(words)


def asked(settings: Settings) -> tuple[int, str]:
    """Return the status and the words of a server's health check.

    Raises:
        OSError: it can't be reached, or says nothing within `SECONDS`.
        FoveolaError: it is no HTTP server.
    """
    connection = http.client.HTTPConnection("foveola", timeout=SECONDS)
    connection.sock = _connected(settings)
    try:
        connection.request("GET", f"{settings.urls.path_prefix}/health")
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace").strip()
    except http.client.HTTPException as error:
        raise FoveolaError(f"No answer in HTTP: {type(error).__name__}") from error
    finally:
        connection.close()


def _connected(settings: Settings) -> socket.socket:
    bind, network = settings.server.bind, settings.server.network
    if network == "unix":
        unix = socket.socket(socket.AF_UNIX)
        unix.settimeout(SECONDS)
        try:
            unix.connect(bind)
        except OSError as error:
            unix.close()
            raise OSError(error.errno, error.strerror, bind) from error
        return unix
    host, _, port = bind.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    local = (_LOCAL_6 if network == "tcp6" else _LOCAL).get(name, name)
    try:
        return socket.create_connection((local, int(port)), SECONDS)
    except (OSError, ValueError) as error:
        raise FoveolaError(f"{bind}: {error}") from error
