"""`local://`: files under one folder.

A path is resolved component by component and opened the same way, from the folder's own descriptor and without
following links, so that neither `..` nor a link nor a link made in between leads out. Links that stay inside are
followed. Only regular files are read: a pipe would wait for ever. Source: https://docs.imgproxy.net/usage/using_local_files
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
import stat
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from foveola.errors import ConfigError, SourceError, expected
from foveola.picture import FORMATS
from foveola.sources.base import Ask, Opened, Reach
from foveola.sources.body import PART, Body
from foveola.sources.conditions import http_date, not_modified, span

_SMALL = 1 << 20
"""Bytes of a file that are read at once, into the system's memory: who looks at it next does not wait for a disk."""
_MIMES = {f.extension: f.mime for f in FORMATS.values()}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Local:
    """The files under one folder.

    Args:
        root: the folder, resolved; None where there is none.
        reach: its separator of queries and its limit of size.
    """

    root: Path | None
    reach: Reach

    @asynccontextmanager
    async def open(self, url: str, ask: Ask) -> AsyncIterator[Opened]:
        """Return the file at `url`, at once where no link is on the way, else opened by a thread.

        Raises:
            SourceError: there is no such regular file under the folder.
        """
        path = url.removeprefix("local://")
        found = self._at_once(path)
        file, facts, name = found if found is not None else await asyncio.to_thread(self._read, path)
        opened = _answer(file, facts, name, ask)
        try:
            yield opened
        finally:
            opened.close()

    async def close(self) -> None:
        """Nothing is kept open."""

    def _at_once(self, path: str) -> tuple[Body, os.stat_result, str] | None:
        """Return a file whose path needs no resolving, None where it does or where there is no such file."""
        parts = path.strip("/").split("/")
        if self.root is None or any(part in ("", ".", "..") for part in parts):
            return None
        try:
            file = self._opened(parts)
        except (OSError, ValueError):
            return None
        facts = os.fstat(file)
        body = Body.of(file, facts.st_size)
        if stat.S_ISREG(facts.st_mode):
            return body, facts, "/" + path.lstrip("/")
        body.close()
        return None

    def _read(self, path: str) -> tuple[Body, os.stat_result, str]:
        try:
            file, name = self._named(path)
            facts = os.fstat(file)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            raise SourceError(f"Can't read local file {path!r}: {error}") from error
        body = Body.of(file, facts.st_size)
        if not stat.S_ISREG(facts.st_mode):
            body.close()
            raise SourceError(f"Can't read local file {path!r}: not a regular file")
        if body.size <= _SMALL:
            os.pread(file, body.size, 0)
        return body, facts, "/" + name.lstrip("/")

    def _named(self, path: str) -> tuple[int, str]:
        """Open the file that a path names: as it is, since names may have a `?`, else without its query."""
        name, mark, _ = path.partition(self.reach.query_separator) if self.reach.query_separator else (path, "", "")
        try:
            return self._open(path), path
        except (OSError, ValueError):
            if not mark:
                raise
        return self._open(name), name

    def _open(self, path: str) -> int:
        """Open a regular file under the root; raises OSError or ValueError."""
        if self.root is None:
            raise ValueError("IMGPROXY_LOCAL_FILESYSTEM_ROOT is not set")
        resolved = (self.root / path.lstrip("/")).resolve(strict=True)
        return self._opened(resolved.relative_to(self.root).parts or ("",))

    def _opened(self, parts: Sequence[str]) -> int:
        """Open what is found by going down from the root, never by a link."""
        assert self.root is not None
        *folders, name = parts
        here = os.open(self.root, _FOLDER)
        try:
            for folder in folders:
                above, here = here, os.open(folder, _FOLDER, dir_fd=here)
                os.close(above)
            return os.open(name, _FILE, dir_fd=here)
        finally:
            os.close(here)


def _answer(file: Body, facts: os.stat_result, name: str, ask: Ask) -> Opened:
    """Return what a server would answer that has this file."""
    named = hashlib.sha256(os.fsencode(f"{name}__{facts.st_size}__{facts.st_mtime_ns}")).digest()
    etag = f'"{urlsafe_b64encode(named).decode().rstrip("=")}"'
    headers = {"etag": etag, "last-modified": http_date(facts.st_mtime), "accept-ranges": "bytes"}
    if ask.raw and (mime := _mime(name)):
        headers["content-type"] = mime
    if not_modified(ask, etag, facts.st_mtime):
        file.close()
        return Opened(304, headers, 0, lambda: _parts(file, 0, 0), file.close)
    part = span(ask, file.size)
    if part is None:
        return Opened(200, headers, file.size, lambda: _parts(file, 0, file.size), lambda: None, file)
    first, end = part
    status = 206 if first < end else 416
    headers["content-range"] = f"bytes {first}-{end - 1}/{file.size}" if status == 206 else f"bytes */{file.size}"
    return Opened(status, headers, end - first, lambda: _parts(file, first, end), file.close)


def _mime(name: str) -> str | None:
    """Return what a name says of a file that nobody looks into."""
    suffix = PurePath(name).suffix.lower()
    return _MIMES.get(suffix) or mimetypes.types_map.get(suffix)


async def _parts(file: Body, first: int, end: int) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(os.pread, file.fd, min(PART, end - first), first) if first < end else b"":
        yield part
        first += len(part)


def create(reach: Reach) -> Local:
    """Return the source of `local://` URLs.

    Raises:
        ConfigError: the folder does not exist.
    """
    if not reach.local_root:
        return Local(None, reach)
    try:
        root = Path(reach.local_root).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ConfigError(expected("a folder", "IMGPROXY_LOCAL_FILESYSTEM_ROOT", reach.local_root)) from error
    if not root.is_dir():
        raise ConfigError(expected("a folder", "IMGPROXY_LOCAL_FILESYSTEM_ROOT", reach.local_root))
    return Local(root, reach)
