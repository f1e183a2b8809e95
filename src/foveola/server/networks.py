"""Whether the networks that the settings name can be used, found out before the server listens.

The front has no code that works on pictures, and OpenVINO starts threads, after which no process may be forked. So the
networks are tried in a process of their own, which ends; workers read theirs when they first need them. A network may
come from a stranger as a picture does, and OpenVINO is as large as what reads pictures: that process is kept in what
workers are kept in, and what it says is looked at before it is repeated.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from typing import BinaryIO

from foveola import sandbox
from foveola.config import PREFIX, Settings
from foveola.errors import ConfigError
from foveola.sandbox import Fence
from foveola.server.forkserver import environment
from foveola.server.words import inherit, tell

SECONDS = 120
"""How long that may take."""
MOST = 1 << 20
"""Bytes that it may say, and as many that it may log."""


def check(settings: Settings, environ: dict[str, str]) -> None:
    """Try the networks that the settings name.

    Args:
        settings: what the environment says.
        environ: the environment, of which the process sees as little as workers do; nor can it do more.

    Raises:
        ConfigError: one or more can't be used; its message has a line for each.
    """
    named = {
        f"{PREFIX}AUTOQUALITY_{format}_NET".upper(): [path, format]
        for format, path in settings.networks.items()
        if path not in ("", "none")
    }
    if not named:
        return
    given = json.dumps({"named": named, "inference": asdict(settings.inference)}).encode()
    try:
        problems = _read(_tried(settings.fence, given, environment(environ)))
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise ConfigError(f"The networks of {', '.join(named)} can't be tried: {error}") from error
    if problems:
        raise ConfigError("\n".join(problems))


def _tried(fence: Fence, given: bytes, environ: dict[str, str]) -> bytes:
    """Return what the process has written; its log becomes ours.

    Raises:
        SubprocessError: it has failed, or takes too long.
    """
    command = [sys.executable, "-P", "-m", "foveola.server.networks", fence.written()]
    with _memory() as said, _memory() as log:
        try:
            subprocess.run(  # noqa: S603  # our own module
                command, input=given, stdout=said, stderr=log, env=environ, timeout=SECONDS, check=True
            )
        finally:
            tell(_written(log), {"networks": "tried"})
        return _written(said)


def _memory() -> BinaryIO:
    return os.fdopen(os.memfd_create("foveola-networks", os.MFD_CLOEXEC), "wb", 0)


def _written(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), MOST, 0)


def _read(said: bytes) -> list[str]:
    """Return the problems that the process has written.

    Raises:
        ValueError: it has written something else.
    """
    problems = json.loads(said)
    if not isinstance(problems, list) or not all(isinstance(problem, str) for problem in problems):
        raise ValueError("it does not say which")
    return [" ".join(problem.split()) for problem in problems]


def main(fence: Fence) -> None:
    """Enter the fence, try the networks that stdin names, and write the problems to stdout."""
    sandbox.hide(fence)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))  # what it says is kept in memory
    sandbox.enter(sandbox.prepare(fence))
    from foveola.networks import choose
    from foveola.settings import Inference

    given, problems = json.load(sys.stdin), []
    inference = Inference(**given["inference"])
    for name, (path, format) in given["named"].items():
        try:
            choose(path, format, name=name, inference=inference)
        except ConfigError as error:
            problems.append(str(error))
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    sys.stderr = ours = os.fdopen(os.dup(2), "w")  # for OpenVINO writes to the other one what it can't read of a file
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    inherit(os.environ, ours.fileno())
    main(Fence.read(sys.argv[1]))
