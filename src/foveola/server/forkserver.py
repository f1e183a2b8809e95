"""The process that workers are forked from: started clean, before any picture, with an environment without secrets.

A worker that is killed must be replaced at once, and importing NumPy and libvips takes a tenth of a second each time;
here it is done once. Nothing is computed before the fork, because libvips starts threads when it first computes and a
fork would lose them. The standard library's fork server hands on the whole environment (`IMGPROXY_KEY` too) and runs
the caller's main module again, so this is a small one of our own, spoken to over one socket: a worker's end of a
channel and of a pipe for its words go in, its process descriptor comes out, and later how it ended.
Source: https://man7.org/linux/man-pages/man2/pidfd_open.2.html
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from foveola import sandbox
from foveola.sandbox import Fence, Prepared, kernel
from foveola.server import words
from foveola.server.jobs import LARGEST, receive, send

_log = logging.getLogger("foveola.worker")
KEPT = frozenset(
    {"LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_ARENA_MAX", "MALLOC_CONF", "PATH"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "TMPDIR", "TZ"}
    | {words.LEVEL}
)
"""What workers may see of the environment."""
SET = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""What they see besides: two arenas keep glibc from holding on to a third more memory; one thread a worker."""

FIRST_TO_GO = 500
"""How much likelier than others a worker is to be ended for want of memory, of 1000."""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of workers, made of the front's."""
    return SET | {name: value for name, value in environ.items() if name in KEPT}


def start(fence: Fence, said: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the process.

    Args:
        fence: what its workers are kept in.
        said: a descriptor that it writes its own words to.

    Returns:
        It, and our end of the socket that it is spoken to over; closing that ends it and all its workers.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    with theirs:
        command = [sys.executable, "-P", "-m", "foveola.server.forkserver", str(theirs.fileno()), fence.written()]
        try:
            process = subprocess.Popen(  # noqa: S603  # our own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment(os.environ),
                pass_fds=[theirs.fileno()],
            )
        except BaseException:
            ours.close()
            raise
    return process, ours


def main(descriptor: int, fence: Fence) -> None:
    """Import what workers need, then fork one for each message until the other side is gone."""
    from foveola.server import worker

    words.inherit(os.environ)
    _offer()
    sandbox.hide(fence)
    worker.preload()
    prepared = sandbox.prepare(fence)
    gc.freeze()  # workers share the memory of what nobody touches
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # sent to everyone of a group; the front acts on them
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as control, contextlib.suppress(ConnectionError):
        _serve(control, prepared)


def _offer() -> None:
    """Have the system, when it is short of memory, rather end a worker than the front or another service.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
    """
    try:
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    except OSError as error:
        _log.warning("Workers are not the first to be ended for want of memory: %s", error)


def _serve(control: socket.socket, prepared: Prepared) -> None:
    """Fork a worker for each message, and tell of each that has ended, until the other side is gone."""
    children: dict[int, int] = {}
    waiting = select.poll()  # unlike epoll it is no descriptor, which children would inherit
    waiting.register(control, select.POLLIN)
    while True:
        for ready, _ in waiting.poll():
            if ready in children:
                waiting.unregister(ready)
                os.close(ready)
                pid = children.pop(ready)
                send(control, _told(pid=pid, ended=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                continue
            message, descriptors = receive(control, 2)
            if not message:
                return
            with socket.socket(fileno=descriptors[0]) as channel, os.fdopen(descriptors[1], "wb", 0) as said:
                try:
                    child = _fork()
                except (OSError, RuntimeError) as error:
                    send(control, _told(error=str(error)))
                    continue
                if child == 0:
                    for descriptor in (control.detach(), *children):
                        os.close(descriptor)
                    _run(channel, said.fileno(), prepared)
            process = os.pidfd_open(child)
            children[process] = child
            waiting.register(process, select.POLLIN)
            send(control, _told(pid=child), [process])


def _fork() -> int:
    """Fork, unless there is a second thread: what it has locked would stay locked in the child for good.

    Raises:
        OSError: the system refuses.
        RuntimeError: there is one.
    """
    threads = sandbox.threads()
    if threads != 1:
        raise RuntimeError(f"Expected one thread in the process that forks, got {threads}")
    return os.fork()


def _told(**said: object) -> bytes:
    return json.dumps(said).encode()


def _run(channel: socket.socket, said: int, prepared: Prepared) -> NoReturn:
    """Be a worker, and never come back."""
    from foveola.server import worker

    status = 1
    try:
        for stream in (1, 2):
            os.dup2(said, stream)
        os.close(said)
        kernel.end_with_parent()
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))  # the memory of the result counts as a file
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sandbox.enter(prepared)
        worker.main(channel)
        status = 0
    except BaseException:  # the process ends here
        _log.exception("A worker has failed")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]), Fence.read(sys.argv[2]))
