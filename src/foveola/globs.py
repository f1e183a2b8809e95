"""Patterns of URLs, as the settings name them: a star is anything but a slash, and what begins like a pattern matches.

The texts are strangers', so the time may grow with their length only: expressions with several stars side by side try
all ways to share a text out between them. Here each literal is placed once, as far right as it goes, which is what the
greedy stars of an expression come to. A star in the place of a host ends with the host: `https://*.example.com/` is not
to be matched by `https://example.org?.example.com/`.
Source: https://docs.imgproxy.net/configuration/options (`IMGPROXY_ALLOWED_SOURCES`); RFC 3986, section 3.2
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_HOST = re.compile(r"[^/]*://[^/]*")


def matched(pattern: str, text: str, query: str = "") -> tuple[str, ...] | None:
    """Return what a text begins with that a pattern matches, then what each star stands for; None where it does not.

    Args:
        pattern: with any number of stars, each of which takes as much as it can, the first one first.
        text: of any length.
        query: what begins a query, one character, at which the stars before it end; nothing when empty.
    """
    before, *literals = pattern.split("*")
    if not text.startswith(before):
        return None
    at, stars = len(before), list[str]()
    while literals:
        ends = _ends(before, query)
        count = next((number for number, literal in enumerate(literals, 1) if ends.search(literal)), len(literals))
        found = _placed(literals[:count], text, at, ends)
        if found is None:
            return None
        for literal, place in zip(literals, found, strict=False):
            stars.append(text[at:place])
            at = place + len(literal)
        before += "*" + "*".join(literals[:count])
        literals = literals[count:]
    return text[:at], *stars


def _ends(before: str, query: str) -> re.Pattern[str]:
    """Return what ends a star that has so much of the pattern before it."""
    if _HOST.fullmatch(before):
        return re.compile("[/?#]")
    return re.compile(f"[/{re.escape(query)}]" if query and query not in before else "/")


def _placed(literals: Sequence[str], text: str, at: int, ends: re.Pattern[str]) -> list[int] | None:
    """Return where each of some literals begins, with a star before each; only the last may have what ends stars."""
    last, found = literals[-1], list[int]()
    stop, stops = ends.search(text, at), ends.search(last)
    end = stop.start() if stop else len(text)
    if stops:
        place = end - stops.start()
        if place < at or not text.startswith(last, place):
            return None
        literals, found, end = literals[:-1], [place], place
    for literal in reversed(literals):
        place = text.rfind(literal, at, end)
        if place < 0:
            return None
        found.append(place)
        end = place
    return found[::-1]
