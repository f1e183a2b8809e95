"""Heads of requests that are refused, though the parser can read them: those that two readers might read differently.

Who stands before the server (a cache, a balancer) and the server have to agree where a request ends and whom it is for.
What RFC 9112 leaves to whoever reads, and what nobody needs to ask for a picture, is answered with one status and the
end of the connection. Source: RFC 9112, sections 2.3, 3.2, 6.1 and 11.2; RFC 9110, section 10.1.1
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_FIELDS = 100
"""Header fields that a request may have, those after a body too."""
LONGEST = 1 << 16
"""Bytes of a request's head. imgproxy takes 1 MiB, of which nothing that a browser or a proxy sends has a tenth."""
MOST_WAITING = 16
"""Requests of a connection that may wait while another one of it is answered."""
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_TARGET = re.compile(rb"(?i:/|https?://)[!\"$-~]*")
_VERSIONS = ("1.0", "1.1")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not served.

    Args:
        status: of HTTP.
        words: one sentence.
    """

    status: int
    words: str


TOO_MANY = Refusal(431, "Too many header fields")
TOO_LONG = Refusal(431, "Request head is too long")
TOO_MANY_WAITING = Refusal(429, "Too many requests at once")
MALFORMED = Refusal(400, "Invalid HTTP request received.")


def refusal(method: str, target: bytes, version: str, fields: Sequence[tuple[bytes, bytes]]) -> Refusal | None:
    """Return why a request is not served, None where it may be.

    Args:
        method: of HTTP.
        target: as it came.
        version: of HTTP, `1.1`.
        fields: of the head, names in lower case.
    """
    if version not in _VERSIONS:
        return Refusal(505, "HTTP/1.1 is spoken here")
    if method == "CONNECT":
        return Refusal(405, "There is no tunnel here")
    if not _TARGET.fullmatch(target) and (method, target) != ("OPTIONS", b"*"):
        return Refusal(400, "Invalid request target")
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts) or not all(map(_HOST.fullmatch, hosts)):
        return Refusal(400, "Expected one Host")
    codings = [value.strip().lower() for name, value in fields if name == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or version == "1.0"):
        return Refusal(501 if version == "1.1" else 400, "Transfer-Encoding may be chunked only")
    if any(value.strip().lower() != b"100-continue" for name, value in fields if name == b"expect"):
        return Refusal(417, "Expect may be 100-continue only")
    return None


def last(fields: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether a request is the last of its connection: one with a body, or that would speak something else.

    Bytes after such a request are never taken for another one, whatever somebody else took them for.
    """
    lengths = (value for name, value in fields if name == b"content-length")
    return any(length.strip(b" \t0") for length in lengths) or any(
        name in (b"transfer-encoding", b"upgrade") for name, _ in fields
    )
