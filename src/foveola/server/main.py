"""Start the server: uvicorn around the front, until SIGINT or SIGTERM; see `foveola.server.life`.

Source: https://www.uvicorn.org/settings/
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uvicorn
import uvloop

from foveola import sandbox
from foveola.config import Settings
from foveola.decisions import open_store
from foveola.errors import ConfigError, expected
from foveola.kinds import integer
from foveola.server import descriptors, headers, logs
from foveola.server.advice import advice
from foveola.server.assets import Place
from foveola.server.connections import Connection, Door, Patience
from foveola.server.front import Front
from foveola.server.life import Hangups, Life, Server
from foveola.server.networks import check as check_networks
from foveola.server.reloading import Reloader
from foveola.sources import check as check_sources

_log = logging.getLogger("foveola.server")
BACKLOG = 2048
"""How many connections the system keeps that were not accepted yet."""
_FAMILIES = {"tcp": socket.AF_UNSPEC, "tcp4": socket.AF_INET, "tcp6": socket.AF_INET6}


def serve(settings: Settings, problems: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; read the settings anew on SIGHUP.

    Args:
        settings: what the environment says.
        problems: what is wrong with it already; it is told together with what is found here.
        environ: the environment without the file that it may name, to be read anew; that of the process when None.

    Raises:
        ConfigError: there are problems, each in a line of the message, or the address can't be listened on.
    """
    hangups = Hangups()
    logs.setup(settings.log)
    descriptors.raise_limit()
    if found := [*problems, *unusable(settings)]:
        raise ConfigError("\n".join(found))
    for sentence in advice(settings):
        _log.warning(sentence)
    sandbox.hide(settings.fence)
    with listen(settings) as listener:
        uvloop.run(_lived(settings, dict(os.environ if environ is None else environ), listener, hangups))


async def _lived(settings: Settings, environ: Mapping[str, str], listener: socket.socket, hangups: Hangups) -> None:
    """Serve on a socket that listens, until that is over."""
    front, said = Front(settings), settings.server
    config = uvicorn.Config(
        front,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=said.keep_alive_timeout,
        timeout_graceful_shutdown=1,  # `Life` has waited before
    )
    server = Server(config)
    patience = Patience(said.read_request_timeout, said.write_response_timeout)
    door = Door(
        listener,
        descriptors.clients(said.max_clients, settings.crew),
        patience,
        lambda: Connection(config, server.server_state, server.lifespan.state),
    )
    await Life(server, front, door, Reloader(front, environ, unusable).reload, hangups).run()


def unusable(settings: Settings, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each thing outside that the settings name and that can't be used.

    Args:
        settings: what the environment says.
        environ: that, with the file that it may name; that of the process when None.
    """
    said = os.environ if environ is None else environ
    images, server = settings.images, settings.server
    checks: tuple[Callable[[], object], ...] = (
        lambda: check_sources(settings.reach, said),
        lambda: sandbox.check(settings.security.sandbox),
        lambda: open_store(settings.decisions.decisions, settings.decisions.decisions_size),
        lambda: check_networks(settings, dict(said)),
        lambda: headers.check(server.custom_request_headers, "IMGPROXY_CUSTOM_REQUEST_HEADERS"),
        lambda: headers.check(server.custom_response_headers, "IMGPROXY_CUSTOM_RESPONSE_HEADERS"),
        lambda: Place(images.watermark_data, images.watermark_path).check("IMGPROXY_WATERMARK_PATH"),
        lambda: Place(images.fallback_image_data, images.fallback_image_path).check("IMGPROXY_FALLBACK_IMAGE_PATH"),
    )
    problems = []
    for check in checks:
        try:
            check()
        except ConfigError as error:
            problems.append(str(error))
    return problems


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        ConfigError: that is no address, or it is taken.
    """
    try:
        if settings.server.network == "unix":
            return _unix(settings.server.bind)
        listener = _tcp(settings)
        # Connections inherit it. asyncio would set it itself, but for sockets that are told their protocol only.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, ValueError) as error:
        raise ConfigError(f"{expected('an address', 'IMGPROXY_BIND', settings.server.bind)}: {error}") from error


def _tcp(settings: Settings) -> socket.socket:
    host, _, text = settings.server.bind.rpartition(":")
    port = integer(0, 65535).read(text)  # getaddrinfo takes a larger one modulo 65536
    name = host.removeprefix("[").removesuffix("]")
    shared = settings.server.so_reuseport
    if not name and settings.server.network == "tcp" and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG, reuse_port=shared
        )
    family, _, _, _, address = socket.getaddrinfo(
        name or None, port, _FAMILIES[settings.server.network], socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG, reuse_port=shared)


def _unix(path: str) -> socket.socket:
    if Path(path).is_socket():
        os.unlink(path)  # left by a server that was killed  # noqa: PTH108
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(BACKLOG)
    return listener
