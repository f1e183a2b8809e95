"""What is no network that can be used is refused, with the setting, the file, what was expected and what was found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveola.errors import ConfigError
from foveola.networks import Network, runtime, sidecar
from foveola.train import tensorflow
from foveola.train.graph import Graph
from tests.netfiles import OPEN, UINT8, read_onnx, save, save_onnx, save_pb, saying, seeing

NAME = "IMGPROXY_AUTOQUALITY_WEBP_NET"
Make = Callable[[Path], Path]


def refusal(path: Path, format: str = "webp") -> str:
    """Return why a network is refused; it is one line with its name and its path."""
    with pytest.raises(ConfigError) as refused:
        Network.load(path, format, name=NAME)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.count(NAME) == 1
    assert str(path) in sentence
    return sentence


def written(name: str, data: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def several_outputs(folder: Path) -> Path:
    graph = seeing()
    more = tensorflow._definition("more", "Abs", ["input"], {"T": tensorflow._type(tensorflow.FLOAT)})
    (folder / "net.pb").write_bytes(tensorflow.write(graph) + tensorflow._field(1, more))
    return folder / "net.pb"


def several_outputs_of_onnx(folder: Path) -> Path:
    from onnx import TensorProto, helper

    model = read_onnx(seeing())
    model.graph.output.append(helper.make_tensor_value_info("turned", TensorProto.FLOAT, (1, 3, 416, 416)))
    return written("net.onnx", model.SerializeToString())(folder)


def several_inputs(folder: Path) -> Path:
    graph = seeing()
    shape = tensorflow._field(7, tensorflow._shape((1,)))
    taken = {"dtype": tensorflow._type(tensorflow.FLOAT), "shape": shape}
    second = tensorflow._definition("target", "Placeholder", [], taken)
    data = tensorflow.write(graph) + tensorflow._field(1, second)
    used = tensorflow._definition("sum", "AddV2", ["logits", "target"], {"T": tensorflow._type(tensorflow.FLOAT)})
    return written("net.pb", data + tensorflow._field(1, used))(folder)


def unbounded(folder: Path) -> Path:
    """Write a network whose answers are no numbers."""
    graph = Graph((1, 416, 416, 3))
    mean = graph.mean(graph.input)
    graph.output(graph.matmul(graph.single("log", graph.sub(mean, 2.0)), np.ones((3, 100))))
    return save(graph, folder / "net.pb")


def shaped(*shape: int) -> Make:
    """Return what writes a network whose input has a shape."""

    def make(folder: Path) -> Path:
        graph = Graph((1, 416, 416, shape[3]))
        graph.output(graph.matmul(graph.mean(graph.input), np.zeros((shape[3], 100))))
        return save_pb(graph, folder / "net.pb", shape=shape)

    return make


def looped(folder: Path) -> Path:
    (folder / "net.pb").symlink_to("net.pb")
    return folder / "net.pb"


WHOLE = tensorflow.write(seeing())
WHOLE_ONNX = read_onnx(seeing()).SerializeToString()
NEITHER = runtime.NEITHER

CASES: dict[str, tuple[Make, str]] = {
    "missing": (lambda folder: folder / "none.pb", "no such file"),
    "folder": (lambda folder: folder, "not a file"),
    "link to itself": (looped, "no such file"),
    "empty": (written("net.pb", b""), NEITHER),
    "empty onnx": (written("net.onnx", b""), NEITHER),
    "text": (written("net.pb", b"This is no network.\n"), NEITHER),
    "text onnx": (written("net.onnx", b"This is no network.\n"), NEITHER),
    "random": (written("net.pb", np.random.default_rng(1).bytes(9000)), NEITHER),
    "random onnx": (written("net.onnx", np.random.default_rng(1).bytes(9000)), NEITHER),
    "no extension": (written("net", np.random.default_rng(2).bytes(900)), NEITHER),
    "picture": (written("net.pb", b"\x89PNG\r\n\x1a\n" + bytes(99)), NEITHER),
    "text of a graph": (written("net.pb", b'node { name: "input" op: "Placeholder" }'), NEITHER),
    "cut": (written("net.pb", WHOLE[: len(WHOLE) // 2]), NEITHER),
    "cut at its end": (written("net.pb", WHOLE[:-9]), NEITHER),
    "cut onnx": (written("net.onnx", WHOLE_ONNX[: len(WHOLE_ONNX) // 2]), NEITHER),
    "two outputs": (several_outputs, "1 inputs and 2 outputs"),
    "two outputs onnx": (several_outputs_of_onnx, "1 inputs and 2 outputs"),
    "two inputs": (several_inputs, "2 inputs and 1 outputs"),
    "224 pixels": (lambda folder: save(seeing(224), folder / "net.pb"), "an input of 1x224x224x3"),
    "oblong": (shaped(1, 416, 256, 3), "an input of 1x416x256x3"),
    "one channel": (shaped(1, 416, 416, 1), "an input of 1x416x416x1"),
    "batch of two": (shaped(2, 416, 416, 3), "an input of 2x416x416x3"),
    "open and odd": (shaped(OPEN, 99, OPEN, 3), "an input of ?x99x?x3"),
    "doubles": (
        lambda folder: save_onnx(seeing(), folder / "net.onnx", kind="DOUBLE"),
        "an input of f64, not of float32 or uint8",
    ),
    "five axes": (lambda folder: save_onnx(seeing(), folder / "net.onnx", shape=(1, 1, 416, 416, 3)), "1x1x416x416x3"),
    "7 outputs": (lambda folder: save(saying(np.zeros(7)), folder / "net.pb"), "an output of 1x7"),
    "101 outputs": (lambda folder: save(saying(np.zeros(101)), folder / "net.onnx"), "an output of 1x101"),
    "not finite": (unbounded, "a test inference that failed: Expected finite numbers"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, case: str) -> None:
    make, found = CASES[case]
    path = make(tmp_path)

    said = refusal(path)

    assert said.startswith(f"Expected {runtime.WANTED} for {NAME}, got {path}: ")
    assert found in said.removeprefix(f"Expected {runtime.WANTED} for {NAME}, got {path}: ")


@pytest.mark.parametrize("case", [case for case, (_, found) in CASES.items() if found == NEITHER])
def test_what_is_no_network_from_outside_is_refused_in_our_words_only(
    tmp_path: Path, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """OpenVINO would try it as text, and write to stderr what it finds there."""
    refusal(CASES[case][0](tmp_path))

    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = save(seeing(), tmp_path / "net.pb")
    path.chmod(0)

    assert refusal(path).endswith("Permission denied")


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "net.pb"
    with path.open("wb") as file:
        file.truncate(runtime.LARGEST + 1)

    assert refusal(path).endswith(f"{runtime.LARGEST + 1} bytes, more than {runtime.LARGEST}")


# sidecars

BAD: list[tuple[dict[str, Any], str]] = [
    ({"format": "jpeg"}, "a network for jpeg, not for webp"),
    ({"sha256": "0" * 64}, f"not {'0' * 64} as its sidecar says"),
    ({"head": "scalar"}, "100 outputs where its sidecar says head scalar"),
    ({"layout": "NCHW"}, "an input with channels as NHWC where its sidecar says NCHW"),
    ({"head": "argmax"}, 'Expected one of logits, curve, scalar for head, got "argmax"'),
    ({"head": ["curve"]}, "Expected one of logits, curve, scalar for head, got ['curve']"),
    ({"input": "crop"}, 'Expected one of resize, mosaic for input, got "crop"'),
    ({"input": None}, "Expected one of resize, mosaic for input, got None"),
    ({"scale": 2}, 'Expected one of 1, 255, symmetric for scale, got "2"'),
    ({"scale": 1.5}, "Expected one of 1, 255, symmetric for scale, got 1.5"),
    ({"scale": True}, "Expected one of 1, 255, symmetric for scale, got True"),
    ({"layout": "CHW"}, 'Expected one of NHWC, NCHW for layout, got "CHW"'),
    ({"target": 0}, "Expected a DSSIM above 0 and below 1 for target, got 0"),
    ({"target": 1.0}, "Expected a DSSIM above 0 and below 1 for target, got 1.0"),
    ({"target": "0.02"}, 'Expected a DSSIM above 0 and below 1 for target, got "0.02"'),
    ({"target": True}, "Expected a DSSIM above 0 and below 1 for target, got True"),
    ({"sigma": 0}, "Expected a number above 0 for sigma, got 0"),
    ({"sigma": float("nan")}, "Expected a number above 0 for sigma, got nan"),
    ({"sigma": float("inf")}, "Expected a number above 0 for sigma, got inf"),
    ({"sigma": 10**400}, "Expected a number above 0 for sigma, got 1000"),
    ({"index_base": 2}, "Expected 0 or 1 for index_base, got 2"),
    ({"index_base": True}, "Expected 0 or 1 for index_base, got True"),
    ({"index_base": 1.0}, "Expected 0 or 1 for index_base, got 1.0"),
    ({"sha256": "AB" * 32}, "Expected 64 hexadecimal digits for sha256, got"),
    ({"sha256": 5}, "Expected a text for sha256, got 5"),
    ({"format": None}, "Expected a text for format, got None"),
    ({"trained_on": []}, "Expected a text for trained_on, got []"),
    ({"settings": []}, "Expected an object for settings, got []"),
    ({"figures": {"mae": "1"}}, "Expected an object of finite numbers for figures, got"),
    ({"figures": {"mae": float("nan")}}, "Expected an object of finite numbers for figures, got"),
    ({"figures": [1]}, "Expected an object of finite numbers for figures, got [1]"),
    ({"traget": 0.01, "haed": "curve"}, "got haed, traget"),
]


@pytest.mark.parametrize(("said", "found"), BAD, ids=[str(said)[:40] for said, _ in BAD])
def test_a_sidecar_that_does_not_fit_is_refused(tmp_path: Path, said: dict[str, Any], found: str) -> None:
    path = save(seeing(), tmp_path / "net.pb")
    sidecar.beside(path).write_text(json.dumps(said))

    assert found in refusal(path)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "Expected JSON in "),
        (b"{", "Expected JSON in "),
        (b"\xff\xfe\x00", "Expected JSON in "),
        (b"[" * 100_000, "Expected JSON in "),
        (b"[]", "Expected a JSON object in "),
        (b"null", "Expected a JSON object in "),
        (b'{"settings": "' + b"x" * sidecar.LARGEST + b'"}', f"Expected at most {sidecar.LARGEST} bytes in "),
    ],
    ids=["empty", "cut", "binary", "deep", "list", "null", "large"],
)
def test_a_sidecar_that_is_none_is_refused(tmp_path: Path, data: bytes, found: str) -> None:
    path = save(seeing(), tmp_path / "net.pb")
    sidecar.beside(path).write_bytes(data)

    assert found + str(sidecar.beside(path)) in refusal(path)


def test_a_sidecar_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    path = save(seeing(), tmp_path / "net.pb")
    sidecar.beside(path).mkdir()

    assert f"Expected a readable file at {sidecar.beside(path)}, got Is a directory" in refusal(path)


@pytest.mark.parametrize("scale", [1, "symmetric"])
def test_bytes_are_no_fractions(tmp_path: Path, scale: object) -> None:
    path = save_pb(seeing(), tmp_path / "net.pb", UINT8)
    sidecar.beside(path).write_text(json.dumps({"scale": scale}))

    assert refusal(path).endswith(f"an input of uint8 where its sidecar says scale {scale}")


def test_channels_that_nobody_says_come_first_do_not_fit(tmp_path: Path) -> None:
    path = save_onnx(seeing(256), tmp_path / "net.onnx", shape=("N", "C", "H", "W"), first=True)

    assert refusal(path).endswith(": an input of ?x?x?x? that does not take 1x256x256x3")


def test_an_open_shape_has_channels_on_one_side(tmp_path: Path) -> None:
    path = save_onnx(seeing(256), tmp_path / "net.onnx", shape=("N", "H", "W", 3))
    sidecar.beside(path).write_text('{"layout": "NCHW"}')

    assert refusal(path).endswith("an input with channels as NHWC where its sidecar says NCHW")


def test_one_value_is_no_curve(tmp_path: Path) -> None:
    path = save(saying([0.5]), tmp_path / "net.pb")
    sidecar.beside(path).write_text('{"head": "curve"}')

    assert refusal(path).endswith("1 outputs where its sidecar says head curve")


def test_a_changed_byte_is_found_by_the_digest(tmp_path: Path) -> None:
    """Nobody else would: it mostly lands in a weight."""
    path = save(seeing(red=50), tmp_path / "net.pb")
    network = Network.load(path, "webp")
    sidecar.beside(path).write_text(json.dumps({"sha256": network.model.sha256}))
    data = bytearray(path.read_bytes())
    at = data.index(np.float32(50).tobytes())
    data[at] ^= 1
    path.write_bytes(data)

    assert "sha256 " in refusal(path)
