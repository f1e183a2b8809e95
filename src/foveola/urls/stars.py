"""Patterns in which `*` is anything but a slash, matched in a time that grows with the text only.

As regular expressions they would be tried at every length of every star: two stars in one segment of 30,000 characters
take seconds. Between two slashes the last part can be looked for from the end, the one before it from there, and so on,
which finds what a regular expression with greedy stars finds first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_STEPS = re.compile(r"([^/]*)(/*)")


@dataclass(frozen=True)
class Pattern:
    """One pattern.

    Args:
        text: as it is written.
    """

    text: str

    def match(self, text: str) -> tuple[str, ...] | None:
        """Return the beginning of a text that this stands for, and what each star does; None where there is none.

        As much as possible goes to the first star, then to the second, and so on.
        """
        at = 0
        found: list[str] = []
        for number, (parts, slashes) in enumerate(self._segments):
            end = text.find("/", at)
            end = len(text) if end < 0 else end
            last = number == len(self._segments) - 1
            places = _placed(parts, text, at, end, whole=not last)
            if places is None or not text.startswith(slashes, places[-1]):
                return None
            found += [text[before:after] for before, after in zip(places[1::2], places[2::2], strict=False)]
            at = places[-1] + len(slashes)
        return (text[:at], *found)

    @cached_property
    def _segments(self) -> list[tuple[list[str], str]]:
        """What stands between stars, for each segment, and the slashes after it."""
        steps = _STEPS.findall(self.text)
        return [(segment.split("*"), slashes) for segment, slashes in steps if segment or slashes]


def _placed(parts: list[str], text: str, at: int, end: int, *, whole: bool) -> list[int] | None:
    """Return where each part begins and ends in a segment of a text, None where they are not there.

    Args:
        parts: what stands between stars.
        text: whose segment is looked at.
        at: where it begins.
        end: where it ends.
        whole: whether the last part has to end there.
    """
    first, *rest = parts
    if not text.startswith(first, at, end):
        return None
    places = [at, at + len(first)]
    if not rest:
        return places if places[-1] == end or not whole else None
    if whole and not text.endswith(rest[-1], places[-1], end):
        return None
    behind: list[int] = []
    for part in reversed(rest):
        begin = text.rfind(part, places[-1], end)
        if begin < 0:
            return None
        behind += [begin + len(part), begin]
        end = begin
    return places + behind[::-1]
