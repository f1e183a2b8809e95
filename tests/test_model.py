"""The network: what its fixed layers see."""

from __future__ import annotations

import numpy as np
import pytest

from foveola.codecs import codec
from foveola.settings import WebpSettings
from foveola.train.model import StandIn, runner
from tests.toys import photo


@pytest.mark.parametrize("kind", ["flat", "white", "stripes", "photo"])
def test_no_place_loses_less_than_nothing(kind: str) -> None:
    """Rounding in float32 must not end in the log of a negative mean."""
    pixels = {
        "flat": np.full((416, 416, 3), 77),
        "white": np.full((416, 416, 3), 255),
        "stripes": np.where(np.arange(416) % 16 < 8, 40, 215)[None, :, None].repeat(416, 0).repeat(3, 2),
        "photo": photo(416, 416, grain=0.5).frames[0],
    }[kind]
    stand_in = StandIn.of(codec("webp"), WebpSettings(), (3, 50, 99, 100))

    seen = runner(stand_in)(pixels[None].astype(np.float32))[0]

    assert seen.shape == (51, 51, 4 + 16)
    assert np.isfinite(seen).all()
    assert seen[..., :4].min() >= 0
