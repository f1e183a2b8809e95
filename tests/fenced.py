"""What is done in a process that is fenced as a worker is, for tests."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest

from foveola import sandbox
from foveola.sandbox import Fence, kernel, seccomp
from foveola.sandbox.calls import JUDGED, REFUSED

HERE = sandbox.examine()
_POWERLESS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
for capability in range(64):
    libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; what the next program may have at most
libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
os.execvp(sys.argv[1], sys.argv[1:])
"""
POWERLESS = (sys.executable, "-c", _POWERLESS)
"""Stands before a command that shall have no capabilities, though root runs it: then root is a user as any other."""


def needs(layer: str) -> pytest.MarkDecorator:
    """Skip a test where the machine does not have a layer."""
    return pytest.mark.skipif(not HERE[layer].startswith("available"), reason=f"{layer} is {HERE[layer]}")


def kept(act: Callable[[], object], layers: frozenset[str], fence: Fence = Fence()) -> str:  # noqa: B008
    """Do something in a child that is forked and fenced as a worker is; return `done`, or what refused it."""
    prepared = sandbox.prepare(fence, layers)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of earlier tests stay outside
        child = os.fork()
    if child == 0:
        told = "done"
        try:
            sandbox.enter(prepared)
            act()
        except OSError as error:
            told = errno.errorcode.get(error.errno or 0, str(error))
        except BaseException as error:
            told = type(error).__name__
        finally:
            os.write(writer, told.encode())
            os._exit(0)
    os.close(writer)
    if prepared.rules is not None:
        os.close(prepared.rules)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


def called(name: str, *arguments: int) -> Callable[[], int]:
    """Return an act that makes a system call of this machine."""
    return lambda: kernel.call((REFUSED | JUDGED)[name][seccomp.machine().column], *arguments)


def readable(pid: int) -> bool:
    """Return whether another process of the same user, without capabilities, may read the environment of a process."""
    done = subprocess.run([*POWERLESS, "cat", f"/proc/{pid}/environ"], capture_output=True, timeout=20)
    assert not done.returncode or b"Permission denied" in done.stderr, done.stderr
    return not done.returncode
