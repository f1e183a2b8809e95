"""Networks of both documented formats are run as the documentation and their sidecars say, and bad ones are refused."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveola import networks
from foveola.codecs import codec
from foveola.errors import ConfigError, NetworkError
from foveola.networks import Network, choose, digest, heads, inputs, runtime, sidecar
from foveola.networks.sidecar import Sidecar
from foveola.picture import Picture
from foveola.settings import Inference, make_settings
from tests.graphs import curved, grey, logits, scalar, strange, write
from tests.toys import photo

WEBP = codec("webp"), make_settings("webp", {})


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Each test reads its own files."""
    yield
    for kept in (networks.shipped, networks._shipped, networks._loaded, networks._without_extra, networks.digest):
        kept.cache_clear()


def falling(tilt: float = -0.045, bend: float = 0.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a curve of log DSSIM over 100 qualities."""
    q = np.arange(100)
    return -2.0 + tilt * q - bend * (q / 100) ** 4


# inputs


def test_tiles_are_spread_evenly_on_the_grid_of_blocks() -> None:
    """The example of the specification: 800x600 has rows 0, 168, 328, 496 and columns 0, 232, 464, 696."""
    y, x = np.mgrid[:600, :800]
    pixels = np.stack([y // 256 * 16 + x // 256, y % 256, x % 256], 2).astype(np.uint8)

    tiles = inputs.mosaic(pixels).reshape(4, 104, 4, 104, 3)[:, 0, :, 0].astype(int)

    assert (tiles[..., 0] // 16 * 256 + tiles[..., 1])[:, 0].tolist() == [0, 168, 328, 496]
    assert (tiles[..., 0] % 16 * 256 + tiles[..., 2])[0].tolist() == [0, 232, 464, 696]


def test_a_picture_of_its_size_is_its_own_mosaic() -> None:
    pixels = photo(416, 416).frames[0]

    assert np.array_equal(inputs.mosaic(pixels), pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3, 700), (103, 105), (104, 104), (50, 2000), (5000, 4000)])
def test_a_picture_of_any_size_has_a_mosaic(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)

    made = inputs.mosaic(pixels)

    assert made.shape == (416, 416, 3)
    assert np.array_equal(made[: min(size[0], 104), : min(size[1], 104)], pixels[:104, :104])


def test_a_picture_smaller_than_a_tile_is_mirrored_without_its_edge() -> None:
    pixels = np.arange(5, dtype=np.uint8).repeat(3).reshape(1, 5, 3)

    mirrored = [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]

    assert inputs.mosaic(pixels)[50, :12, 0].tolist() == mirrored  # the one row is repeated
    assert inputs.mosaic(np.repeat(pixels, 4, 0))[0, :12, 0].tolist() == mirrored


def test_grey_is_three_channels_alpha_is_laid_on_white_and_the_first_frame_counts() -> None:
    one = np.full((2, 4, 5, 1), 7, np.uint8)
    one[1] = 200
    clear = np.zeros((1, 4, 5, 4), np.uint8)
    half = np.dstack([np.full((4, 5, 3), 100, np.uint8), np.full((4, 5), 51, np.uint8)])[None]

    assert (inputs.square(Picture(one, delays=(1, 1)), "resize", 416) == 7).all()
    assert (inputs.coloured(clear[0]) == 255).all()
    assert (inputs.coloured(half[0]) == 224).all()


@pytest.mark.parametrize(("scale", "ends"), [("1", (0, 1)), ("255", (0, 255)), ("symmetric", (-1, 1))])
def test_pixels_become_the_numbers_that_a_network_knows(scale: Any, ends: tuple[float, float]) -> None:
    square = np.array([[[0, 255, 0]]], np.uint8)

    last = inputs.tensor(square, "NHWC", scale, floats=True)
    first = inputs.tensor(square, "NCHW", scale, floats=True)

    assert (last.min(), last.max()) == pytest.approx(ends)
    assert last.shape == (1, 1, 1, 3)
    assert first.shape == (1, 3, 1, 1)
    assert inputs.tensor(square, "NHWC", scale, floats=False).dtype == np.uint8


# heads


@pytest.mark.parametrize("bend", [0.0, 3.0])
@pytest.mark.parametrize("target", [0.002, 0.01, 0.02, 0.05, 0.1])
def test_a_curve_comes_back_from_its_logits(bend: float, target: float) -> None:
    curve, sigma = falling(bend=bend), 0.15
    off = (curve - np.log(0.02)) / sigma

    told = heads.read(-0.5 * off * off, "curve", 0.02, sigma, 1)

    assert told.curve == pytest.approx(curve, abs=1e-6)
    assert told.at(target, *WEBP) == pytest.approx(heads.crossing(curve, target), abs=1e-4)
    assert told.quality == np.abs(curve - np.log(0.02)).argmin() + 1


def test_a_curve_that_rises_is_read_as_one_that_does_not() -> None:
    curve = falling()
    curve[40:44] += 0.2
    off = (curve - np.log(0.02)) / 0.15

    told = heads.read(-0.5 * off * off, "curve", 0.02, 0.15, 1)

    assert told.curve is not None
    assert (np.diff(told.curve) <= 0).all()


def test_targets_beyond_a_curve_are_at_its_ends() -> None:
    assert heads.crossing(falling(), 0.9) == 1
    assert heads.crossing(falling(), 0) == 100


@pytest.mark.parametrize(("value", "quality"), [(0.0, 1), (0.004, 1), (0.726, 73), (1.0, 100), (7.0, 100), (-1.0, 1)])
def test_one_value_is_a_quality_in_hundredths(value: float, quality: int) -> None:
    assert heads.read(np.array([value]), "scalar", 0.02, 0.15, 1).quality == quality


def test_the_greatest_logit_is_the_quality() -> None:
    peak = np.zeros(100)
    peak[71] = 3

    assert heads.read(peak, "logits", 0.02, 0.15, 1).quality == 72
    assert heads.read(peak, "logits", 0.02, 0.15, 0).quality == 71


@pytest.mark.parametrize("head", ["logits", "curve", "scalar"])
def test_numbers_that_are_not_finite_are_no_prediction(head: Any) -> None:
    with pytest.raises(NetworkError, match="Expected finite numbers for the output of the network"):
        heads.read(np.full(1 if head == "scalar" else 100, np.nan), head, 0.02, 0.15, 1)


def test_a_network_with_one_target_serves_others_along_the_codec_s_curves() -> None:
    told = heads.Prediction(60, 0.02)

    assert told.at(0.02, *WEBP) == 60
    assert 65 < told.at(0.01, *WEBP) < 90
    assert 10 < told.at(0.04, *WEBP) < 55


# files


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (logits, "net.pb"),
        (logits, "net.onnx"),
        (lambda: logits(256), "net.onnx"),
        (scalar, "net.onnx"),
        (lambda: scalar(416), "net.pb"),
    ],
)
def test_a_foreign_network_sees_the_whole_picture_as_0_to_1(make: Callable[[], Any], name: str, tmp_path: Path) -> None:
    network = Network.load(write(make(), tmp_path / name), "webp")
    half = photo(300, 200)
    half.frames[:] = 0
    half.frames[:, :, 150:] = 255

    one = int(network.model.outputs > 1)  # the first logit is quality 1
    assert network.predict(grey(153)).quality == 60 + one
    assert abs(network.predict(half).quality - 50 - one) <= 1
    assert network.predict(grey(153)).at(0.02, *WEBP) == 60 + one


@pytest.mark.parametrize(
    ("shape", "kind", "layout"),
    [
        ([1, 256, 256, 3], "UINT8", "NHWC"),
        ([1, 3, 256, 256], "FLOAT", "NCHW"),
        ([1, 3, 416, 416], "UINT8", "NCHW"),
        ([256, 256, 3], "FLOAT", "NHWC"),
        ([3, 256, 256], "FLOAT", "NCHW"),
    ],
)
def test_shapes_and_types_are_read_from_the_file(shape: list[int], kind: str, layout: str, tmp_path: Path) -> None:
    network = Network.load(strange(tmp_path / "net.onnx", shape, kind, counts=1), "jpeg")

    assert network.model.layout == layout
    assert network.model.floats == (kind == "FLOAT")
    quality = network.predict(grey(128)).quality
    assert quality == (50 if kind == "FLOAT" else 100)  # uint8 comes as 0..255


def test_what_is_open_in_a_shape_is_what_the_documentation_says(tmp_path: Path) -> None:
    onnx = Network.load(strange(tmp_path / "net.onnx", ["?", "?", "?", 3], counts=1), "jpeg")  # type: ignore[list-item]

    assert (onnx.model.side, onnx.model.layout) == (256, "NHWC")


def test_a_sidecar_says_how_to_use_a_network(tmp_path: Path) -> None:
    path = write(logits(most=255), tmp_path / "net.pb", {"scale": 255, "index_base": 0, "target": 0.01})

    told = Network.load(path, "webp").predict(grey(153))

    assert (told.quality, told.target) == (60, 0.01)


def test_our_kind_of_network_tells_the_curve(tmp_path: Path) -> None:
    about = {"head": "curve", "input": "mosaic", "scale": "255", "sigma": 0.2, "target": 0.03, "format": "avif"}
    path = write(curved(falling(), 0.03, 0.2), tmp_path / "net.pb", about)

    told = Network.load(path, "avif").predict(photo())

    assert told.curve == pytest.approx(falling(), abs=1e-3)


BROKEN: dict[str, Callable[[Path], Any]] = {
    "no such file": lambda path: path.exists(),
    "not a file": lambda path: path.mkdir(),
    "can't be read as either": lambda path: path.write_bytes(b""),
    "something that can't be read": lambda path: path.write_text("a network"),
    "which can't be read|can't be read": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "an input of 1x224x224x3": lambda path: strange(path, [1, 224, 224, 3]),
    "an input of 1x416x256x3": lambda path: strange(path, [1, 416, 256, 3]),
    "an input of 1x256x256x4": lambda path: strange(path, [1, 256, 256, 4]),
    "an input of 2x256x256x3": lambda path: strange(path, [2, 256, 256, 3]),
    "an input of 256x256": lambda path: strange(path, [256, 256]),
    "an input of i32": lambda path: strange(path, [1, 256, 256, 3], "INT32"),
    "1 inputs and 2 outputs": lambda path: strange(path, [1, 256, 256, 3], outputs=2),
    "an output of 1x99": lambda path: strange(path, [1, 256, 256, 3], counts=99),
}


@pytest.mark.parametrize("found", BROKEN)
def test_what_is_no_network_is_refused_with_what_was_found(found: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    BROKEN[found](path)

    with pytest.raises(ConfigError, match=found) as refused:
        Network.load(path, "jpeg", name="IMGPROXY_AUTOQUALITY_JPEG_NET")

    said = str(refused.value)
    assert said.startswith("Expected a TensorFlow frozen graph or an ONNX file with one input of 416x416x3")
    assert f"for IMGPROXY_AUTOQUALITY_JPEG_NET, got {path}" in said
    assert "\n" not in said


@pytest.mark.parametrize("suffix", [".pb", ".onnx"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    path = write(logits(), tmp_path / f"net{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(ConfigError, match="Expected a TensorFlow frozen graph or an ONNX file"):
        Network.load(path, "jpeg")


def test_a_network_that_answers_no_number_is_refused(tmp_path: Path) -> None:
    graph = logits()
    assert graph.result is not None
    graph.output(graph.single("log", graph.sub(graph.result, 1.0)))

    with pytest.raises(ConfigError, match="a test inference that failed: Expected finite numbers"):
        Network.load(write(graph, tmp_path / "net.pb"), "jpeg")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "LARGEST", 1000)

    with pytest.raises(ConfigError, match="bytes, more than 1000"):
        Network.load(write(logits(), tmp_path / "net.pb"), "jpeg")


@pytest.mark.parametrize(
    ("about", "found"),
    [
        ({"sha256": "0" * 64}, "not 0000000000"),
        ({"format": "webp"}, "a network for webp, not for jpeg"),
        ({"head": "scalar"}, "100 outputs where its sidecar says head scalar"),
        ({"layout": "NCHW"}, "channels as NHWC where its sidecar says NCHW"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(about: dict[str, Any], found: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=found):
        Network.load(write(logits(), tmp_path / "net.pb", about), "jpeg")


def test_the_digest_of_a_sidecar_is_that_of_the_file(tmp_path: Path) -> None:
    path = write(logits(), tmp_path / "net.pb")
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    sidecar.beside(path).write_text(json.dumps({"sha256": whole}))

    assert Network.load(path, "jpeg").model.sha256 == whole


# sidecars


def test_a_sidecar_says_what_was_written(tmp_path: Path) -> None:
    about = Sidecar(
        "jxl", "curve", 0.01, 0.2, "mosaic", "255", "NHWC", 1, {"effort": 4}, "a" * 64, "ours", {"mae": 2.0}
    )
    about.write(sidecar.beside(tmp_path / "net.pb"))

    assert sidecar.read(tmp_path / "net.pb") == about
    assert sidecar.read(tmp_path / "other.pb") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected JSON in"),
        ("[" * 100_000, "Expected JSON in"),
        ("[1]", "Expected a JSON object in .*, got list"),
        ('{"heads": "logits"}', "Expected fields of .* in .*, got heads"),
        ('{"head": "argmax"}', 'Expected one of logits, curve, scalar for head, got "argmax"'),
        ('{"input": null}', "Expected one of resize, mosaic for input, got None"),
        ('{"scale": 2}', 'Expected one of 1, 255, symmetric for scale, got "2"'),
        ('{"scale": ["1"]}', "Expected one of 1, 255, symmetric for scale"),
        ('{"layout": "HWC"}', "Expected one of NHWC, NCHW for layout"),
        ('{"index_base": 2}', "Expected 0 or 1 for index_base"),
        ('{"target": 0}', "Expected a DSSIM above 0 and below 1 for target"),
        ('{"target": NaN}', "Expected a DSSIM above 0 and below 1 for target"),
        ('{"sigma": "0.1"}', "Expected a number above 0 for sigma"),
        ('{"sha256": "abc"}', "Expected 64 hexadecimal digits for sha256"),
        ('{"format": 7}', "Expected a text for format"),
        ('{"settings": []}', "Expected an object for settings"),
        ('{"figures": {"mae": "2"}}', "Expected an object of finite numbers for figures"),
    ],
)
def test_a_bad_sidecar_is_refused_by_its_name(text: str, message: str, tmp_path: Path) -> None:
    sidecar.beside(tmp_path / "net.pb").write_text(text)

    with pytest.raises(ConfigError, match=message) as refused:
        sidecar.read(tmp_path / "net.pb")

    assert "net.pb.json" in str(refused.value)


def test_a_sidecar_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    sidecar.beside(tmp_path / "net.pb").write_bytes(b" " * (sidecar.LARGEST + 1))

    with pytest.raises(ConfigError, match="Expected at most"):
        sidecar.read(tmp_path / "net.pb")


# which network


def test_the_word_none_and_a_format_without_network_are_no_network() -> None:
    assert choose("none", "webp") == "no_network"
    assert choose("", "tiff") == "no_network"


@pytest.mark.parametrize("format", networks.FORMATS)
def test_ours_are_shipped_and_know_what_they_are_for(format: str) -> None:
    network = Network.load(networks.intact(format), format, own=False)

    assert not network.own
    assert (network.about.format, network.about.head, network.about.input) == (format, "curve", "mosaic")
    assert network.about.sha256 == network.model.sha256
    told = network.predict(photo(600, 400))
    assert told.curve is not None
    assert told.at(0.005, *WEBP) > told.at(0.02, *WEBP) > told.at(0.1, *WEBP)


@pytest.mark.parametrize("format", networks.FORMATS)
def test_ours_are_read_when_they_are_first_asked(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second and 40 MB, for what the transform mostly foresees better."""
    loaded = []
    load = Network.load

    def watched(*given: Any, **more: Any) -> Network:
        loaded.append(given)
        return load(*given, **more)

    monkeypatch.setattr(Network, "load", watched)
    network = choose("", format)

    assert isinstance(network, networks.Shipped)
    assert not network.own
    assert loaded == []
    told = network.predict(photo(600, 400))
    again = network.predict(photo(600, 400))
    assert len(loaded) == 1
    assert told.curve is not None
    assert again.curve is not None
    assert np.array_equal(told.curve, again.curve)


@pytest.mark.parametrize("format", networks.FORMATS)
def test_ours_say_the_same_in_both_formats(format: str) -> None:
    path = networks.SHIPPED / f"{format}.pb"
    one, two = (Network.load(path.with_suffix(suffix), format) for suffix in (".pb", ".onnx"))
    picture = photo(600, 400, seed=3)

    curves = [network.predict(picture).curve for network in (one, two)]

    assert curves[0] == pytest.approx(curves[1], abs=1e-3)


def test_ours_take_little_room() -> None:
    assert sum(path.stat().st_size for path in networks.SHIPPED.iterdir()) < 6_000_000


def damage(folder: Path, how: str) -> None:
    path = folder / "webp.pb"
    data = bytearray((networks.SHIPPED / "webp.pb").read_bytes())
    data[len(data) // 2] ^= 1
    if how != "missing":
        path.write_bytes(data)
    if how in ("missing", "one byte"):
        sidecar.beside(path).write_bytes((networks.SHIPPED / "webp.pb.json").read_bytes())
    if how == "sidecar damaged":
        sidecar.beside(path).write_text("{")


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("missing", "got No such file"),
        ("one byte", "Expected sha256 "),
        ("sidecar missing", "Expected sha256 in a sidecar for "),
        ("sidecar damaged", "Expected JSON in"),
    ],
)
def test_a_damaged_network_of_ours_is_a_warning(
    how: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    damage(tmp_path, how)
    monkeypatch.setattr(networks, "SHIPPED", tmp_path)

    assert choose("", "webp") == choose("", "webp") == "network_damaged"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"{tmp_path}/webp.pb" in caplog.text
    assert found in caplog.text


def test_a_network_of_ours_that_goes_away_fails_at_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("webp.pb", "webp.pb.json"):
        (tmp_path / name).write_bytes((networks.SHIPPED / name).read_bytes())
    monkeypatch.setattr(networks, "SHIPPED", tmp_path)
    network = choose("", "webp")
    (tmp_path / "webp.pb").unlink()

    assert isinstance(network, networks.Shipped)
    with pytest.raises(NetworkError, match=r"Expected a network at .*, got No such file"):
        network.predict(photo(50, 50))


def test_without_the_extra_there_is_no_network_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(networks, "available", lambda: False)

    assert choose("", "webp") == choose("", "webp") == choose(str(tmp_path / "net.pb"), "webp") == "no_ml_extra"
    assert len(caplog.records) == 2
    assert 'pip install "foveola[ml]"' in caplog.text
    with pytest.raises(ConfigError, match=r"Expected the extra \[ml\]"):
        Network.load(tmp_path / "net.pb", "webp")


def test_what_can_not_be_loaded_is_an_error_whoever_asks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"for VARIABLE, got .*: no such file"):
        choose(str(tmp_path / "net.pb"), "webp", name="VARIABLE")
    with pytest.raises(ConfigError, match="Expected a path, none, or an empty text for network, got 7"):
        choose(7, "webp")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [Inference(), Inference(2, 2, "accuracy", True), Inference(1024, 1024)])
def test_how_it_is_run_is_told_to_the_runtime(how: Inference, tmp_path: Path) -> None:
    network = Network.load(write(scalar(), tmp_path / "net.onnx"), "webp", inference=how)
    ask = network.model._request.get_compiled_model().get_property

    assert 1 <= ask("INFERENCE_NUM_THREADS") <= how.threads  # and no more than there are cores
    assert 1 <= ask("NUM_STREAMS") <= how.streams
    assert ask("ENABLE_CPU_PINNING") == how.pinning
    assert str(ask("EXECUTION_MODE_HINT")).rpartition(".")[2] == how.mode.upper()
    assert ask("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert network.predict(grey(51)).quality == 20


def test_a_network_that_can_not_be_read_any_more_has_a_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(logits(), tmp_path / "net.pb")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert digest(str(path)) == "unreadable: Permission denied"


def test_a_digest_tells_networks_apart(tmp_path: Path) -> None:
    one, two = (write(make(), tmp_path / name) for make, name in ((logits, "a.pb"), (scalar, "b.onnx")))
    plain = digest(str(one))
    digest.cache_clear()
    sidecar.beside(one).write_text("{}")

    assert digest("") == digest("none") == ""
    assert len({plain, digest(str(one)), digest(str(two))}) == 3
