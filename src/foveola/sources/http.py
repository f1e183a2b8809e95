"""`http://` and `https://`: files from other servers, which are asked politely and believed in nothing.

Every address is judged as it is dialled (`foveola.sources.guard`), on each redirect again; the body is counted while it
arrives; no cookies, no proxies from the environment, no credentials carried to another host. The statuses are
imgproxy's: a source's own 4xx is passed on, its 5xx is a bad gateway.
Source: https://docs.aiohttp.org/en/stable/client_reference.html
"""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
from yarl import URL

import foveola
from foveola.errors import SourceError
from foveola.sources.base import Body, Reach
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

    async def fetch(self, url: str) -> Body:
        """Return the bytes of the file at `url`.

        Raises:
            SourceError: it can't be reached, may not be, or broke off.
            ImageError: it is too large.
        """
        try:
            return await self._follow(_parsed(url))
        except aiohttp.ClientPayloadError as error:
            public = "Source response is incomplete"
            raise SourceError(f"{url} broke off: {error}", status=422, public=public) from error
        except aiohttp.ClientConnectorError as error:
            forbidden = isinstance(error.os_error, ForbiddenAddressError)
            raise SourceError(f"{url}: {error}", public="Invalid source URL" if forbidden else None) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceError(f"{url}: {error}") from error

    async def _follow(self, url: URL) -> Body:
        for _ in range(self._reach.max_redirects + 1):
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await self._read(response)
                location = response.headers.get("Location", "")
            url = url.join(_parsed(location))
            if url.scheme not in ("http", "https"):
                raise SourceError(f"Redirect to {url}")
            self._reach.check(str(url))
        raise SourceError(f"More than {self._reach.max_redirects} redirects, the last to {url}")

    async def _read(self, response: aiohttp.ClientResponse) -> Body:
        _check_status(response)
        body = Body(self._reach.max_bytes)
        try:
            body.expect(response.content_length or 0)
            async for chunk in response.content.iter_chunked(_CHUNK):
                body.write(chunk)
        except BaseException:
            body.close()
            raise
        return body

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _parsed(url: str) -> URL:
    """Return the URL with what is not ASCII percent-encoded, bytes that are no UTF-8 as they were."""
    return URL("".join(c if c.isascii() else quote(c, errors="surrogateescape") for c in url))


def _check_status(response: aiohttp.ClientResponse) -> None:
    """Accept a whole file.

    Raises:
        SourceError: anything else, with imgproxy's status for it.
    """
    status = response.status
    if status == 200 or (status == 206 and _whole(response.headers.get("Content-Range", ""))):
        return
    passed_on = status if 400 <= status < 500 else 502 if status >= 500 else 404
    raise SourceError(f"{response.url} answered {status}", status=passed_on)


def _whole(content_range: str) -> bool:
    """Return whether `bytes 0-99/100` is the whole file."""
    span, _, total = content_range.removeprefix("bytes ").partition("/")
    first, _, last = span.partition("-")
    return first == "0" and last.isdecimal() and total.isdecimal() and int(last) + 1 == int(total)


def create(reach: Reach) -> Http:
    """Return the source of `http://` and `https://` URLs; to be called inside a running event loop."""
    return Http(reach)
