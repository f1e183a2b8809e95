"""Where to look next: a pure state machine that asks for a quality, is told what was seen there, and asks again.

It never encodes, decodes, waits or looks at a clock, so it can be replayed a hundred thousand times on recorded curves.
A belief about the picture's curve points at the quality nearest to the target, inside the bracket of what was seen;
where the belief leads nowhere, bisection does. A DSSIM and a number of bytes are searched alike: `Target` turns each
into a window on values that rise or fall with quality.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from foveola.errors import ArgumentError, expected
from foveola.foresight.curves import Curve, Vector
from foveola.goal import Autoquality

Seen = Literal["decoded", "transform", "mosaic", "foreseen", "remembered"]
Why = Literal["met", "at_min", "at_max", "between_steps", "deadline", "max_encodes", "trusted", "fixed"]

SIZE_SLACK = 0.97
"""A file of this share of its budget or more is accepted at once."""
CERTAIN = 2.5
"""Standard deviations beyond its budget at which a file is taken not to fit."""
LIKELY = 0.75
"""How likely one look has to end a search so that a second one at its side is not worth it."""
LED = 4
"""After so many probes that the belief chose, every second one halves the bracket."""


def log(value: float) -> float:
    """Return the natural log of a DSSIM or a number of bytes; what is too small to be seen has one too."""
    return math.log(max(value, 1e-7))


@dataclass(frozen=True)
class Probe:
    """One quality and what was seen there.

    Args:
        quality: on the codec's own scale.
        setting: what the encoder makes of it; equal settings give equal files.
        dssim: 0..1, None where it was not measured.
        bytes: the size of the file, None where none was written.
        data: the file; kept for the best probe only.
        seen: how the value came about; only `decoded` and a guarded `transform` may decide.
        area: the share of the picture that was encoded, 0..1.
        above: log of how far its value lies above what the transform says; None where the transform was not asked.
    """

    quality: int
    setting: Hashable
    dssim: float | None
    bytes: int | None
    data: builtins.bytes | None
    seen: Seen
    area: float = 1.0
    above: float | None = None


@dataclass(frozen=True)
class Step:
    """One distinct setting within the bounds, and the quality that stands for it."""

    quality: int
    setting: Hashable


@dataclass(frozen=True)
class Target:
    """What is looked for, as a window on the value of a probe.

    Args:
        low: a smaller value is better than asked for.
        high: the ceiling; a greater value is not good enough.
        aim: the value to look for.
        rising: whether the value rises with quality (bytes do, DSSIM falls).
    """

    low: float
    high: float
    aim: float
    rising: bool

    @classmethod
    def of(cls, goal: Autoquality) -> Target:
        """Return the window of a goal."""
        if goal.method == "size":
            return cls(SIZE_SLACK * goal.target, goal.target, (1 + SIZE_SLACK) / 2 * goal.target, rising=True)
        return cls(goal.target - goal.allowed_error, goal.ceiling, goal.target, rising=False)

    def value(self, probe: Probe) -> float:
        """Return the number of a probe that this target is about."""
        value = probe.bytes if self.rising else probe.dssim
        assert value is not None
        return float(value)

    def inside(self, value: float) -> bool:
        """Return whether nothing better has to be looked for."""
        return self.low <= value <= self.high

    def kept(self, value: float) -> bool:
        """Return whether the ceiling is kept."""
        return value <= self.high

    def rank(self, probe: Probe) -> tuple[bool, float, int]:
        """Return what the better of two probes has more of.

        Under the ceiling the greatest value is best, of equal ones the lower quality for a DSSIM and the higher for a
        size. Above it the highest quality is best for a DSSIM, the lowest for a size, whatever the values are: curves
        are not quite monotone, but where nothing keeps the ceiling, a bound is what was promised.
        """
        value, back = self.value(probe), probe.quality if self.rising else -probe.quality
        return (True, value, back) if self.kept(value) else (False, -back, 0)


def steps_of(goal: Autoquality, settings: Sequence[tuple[int, Hashable]]) -> tuple[Step, ...]:
    """Return the distinct settings within the goal's bounds, from the lowest quality to the highest.

    Args:
        goal: its method says which of equal qualities stands for them: the lowest for a DSSIM, the highest for a size
            (the file is the same); a bound that was asked for stands for itself.
        settings: each quality within the bounds with its setting, rising.
    """
    groups: dict[Hashable, list[int]] = {}
    for quality, setting in settings:
        groups.setdefault(setting, []).append(quality)
    pick = max if goal.method == "size" else min
    steps = [Step(pick(group), setting) for setting, group in groups.items()]
    if goal.method == "size":
        steps[0] = replace(steps[0], quality=settings[0][0])
    else:
        steps[-1] = replace(steps[-1], quality=settings[-1][0])
    return tuple(steps)


class Search:
    """Find the quality that a goal asks for among the distinct settings of a codec.

    Args:
        target: what is looked for.
        steps: the distinct settings within the bounds, rising in quality; at least one.
        curve: the belief about log values at the steps.
        first: a quality to look at first, or None to let the belief choose.

    Raises:
        ArgumentError: no step, or a belief about other steps.
    """

    best: Probe | None = None
    """The best that was seen so far: kept, near the target; None before the first `tell`."""
    why: Why | None = None
    """Why there is nothing more to ask; None while there is."""
    beside: int = 0
    """How many steps were told after the bracket had closed."""

    def __init__(self, target: Target, steps: Sequence[Step], curve: Curve, first: int | None = None) -> None:
        if not isinstance(target, Target):
            raise ArgumentError(expected("a Target", "target", target))
        self.target = target
        self.steps = tuple(steps)
        if not self.steps:
            raise ArgumentError(expected("at least one step", "steps", steps))
        if len(curve.mean) != len(self.steps):
            raise ArgumentError(
                expected(f"a belief about {len(self.steps)} steps", "curve", f"{len(curve.mean)} steps")
            )
        self.curve = curve
        self.probes: list[Probe] = []
        self._seen: set[int] = set()
        self._low, self._high = -1, len(self.steps)  # the bracket: both ends are seen, or beyond the bounds
        self._first = None if first is None else self._nearest(first)

    @property
    def pinned(self) -> bool:
        """Whether the first step to look at was said by somebody, and not looked at yet."""
        return self._first is not None and not self.probes

    def ask(self) -> int | None:
        """Return the index of the step to look at next, None when the search is over."""
        if self.why is not None:
            return None
        if self.pinned:
            return self._first
        if self._surely_closed():
            self.why = "between_steps"
            return None
        inside = range(self._low + 1, self._high)
        if len(self.probes) >= LED and len(self.probes) % 2 == 0:
            return inside[len(inside) // 2]
        away = np.abs(self.curve.mean + self._lead() - log(self.target.aim))
        return inside.start + int(away[inside.start : inside.stop].argmin())

    def _lead(self) -> Vector | float:
        """Return how far below the aim each step should lie: where steps are wide, the last that fits is wanted."""
        if not self.target.rising or len(self.steps) == 1:
            return 0.0
        gaps = np.diff(self.curve.mean, append=2 * self.curve.mean[-1] - self.curve.mean[-2])
        room = log(self.target.high) - log(self.target.aim)
        lead: Vector = np.maximum(gaps / 2 - room, 0.0)
        return lead

    def _surely_closed(self) -> bool:
        """Return whether a file fits and the next step's, as it is believed, does not: that is not worth an encode."""
        above = self._low + 1
        if not self.target.rising or self._low < 0 or above == self._high:
            return False
        return float(self.curve.mean[above]) - log(self.target.high) > CERTAIN * float(self.curve.sd[above])

    def hope(self, index: int, sd: float | None = None) -> float:
        """Return how likely it is that looking at a step of the bracket ends the search, 0..1, as it is believed.

        Args:
            index: of the step.
            sd: how uncertain its log value is; as the belief has it when None.
        """
        spread = max(float(self.curve.sd[index]) if sd is None else sd, 1e-6)
        mean, window = float(self.curve.mean[index]), (self.target.low, self.target.high)
        below, above = (0.5 * math.erfc((log(end) - mean) / spread / math.sqrt(2)) for end in window)
        less, more = 1 - below, above
        worse, better = (less, more) if self.target.rising else (more, less)
        ends = below - above
        return ends + (worse if index == self._high - 1 else 0) + (better if index == self._low + 1 else 0)

    def pair(self, index: int) -> tuple[int, ...]:
        """Return two steps to look at side by side in place of one, or that one where it is likely to do.

        A picture's curve lies higher or lower than is believed as a whole: each step is for one of the two.
        """
        inside = range(self._low + 1, self._high)
        if len(inside) < 2 or self.hope(index) > LIKELY:
            return (index,)
        aim = log(self.target.aim)
        beside = min(aim - log(self.target.low), log(self.target.high) - aim)
        mean = self.curve.mean + self._lead()
        lower, upper = (min(inside, key=lambda i: abs(mean[i] - place)) for place in (aim - beside, aim + beside))
        if lower == upper:
            near = [i for i in (lower - 1, lower + 1) if i in inside]
            upper = min(near, key=lambda i: abs(mean[i] - aim))
        return tuple(sorted((lower, upper), key=lambda i: abs(mean[i] - aim)))

    def believe(self, curve: Curve) -> None:
        """Replace the belief by a better one."""
        self.curve = curve

    def tell(self, index: int, probe: Probe) -> None:
        """Take in what was really seen at a step.

        A step outside the bracket may be told too: it can be met or the best, but closes nothing.

        Raises:
            ArgumentError: the step is none of ours, was seen before, or the goal is met.
        """
        if index not in range(len(self.steps)) or index in self._seen or self.why == "met":
            raise ArgumentError(expected("a step that is still open", "index", index))
        self._seen.add(index)
        self.beside += self.why is not None
        self.probes.append(replace(probe, data=None))
        if self.best is None or self.target.rank(probe) > self.target.rank(self.best):
            self.best = probe
        value = self.target.value(probe)
        if self.target.inside(value):
            self.best, self.why = probe, "met"
            return
        self.curve = self.curve.given(index, log(value))
        if self._low < index < self._high:
            self._narrow(index, value)

    def near(self, reach: int) -> list[int]:
        """Return the steps that were not seen, at most `reach` beyond the bracket."""
        around = range(max(self._low - reach, 0), min(self._high + reach + 1, len(self.steps)))
        return [index for index in around if index not in self._seen]

    def _narrow(self, index: int, value: float) -> None:
        if (value > self.target.high) == self.target.rising:
            self._high = index
        else:
            self._low = index
        if self._high - self._low > 1:
            return
        if self._high == len(self.steps):
            self.why = "at_max"
        else:
            self.why = "at_min" if self._low < 0 else "between_steps"

    def _nearest(self, quality: int) -> int:
        """Return the index of the step whose quality is nearest."""
        return min(range(len(self.steps)), key=lambda i: abs(self.steps[i].quality - quality))
