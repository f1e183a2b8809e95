"""What a worker has to read: Python, libraries, fonts, networks and a few facts about the machine.

Source: https://refspecs.linuxfoundation.org/FHS_3.0/fhs/index.html and what the libraries were seen to open
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
FONTS = ("/etc/fonts", "/usr/share/fontconfig", "/usr/share/fonts", "/usr/local/share/fonts", "/var/cache/fontconfig")
FACTS = ("/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom", "/sys/devices/system/cpu", "/sys/devices/system/node")
WRITABLE = ("/dev/null",)
_OWN_FONTS = ("etc/fonts", "fonts", "share/fonts", "share/fontconfig", "var/cache/fontconfig")
"""Where they are below a Python that brings its own libraries."""


def places(more: Iterable[str] = ()) -> list[str]:
    """Return what the worker of this process reads, as absolute paths; some may be missing.

    Args:
        more: files besides, such as networks.
    """
    said = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    own = [str(Path(prefix, part)) for prefix in (sys.prefix, sys.base_prefix) for part in _OWN_FONTS]
    found = [*python, *sys.path, *said, *_loaded(), *LIBRARIES, *own, *FONTS, *FACTS, *more]
    return [path for path in dict.fromkeys(found) if Path(path).is_absolute() and Path(path).resolve() != Path("/")]


def _loaded() -> set[str]:
    """Return the folders of the libraries that this process has loaded; none can be told where there is no `/proc`."""
    maps = Path("/proc/self/maps")
    lines = (line.split(maxsplit=5) for line in (maps.read_text() if maps.exists() else "").splitlines())
    files = (Path(line[5]) for line in lines if len(line) == 6)
    return {str(file.parent) for file in files if ".so" in file.name}
