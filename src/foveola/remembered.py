"""What a search is told of earlier ones: the answer to this very search, or what was seen of this picture or its like.

Memory changes how many looks a search takes, never the rule by which it chooses: an answer is written again and has to
come out as it was, a hint moves the belief and nothing else. Whoever remembers (`foveola.decisions`) says how far a
hint may be trusted. Source: docs/design.md, "What is remembered".
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola.search import Why


@dataclass(frozen=True)
class Answer:
    """What this very search has found before.

    Args:
        quality: what was chosen.
        dssim: of the file, 0..1; None where it was not measured.
        bytes: of the file.
        why: what ended the search; `fixed` where `max_bytes` has lowered what it found.
    """

    quality: int
    dssim: float | None
    bytes: int
    why: Why


@dataclass(frozen=True)
class Hint:
    """How far a file lay above the transform.

    Args:
        quality: where.
        above: log of the ratio of the file's DSSIM (or bytes) to what the transform says of it.
        variance: of that, for the picture that is searched now; 0 where it is the same picture.
    """

    quality: int
    above: float
    variance: float


@dataclass(frozen=True)
class Remembered:
    """All that a search is told of earlier ones.

    Args:
        answer: of this very search.
        hints: of other searches; not used beside an answer.
        check: whether an answer is measured again.
    """

    answer: Answer | None = None
    hints: tuple[Hint, ...] = ()
    check: bool = False


NOTHING = Remembered()
