"""The process that workers are forked from: started clean, before any picture, with an environment without secrets.

A worker that is killed must be replaced at once, and importing NumPy and libvips takes a tenth of a second each time;
here it is done once. Nothing is computed before the fork, because libvips starts threads when it first computes and a
fork would lose them. The standard library's fork server hands on the whole environment (`IMGPROXY_KEY` too) and runs
the caller's main module again, so this is a small one of our own, spoken to over one socket: a worker's end of a
channel goes in, its process descriptor comes out. Source: https://man7.org/linux/man-pages/man2/pidfd_open.2.html
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping

from foveola import sandbox
from foveola.sandbox import Fence, Prepared
from foveola.server import logs
from foveola.server.jobs import receive, send

_log = logging.getLogger("foveola.worker")
KEPT = frozenset(
    {"LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_ARENA_MAX", "MALLOC_CONF", "PATH"}
    | {"PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "TMPDIR", "TZ"}
    | {"NO_COLOR", *logs.NAMES}
)
"""What workers may see of the environment."""
SET = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""What they see besides: two arenas keep glibc from holding on to a third more memory; one thread a worker."""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of workers, made of the front's."""
    return SET | {name: value for name, value in environ.items() if name in KEPT}


def start(fence: Fence) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the process.

    Args:
        fence: what its workers are kept in.

    Returns:
        It, and our end of the socket that it is spoken to over; closing that ends it and all its workers.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-P", "-m", "foveola.server.forkserver", str(theirs.fileno()), fence.written()]
        process = subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.DEVNULL, env=environment(os.environ), pass_fds=[theirs.fileno()]
        )
    return process, ours


def fork(control: socket.socket, channel: socket.socket) -> int:
    """Have a worker forked that talks over `channel`; return its process descriptor.

    Raises:
        OSError: the process that should fork is gone.
    """
    send(control, b"fork", [channel.fileno()])
    message, descriptors = receive(control, 1)
    if not message or len(descriptors) != 1:
        raise ConnectionError("The fork server is gone")
    return descriptors[0]


def main(descriptor: int, fence: Fence) -> None:
    """Import what workers need, then fork one for each message until the other side is gone."""
    from foveola.server import worker

    logs.inherit(os.environ)
    sandbox.hide(fence)
    worker.preload()
    prepared = sandbox.prepare(fence)
    gc.freeze()  # workers share the memory of what nobody touches
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # sent to everyone of a group; the front acts on them
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as control:
        while True:
            message, descriptors = receive(control, 1)
            _reap()
            if not message:
                return
            with socket.socket(fileno=descriptors[0]) as channel:
                child = os.fork()
                if child == 0:
                    control.close()
                    _run(worker.main, channel, prepared)
                process = os.pidfd_open(child)
                send(control, b"forked", [process])
                os.close(process)


def _run(work: object, channel: socket.socket, prepared: Prepared) -> None:
    """Be a worker, and never come back."""
    status = 1
    try:
        assert callable(work)
        sandbox.enter(prepared)
        work(channel)
        status = 0
    except BaseException:  # the process ends here
        _log.exception("A worker has failed")
    finally:
        os._exit(status)


def _reap() -> None:
    """Let workers go that have ended, and say so of those that have crashed."""
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            code = os.waitstatus_to_exitcode(found[1])
            if code not in (0, -signal.SIGKILL):
                _log.error("Worker %d ended with %d", found[0], code)
    except ChildProcessError:
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), Fence.read(sys.argv[2]))
