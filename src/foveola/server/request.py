"""One request as plain data: what its headers say, and who seems to have sent it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from foveola.errors import FoveolaError

Scope = MutableMapping[str, Any]
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_USER = re.compile(r"((?::|%3a)(?:/|%2f){1,2})(?:(?!%2f)[^/])*(?:@|%40)", re.IGNORECASE)
"""What may stand before the host of a source, written plain; each sign of it may be escaped."""


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

    @property
    def shown(self) -> str:
        """The path for the log: without the name and the password that a plain source may have."""
        return _USER.sub(r"\1…@", self.path)

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
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        mark = "; " if name == "cookie" else ", "
        found[name] = found[name] + mark + value if name in found else value
    return found


def _client(headers: Mapping[str, str], address: tuple[str, int] | None) -> str:
    """Return who seems to have sent a request, for the log: proxies write it into headers, and so may anyone."""
    forwarded = headers.get("x-forwarded-for", "").partition(",")[0].strip()
    told = headers.get("cf-connecting-ip") or forwarded or headers.get("x-real-ip", "")
    return told or (address[0] if address else "")
