"""`http://` and `https://`: files from other servers, which are asked politely and believed in nothing.

Every address is judged as it is dialled (`foveola.sources.guard`), on each redirect again. Credentials stay with the
server they were meant for: a redirect to another one goes without cookies, authorization, what the URL says of a user
and all that a client may have added. Nothing is taken from the environment but, where the settings say so, its proxies.
Source: https://docs.aiohttp.org/en/stable/client_reference.html
"""

from __future__ import annotations

import asyncio
import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.cookies import BaseCookie

import aiohttp
from yarl import URL

import foveola
from foveola.errors import SourceError
from foveola.sources import loops
from foveola.sources.base import Ask, Opened, Reach, masked
from foveola.sources.guard import AddressInfo, ForbiddenAddressError, may_dial, socket_factory
from foveola.sources.names import Names
from foveola.sources.proxies import Proxies, proxies
from foveola.sources.wires import Wires
from foveola.sources.written import joined, parsed

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 18
_SMALL, _PAUSE_SECONDS = 1 << 14, 0.005
"""After a part of less than so many bytes the next is waited for, so that it is more than the next byte."""
_OURS = {
    *("connection", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-authenticate"),
    *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
}
"""Headers that are about a connection, which is ours, or about a body, which we don't send."""
_RAW = {"accept-encoding", "if-match", "if-range", "if-unmodified-since", "range"}
"""Headers whose answers are no whole files as they are."""
_SECRET = {"authorization", "cookie", "host"}
"""Headers that are for one server."""
_HARMLESS = {"accept", "accept-language", "if-modified-since", "if-none-match", "user-agent", loops.HEADER, *_RAW}
"""Headers of a client that another server is told too; any other one may be a key."""


class Http:
    """The source of `http://` and `https://` URLs.

    Args:
        reach: which addresses may be asked, how long, how much and by which name.

    Raises:
        ConfigError: the environment names a proxy that can't be used.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._proxies = proxies(os.environ) if reach.proxy else Proxies()
        names = Names()
        self._direct = _session(reach, socket_factory(reach), names)
        self._proxied = _session(reach, None, names)  # the operator chose the address of the proxy

    @asynccontextmanager
    async def open(self, url: str, ask: Ask) -> AsyncIterator[Opened]:
        """Return what the server at `url`, or where it sends us, answers.

        Raises:
            SourceError: it can't be reached or may not be.
        """
        with _translated(url):
            response = await self._follow(parsed(url), ask)
        opened = Opened(
            response.status, _headers(response), response.content_length, lambda: _parts(url, response), response.close
        )
        try:
            yield opened
        finally:
            opened.close()

    async def _follow(self, url: URL, ask: Ask) -> aiohttp.ClientResponse:
        headers = _asked(self._reach, ask)
        cookies = aiohttp.CookieJar(unsafe=True)  # for servers that set one and send us round; addresses may, too
        for _ in range(self._reach.max_redirects + 1):
            if url.raw_user is not None or url.raw_password is not None:
                headers["authorization"] = _basic(url)
                url = url.with_user(None)
            response = await self._get(url, _with_cookies(headers, cookies.filter_cookies(url)), ask)
            if response.status not in _REDIRECTS or "Location" not in response.headers:
                return response
            response.release()
            cookies.update_cookies(_for_itself(response.cookies), url)
            there = joined(url, parsed(response.headers["Location"]))
            if there.scheme not in ("http", "https"):
                raise SourceError(f"Redirect to {masked(str(there))}")
            self._reach.check(str(there))
            if not _same_server(url, there):
                headers = _for_another(headers, self._reach)
            url = there
        raise SourceError(f"More than {self._reach.max_redirects} redirects, the last to {masked(str(url))}")

    async def _get(self, url: URL, headers: dict[str, str], ask: Ask) -> aiohttp.ClientResponse:
        """Ask one server; aiohttp asks once more where the connection is lost before an answer begins."""
        proxy = self._proxies.of(url)
        if proxy is not None:
            _check_literal(url, self._reach)
        session = self._direct if proxy is None else self._proxied
        return await session.get(url, allow_redirects=False, headers=headers, auto_decompress=not ask.raw, proxy=proxy)

    async def close(self) -> None:
        """Close the connections."""
        await self._direct.close()
        await self._proxied.close()


def _session(reach: Reach, make: Callable[[AddressInfo], socket.socket] | None, names: Names) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=Wires(reach, make, names),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": reach.user_agent or f"foveola/{foveola.__version__}"},
        skip_auto_headers=("Accept-Encoding",),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,  # it would also read passwords from ~/.netrc
    )


def _asked(reach: Reach, ask: Ask) -> dict[str, str]:
    """Return the headers of the first request; what the settings say goes before what the client says."""
    left_out = _OURS if ask.raw else _OURS | _RAW
    asked = {name.lower(): _bytes(value) for name, value in ask.headers if name.lower() not in left_out}
    asked |= {name.lower(): value for name, value in reach.request_headers}
    return asked | {loops.HEADER: loops.marked(ask.header(loops.HEADER))}


def _for_another(headers: dict[str, str], reach: Reach) -> dict[str, str]:
    """Return the headers that go along to another server: what every server is sent, and no secret of a client."""
    kept = (_HARMLESS | {name.lower() for name, _ in reach.request_headers}) - _SECRET
    return {name: value for name, value in headers.items() if name in kept}


def _bytes(value: str) -> str:
    """Return a client's header, whose characters are bytes, as aiohttp turns it into the same bytes; if it can."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _for_itself(set: BaseCookie[str]) -> BaseCookie[str]:
    """Return the cookies of a server without the domains that they name: not all below `co.uk` are one."""
    for morsel in set.values():
        morsel["domain"] = ""
    return set


def _with_cookies(headers: dict[str, str], set: BaseCookie[str]) -> dict[str, str]:
    """Return the headers with the cookies that a server has set on the way."""
    pairs = [headers["cookie"]] if "cookie" in headers else []
    pairs += [f"{morsel.key}={morsel.value}" for morsel in set.values()]
    return {**headers, "cookie": "; ".join(pairs)} if pairs else headers


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the headers of an answer, their bytes as characters; those that are said more than once are lists."""
    names = dict.fromkeys(name.lower() for name in response.headers if name.lower() != "set-cookie")
    found = {name: ", ".join(response.headers.getall(name)) for name in names}
    return {name: value.encode(errors="surrogateescape").decode("latin-1") for name, value in found.items()}


def _basic(url: URL) -> str:
    return "Basic " + b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()


def _same_server(here: URL, there: URL) -> bool:
    """Return whether one server, or its encrypted twin, is asked again."""
    before, after = here.origin(), there.origin()
    return after == before or (before.scheme == "http" and before.port == 80 and after == before.with_scheme("https"))


def _check_literal(url: URL, reach: Reach) -> None:
    """Refuse an address that is written in a URL for a proxy; names are for the proxy to find, and to judge.

    Raises:
        SourceError: it may not be asked.
    """
    try:
        found = socket.getaddrinfo(url.raw_host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return
    if not all(may_dial(str(address[0]), reach) for *_, address in found):
        raise SourceError(f"{masked(str(url))} may not be asked", public="Invalid source URL")


async def _parts(url: str, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _translated(url):
        try:
            async for part in response.content.iter_chunked(_CHUNK):
                yield part
                if len(part) < _SMALL and not response.content.is_eof():
                    await asyncio.sleep(_PAUSE_SECONDS)
        except (aiohttp.ClientConnectionError, ConnectionError, RuntimeError) as error:
            # aiohttp raises a RuntimeError where the connection was lost between two parts
            raise aiohttp.ClientPayloadError(str(error)) from error


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Say what aiohttp raises in our words."""
    try:
        yield
    except aiohttp.ClientPayloadError as error:
        public = "Source response is incomplete"
        raise SourceError(f"{masked(url)} broke off: {error}", status=422, public=public) from error
    except aiohttp.ClientConnectorError as error:
        forbidden = isinstance(error.os_error, ForbiddenAddressError)
        raise SourceError(f"{masked(url)}: {error}", public="Invalid source URL" if forbidden else None) from error
    except ValueError as error:  # a URL that is none, or a header; it says what, and that may be a password
        raise SourceError(f"{masked(url)} can't be asked: {type(error).__name__}") from None
    except aiohttp.ClientResponseError as error:  # its text has the whole URL, or that of a proxy
        raise SourceError(f"{masked(url)}: {error.status} {error.message}") from None
    except (aiohttp.ClientError, OSError) as error:
        raise SourceError(f"{masked(url)}: {error}") from error


def create(reach: Reach) -> Http:
    """Return the source of `http://` and `https://` URLs; to be called inside a running event loop."""
    return Http(reach)
