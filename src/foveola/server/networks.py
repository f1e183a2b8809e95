"""Whether the networks that the settings name can be used, found out before the server listens.

The front has no code that works on pictures, and OpenVINO starts threads, after which no process may be forked. So the
networks are tried in a process of their own, which ends; workers read theirs when they first need them. A network may
come from a stranger as a picture does, and OpenVINO is as large as what reads pictures: that process is kept in what
workers are kept in, and what it says is looked at before it is repeated.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
from dataclasses import asdict

from foveola import sandbox
from foveola.config import PREFIX, Settings
from foveola.errors import ConfigError
from foveola.sandbox import Fence
from foveola.server.forkserver import environment

_log = logging.getLogger("foveola.networks")
SECONDS = 120
"""How long that may take."""


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
    command = [sys.executable, "-P", "-m", "foveola.server.networks", settings.fence.written()]
    given = json.dumps({"named": named, "inference": asdict(settings.inference)}).encode()
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            command, input=given, stdout=subprocess.PIPE, env=environment(environ), timeout=SECONDS, check=True
        )
        problems = _read(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise ConfigError(f"The networks of {', '.join(named)} can't be tried: {error}") from error
    if problems:
        raise ConfigError("\n".join(problems))


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
    sandbox.enter(sandbox.prepare(fence))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
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
    logging.basicConfig(stream=ours, level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    main(Fence.read(sys.argv[1]))
