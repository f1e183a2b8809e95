"""A worker: one process that works on one picture at a time and may be killed at any moment.

Some encoders can't be interrupted, and decoders of hostile bytes crash; both end here, without harm to anyone else. A
worker has no network and no secrets; it is handed the settings as values, once, and then jobs. It is forked by
`foveola.server.forkserver`, which has imported this module. Source: docs/design.md, "Server"
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import os
import resource
import socket
import time
import traceback
from collections.abc import Callable
from importlib import import_module

from PIL import Image

from foveola.codecs import NAMES, codec, pillow, vips
from foveola.decisions.page import build, page_of, told
from foveola.errors import CodecError, FoveolaError, ImageError
from foveola.info import tell
from foveola.options import ProcessingOptions
from foveola.picture import format_of
from foveola.pipeline import Accepted, Defaults, Rendered, Saving, plan, render
from foveola.pipeline.cost import cost, cost_of_facts
from foveola.remembered import Remembered
from foveola.server import glib, logs
from foveola.server.jobs import (
    BEGUN,
    READY,
    Facts,
    Job,
    TextFacts,
    UnknownTypeError,
    check_cost,
    receive,
    refusal,
    reply,
    send,
    unpack,
)
from foveola.server.vipsmemory import held
from foveola.transform.load import header_of
from foveola.transform.opening import picked

_log = logging.getLogger("foveola.worker")
_WARNINGS = 10
"""How many of libvips' are written down for one picture."""
CORES = 4
"""More cores than a job keeps busy: the encoder of AVIF has threads, and two encodes may run side by side."""
MARGIN = 1.5
"""How many times the longest look so far the next one may take."""


class Deadline:
    """Whether a search has to end: there is no time left for another look.

    The core has no clock, so this is called before the first look and between looks, and measures them by itself.

    Args:
        until: when the last look has to be done, by `clock`.
        clock: seconds.
    """

    def __init__(self, until: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._until = until
        self._clock = clock
        self._before: float | None = None
        self._longest = 0.0

    def __call__(self) -> bool:
        """Return whether the next look would not be done in time."""
        now = self._clock()
        if self._before is not None:
            self._longest = max(self._longest, now - self._before)
        self._before = now
        return now + MARGIN * self._longest >= self._until


def preload() -> None:
    """Import what any picture may need, and compute nothing: what is forked from here starts with all of it."""
    for module in ("transform.saving", "transform.steps", "info.facts"):
        import_module(f"foveola.{module}")
    for name in NAMES:
        with contextlib.suppress(CodecError):  # a missing library costs only its format
            codec(name)
    glib.catch()
    pillow.fence()
    vips.fence()
    build()


def main(channel: socket.socket) -> None:
    """Take the settings, say that we are ready, then do jobs until the other side is gone."""
    message, _ = receive(channel)
    defaults: Defaults = unpack(message)
    warnings = logs.Few(_WARNINGS)
    for name in ("pyvips", glib.NAME):
        logging.getLogger(name).addFilter(warnings)
    warm(defaults)
    send(channel, READY)
    while True:
        message, descriptors = receive(channel, 3)
        if not message:
            return
        send(channel, BEGUN)
        warnings.begin()
        job: Job = unpack(message)
        _limit_cpu(job)
        send(channel, answer(job, defaults, *descriptors))
        for descriptor in descriptors:
            os.close(descriptor)


def warm(defaults: Defaults) -> None:
    """Make a small picture of a small picture, since the first one takes libvips ten times as long as the second."""
    with io.BytesIO() as file:
        Image.new("RGB", (16, 16)).save(file, "JPEG")
        source = file.getvalue()
    for format in ("jpeg", "webp"):
        with contextlib.suppress(FoveolaError):  # settings may forbid even that
            work(source, Job(len(source), ProcessingOptions(width=8, format=format), Accepted(), 0.0), defaults)


def _limit_cpu(job: Job) -> None:
    """Let the system end this process, should it compute on when its time is over and nobody is there to end it."""
    left = max(job.until - time.monotonic(), 0)
    most = math.ceil(time.process_time() + CORES * (left + 1))
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def answer(job: Job, defaults: Defaults, source: int, result: int, watermark: int | None = None) -> bytes:
    """Do one job.

    Args:
        job: what to do.
        defaults: what is done where it says nothing.
        source: a descriptor of the file's bytes.
        result: a descriptor that the finished file is written to.
        watermark: a descriptor of the watermark's bytes, None where there is none.

    Returns:
        The message about it; an error that no one foresaw is logged and told as `Internal error`.
    """
    try:
        data = _read(source, job.size)
        if job.kind == "info":
            if job.info.decodes:
                check_cost(cost_of_facts(header_of(data), len(data)), job)
            text = json.dumps(tell(data, job.info, defaults.limits), ensure_ascii=False).encode("utf-8", "replace")
            _write(result, text)
            return reply(TextFacts(len(text), held()))
        mark = None if watermark is None else _read(watermark, job.watermark)
        rendered = work(data, job, defaults, mark)
        _write(result, rendered.data)
        return reply(facts_of(rendered, job))
    except FoveolaError as error:
        return refusal(error, traceback.format_exc())
    except Exception as error:  # the boundary of the process
        _log.exception("Unforeseen error")
        return refusal(FoveolaError(f"{type(error).__name__}: {error}"), traceback.format_exc())


def work(data: bytes, job: Job, defaults: Defaults, mark: bytes | None = None) -> Rendered:
    """Plan by the header, then render until the time is nearly over."""
    format = _known(data)
    data = picked(data, job.options, defaults)
    header = header_of(data, unlimited=defaults.unlimited(format))
    planned = plan(header, job.options, defaults, job.accepted)
    marked = None if mark is None else header_of(mark)
    check_cost(cost(planned, len(data), marked, job.workers), job)

    def decide(saving: Saving) -> tuple[Saving, Remembered]:
        return saving, told(page_of(planned, saving, job.decisions), job.check)

    return render(data, planned, Deadline(job.until), decide, job.workers, mark)


def facts_of(rendered: Rendered, job: Job) -> Facts:
    """Return what the front has to know of a finished file."""
    result, saving = rendered.result, rendered.saving
    page = page_of(rendered.plan, saving, job.decisions) if saving else None
    memory, decision = page.outcome(result, job.check) if page else ("", None)
    return Facts(
        format=rendered.format,
        origin=rendered.origin,
        size=rendered.size,
        bytes=result.bytes,
        method=result.method,
        quality=result.quality,
        dssim=None if result.dssim is None else float(result.dssim),
        encodes=result.encodes,
        met=result.met,
        why=result.why,
        memory=memory,
        decision=decision,
        vips=held(),
    )


def _known(data: bytes) -> str:
    """Return the format of a file; refuse what is in none that is read.

    Raises:
        UnknownTypeError: it is not.
    """
    try:
        return format_of(data)
    except ImageError as error:
        raise UnknownTypeError(str(error)) from None


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    done = 0
    while done < size and (part := os.pread(descriptor, size - done, done)):
        parts.append(part)
        done += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    done = 0
    while done < len(view):
        done += os.pwrite(descriptor, view[done:], done)
