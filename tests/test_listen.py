"""Answers leave at once: their head and their body are written apart, and the second does not wait for the first."""

from __future__ import annotations

import socket

import pytest

from foveola.config import Settings
from foveola.server.main import listen


@pytest.mark.parametrize("bind", [":0", "127.0.0.1:0", "localhost:0"])
def test_connections_do_not_wait_for_more_to_send(bind: str) -> None:
    """Without it each answer takes 40 ms longer: https://datatracker.ietf.org/doc/html/rfc896 beside delayed ACKs."""
    with (
        listen(Settings.read({"IMGPROXY_BIND": bind})[0]) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
