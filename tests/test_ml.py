"""Method ml: who says the first quality, what becomes of it, and when it is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import foveola
import foveola.networks
from foveola.autoquality import Result, find
from foveola.codecs import codec
from foveola.errors import ArgumentError, ConfigError, NetworkError
from foveola.goal import Autoquality, Bounds
from foveola.metrics import compare
from foveola.networks import Absent, Network, Prediction, Predictor
from foveola.picture import Picture
from foveola.settings import BEST_JPEG, make_settings
from tests.graphs import logits, write
from tests.toys import ToyCodec, photo

PICTURE = photo(300, 220)
FORMATS = ("jpeg", "webp", "avif", "jxl")


@dataclass
class Fake:
    """Says what it was told to, and remembers how often it was asked."""

    quality: int = 50
    own: bool = True
    fails: bool = False
    asked: list[Picture] = field(default_factory=list)

    def predict(self, picture: Picture) -> Prediction:
        self.asked.append(picture)
        if self.fails:
            raise NetworkError("out of memory")
        return Prediction(self.quality, 0.02)


def search(name: str, predictor: Predictor | Absent, error: float = 0.002, low: int = 1, high: int = 100) -> Result:
    return find(PICTURE, codec(name), Autoquality("ml", 0.02, Bounds(low, high), error), predictor=predictor)


def decoded(result: Result) -> list[int]:
    return [probe.quality for probe in result.probes if probe.seen != "mosaic"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("quality", [5, 60, 97])
def test_a_network_of_the_user_is_where_the_search_begins(name: str, quality: int) -> None:
    fake = Fake(quality)
    result = search(name, fake)

    assert len(fake.asked) == 1
    assert np.array_equal(fake.asked[0].frames, PICTURE.frames)
    assert result.first == "network"
    settings = BEST_JPEG if name == "jpeg" else make_settings(name, {})
    one, other = (codec(name).setting(q, settings) for q in (decoded(result)[0], quality))
    assert one == other
    assert not any(probe.seen == "mosaic" for probe in result.probes[:1])
    assert result.notes == ()


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_a_network_says_is_verified_and_corrected(name: str) -> None:
    result = search(name, Fake(3))

    assert result.met or result.why == "between_steps"
    assert result.encodes <= 4
    assert result.dssim == pytest.approx(compare(PICTURE, codec(name).decode(result.data)).dssim, abs=1e-4)


@pytest.mark.parametrize(("said", "asked"), [(10, 40), (55, 55), (99, 60)])
def test_a_prediction_is_clamped_to_the_bounds(said: int, asked: int) -> None:
    assert decoded(search("webp", Fake(said), low=40, high=60))[0] == asked


@pytest.mark.parametrize("name", FORMATS)
def test_an_allowed_error_of_1_trusts_the_network(name: str) -> None:
    result = search(name, Fake(61), error=1)

    assert (result.encodes, result.why, result.first) == (1, "trusted", "network")
    assert result.quality == (60 if name == "avif" else 61)  # of AVIF both give the same file
    assert (result.dssim, result.met, result.kept) == (None, None, None)
    settings = BEST_JPEG if name == "jpeg" else make_settings(name, {})
    assert result.data == codec(name).encode(PICTURE, 61, settings)


@pytest.mark.parametrize("error", [0.002, 1])
def test_a_network_that_fails_costs_its_prediction_and_nothing_else(error: float) -> None:
    result = search("webp", Fake(fails=True), error)
    plain = find(PICTURE, codec("webp"), Autoquality("dssim", 0.02, allowed_error=error))

    assert result.notes == ("network_failed",)
    assert (result.quality, result.encodes, result.first) == (plain.quality, plain.encodes, plain.first)
    assert result.data == plain.data


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_shipped_is_asked_only_where_nothing_is_foreseen(name: str) -> None:
    fake = Fake(own=False)
    result = search(name, fake)

    assert fake.asked == []
    assert result.first == "transform"
    assert result.notes == ()


@pytest.mark.parametrize("error", [0.002, 1])
def test_what_is_shipped_is_not_asked_where_one_quality_is_allowed(error: float) -> None:
    fake = Fake(own=False)
    result = search("webp", fake, error, low=40, high=40)

    assert fake.asked == []
    assert (result.quality, result.encodes, result.first) == (40, 1, "none")
    assert (result.dssim is None) == (error == 1)


def test_where_nothing_is_foreseen_what_is_shipped_says_the_first_quality() -> None:
    fake = Fake(40, own=False)
    result = find(PICTURE, ToyCodec(), Autoquality("ml", 0.02), object(), predictor=fake)

    assert len(fake.asked) == 1
    assert (result.first, decoded(result)[0]) == ("network", 40)


@pytest.mark.parametrize("name", FORMATS)
def test_trusted_without_a_network_of_ones_own_is_what_is_foreseen(name: str) -> None:
    result = search(name, Fake(own=False), error=1)
    true = compare(PICTURE, codec(name).decode(result.data)).dssim

    assert (result.encodes, result.why, result.first, result.dssim) == (1, "trusted", "transform", None)
    assert 0.01 < true < 0.04


def test_without_a_network_an_error_of_1_is_met_by_the_first_file() -> None:
    result = search("webp", "no_network", error=1)

    assert (result.encodes, result.why, result.notes) == (1, "met", ("no_network",))
    assert result.dssim is not None


def test_jpeg_is_written_with_the_best_settings_with_or_without_a_network() -> None:
    configured = make_settings("jpeg", {"progressive": "false", "quant_table": "0"})
    for predictor in (Fake(70), Fake(70, own=False), "no_network"):
        goal = Autoquality("ml", 0.02)
        result = find(PICTURE, codec("jpeg"), goal, configured, predictor=predictor)
        assert result.quality is not None
        assert result.data == codec("jpeg").encode(PICTURE, result.quality, BEST_JPEG)


@pytest.mark.parametrize("method", ["dssim", "size"])
def test_other_methods_ask_no_network(method: str) -> None:
    fake = Fake()
    target = 9000 if method == "size" else 0.02
    find(PICTURE, codec("webp"), Autoquality(method, target), predictor=fake)  # type: ignore[arg-type]

    assert fake.asked == []


def test_two_workers_look_first_where_the_network_says() -> None:
    result = find(PICTURE, codec("webp"), Autoquality("ml", 0.02), predictor=Fake(30), workers=2)

    assert decoded(result)[0] == 30
    assert result.met


def test_the_library_takes_a_network_by_its_path(tmp_path: Path) -> None:
    path = write(logits(), tmp_path / "net.pb")
    pixels = np.full((120, 160, 3), 128, np.uint8) + np.arange(160, dtype=np.uint8)[None, :, None] // 8

    result = foveola.encode(pixels, "webp", "ml:0.02:1:100:1", network=path)

    assert (result.why, result.first) == ("trusted", "network")
    assert result.quality == pytest.approx(pixels.mean() / 2.55 + 1, abs=1.5)
    assert foveola.encode(pixels, "webp", "ml:0.02:1:100", network="none").notes == ("no_network",)
    assert foveola.encode(pixels, "webp", "ml:0.02:1:100").notes == ()


def test_a_network_that_can_not_be_used_is_an_error_of_the_library(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        foveola.encode(PICTURE.frames[0], "webp", "ml:0.02", network=tmp_path / "net.pb")
    with pytest.raises(ArgumentError, match="Expected nothing without method ml for network"):
        foveola.encode(PICTURE.frames[0], "webp", "dssim:0.02", network=tmp_path / "net.pb")
    with pytest.raises(ArgumentError, match="Expected a path, none, or an empty text for network, got 7"):
        foveola.encode(PICTURE.frames[0], "webp", "ml:0.02", network=7)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (90, 70), (700, 30)])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["webp", "jxl"])
def test_a_network_sees_pictures_of_any_kind(name: str, size: tuple[int, int], channels: int) -> None:
    picture = photo(*size, channels)
    network = Network.load(Path(foveola.networks.__file__).parent / "shipped" / f"{name}.pb", name)

    result = find(picture, codec(name), Autoquality("ml", 0.02), predictor=network)

    assert result.first == "network"
    assert result.dssim is not None


def test_frames_are_judged_by_the_first(tmp_path: Path) -> None:
    moving = Picture(np.concatenate([PICTURE.frames, PICTURE.frames[:, ::-1]]), delays=(40, 40))
    network = Network.load(write(logits(), tmp_path / "net.pb"), "webp")

    assert network.predict(moving).quality == network.predict(PICTURE).quality
