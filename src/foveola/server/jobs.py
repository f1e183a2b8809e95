"""What the front and a worker say to each other, beside the memory that they share: job, `begun`, reply.

The front is believed: its job is a pickle. A worker has had hostile bytes in its hands, so its reply is JSON, and every
value is checked before it is used; the file itself is written into memory that the front made, which therefore can't
be anything else than what it is. Source: https://docs.python.org/3/library/pickle.html (the warning at its top)
"""

from __future__ import annotations

import json
import math
import pickle
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from foveola.decisions import Decision
from foveola.errors import FoveolaError, ImageError
from foveola.goal import METHODS
from foveola.options import ProcessingOptions
from foveola.picture import FORMATS
from foveola.pipeline import Accepted
from foveola.pipeline.cost import Cost
from foveola.server.vipsmemory import NOTHING, Held

T = TypeVar("T")

READY, BEGUN = b"ready", b"begun"
"""What a worker says first, and when it has taken a job."""
LIMIT = 1 << 17
"""Bytes of a message; options that need more are refused."""
LARGEST = 1 << 30
"""Bytes of a result; more than any format's encoder writes within the limits of a side."""
UNLIMITED = 1 << 62
"""Bytes of memory for whoever may take any number."""
MEMORY = ("", "new", "near", "hit", "checked", "spoiled")
"""What memory did for a result: nothing was searched for or remembered; a search knew nothing of its source; it knew
the like; it knew the answer; that was measured again and found true; or found wrong, so that the search began anew."""
WHYS = ("met", "at_min", "at_max", "between_steps", "deadline", "max_encodes", "trusted", "fixed")


@dataclass(frozen=True)
class Job:
    """One picture to work on; its bytes and the place for the result come as two descriptors, a watermark as a third.

    Args:
        size: bytes of the source.
        options: what the URL asks for.
        accepted: what the client accepts.
        until: when the search has to end, by `time.monotonic`.
        decisions: what is remembered of the source; None where nothing is to be remembered.
        check: whether a remembered answer is measured again.
        workers: how many encodes may run side by side, 1 or 2.
        kind: whether a picture is made, or told about.
        info: what is told.
        watermark: bytes of the watermark; 0 for none.
        memory: bytes that it may need by the estimate of its cost; who sees that it needs more does not begin.
        heavy: whether it may take long; who sees that it does, and may not, does not begin.
    """

    size: int
    options: ProcessingOptions
    accepted: Accepted
    until: float
    decisions: tuple[Decision, ...] | None = None
    check: bool = False
    workers: int = 1
    kind: Literal["picture", "info"] = "picture"
    info: Any = None
    watermark: int = 0
    memory: int = UNLIMITED
    heavy: bool = True


@dataclass(frozen=True)
class Facts:
    """What is true of a result; its bytes are in the memory that came with the job.

    Args:
        format: name of its format.
        origin: width and height of the upright source, pixels.
        size: width and height of the result, pixels.
        bytes: of the file.
        method: what was asked of the search.
        quality: what was chosen; None where the format has none.
        dssim: to the picture that was encoded; None where it was not measured.
        encodes: calls of the encoder.
        met: whether the target was met; None where nothing was asked.
        why: what ended the search.
        memory: what memory did for it, a word of `MEMORY`.
        decision: what is to be remembered.
        vips: what libvips holds in the worker.
    """

    format: str
    origin: tuple[int, int]
    size: tuple[int, int]
    bytes: int
    method: str
    quality: int | None
    dssim: float | None
    encodes: int
    met: bool | None
    why: str
    memory: str = ""
    decision: Decision | None = None
    vips: Held = NOTHING

    @property
    def autoquality(self) -> str:
        """The value of the `X-Autoquality` header; unknown values are left out."""
        dssim = None if self.dssim is None else f"{self.dssim:.5f}"
        met = None if self.met is None else str(self.met).lower()
        pairs = (
            ("method", self.method),
            ("quality", self.quality),
            ("dssim", dssim),
            ("bytes", self.bytes),
            ("encodes", self.encodes),
            ("met", met),
            ("why", self.why),
        )
        return ", ".join(f"{name}={value}" for name, value in pairs if value is not None)


@dataclass(frozen=True)
class TextFacts:
    """What a worker says of a text that it has written.

    Args:
        bytes: of the text.
        vips: what libvips holds in the worker.
    """

    bytes: int
    vips: Held = NOTHING


class WorkerError(FoveolaError):
    """A worker can't be had, has crashed, or said what no worker says."""


class KilledError(WorkerError):
    """A worker was killed by someone else, perhaps by the system for want of memory; its picture may be innocent."""

    status = 503


class CostlyError(FoveolaError):
    """A job costs more than it was granted; nothing was done.

    Args:
        cost: what it is estimated to cost.
    """

    def __init__(self, cost: Cost) -> None:
        super().__init__(f"A job needs {cost.memory} bytes and {cost.seconds:.1f} s")
        self.cost = cost


