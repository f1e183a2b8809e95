"""A URL of the web as it is asked for: what is read out of one here is what is judged and what is dialled."""

from __future__ import annotations

import re

from yarl import URL

from foveola.sources.allowed import encoded

_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")


def parsed(url: str) -> URL:
    """Return the URL as it is written, but for what no URL may have, which is percent-encoded; names go by IDNA.

    Whoever signs URLs signs what is written: `%2F` of a query is not `/` for him, nor `%7E` the same as `~`.

    Raises:
        ValueError: it is none.
    """
    host = _HOST.match(url)
    before = host.group() if host else ""
    return URL((str(URL(before)) if before else "") + encoded(url[len(before) :]), encoded=True)
