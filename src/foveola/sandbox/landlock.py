"""Landlock: what a process and its threads may open, and which TCP ports they may use (none), until they end.

Only what is opened after is judged: descriptors that were handed over stay of use. The rules are made once, by the
process that forks, and entered by each child. Source: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from foveola.sandbox import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""How many rights to files each version of the interface knows."""
_TCP = 0b11
_SCOPES = 0b11
"""Abstract unix sockets and signals."""


def version() -> int:
    """Return the version of the interface.

    Raises:
        OSError: the kernel does not have it, or it is switched off.
    """
    return kernel.call(_CREATE, None, 0, _VERSION)


def handled(version: int) -> tuple[int, int, int]:
    """Return what can be forbidden: rights to files, to the network, and scopes; all of it is."""
    rights = max(count for since, count in _RIGHTS if version >= since)
    return (1 << rights) - 1, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0


def ruleset(readable: Iterable[str], writable: Iterable[str] = ()) -> int:
    """Make rules that allow nothing but reading beneath some paths.

    Args:
        readable: files and folders; those that are missing are left out.
        writable: files that may be written too.

    Returns:
        A descriptor of them.

    Raises:
        OSError: the kernel does not have Landlock.
    """
    files, net, scopes = handled(version())
    attributes = struct.pack("QQQ", files, net, scopes)
    size = 24 if scopes else 16 if net else 8
    rules = kernel.call(_CREATE, attributes, size, 0)
    for path in readable:
        _allow(rules, path, _READ_FILE)
    for path in writable:
        _allow(rules, path, _READ_FILE | _WRITE_FILE)
    return rules


def enter(rules: int) -> None:
    """Have the rules hold for this thread and all that it starts.

    Raises:
        OSError: it has rights that it may not give up like this: `no_new_privs` was not set.
    """
    kernel.call(_RESTRICT, rules, 0)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights |= _READ_DIR
        kernel.call(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)
