"""`local://`: files under one folder.

A path is resolved component by component and opened the same way, from the folder's own descriptor and without
following links, so that neither `..` nor a link nor a link made in between leads out. Links that stay inside are
followed. Only regular files are read: a pipe would wait for ever. Source: https://docs.imgproxy.net/usage/using_local_files
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from foveola.errors import ConfigError, SourceError, expected
from foveola.sources.base import Body, Reach

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

    async def fetch(self, url: str) -> Body:
        """Return the bytes of the file at `url`; it is read by a thread, because a disk may be slow.

        Raises:
            SourceError: there is no such regular file under the folder.
            ImageError: it is too large.
        """
        return await asyncio.to_thread(self._read, url.removeprefix("local://"))

    async def close(self) -> None:
        """Nothing is kept open."""

    def _read(self, path: str) -> Body:
        try:
            file = self._named(path)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            raise SourceError(f"Can't read local file {path!r}: {error}") from error
        try:
            return _copy(file, self.reach.max_bytes)
        except OSError as error:
            raise SourceError(f"Can't read local file {path!r}: {error}") from error
        finally:
            os.close(file)

    def _named(self, path: str) -> int:
        """Open the file that a path names: as it is, since names may have a `?`, else without its query."""
        name, mark, _ = path.partition(self.reach.query_separator) if self.reach.query_separator else (path, "", "")
        try:
            return self._open(path)
        except (OSError, ValueError):
            if not mark:
                raise
        return self._open(name)

    def _open(self, path: str) -> int:
        """Open a regular file under the root; raises OSError or ValueError."""
        if self.root is None:
            raise ValueError("IMGPROXY_LOCAL_FILESYSTEM_ROOT is not set")
        resolved = (self.root / path.lstrip("/")).resolve(strict=True)
        *folders, name = resolved.relative_to(self.root).parts or ("",)
        here = os.open(self.root, _FOLDER)
        try:
            for folder in folders:
                above, here = here, os.open(folder, _FOLDER, dir_fd=here)
                os.close(above)
            return os.open(name, _FILE, dir_fd=here)
        finally:
            os.close(here)


def _copy(file: int, most: int) -> Body:
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode):
        raise OSError("not a regular file")
    body = Body(most)
    body.expect(facts.st_size)
    while done := os.sendfile(body.fd, file, body.size, max(facts.st_size - body.size, 0)):
        body.size += done
    return body


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
