"""The words of Exif: a name for people, and a text for a value, as libexif has them.

What has no row here is written as it is: numbers in decimals, text as text. Sources:
https://libexif.github.io (the wording) and Exif 2.32, section 4.6 (what the numbers mean).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

Values = tuple[int | float | Fraction, ...] | bytes

_TITLES: dict[str, str] = {
    "Make": "Manufacturer",
    "XResolution": "X-Resolution",
    "YResolution": "Y-Resolution",
    "DateTime": "Date and Time",
    "DateTimeOriginal": "Date and Time (Original)",
    "DateTimeDigitized": "Date and Time (Digitized)",
    "OffsetTime": "Offset Time For DateTime",
    "OffsetTimeOriginal": "Offset Time For DateTimeOriginal",
    "OffsetTimeDigitized": "Offset Time For DateTimeDigitized",
    "YCbCrCoefficients": "YCbCr Coefficients",
    "YCbCrSubSampling": "YCbCr Sub-Sampling",
    "YCbCrPositioning": "YCbCr Positioning",
    "ReferenceBlackWhite": "Reference Black/White",
    "FNumber": "F-Number",
    "CompressedBitsPerPixel": "Compressed Bits per Pixel",
    "ShutterSpeedValue": "Shutter Speed",
    "ApertureValue": "Aperture",
    "BrightnessValue": "Brightness",
    "ExposureBiasValue": "Exposure Bias",
    "MaxApertureValue": "Maximum Aperture Value",
    "SubsecTime": "Sub-second Time",
    "SubsecTimeOriginal": "Sub-second Time (Original)",
    "SubsecTimeDigitized": "Sub-second Time (Digitized)",
    "ISOSpeedLatitudeyyy": "ISO Speed Latitude yyy",
    "ISOSpeedLatitudezzz": "ISO Speed Latitude zzz",
    "FlashPixVersion": "FlashPix Version",
    "PixelXDimension": "Pixel X Dimension",
    "PixelYDimension": "Pixel Y Dimension",
    "FocalPlaneXResolution": "Focal Plane X-Resolution",
    "FocalPlaneYResolution": "Focal Plane Y-Resolution",
    "FocalLengthIn35mmFilm": "Focal Length in 35mm Film",
    "OECF": "Opto-Electronic Conversion Function",
    "GPSVersionID": "GPS Tag Version",
    "GPSLatitudeRef": "North or South Latitude",
    "GPSLatitude": "Latitude",
    "GPSLongitudeRef": "East or West Longitude",
    "GPSLongitude": "Longitude",
    "GPSAltitudeRef": "Altitude Reference",
    "GPSAltitude": "Altitude",
    "GPSTimeStamp": "GPS Time (Atomic Clock)",
    "GPSStatus": "GPS Receiver Status",
    "GPSMeasureMode": "GPS Measurement Mode",
    "GPSDOP": "Measurement Precision",
    "GPSSpeedRef": "Speed Unit",
    "GPSSpeed": "Speed of GPS Receiver",
    "GPSTrackRef": "Reference for direction of movement",
    "GPSTrack": "Direction of Movement",
    "GPSImgDirectionRef": "GPS Image Direction Reference",
    "GPSImgDirection": "GPS Image Direction",
    "GPSMapDatum": "Geodetic Survey Data Used",
    "GPSDestLatitudeRef": "Reference For Latitude of Destination",
    "GPSDestLatitude": "Latitude of Destination",
    "GPSDestLongitudeRef": "Reference for Longitude of Destination",
    "GPSDestLongitude": "Longitude of Destination",
    "GPSDestBearingRef": "Reference for Bearing of Destination",
    "GPSDestBearing": "Bearing of Destination",
    "GPSDestDistanceRef": "Reference for Distance to Destination",
    "GPSDestDistance": "Distance to Destination",
    "GPSProcessingMethod": "Name of GPS Processing Method",
    "GPSAreaInformation": "Name of GPS Area",
    "GPSDateStamp": "GPS Date",
    "GPSDifferential": "GPS Differential Correction",
    "GPSHPositioningError": "GPS Horizontal Positioning Error",
}
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_NORMAL_SOFT_HARD = ("Normal", "Soft", "Hard")
_WORDS: dict[str, Mapping[int, str] | tuple[str, ...]] = {
    "Orientation": (
        *("", "Top-left", "Top-right", "Bottom-right", "Bottom-left"),
        *("Left-top", "Right-top", "Right-bottom", "Left-bottom"),
    ),
    "ResolutionUnit": ("", "", "Inch", "Centimeter"),
    "FocalPlaneResolutionUnit": ("", "", "Inch", "Centimeter"),
    "YCbCrPositioning": ("", "Centered", "Co-sited"),
    "ColorSpace": {1: "sRGB", 2: "Adobe RGB", 0xFFFF: "Uncalibrated"},
    "ExposureProgram": (
        *("Not defined", "Manual", "Normal program", "Aperture priority", "Shutter priority"),
        "Creative program (biased toward depth of field)",
        "Creative program (biased toward fast shutter speed)",
        "Portrait mode (for closeup photos with the background out of focus)",
        "Landscape mode (for landscape photos with the background in focus)",
    ),
    "MeteringMode": {
        **dict(
            enumerate(("Unknown", "Average", "Center-weighted average", "Spot", "Multi spot", "Pattern", "Partial"))
        ),
        255: "Other",
    },
    "LightSource": {
        **dict(enumerate(("Unknown", "Daylight", "Fluorescent", "Tungsten incandescent light", "Flash"))),
        **dict(enumerate(("Fine weather", "Cloudy weather", "Shade", "Daylight fluorescent"), 9)),
        **dict(enumerate(("Day white fluorescent", "Cool white fluorescent", "White fluorescent"), 13)),
        **dict(enumerate(("Standard light A", "Standard light B", "Standard light C", "D55", "D65", "D75"), 17)),
        24: "ISO studio tungsten",
        255: "Other",
    },
    "Flash": {
        0x00: "Flash did not fire",
        0x01: "Flash fired",
        0x05: "Strobe return light not detected",
        0x07: "Strobe return light detected",
        0x08: "Flash did not fire",
        0x09: "Flash fired, compulsory flash mode",
        0x0D: "Flash fired, compulsory flash mode, return light not detected",
        0x0F: "Flash fired, compulsory flash mode, return light detected",
        0x10: "Flash did not fire, compulsory flash mode",
        0x18: "Flash did not fire, auto mode",
        0x19: "Flash fired, auto mode",
        0x1D: "Flash fired, auto mode, return light not detected",
        0x1F: "Flash fired, auto mode, return light detected",
        0x20: "No flash function",
        0x41: "Flash fired, red-eye reduction mode",
        0x45: "Flash fired, red-eye reduction mode, return light not detected",
        0x47: "Flash fired, red-eye reduction mode, return light detected",
        0x49: "Flash fired, compulsory flash mode, red-eye reduction mode",
        0x59: "Flash fired, auto mode, red-eye reduction mode",
    },
    "SensingMethod": {
        **dict(enumerate(("Not defined", "One-chip color area sensor", "Two-chip color area sensor"), 1)),
        **dict(enumerate(("Three-chip color area sensor", "Color sequential area sensor"), 4)),
        **dict(enumerate(("Trilinear sensor", "Color sequential linear sensor"), 7)),
    },
    "CustomRendered": ("Normal process", "Custom process"),
    "ExposureMode": ("Auto exposure", "Manual exposure", "Auto bracket"),
    "WhiteBalance": ("Auto white balance", "Manual white balance"),
    "SceneCaptureType": ("Standard", "Landscape", "Portrait", "Night scene"),
    "GainControl": ("Normal", "Low gain up", "High gain up", "Low gain down", "High gain down"),
    "Contrast": _NORMAL_SOFT_HARD,
    "Saturation": ("Normal", "Low saturation", "High saturation"),
    "Sharpness": _NORMAL_SOFT_HARD,
    "SubjectDistanceRange": ("Unknown", "Macro", "Close view", "Distant view"),
    "GPSAltitudeRef": ("Sea level", "Sea level reference (negative value)"),
}
_CHARACTERS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): "utf-8"}
"""The eight bytes before a comment that say how it is written."""
_COMMENTS = ("UserComment", "GPSProcessingMethod", "GPSAreaInformation")
_VERSIONS = ("ExifVersion", "FlashPixVersion")
_BYTES = frozenset((*_COMMENTS, *_VERSIONS, "ComponentsConfiguration", "FileSource", "SceneType"))
"""Tags of no known kind, which some programs write as numbers."""
_COMPONENTS = ("-", "Y", "Cb", "Cr", "R", "G", "B")


def title(name: str) -> str:
    """Return the name for people of a tag: `Date and Time (Original)` for `DateTimeOriginal`."""
    return _TITLES.get(name) or _BETWEEN_WORDS.sub(" ", name).replace(" Per ", " per ")


def text(name: str, values: Values) -> str:
    """Return the value of a tag as text; an empty one where it says nothing.

    Args:
        name: of the tag, canonical.
        values: bytes of text or of no kind; otherwise numbers, one at least.
    """
    if not isinstance(values, bytes) and name in _BYTES:
        values = bytes(int(value) & 255 for value in values)
    if isinstance(values, bytes):
        return _of_bytes(name, values)
    if name.startswith("XP"):
        return _clean(bytes(int(value) & 255 for value in values).decode("utf-16-le", "replace"))
    first = values[0]
    words = _WORDS.get(name)
    if words is not None and isinstance(first, int):
        found = words.get(first) if isinstance(words, Mapping) else dict(enumerate(words)).get(first)
        return found or str(first)
    if name in _PHRASES:
        return _PHRASES[name](float(first))
    if name == "GPSVersionID":
        return ".".join(str(value) for value in values)
    if name == "GPSTimeStamp" and len(values) == 3:
        hours, minutes, seconds = (float(value) for value in values)
        return f"{hours:02.0f}:{minutes:02.0f}:{seconds:05.2f}"
    return ", ".join(_number(value) for value in values)


def decoded(data: bytes) -> str:
    """Return bytes as text: UTF-8, else Latin-1; without what follows a zero byte, or controls a terminal."""
    data = data.split(b"\0")[0]
    try:
        return _clean(data.decode())
    except UnicodeDecodeError:
        return _clean(data.decode("latin-1"))


def _of_bytes(name: str, data: bytes) -> str:
    if data[:8] in _CHARACTERS and name in _COMMENTS:
        return _clean(data[8:].decode(_CHARACTERS[data[:8]], "replace"))
    if name == "ComponentsConfiguration":
        return " ".join(_COMPONENTS[part] for part in data if part < len(_COMPONENTS))
    if name in ("FileSource", "SceneType"):
        words = {"FileSource": {3: "DSC"}, "SceneType": {1: "Directly photographed"}}[name]
        return words.get(data[0], str(data[0]))
    if name in _VERSIONS and re.fullmatch(rb"\d{4}", data):
        number = f"{int(data[:2])}.{data[2:].decode().rstrip('0') or '0'}"
        return f"{'Exif' if name == 'ExifVersion' else 'FlashPix'} Version {number}"
    if name == "Copyright" and b"\0" in data.rstrip(b"\0"):
        photographer, _, editor = data.rstrip(b"\0").partition(b"\0")
        parts = (decoded(photographer), "Photographer"), (decoded(editor), "Editor")
        return " - ".join(f"{who} ({what})" for who, what in parts if who)
    if any(byte < 9 for byte in data.split(b"\0")[0]):
        return f"{len(data)} bytes undefined data"
    return decoded(data)


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()


def _number(value: float | Fraction) -> str:
    return str(value) if isinstance(value, int) else f"{float(value):.6g}"


def _power(value: float) -> float:
    """Return two to the power of what a file says; a broken one says too much."""
    return 2 ** max(min(value, 100), -100)


def _seconds(value: float) -> str:
    return f"1/{1 / value:.0f} sec." if 0 < value < 1 else f"{value:g} sec."


_PHRASES: dict[str, Callable[[float], str]] = {
    "ExposureTime": _seconds,
    "FNumber": lambda value: f"f/{value:.1f}",
    "ApertureValue": lambda value: f"{value:.2f} EV (f/{_power(value / 2):.1f})",
    "MaxApertureValue": lambda value: f"{value:.2f} EV (f/{_power(value / 2):.1f})",
    "ShutterSpeedValue": lambda value: f"{value:.2f} EV ({_seconds(_power(-value))})",
    "BrightnessValue": lambda value: f"{value:.2f} EV ({_power(value) / (math.pi * 0.3048**2):.2f} cd/m^2)",
    "ExposureBiasValue": lambda value: f"{value:.2f} EV",
    "FocalLength": lambda value: f"{value:.1f} mm",
    "SubjectDistance": lambda value: f"{value:.1f} m",
}
