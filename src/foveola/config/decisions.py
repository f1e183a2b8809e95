"""The settings of what is remembered of searches; imgproxy has none of these."""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import COUNT, OURS, row
from foveola.kinds import Kind


def _read_store(text: str) -> str:
    if text in ("memory", "off") or "/" in text:
        return text
    raise ValueError(text)


_STORE = Kind("`memory`, `off`, a path with a slash, or an address `redis://…`", _read_store)


@dataclass(frozen=True)
class Decisions:
    """Remembered qualities."""

    decisions: str = row(
        "memory",
        _STORE,
        "Where the qualities that were found are remembered: in the `memory` of the server, in a file of SQLite, in "
        "Redis (with the extra `[redis]`), or nowhere (`off`).",
        secret=True,
        prefix=OURS,
    )
    decisions_size: int = row(
        50_000, kinds.integer(1), "How many are kept, each half a kilobyte; Redis has its own limits.", prefix=OURS
    )
    decisions_check: int = row(
        100, COUNT, "Of so many remembered qualities one is measured again; 0 for none.", prefix=OURS
    )
