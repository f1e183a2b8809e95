"""The size of a baseline JPEG scan, from how often each of its symbols occurs.

The codes are built as an optimising encoder builds them (optimal, at most 16 bits, the code of ones alone left free),
because the entropy alone is 1-3 % below any Huffman code. Stuffed zero bytes and headers are not counted.
Source: ITU-T T.81, annex K.2 (procedures "Code_size" and "Adjust_BITS").
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

LONGEST = 16
DC_SYMBOLS = 16
"""Categories of DC differences come first in a histogram of symbols; 256 run/size symbols of AC follow."""


def scan_bits(counts: NDArray[np.int64]) -> float:
    """Return the bits of a scan coded with optimal Huffman tables.

    Args:
        counts: (272,) how often each DC category (0..15), then each AC run/size byte (0..255) occurs.

    Returns:
        Bits of the codes and of the extra bits that follow them.
    """
    direct, runs = counts[:DC_SYMBOLS], counts[DC_SYMBOLS:]
    extra = int(direct @ np.arange(DC_SYMBOLS) + runs @ (np.arange(256) & 15))
    return float(extra + _coded_bits(direct[direct > 0].tolist()) + _coded_bits(runs[runs > 0].tolist()))


def _coded_bits(counts: Sequence[int]) -> int:
    """Return the bits of all codes of an alphabet with these counts."""
    lengths = _limited(_code_lengths(counts))
    return sum(count * length for count, length in zip(sorted(counts, reverse=True), lengths, strict=False))


def _code_lengths(counts: Sequence[int]) -> list[int]:
    """Return the lengths of optimal codes in rising order; a symbol of count 0 stands for the code of ones."""
    heap: list[tuple[int, int, list[int]]] = [(count, 1 + i, [0]) for i, count in enumerate(counts)]
    heap.append((0, 0, [0]))
    heapify(heap)
    while len(heap) > 1:
        (count, _, less), (more, order, most) = heappop(heap), heappop(heap)
        heappush(heap, (count + more, order, [depth + 1 for depth in less + most]))
    return sorted(heap[0][2])


def _limited(lengths: list[int]) -> list[int]:
    """Return the lengths cut to 16 bits as T.81 figure K.3 does, without the longest: it is the code of ones."""
    numbers = np.bincount(lengths, minlength=LONGEST + 1).tolist()
    for long in range(len(numbers) - 1, LONGEST, -1):
        while numbers[long] > 0:
            short = next(length for length in range(long - 2, 0, -1) if numbers[length])
            numbers[long] -= 2
            numbers[long - 1] += 1
            numbers[short + 1] += 2
            numbers[short] -= 1
    cut = [length for length, number in enumerate(numbers) for _ in range(number)]
    return cut[:-1]
