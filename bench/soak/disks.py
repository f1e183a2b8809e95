"""Small disks to be filled: one for what the server remembers, one for what it may want to write by the way.

They are file systems of memory where this process may mount some. Elsewhere the store's connections say what SQLite
says of a full disk (`start`), and there is none for scratch.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SIZE = 2 << 20
"""Bytes of a small disk."""
_BALLAST = "ballast"


@dataclass(frozen=True)
class Disk:
    """A folder.

    Args:
        folder: where it is.
        small: whether it is a disk of its own that can be filled.
    """

    folder: Path
    small: bool

    def fill(self) -> None:
        """Leave no byte on it; one that is not small stays as it is."""
        if not self.small:
            return
        with suppress(OSError), (self.folder / _BALLAST).open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def clear(self) -> None:
        """Make room again."""
        (self.folder / _BALLAST).unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, mounted: bool = True) -> Iterator[Disk]:
    """Make a small disk at a folder, or only the folder where that may not be or is not wanted."""
    folder.mkdir()
    small = mounted and os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "foveola-soak", folder)
    try:
        yield Disk(folder, small)
    finally:
        if small and not _run("umount", folder):
            _run("umount", "-l", folder)


def _run(*words: str | Path) -> bool:
    try:
        return subprocess.run(words, capture_output=True).returncode == 0
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EACCES):
            raise
        return False
