"""`http://` and `https://`: files from other servers, which are asked politely and believed in nothing.

Every address is judged as it is dialled (`foveola.sources.guard`), on each redirect again; the body is counted while it
arrives; no cookies, no proxies from the environment, no credentials carried to another host. The statuses are
imgproxy's: a source's own 4xx is passed on, its 5xx is a bad gateway.
Source: https://docs.aiohttp.org/en/stable/client_reference.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import quote

import aiohttp
from yarl import URL

import foveola
from foveola.errors import SourceError
from foveola.sources.base import Ask, Opened, Reach
from foveola.sources.guard import ForbiddenAddressError, socket_factory

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 18


class Http:
    """The source of `http://` and `https://` URLs.

    Args:
        reach: which addresses may be asked, how long, how much and by which name.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=socket_factory(reach)),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": reach.user_agent or f"foveola/{foveola.__version__}"},
            skip_auto_headers=("Accept-Encoding",),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    @asynccontextmanager
    async def open(self, url: str, ask: Ask) -> AsyncIterator[Opened]:
        """Return what the server at `url`, or where it sends us, answers.

        Raises:
            SourceError: it can't be reached or may not be.
        """
        with _translated(url):
            response = await self._follow(_parsed(url), ask)
        headers = {name.lower(): value for name, value in response.headers.items()}
        opened = Opened(
            response.status, headers, response.content_length, lambda: _parts(url, response), response.close
        )
        try:
            yield opened
        finally:
            opened.close()

    async def _follow(self, url: URL, ask: Ask) -> aiohttp.ClientResponse:
        for _ in range(self._reach.max_redirects + 1):
            response = await self._session.get(
                url, allow_redirects=False, headers=ask.headers, auto_decompress=not ask.raw
            )
            if response.status not in _REDIRECTS:
                return response
            response.release()
            url = url.join(_parsed(response.headers.get("Location", "")))
            if url.scheme not in ("http", "https"):
                raise SourceError(f"Redirect to {url}")
            self._reach.check(str(url))
        raise SourceError(f"More than {self._reach.max_redirects} redirects, the last to {url}")

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _parsed(url: str) -> URL:
    """Return the URL with what is not ASCII percent-encoded, bytes that are no UTF-8 as they were."""
    return URL("".join(c if c.isascii() else quote(c, errors="surrogateescape") for c in url))


async def _parts(url: str, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _translated(url):
        async for part in response.content.iter_chunked(_CHUNK):
            yield part


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Say what aiohttp raises in our words."""
    try:
        yield
    except aiohttp.ClientPayloadError as error:
        public = "Source response is incomplete"
        raise SourceError(f"{url} broke off: {error}", status=422, public=public) from error
    except aiohttp.ClientConnectorError as error:
        forbidden = isinstance(error.os_error, ForbiddenAddressError)
        raise SourceError(f"{url}: {error}", public="Invalid source URL" if forbidden else None) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise SourceError(f"{url}: {error}") from error


def create(reach: Reach) -> Http:
    """Return the source of `http://` and `https://` URLs; to be called inside a running event loop."""
    return Http(reach)
