"""A filter of system calls: what no worker needs is refused, by a small program that the kernel runs before each call.

It is a list of what is refused, not of what is allowed, since libraries of many versions have to work; but a call that
is newer than the list is not there, and calls that can be asked for a hundred things have lists of what is allowed.
Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from foveola.sandbox import kernel
from foveola.sandbox.calls import (
    DESCRIPTOR_COMMANDS,
    DEVICE_COMMANDS,
    F_SETFL,
    JUDGED,
    NEWEST,
    OWN_COMMANDS,
    REFUSED,
    SHARED_FLAGS,
)

_SET_FILTER, _AVAILABLE = 1, 2
_TSYNC, _SPEC_ALLOW = 1, 4
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
KILL, ALLOW, _ERRNO = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
REFUSE, UNKNOWN = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x4000_0000
_CLONE_THREAD = 0x10000
_CLONE_NEW = 0x7E02_0000
"""All kinds of namespaces."""
_RLIMIT_CPU = 0

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
        *((_AT_LEAST, 0, 1, NEWEST + 1), (_RETURN, 0, 0, UNKNOWN)),
        # The newer call keeps its flags where a filter can't read them; libraries that don't find it take the older.
        *_judged(judged["clone3"], (_RETURN, 0, 0, UNKNOWN)),
        *_judged(judged["clone"], _argument(0), (_ANY_BIT, 0, 1, _CLONE_THREAD), (_ANY_BIT, 0, 1, _CLONE_NEW)),
        *_judged(judged["fcntl"], *_descriptors()),
        *_judged(judged["ioctl"], _argument(1), *_one_of(tuple(DEVICE_COMMANDS.values()))),
        *_judged(judged["prctl"], _argument(0), *_one_of(tuple(OWN_COMMANDS.values()))),
        *_judged(judged["prlimit64"], *_limits(own)),
        *_judged(judged["sched_setaffinity"], _argument(0), *_one_of((0, own))),
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


def _argument(index: int, *, upper: bool = False) -> Line:
    """Load half of an argument; both machines are little-endian, and of most the kernel reads the lower half only."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index + 4 * upper)


def _one_of(values: Sequence[int], more: int = 0) -> list[Line]:
    """Jump over the refusal for each value; so many more lines stand before that."""
    return [(_EQUAL, len(values) - at + more, 0, value) for at, value in enumerate(values)]


def _descriptors() -> list[Line]:
    """Judge `fcntl`: by its command, and F_SETFL by what it sets."""
    rest: list[Line] = [(_EQUAL, 0, 2, F_SETFL), _argument(2), (_ANY_BIT, 0, 1, SHARED_FLAGS)]
    return [_argument(1), *_one_of(tuple(DESCRIPTOR_COMMANDS.values()), len(rest)), *rest]


def _limits(own: int) -> list[Line]:
    """Judge `prlimit64`: a process reads its own limits and sets that of the processor; root could raise the others."""
    return [
        _argument(0),
        (_EQUAL, 1, 0, 0),
        (_EQUAL, 0, 6, own),
        _argument(1),
        (_EQUAL, 5, 0, _RLIMIT_CPU),
        _argument(2),
        (_EQUAL, 0, 2, 0),
        _argument(2, upper=True),
        (_EQUAL, 1, 0, 0),
    ]
