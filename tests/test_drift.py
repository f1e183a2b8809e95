"""The fitted numbers still fit the codecs that are installed: what is foreseen of drawn pictures is near.

A codec that has changed its ways costs encodes, not correctness; it fails here, so that someone fits the numbers anew
(`python -m training.calibrate`).
"""

from __future__ import annotations

import math
from functools import cache

import pytest

from foveola.codecs import codec
from foveola.foresight.transform import foresee_dssim
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.search import Step
from foveola.settings import BEST_JPEG, make_settings
from tests.toys import photo

QUALITIES = (30, 60, 80)
DRIFT = {"jpeg": 0.03, "best": 0.12, "webp": 0.3, "avif": 0.35, "jxl": 0.3}
"""Greatest distance of the logs of DSSIM, foreseen and measured: about twice what it was at the fit."""


@cache
def picture(seed: int) -> Picture:
    return photo(640, 480, seed=seed, grain=6 + 4 * seed)


@pytest.mark.parametrize("name", DRIFT)
@pytest.mark.parametrize("seed", [1, 2])
def test_predictions_have_not_drifted(name: str, seed: int) -> None:
    format = "jpeg" if name == "best" else name
    found, settings = codec(format), BEST_JPEG if name == "best" else make_settings(format, {})
    reference = Reference(picture(seed), whole=True)
    steps = [Step(quality, quality) for quality in QUALITIES]
    foresight = foresee_dssim(reference, found, settings, steps)
    assert foresight is not None
    for index, quality in enumerate(QUALITIES):
        while foresight.look(index):
            pass
        file = found.decode(found.encode(picture(seed), quality, settings))
        drift = float(foresight.curve.mean[index]) - math.log(reference.full(file).dssim)

        assert abs(drift) < DRIFT[name], f"quality {quality}: foreseen {drift:+.3f} of the log too high"
