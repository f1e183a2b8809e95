"""Requests that go round: a source that leads back to this server is told from a client.

Each request to another server carries a mark of this process and the marks of those that it came through, in a header
that who passes requests on has to leave alone. A picture that a server like this has made may be the source of another,
as with imgproxy, so a few marks are no loop yet. Marks of others (a CDN's) are not ours to pass on. Source: RFC 8586
"""

from __future__ import annotations

import re
import secrets

from foveola.errors import SourceError

HEADER = "cdn-loop"
MARK = f"foveola-{secrets.token_hex(8)}"
"""What this process is called by itself."""
MOST = 3
"""Servers of our kind that a request may come through, this one too."""
_MARKS = re.compile(r"(?<![\w-])foveola-[0-9a-f]{16}(?![\w-])")


def passed(said: str) -> str:
    """Return what goes along of the header of a request.

    Args:
        said: its value, empty for none.

    Raises:
        SourceError: it comes through too many.
    """
    marks = _MARKS.findall(said)
    if len(marks) > MOST:
        raise SourceError(f"The request has gone round: {', '.join(marks[:MOST])}", status=508, public="Loop detected")
    return ", ".join(marks)


def marked(said: str) -> str:
    """Return the value of the header of a request that we send, for what was passed along."""
    return f"{said}, {MARK}" if said else MARK
