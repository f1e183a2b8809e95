"""What a source is: a URL in, an answer out whose body can be read in parts.

A new kind of source is a module with `create` and a row in `foveola.sources`. It says what it found in the words of
HTTP (a status, headers, a body), because that is what clients are told; what is made of an answer is decided in one
place, `foveola.sources.Sources`. Source: https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from foveola.errors import SourceError
from foveola.sources.allowed import Allowed
from foveola.sources.body import Body
from foveola.sources.masks import masked
from foveola.sources.stores import Stores

__all__ = ["Ask", "Body", "Fetched", "Opened", "Reach", "Source", "Stores", "masked"]


@dataclass(frozen=True)
class Reach:
    """Where pictures may come from, and what fetching may cost.

    Args:
        local_root: the folder that `local://` is; none when empty.
        query_separator: what ends the path of a `local://` URL, unless it is a part of the name; nothing when empty.
        allowed: what sources may begin with (`foveola.sources.allowed`); all when empty.
        max_bytes: the largest file that is fetched; 0 for any.
        memory: bytes of memory that all files may take together, and four times what one may take where `max_bytes` is
            0; 0 for any.
        timeout: seconds until a source is given up.
        keep_alive: seconds that an idle connection is kept; 0 closes at once.
        max_redirects: how many are followed.
        loopback: whether this machine may be asked.
        link_local: whether link-local addresses may be asked; clouds keep their credentials there.
        private: whether private networks may be asked.
        user_agent: how servers are asked; foveola and its version when empty.
        verify: whether servers have to prove by their certificates who they are.
        proxy: whether servers are asked through the proxies that the environment names.
        request_headers: headers that every server is sent, in place of what a client says.
        stores: which object stores may be asked, and how.
    """

    local_root: str = ""
    query_separator: str = "?"
    allowed: tuple[str, ...] = ()
    max_bytes: int = 0
    memory: int = 0
    timeout: float = 5.0
    keep_alive: float = 90.0
    max_redirects: int = 10
    loopback: bool = False
    link_local: bool = False
    private: bool = True
    user_agent: str = ""
    verify: bool = True
    proxy: bool = False
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stores: Stores = field(default_factory=Stores)

    def most(self, said: int | None = None) -> int:
        """Return the largest file that is fetched, in bytes; 0 for any.

        Args:
            said: what a request says of it in place of `max_bytes`.
        """
        return (self.max_bytes if said is None else said) or self.memory // 4

    def check(self, url: str) -> None:
        """Refuse a URL that leads to nothing that is allowed.

        Raises:
            SourceError: it does not.
        """
        if self.allowed and url not in self._allowed:
            raise SourceError(f"Source is not allowed: {masked(url)}", public="Invalid source URL")

    @cached_property
    def _allowed(self) -> Allowed:
        return Allowed(self.allowed, self.query_separator)


@dataclass(frozen=True)
class Ask:
    """What one request adds to a fetch.

    Args:
        headers: names in lower case with their values: `if-none-match`, `if-modified-since`, `cookie`, others that are
            passed on; `range` and `accept-encoding` are for `raw` only.
        max_bytes: the largest file that is fetched in place of `Reach.max_bytes`; 0 for any.
        raw: whether the answer is passed on as it is: any status, the body not decoded.
    """

    headers: tuple[tuple[str, str], ...] = ()
    max_bytes: int | None = None
    raw: bool = False

    def header(self, name: str) -> str:
        """Return the value of a header, an empty one if it is not there."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass
class Opened:
    """An answer whose body has not been read.

    Args:
        status: as HTTP has it.
        headers: names in lower case with their values.
        size: bytes of the body, as it says; None where it does not.
        parts: makes the parts of the body; asked once.
        end: what gives back what is held.
        file: the body where it is a file of this machine, which need not be read; who keeps it puts None here.
    """

    status: int
    headers: Mapping[str, str]
    size: int | None
    parts: Callable[[], AsyncIterator[bytes]]
    end: Callable[[], None]
    file: Body | None = None

    def chunks(self) -> AsyncIterator[bytes]:
        """Return the body in parts; to be asked once.

        Raises:
            SourceError: while it is read: the source broke off.
        """
        return self.parts()

    def close(self) -> None:
        """Give back what is held; a second call does nothing."""
        self.end()
        if self.file is not None:
            self.file.close()


@dataclass
class Fetched:
    """A whole file.

    Args:
        status: 200, or 304 for a file that the client has already.
        headers: names in lower case with their values: `etag`, `last-modified`, `cache-control`, `expires`,
            `content-type` and others that the source said.
        body: its bytes; none with 304.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=Body)


class Source(Protocol):
    """One kind of source."""

    def open(self, url: str, ask: Ask) -> AbstractAsyncContextManager[Opened]:
        """Return what the source answers about `url`; with the context it is closed.

        Raises:
            SourceError: on entry: it can't be reached or may not be.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
