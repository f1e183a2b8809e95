"""Which cookies of a request a source is sent: those that its browser would send there itself.

A request says the names and the values of its cookies and nothing of where they belong, so they belong to the host that
was asked (or to `IMGPROXY_COOKIE_BASE_URL`), and to no other. Source: RFC 6265, section 5.1 and
https://docs.imgproxy.net/configuration/options#cookies
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


@dataclass(frozen=True)
class Cookies:
    """Which cookies are passed on.

    Args:
        on: whether any are.
        base_url: where the cookies of requests belong; to the host that was asked when empty.
        everywhere: whether every source is sent them.
    """

    on: bool = False
    base_url: str = ""
    everywhere: bool = False

    def sent(self, headers: Mapping[str, str], source: str) -> str:
        """Return the value of the `Cookie` header for a source, empty for none.

        Args:
            headers: of the request, names in lower case.
            source: its URL.
        """
        cookie = headers.get("cookie", "")
        there = _parts(source)
        if not (self.on and cookie and there) or there.scheme not in ("http", "https"):
            return ""
        home = _parts(self.base_url or _asked(headers))
        belongs = self.everywhere or (home and home.hostname == there.hostname and _below(home.path, there.path))
        return cookie if belongs else ""


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.hostname else None


def _asked(headers: Mapping[str, str]) -> str:
    return f"http://{headers.get('x-forwarded-host') or headers.get('host', '')}/"


def _below(home: str, path: str) -> bool:
    """Return whether a path is in the folder that a cookie of the page `home` belongs to."""
    folder = home.rpartition("/")[0]
    return not folder or path == folder or path.startswith(folder + "/")
