"""What a JPEG XL file says of itself, without its decoder: that one gives nothing before it has decoded everything.

A file of twenty bytes may declare 2^30 pixels a side, so its size must be known before libjxl is called. Only the
fields up to the colour encoding are read. Source: ISO/IEC 18181-1, Annex D (image header); 18181-2 (boxes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foveola.codecs.boxes import boxes
from foveola.errors import ImageError
from foveola.picture import Header

_SIGNATURE = b"\xff\x0a"
_ENOUGH = 4096  # bytes: 4099 extra channels, each with its name, would not fit; we know no file with more than a few
_RATIOS = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

_Choice = tuple[int, int]  # bits to read, what to add to them
_ENUM: tuple[_Choice, ...] = ((0, 0), (0, 1), (4, 2), (6, 18))
_SIZE: tuple[_Choice, ...] = ((9, 1), (13, 1), (18, 1), (30, 1))
_BITS: tuple[_Choice, ...] = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_BITS: tuple[_Choice, ...] = ((0, 32), (0, 16), (0, 24), (6, 1))
_EXTRAS: tuple[_Choice, ...] = ((0, 0), (0, 1), (4, 2), (12, 1))
_SHIFT: tuple[_Choice, ...] = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAME: tuple[_Choice, ...] = ((0, 0), (4, 0), (5, 16), (10, 48))
_FILTER: tuple[_Choice, ...] = ((0, 1), (2, 0), (4, 3), (8, 19))
_PREVIEW_EIGHTS: tuple[_Choice, ...] = ((0, 16), (0, 32), (5, 1), (9, 33))
_PREVIEW: tuple[_Choice, ...] = ((6, 1), (8, 65), (10, 321), (12, 1345))
_ALPHA, _SPOT, _CFA = 0, 2, 5
_GREY = 1


def header(data: bytes) -> Header:
    """Read the header of a JPEG XL file, bare or in boxes.

    Returns:
        Width and height of the upright picture, as the decoder turns it itself.

    Raises:
        ImageError: the bytes end too soon, or they hold an animation, which our decoder can't read.
    """
    fields = _Fields(_codestream(data))
    width, height = _size(fields)
    turned, bits, alpha, grey = _metadata(fields)
    if fields.overrun:
        raise ImageError("Expected a whole JPEG XL header, got its beginning")
    if turned:
        width, height = height, width
    bands = (1 if grey else 3) + alpha
    return Header("jxl", width, height, bands, alpha, bits=bits)


@dataclass
class _Fields:
    """Reads bits, the lowest of a byte first; `overrun` once more were asked for than there are."""

    data: bytes
    at: int = 0

    def __post_init__(self) -> None:
        self.number = int.from_bytes(self.data, "little")

    @property
    def overrun(self) -> bool:
        return self.at > 8 * len(self.data)

    def bits(self, count: int) -> int:
        value = self.number >> self.at & (1 << count) - 1
        self.at += count
        return value

    def flag(self) -> bool:
        return bool(self.bits(1))

    def choose(self, choices: tuple[_Choice, ...]) -> int:
        count, offset = choices[self.bits(2)]
        return self.bits(count) + offset


def _codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream, after its signature."""
    stream = data[:_ENOUGH] if data.startswith(_SIGNATURE) else b"".join(_parts(data))[:_ENOUGH]
    if not stream.startswith(_SIGNATURE):
        raise ImageError("Expected a JPEG XL codestream, got none")
    return stream[2:]


def _parts(data: bytes) -> Iterator[bytes]:
    """Yield the parts of the codestream; it begins within the first boxes, after some of metadata."""
    for kind, start, end in boxes(data):
        if kind in (b"jxlc", b"jxlp"):
            yield data[start + 4 * (kind == b"jxlp") : min(end, start + _ENOUGH)]


def _size(fields: _Fields) -> tuple[int, int]:
    small = fields.flag()

    def side() -> int:
        return 8 * (fields.bits(5) + 1) if small else fields.choose(_SIZE)

    height = side()
    ratio = fields.bits(3)
    return (_across(height, ratio) if ratio else side()), height


def _across(height: int, ratio: int) -> int:
    over, under = _RATIOS[ratio - 1]
    return height * over // under


def _metadata(fields: _Fields) -> tuple[bool, int, bool, bool]:
    """Return: are the sides swapped, bits of a channel, is there alpha, is it grey."""
    if fields.flag():  # all default
        return False, 8, False, False
    turned = False
    if fields.flag():
        turned = fields.bits(3) >= 4
        _intrinsic_preview_animation(fields)
    bits = _depth(fields)
    fields.flag()  # whether 16 bit buffers are enough
    extras = [_extra(fields) for _ in range(fields.choose(_EXTRAS)) if not fields.overrun]
    fields.flag()  # whether the colours are XYB
    return turned, bits, _ALPHA in extras, _grey(fields)


def _intrinsic_preview_animation(fields: _Fields) -> None:
    if fields.flag():
        _size(fields)
    if fields.flag():
        choices = _PREVIEW_EIGHTS if fields.flag() else _PREVIEW
        fields.choose(choices)
        if not fields.bits(3):
            fields.choose(choices)
    if fields.flag():
        raise ImageError("Expected a still picture in JPEG XL, got an animation")


def _depth(fields: _Fields) -> int:
    if not fields.flag():
        return fields.choose(_BITS)
    bits = fields.choose(_FLOAT_BITS)
    fields.bits(4)  # of them the exponent's
    return bits


def _extra(fields: _Fields) -> int:
    """Read one extra channel and return its kind."""
    if fields.flag():
        return _ALPHA
    kind = fields.choose(_ENUM)
    _depth(fields)
    fields.choose(_SHIFT)
    fields.bits(8 * fields.choose(_NAME))
    if kind == _ALPHA:
        fields.flag()
    elif kind == _SPOT:
        fields.bits(4 * 16)
    elif kind == _CFA:
        fields.choose(_FILTER)
    return kind


def _grey(fields: _Fields) -> bool:
    if fields.flag():  # the default, sRGB
        return False
    fields.flag()  # whether there is an embedded profile
    return fields.choose(_ENUM) == _GREY
