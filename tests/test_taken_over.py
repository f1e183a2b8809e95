"""A worker of a server that a picture has taken over: what it was not given beforehand, it does not get."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fenced import HERE
from tests.serving import _MAIN, Served, serving, until
from tests.test_lost_worker import PLANT

CAT = "/unsafe/w:20/plain/local:///cat.jpg"
SECRETS = {"IMGPROXY_KEY": "aa", "IMGPROXY_SALT": "bb", "AWS_SECRET_ACCESS_KEY": "cc"}
FILES = {
    "environment of the front": "open(f'/proc/{front}/environ', 'rb').read()",
    "environment of the fork server": "open(f'/proc/{os.getppid()}/environ', 'rb').read()",
    "environment of another worker": "open(f'/proc/{others[0]}/environ', 'rb').read()",
    "another source": "open(FOLDER + '/photo.png', 'rb').read()",
    "list of sources": "os.listdir(FOLDER)",
    "new source": "open(FOLDER + '/new', 'wb').close()",
    "passwords": "open('/etc/passwd').read()",
}
"""What Landlock keeps from workers, as Python that runs in one."""
CALLS = {
    "socket of TCP": "socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()",
    "socket of UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()",
    "signal to the front": "os.kill(front, 0)",
    "signal to the fork server": "os.kill(os.getppid(), 0)",
    "signal to another worker": "os.kill(others[0], 0)",
    "a program": "subprocess.run(['true'])",
}
"""What seccomp keeps from them."""
_BEFORE = """
import errno, subprocess
FOLDER, front, others = {folder!r}, os.getppid(), []
os.register_at_fork(before=lambda: others.extend(map(int, open("/proc/thread-self/children").read().split())))
def attempt(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    except Exception as error:
        return repr(error)
    return "done"
acts = {{{acts}}}
"""
_TRY = """for name, act in acts.items(): os.write(1, f"tried {name}: {attempt(act)}\\n".encode())
os.write(1, f"tried keys: {sorted({*os.environ} & {*SECRETS})}\\n".encode())"""
_SERVE = """
import subprocess
start = subprocess.Popen
def popen(command, **options):
    if "foveola.server.forkserver" in command:
        at = command.index("-m")
        command = [*command[:at], "-c", {program!r}, *command[at + 2:]]
    return start(command, **options)
subprocess.Popen = popen
"""


def program(folder: Path) -> str:
    """Return a server in whose workers all acts are tried before each answer."""
    acts = ", ".join(f"{name!r}: lambda: {act}" for name, act in (FILES | CALLS).items())
    code = _TRY.replace("SECRETS", repr(list(SECRETS))).replace("\n", "\n    ")
    planted = PLANT.format(code=code, more=_BEFORE.format(folder=str(folder), acts=acts))
    return _SERVE.format(program=planted) + _MAIN


def tried(served: Served) -> dict[str, str]:
    """Return what came of each act in the first worker that was asked for a picture."""
    assert served.get(CAT).status == 200
    lines: list[str] = []

    def last() -> bool:
        lines[:] = [line for line in served.log.read_text().splitlines() if '"tried ' in line]
        return bool(lines) and '"tried keys: ' in lines[-1]

    assert until(last), served.log.read_text()
    told = (json.loads(line)["msg"].removeprefix("tried ").partition(": ") for line in lines)
    return {name: came for name, _, came in told}


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_worker_that_is_taken_over_gets_nothing(mode: str, folder: Path, tmp_path: Path) -> None:
    """Secrets it has not in any case: only a fence keeps it from getting them elsewhere."""
    ours = SECRETS | {"FOVEOLA_SANDBOX": mode}
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "TRUSTED_SIGNATURES": "unsafe", "LOG_FORMAT": "json"}
    with serving(tmp_path, ours, program=program(folder), WORKERS="2", **settings) as served:
        found = tried(served)

    assert found.pop("keys") == "[]"
    refused = {"landlock": dict.fromkeys(FILES, "EACCES"), "seccomp": dict.fromkeys(CALLS, "EPERM")}
    for layer, wanted in refused.items():
        if mode == "on" and not HERE[layer].startswith("available"):
            continue
        got = {name: found[name] for name in wanted}
        assert got == (wanted if mode == "on" else dict.fromkeys(wanted, "done")), layer
