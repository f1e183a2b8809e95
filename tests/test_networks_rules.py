"""A network is fed exactly by the rules of docs/networks.md: those for foreign ones, and what a sidecar says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from foveola.errors import FoveolaError, NetworkError
from foveola.networks import Inference, Network
from foveola.networks.inputs import mosaic
from foveola.networks.sidecar import Sidecar, beside
from foveola.picture import Picture
from foveola.train.graph import Graph
from tests.netfiles import OPEN, UINT8, answering, save, save_onnx, save_pb, saying, seeing
from tests.toys import photo

PICTURE = photo(900, 620, seed=3)
Make = Callable[[Path], Path]


def stretched(picture: Picture, side: int) -> NDArray[np.uint8]:
    """Return what a foreign network sees, by Pillow alone."""
    return np.asarray(Image.fromarray(picture.frames[0]).resize((side, side), Image.Resampling.LANCZOS))


def index(graph: Graph, value: Any) -> int:
    """Return where a graph's greatest logit is, by NumPy."""
    return int(graph.run(np.asarray(value, np.float32)[None]).argmax())


def quality(path: Path, picture: Picture = PICTURE) -> int:
    return Network.load(path, "webp").predict(picture).quality


def describe(path: Path, **said: Any) -> Path:
    """Write a sidecar beside a network, and return the path of the network."""
    beside(path).write_text(json.dumps(said))
    return path


# without a sidecar


@pytest.mark.parametrize(("name", "side"), [("net.pb", 416), ("net.onnx", 416), ("net.onnx", 256), ("net.pb", 256)])
def test_a_foreign_network_sees_the_picture_stretched_as_0_to_1(tmp_path: Path, name: str, side: int) -> None:
    graph = seeing(side, red=30, edges=300)
    seen = stretched(PICTURE, side) / 255
    others = [mosaic(PICTURE.frames[0], side) / 255, seen * 255, seen * 2 - 1, seen[..., ::-1], seen.swapaxes(0, 1)]

    said = Network.load(save(graph, tmp_path / name), "webp").predict(PICTURE)

    assert said.quality == index(graph, seen) + 1
    assert said.quality not in {index(graph, other) + 1 for other in others}
    assert (said.target, said.curve) == (0.02, None)


def test_pixels_are_0_to_255_where_they_are_bytes(tmp_path: Path) -> None:
    graph = seeing(red=0.3, edges=1)
    path = save_pb(graph, tmp_path / "net.pb", UINT8)

    assert quality(path) == index(graph, stretched(PICTURE, 416)) + 1
    assert quality(save_onnx(graph, tmp_path / "net.onnx", kind="UINT8")) == quality(path)


def test_channels_come_first_where_the_shape_says_so(tmp_path: Path) -> None:
    graph = seeing(256, red=30, edges=300)
    path = save_onnx(graph, tmp_path / "net.onnx", first=True)

    assert Network.load(path, "webp").model.layout == "NCHW"
    assert quality(path) == index(graph, stretched(PICTURE, 256) / 255) + 1


@pytest.mark.parametrize(
    ("make", "side"),
    [
        (lambda graph, folder: save_pb(graph, folder / "net.pb", shape=(OPEN, 416, 416, 3)), 416),
        (lambda graph, folder: save_pb(graph, folder / "net.pb", shape=(OPEN, OPEN, OPEN, 3)), 416),
        (lambda graph, folder: save_pb(graph, folder / "net.pb", shape=(1, 416, OPEN, OPEN)), 416),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=("N", "H", "W", 3)), 256),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=("N", "H", "W", "C")), 256),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=("N", 3, "H", "W"), first=True), 256),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=()), 256),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=(256, 256, 3)), 256),
        (lambda graph, folder: save_onnx(graph, folder / "net.onnx", shape=(1, 416, 416, 3)), 416),
    ],
)
def test_what_a_shape_leaves_open_is_as_documented(
    tmp_path: Path, make: Callable[[Graph, Path], Path], side: int
) -> None:
    graph = seeing(side, red=30, edges=300)

    assert quality(make(graph, tmp_path)) == index(graph, stretched(PICTURE, side) / 255) + 1


