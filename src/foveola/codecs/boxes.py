"""The boxes that HEIC, AVIF and JPEG XL files are made of: a length, a kind, and contents that may be boxes again.

Source: ISO/IEC 14496-12, 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator

MOST = 1000
"""Boxes beside each other that are looked at."""


def boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of the contents of boxes, up to the first that is not whole.

    Args:
        data: the file.
        at: where the first box begins.
        end: where what they are in ends; that of the file when None.
    """
    end = len(data) if end is None else min(end, len(data))
    for _ in range(MOST):
        size, kind, start = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = int.from_bytes(data[at + 8 : at + 16]), at + 16
        last = at + size if size else end
        if not start <= last <= end:
            return
        yield kind, start, last
        at = last
