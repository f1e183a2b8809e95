"""The harmless oddities of JPEG files, put right, so that what libjpeg still warns of is missing data.

A JPEG that lost a part but ends like a whole one is shown with a grey or smeared rest, and libjpeg says so in a warning
only. The same kind of warning is about stray bytes between segments, a version nobody knows or a field that has no
meaning in the file, which cameras write and every viewer shows. Those are mended here, in the few bytes around the
coefficients; what is left may then be taken at its word. Source: ITU-T T.81, Annex B; libjpeg's jdmarker.c, jdapimin.c.
"""

from __future__ import annotations

import re

from foveola.errors import ImageError

MOST = 10_000
"""Segments that are looked at: a file of nothing else would take seconds a megabyte. Some hundred hold a profile."""
_MARKER = re.compile(rb"\xff++([\x01-\xcf\xd8-\xfe])?")
"""A marker, or fill bytes without one, passed as a whole: each of a million would be a beginning otherwise."""
_NEXT = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_ALONE = frozenset({0x01, 0xD8})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_EOI, _SOS, _APP0, _APP14 = 0xD9, 0xDA, 0xE0, 0xEE
_KNOWN_TRANSFORMS = {3: (0, 1), 4: (0, 2)}


def mended(data: bytes) -> bytes:
    """Return a JPEG without what libjpeg would warn of although no picture suffers.

    Args:
        data: the file; what is no JPEG, or breaks off, comes back up to there.

    Returns:
        `data` itself where there is nothing to mend.

    Raises:
        ImageError: there are more segments than any camera or program writes.
    """
    made = bytearray(data[:2])
    at, adobe, frame, left = 2, 0, 0, MOST
    while found := _MARKER.search(data, at):
        if found[1] is None:
            at = found.end()
            continue
        if (left := left - 1) < 0:
            raise ImageError(f"Expected at most {MOST} segments in a jpeg file, got more")
        marker, start = found[1][0], found.end()
        length = 0 if marker in _ALONE or marker == _EOI else max(int.from_bytes(data[start : start + 2], "big"), 2)
        segment = bytearray(b"\xff" + found[1] + data[start : start + length])
        if marker == _APP14 and segment[4:9] == b"Adobe":
            adobe = len(made)
        if marker in _FRAMES:
            frame = marker
            _mend_transform(made, adobe, segment[9] if len(segment) > 9 else 0)
        _mend(segment, marker, frame)
        end = start + length
        if marker == _SOS:
            following = _NEXT.search(data, end)
            at = following.start() if following else len(data)
            made += segment + data[end:at]
        else:
            at = end
            made += segment
        if marker == _EOI:
            break
    return data if data.startswith(made) else bytes(made)


def _mend(segment: bytearray, marker: int, frame: int) -> None:
    """Give a JFIF segment a known version, and a scan of a sequential JPEG all coefficients, as it has them anyway."""
    if marker == _APP0 and segment[4:9] == b"JFIF\0" and len(segment) > 9:
        segment[9] = 1
    if marker == _SOS and frame not in _PROGRESSIVE and len(segment) > 7:
        segment[-3:] = b"\0\x3f\0"


def _mend_transform(made: bytearray, adobe: int, components: int) -> None:
    """Say in Adobe's segment what libjpeg assumes where the number there has no meaning."""
    known = _KNOWN_TRANSFORMS.get(components)
    if adobe and known and len(made) > adobe + 15 and made[adobe + 15] not in known:
        made[adobe + 15] = known[1]
