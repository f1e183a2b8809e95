"""What a source is: a URL in, the bytes of a file out, in anonymous memory.

The bytes of a picture are hostile until a worker has judged them, and the process that fetches them never looks inside:
they go into a memfd as they arrive, and the descriptor is what is handed on. A new kind of source is a module with
`create` and a row in `foveola.sources`. Source: https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from foveola.errors import ImageError, SourceError

PART = 1 << 20
"""Bytes that are read at a time."""


@dataclass(frozen=True)
class Reach:
    """Where pictures may come from, and what fetching may cost.

    Args:
        local_root: the folder that `local://` is; none when empty.
        query_separator: what ends the path of a `local://` URL, unless it is a part of the name; nothing when empty.
        allowed: what URLs may begin with, `*` for anything but a slash; all when empty.
        max_bytes: the largest file that is fetched; 0 for any.
        timeout: seconds until a source is given up.
        max_redirects: how many are followed.
        loopback: whether this machine may be asked.
        link_local: whether link-local addresses may be asked; clouds keep their credentials there.
        private: whether private networks may be asked.
        user_agent: how servers are asked; foveola and its version when empty.
    """

    local_root: str = ""
    query_separator: str = "?"
    allowed: tuple[str, ...] = ()
    max_bytes: int = 0
    timeout: float = 5.0
    max_redirects: int = 10
    loopback: bool = False
    link_local: bool = False
    private: bool = True
    user_agent: str = ""

    def check(self, url: str) -> None:
        """Refuse a URL that is not among the allowed ones.

        Raises:
            SourceError: it is not.
        """
        if self.allowed and not self._allowed.match(url):
            raise SourceError(f"Source is not allowed: {url}", public="Invalid source URL")

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(text).replace(r"\*", "[^/]*") for text in self.allowed))


class Body:
    """The bytes of one file, in anonymous memory that ends with this object.

    Args:
        most: the largest size it may grow to, in bytes; 0 for any.
    """

    fd = -1

    def __init__(self, most: int = 0) -> None:
        self.fd = os.memfd_create("foveola", os.MFD_CLOEXEC)
        self.size = 0
        self._most = most

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`.

        Raises:
            ImageError: the file grows over the limit.
        """
        view = memoryview(data)
        self.expect(self.size + len(view))
        while view:
            done = os.write(self.fd, view)
            view = view[done:]
            self.size += done

    def expect(self, size: int) -> None:
        """Refuse a file of `size` bytes if that is over the limit.

        Raises:
            ImageError: it is.
        """
        if self._most and size > self._most:
            raise ImageError(f"Source has more than {self._most} bytes", public="Invalid source image")

    def sha256(self) -> str:
        """Return the SHA-256 of the bytes, in hexadecimal."""
        digest = hashlib.sha256()
        done = 0
        while part := os.pread(self.fd, PART, done):
            digest.update(part)
            done += len(part)
        return digest.hexdigest()

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class Source(Protocol):
    """One kind of source."""

    async def fetch(self, url: str) -> Body:
        """Return the bytes of the file at `url`.

        Raises:
            SourceError: it can't be reached or may not be.
            ImageError: it is too large.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
