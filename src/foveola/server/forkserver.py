"""The process that workers are forked from: started clean, before any picture, with an environment without secrets.

A worker that is killed must be replaced at once, and importing NumPy and libvips takes a tenth of a second each time;
here it is done once. Nothing is computed before the fork, because libvips starts threads when it first computes and a
fork would lose them. The standard library's fork server hands on the whole environment (`IMGPROXY_KEY` too) and runs
the caller's main module again, so this is a small one of our own, spoken to over one socket: a worker's end of a
channel goes in, its process descriptor comes out, and later how it ended.
Source: https://man7.org/linux/man-pages/man2/pidfd_open.2.html
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import NoReturn

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
    ours.setblocking(False)
    with theirs:
        command = [sys.executable, "-P", "-m", "foveola.server.forkserver", str(theirs.fileno()), fence.written()]
        process = subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.DEVNULL, env=environment(os.environ), pass_fds=[theirs.fileno()]
        )
    return process, ours


def main(descriptor: int, fence: Fence) -> None:
    """Import what workers need, then fork one for each message until the other side is gone."""
    from foveola.server import worker

    logs.inherit(os.environ)
    sandbox.hide(fence)
    worker.preload()
    prepared = sandbox.prepare(fence)
    gc.freeze()  # workers share the memory of what nobody touches
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal and a service manager signal everyone; the front drains
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as control, contextlib.suppress(ConnectionError):
        _serve(control, prepared)


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
            message, descriptors = receive(control, 1)
            if not message:
                return
            with socket.socket(fileno=descriptors[0]) as channel:
                try:
                    child = os.fork()
                except OSError as error:
                    send(control, _told(error=str(error)))
                    continue
                if child == 0:
                    for descriptor in (control.detach(), *children):
                        os.close(descriptor)
                    _run(channel, prepared)
            process = os.pidfd_open(child)
            children[process] = child
            waiting.register(process, select.POLLIN)
            send(control, _told(pid=child), [process])


def _told(**said: object) -> bytes:
    return json.dumps(said).encode()


def _run(channel: socket.socket, prepared: Prepared) -> NoReturn:
    """Be a worker, and never come back."""
    from foveola.server import worker

    status = 1
    try:
        sandbox.enter(prepared)
        worker.main(channel)
        status = 0
    except BaseException:  # the process ends here
        _log.exception("A worker has failed")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]), Fence.read(sys.argv[2]))