class UnknownTypeError(ImageError):
    """The bytes are in no format that is read: what was fetched is no picture at all."""

    public = "Invalid source image"


def pack(value: object) -> bytes:
    """Return the message of the front: a job, or the settings that a worker starts with."""
    return pickle.dumps(value)


def unpack(message: bytes) -> Any:
    """Return the value of a message of the front; never to be used on a message of a worker."""
    return pickle.loads(message)  # noqa: S301  # from the front


def reply(facts: Facts | TextFacts) -> bytes:
    """Return a worker's message about a finished file or text."""
    return json.dumps(asdict(facts)).encode()


def check_cost(cost: Cost, job: Job) -> None:
    """Refuse to do a job that costs more than it was granted.

    Raises:
        CostlyError: it does.
    """
    if cost.memory > job.memory or (cost.heavy and not job.heavy):
        raise CostlyError(cost)


def refusal(error: FoveolaError, stack: str = "") -> bytes:
    """Return a worker's message about a picture that can't be served, or not at the cost that was granted.

    Args:
        error: why.
        stack: where it was raised, for developers.
    """
    if isinstance(error, CostlyError):
        return json.dumps({"cost": asdict(error.cost)}).encode()
    told = {"status": error.status, "public": error.public, "message": str(error)[:2000], "stack": stack[-8000:]}
    return json.dumps({"error": told | {"unknown": isinstance(error, UnknownTypeError)}}).encode()


def read_reply(message: bytes) -> Facts:
    """Return the facts that a worker has told of a picture.

    Raises:
        FoveolaError: the error that it has told.
        WorkerError: it has told neither.
    """
    return _read(message, _facts)


def read_text_facts(message: bytes) -> TextFacts:
    """Return what a worker has told of a text, as `read_reply`."""
    return _read(message, _text_facts)


def _read(message: bytes, read: Callable[[dict[str, Any]], T]) -> T:
    try:
        told = json.loads(message)
        if "error" in told:
            error = _error(**told["error"])
        elif "cost" in told:
            error = CostlyError(_cost(**told["cost"]))
        else:
            return read(told)
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise WorkerError(f"A worker said what no worker says: {problem}") from None
    raise error


def _error(status: int, public: str, message: str, stack: str = "", unknown: bool = False) -> FoveolaError:
    if not (_is(int, status) and 400 <= status < 600 and _is(str, public, message, stack) and _is(bool, unknown)):
        raise ValueError("a bad error")
    error = UnknownTypeError(message) if unknown else FoveolaError(message, status=status, public=public[:200])
    if stack:
        error.add_note(f"In the worker:\n{stack}")
    return error


def _cost(memory: int, seconds: float) -> Cost:
    if not (_is(int, memory) and _is(float, seconds) and 0 <= memory < UNLIMITED and 0 <= seconds < math.inf):
        raise ValueError("a bad cost")
    return Cost(memory, seconds)


def _text_facts(told: dict[str, Any]) -> TextFacts:
    found = TextFacts(told["bytes"], _held(told["vips"]))
    if not (_is(int, found.bytes) and 1 <= found.bytes <= LARGEST and len(told) == 2):
        raise ValueError("bad size")
    return found


def _facts(told: dict[str, Any]) -> Facts:
    decision = None if told["decision"] is None else Decision.read(told["decision"])
    pairs = {name: tuple(told[name]) for name in ("origin", "size")}
    told = {**told, **pairs, "decision": decision, "vips": _held(told["vips"])}
    facts = Facts(**told)
    good = (
        facts.format in FORMATS,
        facts.method in METHODS,
        facts.why in WHYS,
        facts.memory in MEMORY,
        len(facts.origin) == len(facts.size) == 2,
        _within(LARGEST, *facts.origin, *facts.size, facts.bytes, facts.encodes),
        facts.bytes > 0,
        facts.quality is None or _within(100, facts.quality),
        facts.dssim is None or (_is(float, facts.dssim) and 0 <= facts.dssim <= 1),
        facts.met is None or _is(bool, facts.met),
    )
    if not all(good):
        raise ValueError("bad facts")
    return facts


def _held(told: object) -> Held:
    if not (isinstance(told, list) and len(told) == 3 and _is(int, *told)):
        raise ValueError("bad memory")
    return told[0], told[1], told[2]


def _within(most: int, *values: int) -> bool:
    """Return whether values are integers 0..most."""
    return _is(int, *values) and all(0 <= value <= most for value in values)


def _is(kind: type, *values: object) -> bool:
    return all(type(value) is kind for value in values)


def send(channel: socket.socket, message: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one message with descriptors.

    Raises:
        OSError: the other side is gone, or the message is too long.
    """
    socket.send_fds(channel, [message], list(descriptors))


def receive(channel: socket.socket, descriptors: int = 0) -> tuple[bytes, list[int]]:
    """Wait for one message and up to so many descriptors; an empty message means that the other side is gone."""
    message, found, _, _ = socket.recv_fds(channel, LIMIT, descriptors)
    return message, found
