"""How the kernel is asked for what Python has no function for.

Source: https://man7.org/linux/man-pages/man2/syscall.2.html and https://man7.org/linux/man-pages/man2/prctl.2.html
"""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39


def call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        number: of the call on this machine.
        arguments: numbers, and memory that is read.

    Returns:
        What it returned, 0 or more.

    Raises:
        OSError: it has failed, or this is no Linux.
    """
    return _checked("syscall", number, *arguments)


def forbid_privileges() -> None:
    """Have no program that this process starts get more rights than it has; Landlock and seccomp need it.

    Raises:
        OSError: the kernel does not know that.
    """
    _checked("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def check_privileges() -> None:
    """Find out whether the kernel knows `no_new_privs`.

    Raises:
        OSError: it does not.
    """
    _checked("prctl", _PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)


def hide() -> None:
    """Let no other process of the same user look into this one, and write no core.

    Its entries in `/proc` belong to root from here on; what it starts is not hidden.

    Raises:
        OSError: this is no Linux.
    """
    _checked("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent() -> None:
    """Be killed when the process is lost that this one was forked from.

    Raises:
        OSError: this is no Linux.
    """
    _checked("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _checked(function: str, *arguments: int | bytes | None) -> int:
    found = getattr(ctypes.CDLL(None, use_errno=True), function, None)
    if found is None:
        raise OSError("this is no Linux")
    done: int = found(
        *(ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments)
    )
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return done
