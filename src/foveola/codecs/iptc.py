"""IPTC's block: its datasets, and its wrapping: JPEG holds it among Photoshop's resources, TIFF bare.

libvips hands both on as they stand in the file and writes them as they are, so a picture that goes from one format to
the other has to be wrapped anew. Sources: https://www.iptc.org/std/IIM/4.2/specification/IIMV4.2.pdf and
https://www.adobe.com/devnet-apps/photoshop/fileformatashtml/ (image resources).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MARK = b"Photoshop 3.0\0"
_SEGMENT = 65_500
"""Bytes that surely fit into a segment of a JPEG."""
NUMBER = 0x0404
"""The number of IPTC among Photoshop's resources."""
CHARACTER_SET = (1, 90)
"""The dataset that says how the others are encoded."""
_MARKER = 0x1C
_MOST = 1000
"""Datasets that are read, and resources."""
_RESOURCE = b"8BIM" + NUMBER.to_bytes(2) + b"\0\0"
"""Its resource, with an empty name."""


class Dataset(NamedTuple):
    """One dataset: its record and its number there, what it says, and all its bytes."""

    number: tuple[int, int]
    value: bytes
    data: bytes


def datasets(block: bytes) -> Iterator[Dataset]:
    """Yield datasets up to the first that can't be read.

    Args:
        block: datasets of IIM, not wrapped; what stands before the first is passed over.
    """
    at = block.find(_MARKER)
    for _ in range(_MOST):
        if at < 0 or len(block) < at + 5 or block[at] != _MARKER:
            return
        length, start = int.from_bytes(block[at + 3 : at + 5]), at + 5
        if length & 0x8000:  # the length of the length
            start += length & 0x7FFF
            length = int.from_bytes(block[at + 5 : start])
        end = start + length
        if end > len(block):
            return
        yield Dataset((block[at + 1], block[at + 2]), block[start:end], block[at:end])
        at = end


def wrapped(block: bytes | None) -> bytes | None:
    """Return a block as JPEG's segment APP13 holds it; one that is wrapped already stays as it is.

    Args:
        block: datasets of IIM, or what a segment APP13 holds.
    """
    if not block or block.startswith(MARK):
        return block
    return MARK + _RESOURCE + len(block).to_bytes(4) + block + b"\0" * (len(block) % 2)


def fitting(block: bytes | None) -> bytes | None:
    """Return a block as `wrapped` does, None where it is larger than a segment."""
    data = wrapped(block)
    return data if data and len(data) <= _SEGMENT else None


def fourfold(block: bytes | None) -> bytes | None:
    """Return a block as libvips' writer of TIFF has to be given it, followed by three times as many zeros.

    libvips tells libtiff a quarter of the bytes, as the number of words of four; libtiff counts bytes and would write
    that quarter (libvips 8.18, libtiff 4.7). Zeros after the last dataset mean nothing to a reader.
    """
    data = bare(block)
    return data.ljust(4 * len(data), b"\0") if data else None


def bare(block: bytes | None) -> bytes | None:
    """Return the datasets of IIM in a block; None where it has none.

    Args:
        block: what a segment APP13 holds, or bare datasets.
    """
    if not block or not block.startswith(MARK):
        return block
    return resources(block).get(NUMBER) or None


def resources(block: bytes) -> dict[int, bytes]:
    """Return Photoshop's resources by their numbers, as far as they can be read; the first of each.

    Args:
        block: with or without the mark of a segment APP13.
    """
    block = block.removeprefix(MARK)
    found: dict[int, bytes] = {}
    at = 0
    for _ in range(_MOST):
        if block[at : at + 4] != b"8BIM" or at + 7 > len(block):
            break
        start = at + 6 + (block[at + 6] + 2) // 2 * 2  # past a name that is padded to an even length
        size = int.from_bytes(block[start : start + 4])
        found.setdefault(int.from_bytes(block[at + 4 : at + 6]), block[start + 4 : start + 4 + size])
        at = start + 4 + size + size % 2
    return found