@pytest.mark.parametrize("shape", [("N", "C", 256, 256), ("N", "C", "H", 256), (1, 3, "H", "W")])
def test_channels_come_first_where_they_can_not_be_last(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    graph = seeing(256, red=30, edges=300)

    assert quality(save_onnx(graph, tmp_path / "net.onnx", shape=shape, first=True)) == (
        index(graph, stretched(PICTURE, 256) / 255) + 1
    )


@pytest.mark.parametrize("name", ["net.pb", "net.onnx"])
@pytest.mark.parametrize(
    ("value", "said"), [(0.0, 1), (-3.0, 1), (0.004, 1), (0.016, 2), (0.734, 73), (0.736, 74), (1.0, 100), (7.0, 100)]
)
def test_one_value_is_a_share_of_100(tmp_path: Path, name: str, value: float, said: int) -> None:
    side = 256 if name == "net.onnx" else 416

    assert quality(save(saying([value], side), tmp_path / name)) == said


@pytest.mark.parametrize(("peak", "said"), [(0, 1), (70, 71), (99, 100)])
def test_the_greatest_of_100_logits_is_the_quality(tmp_path: Path, peak: int, said: int) -> None:
    assert quality(save(seeing(base=peak), tmp_path / "net.pb")) == said


# with one


@pytest.mark.parametrize(("scale", "red"), [(1, 60), ("1", 60), (255, 0.25), ("255", 0.25), ("symmetric", 300)])
def test_a_sidecar_says_what_pixels_are_as_numbers(tmp_path: Path, scale: object, red: float) -> None:
    graph = seeing(red=red)
    seen = stretched(PICTURE, 416).astype(np.float32)
    as_numbers = {"1": seen / 255, "255": seen, "symmetric": seen / 127.5 - 1}
    path = describe(save(graph, tmp_path / "net.pb"), scale=scale)

    said = {name: index(graph, numbers) + 1 for name, numbers in as_numbers.items()}

    assert quality(path) == said[str(scale)]
    assert len(set(said.values())) > 1


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("shape", [("N", "C", "H", "W"), ("C", "H", "W"), ("N", "C", 256, "W")])
def test_a_sidecar_says_where_channels_are_if_the_shape_does_not(
    tmp_path: Path, shape: tuple[int | str, ...], first: bool
) -> None:
    graph = seeing(256, red=30, edges=300)
    path = save_onnx(graph, tmp_path / "net.onnx", shape=shape, first=first)

    describe(path, layout="NCHW" if first else "NHWC")

    assert Network.load(path, "webp").model.layout == ("NCHW" if first else "NHWC")
    assert quality(path) == index(graph, stretched(PICTURE, 256) / 255) + 1


def test_pixels_that_are_bytes_may_be_said_to_be(tmp_path: Path) -> None:
    path = save_pb(seeing(red=0.3), tmp_path / "net.pb", UINT8)

    assert quality(path) == quality(describe(path, scale=255))


def test_a_sidecar_says_that_a_network_sees_a_mosaic(tmp_path: Path) -> None:
    graph = seeing(edges=700)
    path = describe(save(graph, tmp_path / "net.pb"), input="mosaic")
    tiles, whole = (index(graph, pixels / 255) + 1 for pixels in (mosaic(PICTURE.frames[0]), stretched(PICTURE, 416)))

    assert quality(path) == tiles
    assert tiles != whole


@pytest.mark.parametrize(("base", "said"), [(0, 50), (1, 51)])
def test_a_sidecar_says_the_quality_of_the_first_logit(tmp_path: Path, base: int, said: int) -> None:
    assert quality(describe(save(seeing(base=50), tmp_path / "net.pb"), index_base=base)) == said


def test_a_sidecar_says_the_target(tmp_path: Path) -> None:
    path = describe(save(saying([0.5]), tmp_path / "net.pb"), head="scalar", target=0.01)

    assert Network.load(path, "webp").predict(PICTURE).target == 0.01


def test_a_sidecar_says_that_logits_hold_a_curve(tmp_path: Path) -> None:
    curve = np.log(0.3) - np.linspace(0, 1, 100) ** 1.3 * 4
    logits = -(((curve - np.log(0.05)) / 0.4) ** 2) / 2
    path = describe(save(saying(logits), tmp_path / "net.pb"), head="curve", target=0.05, sigma=0.4)

    said = Network.load(path, "webp").predict(PICTURE)

    assert said.curve is not None
    assert said.curve == pytest.approx(curve, abs=1e-3)
    assert said.quality == int(np.abs(curve - np.log(0.05)).argmin()) + 1


def test_what_ours_are_like_can_be_said(tmp_path: Path) -> None:
    path = save(seeing(red=0.2), tmp_path / "net.pb")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = Sidecar(
        "webp", "curve", 0.02, 0.15, "mosaic", "255", "NHWC", 1, {"effort": 4}, digest, "mine", {"mae_0.02": 1.5}
    )
    said.write(beside(path))

    assert Network.load(path, "webp").about == said


# pictures


@pytest.mark.parametrize("how", ["resize", "mosaic"])
@pytest.mark.parametrize(
    "picture",
    [
        photo(1, 1),
        photo(7, 300),
        photo(300, 1),
        photo(104, 103),
        photo(5000, 4000),
        photo(50, 60, channels=1),
        photo(500, 460, channels=4),
        Picture(np.stack([photo(80, 90).frames[0], photo(80, 90, seed=1).frames[0]]), delays=(50, 50)),
        Picture(photo(300, 200).frames[:, ::2, ::-1]),
    ],
    ids=["1x1", "7x300", "300x1", "a tile less a row", "20 MP", "grey", "alpha", "animation", "strided"],
)
def test_any_picture_is_answered(tmp_path: Path, picture: Picture, how: str) -> None:
    path = describe(save(seeing(red=80, edges=100), tmp_path / "net.pb"), input=how)

    assert 1 <= quality(path, picture) <= 100
    first = Picture(np.ascontiguousarray(picture.frames[:1]))
    assert quality(path, picture) == quality(path, first)


def test_sixteen_bits_are_refused_as_a_search_refuses_them(tmp_path: Path) -> None:
    network = Network.load(save(seeing(), tmp_path / "net.pb"), "webp")

    with pytest.raises(FoveolaError, match='Expected uint8 for frames, got "uint16"'):
        network.predict(Picture(np.zeros((1, 9, 9, 3), np.uint16)))


def test_a_prediction_is_the_same_twice_and_in_several_threads(tmp_path: Path) -> None:
    network = Network.load(save(seeing(red=50, edges=300), tmp_path / "net.pb"), "webp")
    pictures = [photo(300, 200, seed=seed, grain=4 * seed) for seed in range(6)]
    alone, beside_others = [network.predict(picture).quality for picture in pictures], [0] * 6

    def ask(number: int) -> None:
        beside_others[number] = network.predict(pictures[number]).quality

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert beside_others == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize(
    "inference", [Inference(2, 2), Inference(mode="accuracy"), Inference(4, 1, "performance", pinning=True)]
)
def test_a_network_may_be_run_in_other_ways(tmp_path: Path, inference: Inference) -> None:
    path = save(seeing(red=50), tmp_path / "net.pb")

    assert Network.load(path, "webp", inference=inference).predict(PICTURE).quality == quality(path)


# an inference that fails


def sensitive() -> Graph:
    """Return a network that can't say anything of bright pictures."""
    graph = Graph((1, 416, 416, 3))
    mean = graph.matmul(graph.mean(graph.input), np.full((3, 1), 1 / 3))
    answering(graph, graph.single("sqrt", graph.sub(graph.mul(mean, -1.0), -0.75)))
    return graph


def test_an_answer_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    network = Network.load(save(sensitive(), tmp_path / "net.pb"), "webp")
    dark, bright = (Picture(np.full((1, 9, 9, 3), value, np.uint8)) for value in (0, 255))

    assert network.predict(dark).quality == 2
    with pytest.raises(NetworkError, match="Expected finite numbers for the output of the network, got"):
        network.predict(bright)


def test_what_openvino_raises_is_an_error_of_ours(tmp_path: Path) -> None:
    network = Network.load(path := save(seeing(), tmp_path / "net.pb"), "webp")
    network.model._shape[1] = 77

    with pytest.raises(NetworkError, match=f"Expected an inference of {path}, got "):
        network.predict(PICTURE)


# the library that runs them

_LOAD = """
import socket, sys
def refuse(*_): raise SystemExit("asked for a name")
socket.getaddrinfo = refuse
from foveola import networks
assert networks.available() and "openvino" not in sys.modules
networks.Network.load(sys.argv[1], "webp")
print(*[name for name in sys.modules if "telemetry" in name and "stub" not in name and "ovc" not in name])
"""


def test_openvino_is_loaded_late_and_tells_nobody(tmp_path: Path) -> None:
    """It would write an identity into the home folder and send it away when it is imported."""
    path, home = save(seeing(), tmp_path / "net.pb"), tmp_path / "home"
    home.mkdir()
    quiet = {name: value for name, value in os.environ.items() if name != "CI"}

    done = subprocess.run(
        [sys.executable, "-c", _LOAD, path],
        env=quiet | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
