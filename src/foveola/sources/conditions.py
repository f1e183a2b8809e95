"""Conditional and partial requests, for sources that don't speak HTTP themselves.

Entity tags are compared weakly, and a date counts only where no tag was asked about.
Source: https://www.rfc-editor.org/rfc/rfc9110#section-13 and #section-14
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from foveola.sources.base import Ask

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_LAST = 253_402_300_799
_SPAN = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def http_date(seconds: float) -> str:
    """Return a time, in seconds since 1970, as HTTP writes it, which knows the years up to 9999."""
    return format_datetime(datetime.fromtimestamp(min(max(int(seconds), 0), _LAST), UTC), usegmt=True)


def read_date(text: str) -> datetime | None:
    """Return the time that HTTP's text says, None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year that no calendar has is an overflow
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def not_modified(ask: Ask, etag: str, modified: float) -> bool:
    """Return whether the client has this version already.

    Args:
        ask: what it said.
        etag: the entity tag of the version, with its quotes.
        modified: when it was made, in seconds since 1970.
    """
    if asked := ask.header("if-none-match"):
        return asked.strip() == "*" or etag.removeprefix("W/") in _TAG.findall(asked)
    since = read_date(ask.header("if-modified-since"))
    return since is not None and int(modified) <= since.timestamp()


def part_of(ask: Ask) -> tuple[int | None, int | None] | None:
    """Return the part of a file that is asked for, as its first and its last byte; only `raw` may have a part.

    Returns:
        None for all of it: no part, several, or one that can't be read. A last byte of None is that of the file; a
        first one of None means that the last is a number of bytes, from the end.
    """
    found = _SPAN.fullmatch(ask.header("range").strip()) if ask.raw else None
    if found is None or not any(found.groups()):
        return None
    first, last = (int(text) if text else None for text in found.groups())
    return None if first is not None and last is not None and last < first else (first, last)


def span(ask: Ask, size: int) -> tuple[int, int] | None:
    """Return the part of a file that is asked for, as its first byte and the one after the last.

    Args:
        ask: what was said.
        size: bytes of the file.

    Returns:
        None for all of it. An empty part, at the end, where what is asked for lies beyond.
    """
    asked = part_of(ask)
    if asked is None:
        return None
    first, last = asked
    if first is None:
        return max(size - (last or 0), 0), size
    return min(first, size), size if last is None else min(last + 1, size)
