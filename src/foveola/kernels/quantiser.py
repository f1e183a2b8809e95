"""A quantiser in 16-bit fixed point, the same for the C kernels and their twin.

Coefficients are stored 16 times too big. Integer steps behave exactly as in JPEG encoders and decoders; the reciprocal
of a fractional step is rounded to 2^-16 of itself and its dead zone to 1/16 of a coefficient.
Source: Granlund, Montgomery: Division by invariant integers using multiplication (PLDI 1994).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALE = 16
"""How many times the coefficients are stored too big."""
SMALLEST, LARGEST = 0.25, 1023.0
"""Steps that 16 bits can hold: a smaller one changes no pixel, a larger one leaves 1023 or nothing."""
BIAS, RECIPROCAL, SHIFT, LIFT, STEP = range(5)


def fixed_point(table: NDArray[np.floating[Any]], dead_zone: float) -> NDArray[np.uint16]:
    """Return (5, 64) constants of a quantiser, made once for each that was asked for lately.

    A coefficient of size |c| has the level ((|c| + BIAS) * RECIPROCAL >> 16) * SHIFT >> 16, and a level without its
    sign the value -((-2 * level * LIFT * STEP + 2^14) >> 15); both are 0 where a step is over 2048, which no
    coefficient reaches half of.

    Args:
        table: (8, 8) positive steps, vertical frequency first.
        dead_zone: 0..0.5, by how much rounding leans to zero.
    """
    return _made(np.ascontiguousarray(table, np.float64).tobytes(), float(dead_zone))


@lru_cache(1024)
def _made(table: bytes, dead_zone: float) -> NDArray[np.uint16]:
    steps = SCALE * np.maximum(np.frombuffer(table), SMALLEST)
    kept = steps < 2048 * SCALE
    steps = np.where(kept, steps, SCALE)
    shift = np.ceil(np.log2(steps)) - 1
    held = np.minimum(steps, LARGEST * SCALE)
    lift = np.floor(np.log2(held)) + 1
    constants = np.empty((5, 64))
    constants[BIAS] = np.rint(steps * (0.5 - dead_zone))
    constants[RECIPROCAL] = np.minimum(np.ceil(2 ** (16 + shift) / steps), 0xFFFF)
    constants[SHIFT] = 2 ** (16 - shift)
    constants[LIFT] = 2 ** (lift - 1)
    constants[STEP] = np.rint(held * 2 ** (15 - lift))
    made = np.where(kept, constants, 0).astype(np.uint16)
    made.flags.writeable = False
    return made
