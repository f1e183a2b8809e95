"""What one request wishes, once it is read and allowed: everything that reaches a source or a worker.

A wish is plain data and equal to another one where nothing could tell their answers apart, so identical requests that
are under way at the same time can be answered together. Source: https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foveola.config import Settings
from foveola.pipeline import Accepted
from foveola.server import conditional
from foveola.server.conditional import Conditions
from foveola.server.cookies import Cookies
from foveola.server.headers import Pairs
from foveola.sources import loops
from foveola.sources.base import Ask
from foveola.urls import ImageUrl, InfoUrl


@dataclass(frozen=True)
class Wish:
    """What one request wishes.

    Args:
        url: what its path says.
        accepted: what the client accepts.
        ask: what is added to the fetch.
        hidden: whether nobody is told what is fetched.
    """

    url: ImageUrl | InfoUrl
    accepted: Accepted
    ask: Ask
    hidden: bool = False

    @property
    def private(self) -> bool:
        """Whether the source is told who asks, so that its answer may be for nobody else."""
        return any(map(self.ask.header, ("authorization", "cookie")))


class Reader:
    """Makes wishes of requests, as the settings say.

    Args:
        settings: what the environment says.
    """

    def __init__(self, settings: Settings) -> None:
        server, security = settings.server, settings.security
        self._settings = settings
        self._conditions = Conditions(
            server.use_etag, server.etag_buster, server.use_last_modified, server.last_modified_buster
        )
        self._cookies = Cookies(security.cookie_passthrough, security.cookie_base_url, security.cookie_passthrough_all)
        self._passed = tuple(name.lower() for name in server.request_headers_passthrough)

    def wish(self, url: ImageUrl | InfoUrl, headers: Mapping[str, str]) -> Wish:
        """Return what a request wishes.

        Args:
            url: what its path says.
            headers: names in lower case.

        Raises:
            SourceError: it comes from this server.
        """
        raw = isinstance(url, ImageUrl) and url.options.raw
        conditions = conditional.raw(headers) if raw else conditional.forwarded(headers, self._conditions)
        ask = Ask(self._said(url.source, headers, conditions), url.options.max_src_file_size, raw)
        accepted = self._settings.accepted(headers.get("accept", "")) if isinstance(url, ImageUrl) else Accepted()
        return Wish(url, accepted, ask, url.hidden)

    def _said(self, source: str, headers: Mapping[str, str], conditions: Pairs) -> Pairs:
        """Return the headers for a source, each name once."""
        passed = tuple((name, headers[name]) for name in self._passed if name in headers and name != loops.HEADER)
        cookie = self._cookies.sent(headers, source)
        cookies = (("cookie", cookie),) if cookie else ()
        came = loops.passed(headers.get(loops.HEADER, ""))
        through = ((loops.HEADER, came),) if came else ()
        return tuple(dict((*passed, *conditions, *cookies, *through)).items())
