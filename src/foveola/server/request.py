"""One request as plain data: what its headers say, and who seems to have sent it."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from foveola.errors import FoveolaError
from foveola.server.shown import shown

Scope = MutableMapping[str, Any]
_FORWARDING = ("cf-connecting-ip", "x-forwarded-for", "x-real-ip")
"""Headers in which a client's address is looked for; the first that has one counts, as in imgproxy."""
_LONGEST_ADDRESS = 45
"""Characters of an address: an IPv6 one that has an IPv4 one at its end."""
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Request:
    """What came in.

    Args:
        method: of HTTP.
        path: raw, without its query; with everything that stands before every path.
        headers: names in lower case.
        client: the address of who sent it, as far as it is known; empty for a unix socket.
        identity: the name of the request, its own or one that was made up.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    client: str = ""
    identity: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @cached_property
    def shown(self) -> str:
        """The path for the log: without the secrets that sources in it may have."""
        return shown(self.path)

    @classmethod
    def of(cls, scope: Scope) -> Request:
        """Read the scope of an HTTP request, as ASGI has it.

        Raises:
            FoveolaError: the server does not pass the raw path on.
        """
        raw: bytes | None = scope.get("raw_path")
        if raw is None:
            raise FoveolaError("The ASGI server does not pass `raw_path`, without which no signature can be checked")
        headers = _joined(scope["headers"])
        given = headers.get("x-request-id", "")
        identity = given if _IDENTITY.fullmatch(given) else secrets.token_urlsafe(16)
        path = raw.decode("latin-1").partition("?")[0]
        return cls(scope["method"], path, headers, _client(headers, scope.get("client")), identity)


def _joined(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their names; the values of a name that is said twice are joined, as RFC 9110 has it."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()}


def _client(headers: Mapping[str, str], address: tuple[str, int] | None) -> str:
    """Return who seems to have sent a request, for the log: proxies write it into headers, and so may anyone."""
    told = (headers.get(name, "").partition(",")[0].strip() for name in _FORWARDING)
    return next(filter(_address, told), address[0] if address else "")


def _address(text: str) -> bool:
    """Return whether a text is an address, without a zone: nothing else is written down in the place of one."""
    if not 0 < len(text) <= _LONGEST_ADDRESS:
        return False
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True
