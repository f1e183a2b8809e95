"""A filter of system calls: what no worker needs is refused, by a small program that the kernel runs before each call.

It is a list of what is refused, not of what is allowed: libraries of many versions have to work, and a call that is new
in a kernel is not refused. Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from foveola.sandbox import kernel
from foveola.sandbox.calls import JUDGED, REFUSED

_SET_FILTER, _AVAILABLE = 1, 2
_TSYNC, _SPEC_ALLOW = 1, 4
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
KILL, ALLOW, _ERRNO = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
REFUSE, UNKNOWN = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x4000_0000
_CLONE_THREAD = 0x10000
_TYPED = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into a terminal."""

Line = tuple[int, int, int, int]
"""An instruction: its code, how many to skip if true and if not, a number."""


@dataclass(frozen=True)
class Machine:
    """A kind of processor.

    Args:
        architecture: its number in what a filter sees.
        column: its place in the tables of calls.
        seccomp: the number of the call that sets filters.
        x32: whether it has a second set of calls above 2**30.
    """

    architecture: int
    column: int
    seccomp: int
    x32: bool


MACHINES = {
    "x86_64": Machine(0xC000_003E, 0, 317, True),
    "aarch64": Machine(0xC000_00B7, 1, 277, False),
}


def machine() -> Machine:
    """Return what this machine is.

    Raises:
        OSError: the numbers of its system calls are not known here.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(f"the system calls of {name} are not known")
    return MACHINES[name]


def check() -> None:
    """Find out whether filters can be set.

    Raises:
        OSError: they can't.
    """
    kernel.call(machine().seccomp, _AVAILABLE, 0, struct.pack("I", _ERRNO))


def enter(own: int) -> None:
    """Have this process and all that it starts filtered until they end.

    Args:
        own: its number.

    Raises:
        OSError: that can't be.
    """
    here = machine()
    lines = program(here, own)
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    described = struct.pack("@HP", len(lines), ctypes.addressof(text))
    kernel.call(here.seccomp, _SET_FILTER, _TSYNC | _SPEC_ALLOW, described)


def program(machine: Machine, own: int) -> list[Line]:
    """Return the filter.

    Args:
        machine: what it runs on.
        own: the number of the process, which may signal itself.
    """
    judged = {name: numbers[machine.column] for name, numbers in JUDGED.items()}
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        *([(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, REFUSE)] if machine.x32 else []),
        # The newer call keeps its flags where a filter can't read them; libraries that don't find it take the older.
        *_judged(judged["clone3"], (_RETURN, 0, 0, UNKNOWN)),
        *_judged(judged["clone"], _argument(0), (_ANY_BIT, 1, 0, _CLONE_THREAD)),
        *_judged(judged["ioctl"], _argument(1), *_none_of(_TYPED)),
        *_judged(judged["prlimit64"], _argument(0), *_one_of((0, own))),
    ]
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        lines += _judged(judged[name], _argument(0), *_one_of((own,)))
    for numbers in REFUSED.values():
        if numbers[machine.column] >= 0:
            lines += [(_EQUAL, 0, 1, numbers[machine.column]), (_RETURN, 0, 0, REFUSE)]
    return [*lines, (_RETURN, 0, 0, ALLOW)]


def _judged(number: int, *lines: Line) -> list[Line]:
    """Return lines for one call: those given, which fall through to a refusal or skip it to be allowed."""
    return [(_EQUAL, 0, len(lines) + 2, number), *lines, (_RETURN, 0, 0, REFUSE), (_RETURN, 0, 0, ALLOW)]


def _argument(index: int) -> Line:
    """Load the lower half of an argument; both machines are little-endian, and the kernel reads no more of these."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _one_of(values: Sequence[int]) -> list[Line]:
    return [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]


def _none_of(values: Sequence[int]) -> list[Line]:
    """Jump to the refusal for each value, and over it for any other."""
    last = len(values) - 1
    return [(_EQUAL, last - at, int(at == last), value) for at, value in enumerate(values)]
