"""What is remembered of one source, opened at one plan: what a search is told, and what is to be remembered of it.

Used where pictures are worked on, because only who has read the header knows the plan. The key is made of the plan's
own fields and of the versions of everything that computes, so that a new field and a new build join it by themselves.
How far one width tells of another is measured: `python -m bench.remembered`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from foveola import __version__, kernels
from foveola.autoquality import TRUSTING, Result
from foveola.decisions import FARTHEST, MOST_POINTS, WHYS, Decision, Key, Point, Unit
from foveola.doctor import LIBRARIES
from foveola.metrics import VERSION
from foveola.networks import digest
from foveola.pipeline import Plan, Saving
from foveola.remembered import NOTHING, Answer, Hint, Remembered
from foveola.search import Why

DRIFT = 0.04
"""Standard deviation, in natural logs, of how far a codec lies above the transform, between a picture and the same at
half or twice the pixels. Until it is scaled a JPEG lies on the grid of its blocks, and is no guide to scaled ones."""
CODEC = ("format", "settings")
GOAL = ("goal", "max_bytes", "network")
HARMLESS = {
    "searched": "what is not searched for is not remembered",
    "quality": "fixed, so there is none where it is searched for",
    "notes": "words about the other fields",
    "inference": "how fast a network answers, not what",
    "options": "what the other fields were made of",
    "defaults": "likewise",
}
"""Fields of a plan and a saving that are in no key, and why; those that are named nowhere are about the pixels."""
MISSED = {"no_ml_extra", "network_damaged", "network_failed"}
"""Notes of a result without the network that is wanted, which may work another time."""
_LIBRARIES = ("libvips", "libjpeg-turbo", "libwebp", "libavif", "av1")
_WHEELS = ("pyvips-binary", "pillow", "pillow-jxl-plugin", "numpy")


@dataclass(frozen=True)
class Page:
    """The decisions that concern one plan.

    Args:
        plan: what is done to the pixels.
        saving: how they are written; it searches for its quality.
        rows: what is remembered of the source, the latest first.
    """

    plan: Plan
    saving: Saving
    rows: Sequence[Decision]

    @property
    def unit(self) -> Unit:
        """What the search measures."""
        return "bytes" if self.saving.goal.method == "size" else "dssim"

    @cached_property
    def key(self) -> Key:
        """What a decision about the plan depends on."""
        return key_of(self.plan, self.saving)

    @property
    def pixels(self) -> int:
        """Of the result."""
        width, height = self.saving.size
        return width * height

    @property
    def scaled(self) -> bool:
        """Whether the result has another size than the source, beside cropping."""
        return self.plan.geometry.factors != (1.0, 1.0)

    def told(self, check: bool = False) -> Remembered:
        """Return what the search is told.

        Args:
            check: whether an answer is to be measured again.
        """
        answer = self._answer()
        if answer:
            return Remembered(Answer(answer.quality, answer.dssim, answer.bytes, cast(Why, answer.why)), check=check)
        return Remembered(hints=self._hints())

    def outcome(self, result: Result, checked: bool = False) -> tuple[str, Decision | None]:
        """Return what memory did for a search, in the words of `foveola.server.jobs`, and what is to be remembered.

        Args:
            result: what was found.
            checked: whether an answer was to be measured again.
        """
        answer = self._answer()
        if answer and result.first == "remembered":
            return ("checked" if checked else "hit"), answer
        word = "spoiled" if answer else "near" if result.first == "remembered" else "new"
        return word, self._decided(result)

    def _answer(self) -> Decision | None:
        return next((row for row in self.rows if row.key == self.key), None)

    def _hints(self) -> tuple[Hint, ...]:
        """Return what was seen of this very picture; else the likeliest point of the one that is nearest in size."""
        like = [row for row in self.rows if row.key.codec == self.key.codec and row.unit == self.unit and row.points]
        same = [point for row in like if row.key.processing == self.key.processing for point in row.points]
        if same:
            return tuple({point.quality: Hint(point.quality, point.above, 0.0) for point in same}.values())
        like = [row for row in like if row.scaled == self.scaled]
        if not like:
            return ()
        row = min(like, key=self._away)
        point = min(row.points, key=lambda point: abs(point.quality - row.quality))
        return (Hint(point.quality, point.above, (DRIFT * max(self._away(row), 0.5)) ** 2),)

    def _away(self, row: Decision) -> float:
        """Return how many times the pixels of a row have to be doubled or halved to be ours."""
        return abs(math.log2(row.pixels / self.pixels))

    def _decided(self, result: Result) -> Decision | None:
        if result.quality is None or result.why not in WHYS or self._stands_in(result):
            return None
        seen = [(probe.quality, float(probe.above)) for probe in result.probes if probe.above is not None]
        # a file that is the very picture, DSSIM 0, lies as far away as the log of nothing is said to be: no guide
        points = [Point(quality, above) for quality, above in seen if abs(above) <= FARTHEST]
        dssim = None if result.dssim is None else float(result.dssim)
        return Decision(
            self.key,
            self.unit,
            result.quality,
            dssim,
            result.bytes,
            result.why,
            self.pixels,
            self.scaled,
            tuple(points[-MOST_POINTS:]),
        )

    def _stands_in(self, result: Result) -> bool:
        """Return whether a network was to be trusted and could not be asked: the next search asks it again."""
        goal = self.saving.goal
        return goal.method == "ml" and goal.allowed_error >= TRUSTING and not MISSED.isdisjoint(result.notes)


def page_of(plan: Plan, saving: Saving, rows: Sequence[Decision] | None) -> Page | None:
    """Return the page of a plan, None where nothing is searched for or nothing is to be remembered."""
    return Page(plan, saving, rows) if saving.searched and rows is not None else None


def told(page: Page | None, check: bool = False) -> Remembered:
    """Return what a search is told where there may be no page."""
    return page.told(check) if page else NOTHING


def key_of(plan: Plan, saving: Saving) -> Key:
    """Return the key of a plan: three digests of its fields, of the builds and of the metric."""
    said = _fields(plan) | _fields(saving)
    pixels = {name: value for name, value in said.items() if name not in (*CODEC, *GOAL)}
    return Key(
        _digest([build(), pixels]),
        _digest([build(), VERSION, [said[name] for name in CODEC]]),
        _digest([digest(saving.network), *(said[name] for name in GOAL)]),
    )


def _fields(decided: Plan | Saving) -> dict[str, Any]:
    """Return the fields that count, as plain values."""
    names = [f.name for f in fields(decided) if f.name not in HARMLESS]
    return {name: _plain(getattr(decided, name)) for name in names}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@cache
def build() -> tuple[str, ...]:
    """Return the versions of all that computes: ours and the libraries'."""
    found = [__version__, kernels.ACTIVE]
    found += [f"{name} {LIBRARIES[name]()}" for name in _LIBRARIES]
    return (*found, *(f"{name} {_wheel(name)}" for name in _WHEELS))


def _wheel(name: str) -> str | None:
    """Return the version of a wheel, None where a system's library stands in for it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _digest(value: Any) -> str:
    """Return 32 hexadecimal digits of a value's canonical text."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
