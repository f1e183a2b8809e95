from __future__ import annotations

from itertools import pairwise

import pytest
import pyvips

from foveola.codecs import vips
from foveola.codecs.avif import CODEC, quantiser
from foveola.settings import AvifSettings
from tests.drawn import picture


def test_the_quantisers_go_from_63_to_0() -> None:
    steps = [quantiser(quality) for quality in range(101)]

    assert steps[0] == 63
    assert steps[-1] == 0
    assert {low - high for low, high in pairwise(steps)} == {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("speed", [6, 8, 9])
@pytest.mark.parametrize("subsample", ["on", "off"])
def test_qualities_of_one_quantiser_are_one_file_of_the_encoder(speed: int, subsample: str) -> None:
    """Asks libavif itself, past the rounding of `encode`."""
    from foveola.codecs import pillow

    given = picture(64, 80)
    chroma = {"on": "4:2:0", "off": "4:4:4"}[subsample]
    files = [
        pillow.save(given, "AVIF", quality=quality, speed=speed, subsampling=chroma, max_threads=1, autotiling=False)
        for quality in range(101)
    ]
    for quality in range(100):
        same = quantiser(quality) == quantiser(quality + 1)
        assert (files[quality] == files[quality + 1]) == same, quality


@pytest.mark.parametrize(
    ("settings", "quality", "halved"),
    [
        (AvifSettings(), 89, True),
        (AvifSettings(), 90, False),
        (AvifSettings(subsample="on"), 95, True),
        (AvifSettings(subsample="off"), 30, False),
    ],
)
def test_chroma_is_halved_below_90_or_as_told(settings: AvifSettings, quality: int, halved: bool) -> None:
    data = CODEC.encode(picture(), quality, settings)
    # The AV1 configuration box: flags of the third byte, 0x0c when both directions are halved.
    at = data.index(b"av1C") + 4
    assert (data[at + 2] & 0x0C == 0x0C) == halved
    assert CODEC.setting(quality, settings) == (quantiser(quality), halved)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_fixed_quality_gives_the_file_of_a_search(channels: int) -> None:
    given = picture(64, 80, channels=channels)
    lazy = vips.from_picture(given).copy()

    assert CODEC.save(lazy, 63, AvifSettings()) == CODEC.encode(given, 63, AvifSettings())


def test_grey_is_written_without_chroma() -> None:
    data = CODEC.encode(picture(channels=1), 80, AvifSettings())
    at = data.index(b"av1C") + 4

    assert data[at + 2] & 0x10
    assert pyvips.Image.heifload_buffer(data).width == 56
