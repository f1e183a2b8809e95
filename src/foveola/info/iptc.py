"""What Photoshop writes beside a picture: IPTC's captions, keywords and rights, and the resolution.

Sources: https://www.iptc.org/std/IIM/4.2/specification/IIMV4.2.pdf and
https://www.adobe.com/devnet-apps/photoshop/fileformatashtml/ (image resources).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from foveola.codecs.iptc import CHARACTER_SET, datasets
from foveola.info.exifwords import decoded

RESOLUTION = 0x03ED
"""The number of the resolution among Photoshop's resources."""
_LONGEST = 32_767
"""Bytes of a field that is told; longer ones hold previews."""
_UTF8 = b"\x1b%G"
_UNITS = {1: "inches", 2: "cm", 3: "points", 4: "picas", 5: "columns"}


@dataclass(frozen=True)
class _Field:
    """One field of IIM: its title, whether it may stand several times, whether it is a number."""

    title: str
    several: bool = False
    number: bool = False


_FIELDS: dict[tuple[int, int], _Field] = {
    (1, 0): _Field("Model Version", number=True),
    (1, 5): _Field("Destination", several=True),
    (1, 20): _Field("File Format", number=True),
    (1, 22): _Field("File Version", number=True),
    (1, 30): _Field("Service Identifier"),
    (1, 40): _Field("Envelope Number"),
    (1, 50): _Field("Product I.D.", several=True),
    (1, 60): _Field("Envelope Priority"),
    (1, 70): _Field("Date Sent"),
    (1, 80): _Field("Time Sent"),
    (1, 100): _Field("Unique Name of Object"),
    (2, 0): _Field("Record Version", number=True),
    (2, 3): _Field("Object Type Reference"),
    (2, 4): _Field("Object Attribute Reference", several=True),
    (2, 5): _Field("Object Name"),
    (2, 7): _Field("Edit Status"),
    (2, 8): _Field("Editorial Update"),
    (2, 10): _Field("Urgency"),
    (2, 12): _Field("Subject Reference", several=True),
    (2, 15): _Field("Category"),
    (2, 20): _Field("Supplemental Category", several=True),
    (2, 22): _Field("Fixture Identifier"),
    (2, 25): _Field("Keywords", several=True),
    (2, 26): _Field("Content Location Code", several=True),
    (2, 27): _Field("Content Location Name", several=True),
    (2, 30): _Field("Release Date"),
    (2, 35): _Field("Release Time"),
    (2, 37): _Field("Expiration Date"),
    (2, 38): _Field("Expiration Time"),
    (2, 40): _Field("Special Instructions"),
    (2, 42): _Field("Action Advised"),
    (2, 45): _Field("Reference Service", several=True),
    (2, 47): _Field("Reference Date", several=True),
    (2, 50): _Field("Reference Number", several=True),
    (2, 55): _Field("Date Created"),
    (2, 60): _Field("Time Created"),
    (2, 62): _Field("Digital Creation Date"),
    (2, 63): _Field("Digital Creation Time"),
    (2, 65): _Field("Originating Program"),
    (2, 70): _Field("Program Version"),
    (2, 75): _Field("Object Cycle"),
    (2, 80): _Field("By-line", several=True),
    (2, 85): _Field("By-line Title", several=True),
    (2, 90): _Field("City"),
    (2, 92): _Field("Sub-location"),
    (2, 95): _Field("Province/State"),
    (2, 100): _Field("Country Code"),
    (2, 101): _Field("Country Name"),
    (2, 103): _Field("Original Transmission Reference"),
    (2, 105): _Field("Headline"),
    (2, 110): _Field("Credit"),
    (2, 115): _Field("Source"),
    (2, 116): _Field("Copyright Notice"),
    (2, 118): _Field("Contact", several=True),
    (2, 120): _Field("Caption/Abstract"),
    (2, 122): _Field("Writer/Editor", several=True),
    (2, 130): _Field("Image Type"),
    (2, 131): _Field("Image Orientation"),
    (2, 135): _Field("Language Identifier"),
}
_ALSO = {"Object Name": "Name", "Caption/Abstract": "Caption"}
"""Titles that imgproxy gives twice."""


def iptc(data: bytes) -> dict[str, Any]:
    """Return the fields of an IIM record by title: text, numbers, or lists where there may be several.

    Args:
        data: the record, as it stands in Photoshop's block or in a TIFF tag.
    """
    rows = list(datasets(data))
    utf8 = any(row.number == CHARACTER_SET and row.value == _UTF8 for row in rows)
    found: dict[str, Any] = {}
    for number, value, _ in rows:
        field = _FIELDS.get(number)
        if field is None or not 0 < len(value) <= _LONGEST:
            continue
        said = int.from_bytes(value[:4]) if field.number else _text(value, utf8)
        if field.several:
            found.setdefault(field.title, []).append(said)
        else:
            found[field.title] = said
    return found | {_ALSO[title]: found[title] for title in _ALSO if title in found}


def resolution(data: bytes) -> dict[str, Any]:
    """Return what Photoshop's block of the resolution says; nothing where it is too short."""
    try:
        across, across_unit, width, down, down_unit, height = struct.unpack_from(">IHHIHH", data)
    except struct.error:
        return {}
    return {
        "XResolution": _fixed(across),
        "XResolutionUnit": _UNITS.get(across_unit, "unknown"),
        "WidthUnit": _UNITS.get(width, "unknown"),
        "YResolution": _fixed(down),
        "YResolutionUnit": _UNITS.get(down_unit, "unknown"),
        "HeightUnit": _UNITS.get(height, "unknown"),
    }


def _text(value: bytes, utf8: bool) -> str:
    return decoded(value) if not utf8 else decoded(value.decode("utf-8", "replace").encode())


def _fixed(value: int) -> int | float:
    """Return a number of 16 bits before and 16 after the point."""
    return value >> 16 if value & 0xFFFF == 0 else round(value / 65536, 4)
