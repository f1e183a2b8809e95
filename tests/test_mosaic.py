"""A mosaic tells how far a codec lies above the transform, for its share of an encode, and knows its own doubt."""

from __future__ import annotations

import math

import numpy as np
import pytest

from foveola.autoquality import find
from foveola.codecs import codec
from foveola.foresight.mosaic import encode_mosaic, offers
from foveola.foresight.transform import quantiser
from foveola.goal import Autoquality
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.search import Step
from foveola.settings import make_settings
from tests.toys import photo

LARGE = photo(1024, 768, seed=5)


@pytest.mark.parametrize("name", ["webp", "avif", "jxl"])
def test_it_foresees_the_whole_within_its_doubt(name: str) -> None:
    """Four standard deviations of its own estimate."""
    found, settings, reference = codec(name), make_settings(name, {}), Reference(LARGE)
    table = quantiser(found, settings)
    assert table is not None

    mosaic = encode_mosaic(reference, found, settings, Step(60, 60), 24)

    file = reference.full(found.decode(found.encode(LARGE, 60, settings))).dssim
    above = math.log(file / reference.transform(*table(60), whole=True))
    assert abs(mosaic.above - above) < 4 * math.sqrt(mosaic.variance)
    assert mosaic.variance < 0.2**2


def test_it_is_a_probe_of_its_share() -> None:
    reference, webp, settings = Reference(LARGE), codec("webp"), make_settings("webp", {})

    for offer in offers(reference, webp, settings, 60):
        probe = encode_mosaic(reference, webp, settings, Step(60, 60), offer.count).probe

        assert (probe.seen, probe.data) == ("mosaic", None)
        assert probe.area == pytest.approx(offer.share)


def test_more_tiles_cost_more_and_leave_less_doubt() -> None:
    found = offers(Reference(LARGE), codec("webp"), make_settings("webp", {}), 60)

    assert [offer.count for offer in found] == [12, 24, 48]
    assert max(offer.share for offer in found) <= 1 / 4
    large = offers(Reference(photo(2048, 1536, seed=5)), codec("webp"), make_settings("webp", {}), 60)
    assert [offer.count for offer in large] == [12, 24, 48, 96]
    assert [offer.doubt for offer in large] == sorted((offer.doubt for offer in large), reverse=True)


@pytest.mark.parametrize(
    "picture",
    [
        photo(240, 160),
        photo(4000, 60),
        photo(1024, 768, 4),
        Picture(np.repeat(LARGE.frames, 2, axis=0), delays=(10, 10)),
    ],
    ids=["small", "narrow", "alpha", "animated"],
)
def test_small_pictures_alpha_and_frames_have_none(picture: Picture) -> None:
    assert offers(Reference(picture), codec("webp"), make_settings("webp", {}), 60) == []


def test_a_search_may_begin_with_one_and_counts_whole_pictures_only() -> None:
    result = find(LARGE, codec("webp"), Autoquality("dssim", 0.02, allowed_error=0.0005))

    assert result.probes[0].seen == "mosaic"
    assert [probe.seen for probe in result.probes].count("mosaic") == 1
    assert result.encodes == len(result.probes) - 1
    assert result.encoded == pytest.approx(result.encodes + result.probes[0].area)


def test_where_any_file_will_do_none_is_made() -> None:
    result = find(LARGE, codec("webp"), Autoquality("dssim", 0.02, allowed_error=0.019))

    assert (result.encodes, len(result.probes)) == (1, 1)
