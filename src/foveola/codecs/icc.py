"""Whether a colour profile can be applied in the time that a picture has.

lcms applies what a profile lists, however often it does: its steps of floats (`mpet`) are entries of a table, and many
entries may name the same step. What is made by programs is far from these bounds: some steps, and two megabytes for the
finest of printers. Source: ICC.1:2022, 7.3 (the tag table) and 10.16 (multiProcessElementsType).
"""

from __future__ import annotations

import struct

LONGEST = 4_000_000
"""Bytes of a profile."""
MOST_TAGS = 100
"""Entries of its table, of which lcms reads as many."""
MOST_STEPS = 32
"""Steps that one of its tags may list."""


def workable(profile: bytes) -> bool:
    """Return whether a profile is no longer, and lists no more, than is applied in a moment; a broken one may be."""
    if len(profile) > LONGEST:
        return False
    try:
        return all(_workable(profile, at) for at in _tags(profile))
    except struct.error:
        return True  # lcms refuses it too


def _tags(profile: bytes) -> list[int]:
    """Return where each tag is; raises struct.error where the table breaks off."""
    (count,) = struct.unpack_from(">I", profile, _HEAD)
    entries = range(_HEAD + 4, _HEAD + 4 + 12 * min(count, MOST_TAGS), 12)
    return [struct.unpack_from(">4xI", profile, entry)[0] for entry in entries]


def _workable(profile: bytes, at: int) -> bool:
    """Judge one tag; steps that lie over each other are read anew each time."""
    if profile[at : at + 4] != b"mpet" or len(profile) < at + _STEPS:
        return True
    (count,) = struct.unpack_from(">I", profile, at + _STEPS - 4)
    if count > MOST_STEPS:
        return False
    places = range(at + _STEPS, min(at + _STEPS + 8 * count, len(profile) - 7), 8)
    told: int = sum(struct.unpack_from(">4xI", profile, place)[0] for place in places)
    return told <= max(_SMALL, len(profile))


_HEAD = 128
_STEPS = 16
"""Bytes before the table of steps."""
_SMALL = 65_536
"""Bytes that the steps of a tag may come to in a profile that is shorter."""
