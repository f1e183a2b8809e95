"""The filter of system calls: what it says of each call on either machine, and what a kept process is refused."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest

from foveola import sandbox
from foveola.sandbox import kernel, seccomp
from foveola.sandbox.calls import DESCRIPTOR_COMMANDS, DEVICE_COMMANDS, JUDGED, NEWEST, OWN_COMMANDS, REFUSED
from tests.fenced import called, kept, needs


def ran(program: Sequence[seccomp.Line], architecture: int, number: int, *arguments: int) -> int:
    """Run a filter as the kernel does, and return its verdict."""
    words = {0: number, 4: architecture}
    for index, argument in enumerate(arguments):
        words[16 + 8 * index], words[20 + 8 * index] = argument & 0xFFFF_FFFF, argument >> 32 & 0xFFFF_FFFF
    held, at = 0, 0
    while True:
        code, if_true, if_not, value = program[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            held = words.get(value, 0)
        else:
            true = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += if_true if true else if_not


MACHINES = tuple(seccomp.MACHINES)


@pytest.mark.parametrize("name", MACHINES)
def test_the_filter_of_either_machine_refuses_what_it_shall(name: str) -> None:
    machine = seccomp.MACHINES[name]
    program = seccomp.program(machine, 77)

    def verdict(call: str, *arguments: int) -> int:
        return ran(program, machine.architecture, (REFUSED | JUDGED)[call][machine.column], *arguments)

    for call in REFUSED:
        if REFUSED[call][machine.column] >= 0:
            assert verdict(call) == seccomp.REFUSE
    for call, own in product(("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"), (77, 1, 0, -1, -77)):
        assert verdict(call, own) == (seccomp.ALLOW if own == 77 else seccomp.REFUSE)
    assert [verdict("clone", flags) for flags in (0x3D0F00, 17, 0x403D0F00)] == [seccomp.ALLOW] + [seccomp.REFUSE] * 2
    assert verdict("clone3") == seccomp.UNKNOWN


@pytest.mark.parametrize("name", MACHINES)
def test_the_filter_lets_the_rest_pass_and_ends_what_speaks_another_language(name: str) -> None:
    machine = seccomp.MACHINES[name]
    program = seccomp.program(machine, 77)
    known = {numbers[machine.column] for numbers in (REFUSED | JUDGED).values()}

    others = [number for number in range(NEWEST + 1) if number not in known]
    assert {ran(program, machine.architecture, number) for number in others} == {seccomp.ALLOW}
    assert {ran(program, machine.architecture, number) for number in range(NEWEST + 1, 600)} == {seccomp.UNKNOWN}
    assert ran(program, 0x4000_0003, 1) == seccomp.KILL
    assert ran(program, machine.architecture, 0x4000_0001) == (seccomp.REFUSE if machine.x32 else seccomp.UNKNOWN)
    assert len(program) < 4096
    assert all(struct.pack("=HBBI", *line) for line in program)


@pytest.mark.parametrize("name", MACHINES)
def test_what_can_be_asked_for_much_is_judged_by_what_is_asked(name: str) -> None:
    machine = seccomp.MACHINES[name]
    program = seccomp.program(machine, 77)

    def allowed(call: str, *arguments: int) -> bool:
        said = ran(program, machine.architecture, JUDGED[call][machine.column], *arguments)
        assert said in (seccomp.ALLOW, seccomp.REFUSE)
        return said == seccomp.ALLOW

    commands = range(1100)
    assert {what for what in commands if allowed("fcntl", 9, what)} == {*DESCRIPTOR_COMMANDS.values(), fcntl.F_SETFL}
    flags = {1 << bit for bit in range(22) if not allowed("fcntl", 9, fcntl.F_SETFL, 1 << bit)}
    assert flags == {os.O_APPEND, 0x2000, 0x4000, 0x10000, os.O_NOATIME}
    assert allowed("fcntl", 9, fcntl.F_SETFL, os.O_NONBLOCK | os.O_RDWR)
    assert {what for what in range(0x5400, 0x5500) if not allowed("ioctl", 9, what)} >= {0x5412, 0x541C, 0x5452}
    assert all(allowed("ioctl", 9, what) for what in DEVICE_COMMANDS.values())
    assert not any(allowed("ioctl", 9, what) for what in (0x8901, 0x8902, 0x40049409))  # FIOSETOWN, SIOCSPGRP, FICLONE
    assert {what for what in range(100) if allowed("prctl", what)} == {*OWN_COMMANDS.values()} - {0x5356_4D41}
    assert allowed("prctl", 0x5356_4D41)
    assert not allowed("prctl", 0x5961_6D61)  # PR_SET_PTRACER
    assert [allowed("sched_setaffinity", pid) for pid in (0, 77, 1)] == [True, True, False]
    assert [allowed("prlimit64", pid, 9, 0, 1 << 40) for pid in (0, 77, 1)] == [True, True, False]
    assert [allowed("prlimit64", 0, limit, 1 << 40) for limit in (0, 1, 9)] == [True, False, False]
    assert not allowed("prlimit64", 0, 9, 1)


def owned(descriptor: int, command: int, value: int) -> Callable[[], object]:
    """Return an act of `fcntl` on a descriptor of this process."""
    return lambda: fcntl.fcntl(descriptor, command, value)


ACTS: dict[str, Callable[[], object]] = {
    "signals by input": owned(0, fcntl.F_SETOWN, os.getpid()),
    "which signal": owned(0, getattr(fcntl, "F_SETSIG", 10), 9),
    "signals by input, switched on": owned(0, fcntl.F_SETFL, 0x2000),
    "signals by input, by ioctl": called("ioctl", 0, 0x5452, 0),
    "their owner, by ioctl": called("ioctl", 0, 0x8901, 0),
    "their owner, by ioctl of sockets": called("ioctl", 0, 0x8902, 0),
    "a lease": owned(0, fcntl.F_SETLEASE, fcntl.F_WRLCK),
    "notices of a folder": owned(0, fcntl.F_NOTIFY, 1),
    "a lock": lambda: fcntl.flock(0, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "a lock of a part": lambda: fcntl.lockf(0, fcntl.LOCK_SH | fcntl.LOCK_NB),
    "a lock of a description": called("fcntl", 0, 37, 0),
    "a seal": owned(0, 1033, 1),
    "a large pipe": owned(0, 1031, 1 << 20),
    "appending to what others write": owned(0, fcntl.F_SETFL, os.O_APPEND),
    "processors of others": lambda: os.sched_setaffinity(os.getppid(), {0}),
    "turns of others": lambda: os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0)),
    "turns of its own": lambda: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)),
    "turns, said otherwise": called("sched_setattr", 0, 0, 0),
    "parameters of turns": called("sched_setparam", 0, 0),
    "names in a folder": called("inotify_init1", 0),
    "names in a folder, watched already": called("inotify_add_watch", 0, 0, 0),
    "cutting off": lambda: os.ftruncate(1, 0),
    "holes in a file": called("fallocate", 1, 3, 0, 1),
    "writing all disks": called("sync"),
    "memory of its own": lambda: os.memfd_create("own"),
    "secret memory": called("memfd_secret", 0),
    "living on": called("prctl", 1, 0),
    "being looked into": called("prctl", 4, 1),
    "another filter": called("seccomp", 1, 0, 0),
    "raising a limit": called("prlimit64", 0, resource.RLIMIT_AS, 1, 0),
    "raising a limit, said otherwise": called("setrlimit", resource.RLIMIT_AS, 0),
    "a group of its own": os.setsid,
    "another user": lambda: os.setuid(os.getuid()),
    "a larger queue to the front": called("setsockopt", 0, 1, 7, 0, 0),
    "a copy of mounts": called("open_tree_attr", -100, 0, 0, 0, 0),
    "what a file is": called("file_setattr", -100, 0, 0, 0, 0),
    "reading beside the processor": called("io_setup", 1, 0),
    "a namespace for a thread": called("clone", 0x4001_0F00, 0, 0, 0, 0),
    "a folder": Path("/nowhere/at/all").mkdir,
    "a link": lambda: Path("/nowhere/at/all").symlink_to("a"),
    "removing": Path("/nowhere/at/all").unlink,
}


@needs("seccomp")
@pytest.mark.parametrize("name", ACTS)
def test_what_reaches_others_is_refused_by_seccomp_alone(name: str) -> None:
    assert kept(ACTS[name], frozenset({"no_new_privs", "seccomp"})) == "EPERM"


FREE: dict[str, Callable[[], object]] = {
    "another descriptor": lambda: os.dup(0),
    "another, for itself": owned(0, fcntl.F_DUPFD_CLOEXEC, 9),
    "whether it blocks": lambda: os.set_blocking(1, False),
    "whether a terminal": lambda: os.isatty(0),
    "its processors": lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
    "its time": lambda: resource.setrlimit(resource.RLIMIT_CPU, (1000, resource.RLIM_INFINITY)),
}


@needs("seccomp")
@pytest.mark.parametrize("name", FREE)
def test_what_reaches_nobody_is_not(name: str) -> None:
    assert kept(FREE[name], sandbox.available()) == "done"


@needs("seccomp")
def test_a_call_that_is_newer_than_the_list_is_not_there() -> None:
    assert kept(lambda: kernel.call(NEWEST + 1, 0, 0), frozenset({"no_new_privs", "seccomp"})) == "ENOSYS"
    assert kept(lambda: kernel.call(548, 0, 0), frozenset({"no_new_privs", "seccomp"})) == "ENOSYS"
