"""The imitation: what places are like, and what a head makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from foveola.codecs import codec
from foveola.foresight.fitted import DOUBT, imitated, numbers, trust
from foveola.foresight.imitation import FEWEST, MOST, Head, forward, level, places
from foveola.foresight.transform import quantiser
from foveola.goal import Bounds
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.search import Step
from foveola.settings import make_settings
from tests.toys import photo

KNOTS = (10, 50, 90)
FEATURES = 15


def noise(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(60, 200, (height, width, channels), np.uint8)


def table(quality: int) -> tuple[NDArray[Any], float]:
    return np.full((8, 8), 110.0 - quality), 0.2


def seen(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return places(Reference(Picture(pixels[None])), table, KNOTS)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 300), (40, 40), (191, 233), (400, 600), (1100, 1400)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_places_are_told_of_pictures_of_any_size(height: int, width: int, channels: int) -> None:
    told = seen(noise(height, width, channels))

    assert told.dtype == np.float32
    assert told.shape[1] == len(KNOTS) + FEATURES
    assert 1 <= len(told) <= max(MOST, height * width // 256)
    assert np.isfinite(told).all()


def test_large_pictures_are_looked_at_in_a_part() -> None:
    assert len(seen(noise(256, 192, 3))) == FEWEST
    assert MOST - 12 <= len(seen(noise(1024, 1024, 3))) <= MOST


def test_a_flat_picture_loses_nothing_and_has_no_texture() -> None:
    told = seen(np.full((300, 300, 3), 200, np.uint8))

    assert told[:, : len(KNOTS)] == pytest.approx(0, abs=2e-4)
    assert told[:, len(KNOTS) : len(KNOTS) + 10] == pytest.approx(np.log(0.5), abs=1e-3)
    assert told[:, -5:-2] == pytest.approx(200 / 64, abs=1e-3)
    assert told[:, -2:] == pytest.approx(0, abs=1e-3)


def test_what_a_place_is_like_is_that_place_s_own() -> None:
    pixels = np.full((256, 256, 3), 128, np.uint8)
    pixels[:, 128:] = noise(256, 128, 3)

    told = seen(pixels)
    losses, energy = told[:, 0], told[:, len(KNOTS)]
    busy = energy > 0

    assert 0.3 < busy.mean() < 0.7
    assert losses[busy].min() > losses[~busy].max()


def test_grey_pixels_are_told_like_equal_channels() -> None:
    grey = noise(256, 256, 1)

    assert seen(np.repeat(grey, 3, axis=2)) == pytest.approx(seen(grey), abs=1e-4)


def believing(knots: int, channels: int, qualities: int) -> Head:
    """Return a head that changes nothing."""
    curve = np.full((knots, qualities), 1 / knots, np.float32)
    shapes: dict[str, tuple[int, ...]] = {
        "first": (channels, 8),
        "first_bias": (8,),
        "second": (8, 8),
        "second_bias": (8,),
        "factor": (8, knots),
        "factor_bias": (knots,),
        "pool": (16 + knots, qualities),
        "offset": (qualities,),
    }
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return Head(weights | {"curve": curve}, np.zeros(channels, np.float32), np.ones(channels, np.float32), knots)


def test_a_head_without_weights_stays_with_the_transform() -> None:
    told = seen(noise(300, 300, 3))[None]
    head = believing(3, told.shape[2], 5)

    assert head.above(told)[0] == pytest.approx(0, abs=1e-5)
    assert head(told)[0] == pytest.approx(np.repeat(level(told[..., :3]).mean(), 5), abs=1e-5)


def test_a_factor_at_all_places_raises_the_curve_by_its_log() -> None:
    told = seen(noise(300, 300, 3))[None]
    head = believing(3, told.shape[2], 5)
    weights = {**head.weights, "factor_bias": np.full(3, 0.3, np.float32)}

    curve, _ = forward(weights, head.scaled(told), told[..., :3], level(told[..., :3]))

    assert curve == pytest.approx(0.3, abs=1e-3)


def test_doubt_has_limits() -> None:
    fitted = {"mean": np.zeros(2), "spread": np.ones(2), "weights": np.array([10.0, 0.0])}

    assert trust(fitted, np.array([[9.0, 0], [-9.0, 0], [0, 0]])) == pytest.approx([DOUBT[1], DOUBT[0], 1])


@pytest.mark.parametrize("name", ["webp", "avif", "jxl"])
def test_a_codec_is_foreseen_better_with_its_imitation(name: str) -> None:
    """A landscape, as a codec writes it at middling qualities."""
    found, settings = codec(name), make_settings(name, {})
    picture = photo(480, 320)
    reference, steps = Reference(picture, whole=True), [Step(q, q) for q in (30, 50, 70)]
    stand_in = quantiser(found, settings)
    assert stand_in is not None

    belief = imitated(found, settings, steps, reference, stand_in)
    true = [reference.full(found.decode(found.encode(picture, s.quality, settings))).dssim for s in steps]
    above = np.log(true) - np.log([reference.transform(*stand_in(s.quality)) for s in steps])

    assert np.abs(belief.mean - above).max() < 3 * belief.sd.max() < 0.6


def test_the_fitted_heads_fit_together() -> None:
    for name in ("webp", "avif", "jxl"):
        found = numbers()["variants"][name]["imitation"]
        head = Head.read(found["head"])
        bounds = Bounds(int(found["knots"][0]), int(found["knots"][-1]))

        assert head.knots == len(found["knots"])
        assert head.weights["curve"].shape == (head.knots, len(found["qualities"]))
        assert len(head.mean) == head.knots + FEATURES
        assert bounds.min > 1
