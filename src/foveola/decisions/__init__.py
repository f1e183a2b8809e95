"""What was decided of a source before: the quality that a search has found, and what it saw on the way.

A decision is small, and worth a search. It stands under the hash of the source's bytes and a `Key` of everything else
that it depends on, so that nothing has to be made invalid. Stores hold it as JSON; whatever comes back from a store or
from a worker is read by `Decision.read`, which believes nothing. The server's front imports this module: no picture,
no array. Source: docs/design.md, "What is remembered"
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from foveola.errors import ConfigError, expected

Unit = Literal["dssim", "bytes"]

WHYS = ("met", "at_min", "at_max", "between_steps", "fixed")
"""What may have ended a search that is remembered: not the clock, and not a limit of encodes."""
MOST_ROWS = 64
"""Decisions of one source that are handed to a worker, the latest first; they have to fit into a message."""
MOST_POINTS = 8
FARTHEST = 10.0
"""Natural logs that a file may lie above the transform; real ones stay below 3."""
LARGEST = 1 << 40
"""Of bytes and of pixels."""
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Key:
    """What a decision depends on beside the bytes of the source; each part 32 hexadecimal digits.

    Args:
        processing: what is done to the pixels before they are encoded.
        codec: what encodes and measures them: format, settings, builds, version of the metric.
        goal: what is asked of the quality.
    """

    processing: str
    codec: str
    goal: str


@dataclass(frozen=True)
class Point:
    """One measured file: its quality, and the log of how far it lies above the transform."""

    quality: int
    above: float


@dataclass(frozen=True)
class Decision:
    """What one search has found.

    Args:
        key: what it depends on.
        unit: what its points were measured in.
        quality: what was chosen, 1..100.
        dssim: of the file, 0..1; None where it was not measured.
        bytes: of the file.
        why: what ended the search.
        pixels: of the result.
        scaled: whether the result is larger or smaller than the source.
        points: what was measured, in order.
    """

    key: Key
    unit: Unit
    quality: int
    dssim: float | None
    bytes: int
    why: str
    pixels: int
    scaled: bool
    points: tuple[Point, ...] = ()

    def write(self) -> str:
        """Return the decision as JSON, at most about 700 characters."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, told: Any) -> Decision:
        """Return the decision in what was JSON, wherever that came from.

        Raises:
            ValueError: it holds anything else than a decision.
        """
        try:
            points = tuple(Point(**point) for point in told["points"])
            found = cls(**{**told, "key": Key(**told["key"]), "points": points})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no decision: {error}") from None
        if not _sound(found):
            raise ValueError("no sound decision")
        return found


class Store(Protocol):
    """Where decisions are kept. Used by one thread; whatever a method raises means that it can't be used now."""

    def rows(self, source: str) -> list[Decision]:
        """Return what is remembered of a source, the latest first, at most `MOST_ROWS`.

        Args:
            source: SHA-256 of its bytes, 64 hexadecimal digits.
        """
        ...

    def remember(self, source: str, decision: Decision) -> None:
        """Keep a decision in place of an older one with the same key; it counts as used now."""
        ...

    def forget(self, source: str) -> None:
        """Drop everything that is remembered of a source."""
        ...

    def close(self) -> None:
        """Let go of what is open; the next call opens it again."""
        ...


def open_store(where: str, size: int) -> Store | None:
    """Return the store that `FOVEOLA_DECISIONS` names; it is opened when it is first used.

    Args:
        where: `memory`, `off`, a path, or the address of a Redis.
        size: how many decisions are kept; Redis has limits of its own.

    Returns:
        None for `off`.

    Raises:
        ConfigError: the folder of the path is not there, or the extra `[redis]` is missing.
    """
    if where == "off":
        return None
    if is_redis(where):
        return _redis(where)
    from foveola.decisions.sqlite import SqliteStore

    if where == "memory":
        return SqliteStore(":memory:", size)
    if not Path(where).parent.is_dir() or Path(where).is_dir():
        raise ConfigError(expected("a path to a file in a folder that is there", "FOVEOLA_DECISIONS", where))
    return SqliteStore(where, size)


def is_redis(where: str) -> bool:
    """Return whether that is the address of a Redis."""
    return where.startswith(("redis://", "rediss://", "unix://"))


def readable(texts: Iterable[str]) -> list[Decision]:
    """Return the decisions in texts; one that can't be read is left out, the next search writes it anew."""
    found = []
    for text in texts:
        try:
            found.append(Decision.read(json.loads(text)))
        except ValueError:
            continue
    return found


def _redis(where: str) -> Store:
    try:
        from foveola.decisions.redis import RedisStore
    except ImportError as error:
        what = "an installed extra, pip install 'foveola[redis]',"
        raise ConfigError(f"{expected(what, 'FOVEOLA_DECISIONS', 'redis')}: {error}") from error
    return RedisStore(where)


def _sound(decision: Decision) -> bool:
    """Return whether every value is of its kind and in its range."""
    key = decision.key
    return all(
        (
            all(isinstance(part, str) and _DIGEST.fullmatch(part) for part in (key.processing, key.codec, key.goal)),
            decision.unit in get_args(Unit),
            decision.why in WHYS,
            _whole(decision.quality, 100),
            decision.dssim is None or _real(decision.dssim, 0, 1),
            _whole(decision.bytes, LARGEST),
            _whole(decision.pixels, LARGEST),
            type(decision.scaled) is bool,
            len(decision.points) <= MOST_POINTS,
            all(_whole(p.quality, 100) and _real(p.above, -FARTHEST, FARTHEST) for p in decision.points),
        )
    )


def _whole(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _real(value: object, low: float, high: float) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high  # type: ignore[arg-type,operator]
