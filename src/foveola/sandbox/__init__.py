"""What a worker can't do, though bytes from strangers have taken it over: layers that the kernel keeps.

A worker reads pictures with libraries in C, so it is taken for lost: what it was not given beforehand, it shall not
get. Each layer stands by itself; docs/security.md says what each stops and what it does not. The process that forks
prepares, each child enters before it has a second thread, because Landlock holds for the thread that asks for it.
Source: https://docs.kernel.org/userspace-api/no_new_privs.html
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from foveola.errors import ConfigError, expected
from foveola.sandbox import kernel, landlock, seccomp
from foveola.sandbox.places import WRITABLE, places

MODES = ("on", "require", "off")
NAME = "FOVEOLA_SANDBOX"
DESCRIPTORS = 256
"""How many a worker may have open."""
MEMORY = 6 << 30
"""Bytes of addresses that a worker may have besides those of its picture: code, threads, networks."""
MEMORY_A_PIXEL = 200
"""And for each pixel that a source may have."""


@dataclass(frozen=True)
class Fence:
    """What workers are kept in.

    Args:
        mode: `on`: every layer that the kernel has; `require`: all of them; `off`: none.
        readable: absolute paths of files that they may read besides those of every worker.
        pixels: how many a source may have; any number where it is 0.
    """

    mode: str = "on"
    readable: tuple[str, ...] = ()
    pixels: int = 0

    def written(self) -> str:
        """Return it as an argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Fence:
        """Return what was written."""
        said = json.loads(text)
        return cls(said["mode"], tuple(said["readable"]), said["pixels"])


@dataclass(frozen=True)
class Prepared:
    """What a child enters.

    Args:
        fence: what it is kept in.
        layers: those that are used.
        rules: a descriptor of the rules of Landlock, None without that layer.
    """

    fence: Fence
    layers: frozenset[str]
    rules: int | None


def _landlock() -> str:
    return f"ABI {landlock.version()}"


def _told(check: Callable[[], None]) -> Callable[[], str]:
    def told() -> str:
        check()
        return ""

    return told


def _linux() -> None:
    if sys.platform != "linux":
        raise OSError("this is no Linux")


LAYERS: dict[str, Callable[[], str]] = {
    "dumpable": _told(_linux),
    "no_new_privs": _told(kernel.check_privileges),
    "landlock": _landlock,
    "seccomp": _told(seccomp.check),
    "rlimits": _told(_linux),
}
"""What says more of a layer, or raises OSError where the machine does not have it."""


def examine() -> dict[str, str]:
    """Return what there is to say of each layer: `available`, or `missing` with the reason."""
    return {name: _examined(ask) for name, ask in LAYERS.items()}


def available() -> frozenset[str]:
    """Return the layers that this machine has."""
    return frozenset(name for name, said in examine().items() if said.startswith("available"))


def check(mode: str) -> None:
    """Find out whether all that is required is there.

    Raises:
        ConfigError: it is not.
    """
    missing = [f"{name} is {said}" for name, said in examine().items() if said.startswith("missing")]
    if mode == "require" and missing:
        raise ConfigError(f"{expected('a kernel with every layer', NAME, mode)}: {'; '.join(missing)}")


def hide(fence: Fence) -> None:
    """Let nothing of the same user look into this process, where the fence has that layer."""
    if fence.mode != "off" and "dumpable" in available():
        kernel.hide()


def prepare(fence: Fence, layers: frozenset[str] | None = None) -> Prepared:
    """Make what children enter; call it when all libraries are loaded.

    Args:
        fence: what they are kept in.
        layers: those to use; by default all that this machine has.
    """
    used = frozenset() if fence.mode == "off" else available() if layers is None else layers
    rules = landlock.ruleset(places(fence.readable), WRITABLE) if "landlock" in used else None
    return Prepared(fence, used, rules)


def threads() -> int:
    """Return the number of threads, those of libraries included; of Python's own only where there is no `/proc`."""
    tasks = Path("/proc/self/task")
    return len([*tasks.iterdir()]) if tasks.exists() else threading.active_count()


def enter(prepared: Prepared) -> None:
    """Be kept in what was prepared, for good.

    Raises:
        OSError: a layer can't be set.
        RuntimeError: there is a second thread already, which would go free.
    """
    if prepared.layers and threads() != 1:
        raise RuntimeError("Expected one thread in a worker that is not fenced yet")
    if "rlimits" in prepared.layers:
        _limit(resource.RLIMIT_NOFILE, DESCRIPTORS)
        if prepared.fence.pixels:
            _limit(resource.RLIMIT_AS, MEMORY + MEMORY_A_PIXEL * prepared.fence.pixels)
    if "no_new_privs" in prepared.layers:
        kernel.forbid_privileges()
    if prepared.rules is not None:
        landlock.enter(prepared.rules)
        os.close(prepared.rules)
    if "seccomp" in prepared.layers:
        seccomp.enter(os.getpid())


def _limit(what: int, most: int) -> None:
    """Set a limit, or keep what is tighter already."""
    _, hard = resource.getrlimit(what)
    tighter = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (tighter, tighter))


def _examined(ask: Callable[[], str]) -> str:
    try:
        more = ask()
    except OSError as error:
        return f"missing ({error.strerror or error})"
    return f"available ({more})" if more else "available"
