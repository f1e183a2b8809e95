"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def place(path: Path, data: bytes) -> None:
    """Put `data` at `path`, in one step once all of it is on the disk; nothing is left behind where that fails.

    Raises:
        OSError: it can't be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
