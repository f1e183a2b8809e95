"""A URL of the web as it is asked for: what is read out of one here is what is judged and what is dialled."""

from __future__ import annotations

import re

from yarl import URL

from foveola.sources.allowed import encoded

_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_NO_HOST = re.compile(r"[\x00-\x20\x7f]")


def parsed(url: str) -> URL:
    """Return the URL as it is written, but for what no URL may have, which is percent-encoded; names go by IDNA.

    Whoever signs URLs signs what is written: `%2F` of a query is not `/` for him, nor `%7E` the same as `~`.

    Raises:
        ValueError: it is none.
    """
    host = _HOST.match(url)
    before = host.group() if host else ""
    try:
        server = str(URL(before)) if before else ""
    except IndexError as error:  # yarl 1 looks for the first sign of a host that has none: `http://[]@`
        raise ValueError("no host") from error
    if _NO_HOST.search(before + server):  # yarl leaves some out, and makes others of what looks like them
        raise ValueError("a blank or a control character in the host")
    return URL(server + encoded(url[len(before) :]), encoded=True)


def joined(here: URL, there: URL) -> URL:
    """Return where a redirect leads. yarl joins a path to one that has no folder for its end decoded: it gets one."""
    folder = here.raw_path.rpartition("/")[0] + "/"
    return (here.with_path(folder, encoded=True) if there.raw_path else here).join(there)
