"""Which pictures of a JPEG count: those of their own, that are there."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveola.codecs.mpf import pictures

PRIMARY, UNDEFINED = 0x030000, 0
STILL = BytesIO()
Image.new("RGB", (40, 30), "red").save(STILL, "JPEG")
OTHER = STILL.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def marked(marker: int, text: bytes) -> bytes:
    """Return a JPEG with a segment of its own after its first bytes."""
    return OTHER[:2] + segment(marker, text) + OTHER[2:]


def mpf(*others: tuple[int, bytes], order: str = "<") -> bytes:
    """Return a JPEG, with a segment before its index, and others behind it, each of a type."""
    ahead = OTHER[:2] + segment(0xE1, b"Exif\0\0" + bytes(300))
    entries = 16 * (1 + len(others))
    start = len(ahead) + 8  # the marker, the length and the name of the index come before it
    at = start + 8 + 2 + 3 * 12 + 4 + entries + len(OTHER) - 2
    rows = struct.pack(order + "LLLHH", PRIMARY, at, 0, 0, 0)
    for kind, data in others:
        rows += struct.pack(order + "LLLHH", kind, len(data), at - start, 0, 0)
        at += len(data)
    fields = [(0xB000, 7, 4, 0x30303130), (0xB001, 4, 1, 1 + len(others)), (0xB002, 7, entries, 50)]
    index = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, 3)
    index += b"".join(struct.pack(order + "HHLL", *field) for field in fields) + bytes(4) + rows
    return ahead + segment(0xE2, b"MPF\0" + index) + OTHER[2:] + b"".join(data for _, data in others)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("others", "count"),
    [
        ([], 1),
        ([(UNDEFINED, OTHER)], 2),
        ([(0x020002, OTHER)], 2),
        ([(0x020001, OTHER), (0x020001, OTHER)], 3),
        ([(0x010001, OTHER), (0x010002, OTHER)], 1),
        ([(0x40010002, OTHER), (0x80020003, OTHER)], 2),
        ([(UNDEFINED, marked(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version="1.0"/>'))], 1),
        ([(UNDEFINED, marked(0xE1, b"<x>urn:com:apple:photo:2020:aux:hdrgainmap</x>"))], 1),
        ([(UNDEFINED, marked(0xE2, b"urn:iso:std:iso:ts:21496:-1\0"))], 1),
        ([(UNDEFINED, b"cut off, and something else in its place")], 1),
    ],
)
def test_previews_gain_maps_and_what_is_not_there_are_not_counted(
    order: str, others: list[tuple[int, bytes]], count: int
) -> None:
    data = mpf(*others, order=order)

    assert pictures(data) == count
    with Image.open(BytesIO(data)) as image:  # the files are what another reader takes for such ones
        assert getattr(image, "n_frames", 1) == 1 + len(others)


@pytest.mark.parametrize("data", [b"", OTHER, OTHER[:2] + b"\xff", mpf((0, OTHER))[: -len(OTHER)], b"\xff\xd8\xff\xe2"])
def test_a_file_without_an_index_or_without_the_rest_is_one_picture(data: bytes) -> None:
    assert pictures(data) == 1


@given(st.lists(st.tuples(st.integers(0, 420), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_index_is_no_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(mpf((0, OTHER)))
    for at, value in changes:
        data[at] = value

    assert 1 <= pictures(bytes(data)) <= 4096


def test_an_index_of_thousands_is_looked_at_in_part() -> None:
    """Each picture is searched for the mark of a gain map, which took a second here."""
    many = [(UNDEFINED, b"\xff\xd8\xff" + b"a")] * 3000

    assert pictures(mpf(*many) + b"a" * 70_000) == 256
