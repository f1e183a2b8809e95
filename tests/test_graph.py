"""A graph is the same for NumPy, for OpenVINO in both formats, and for TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from foveola.errors import ArgumentError
from foveola.networks.runtime import core
from foveola.train import onnx, tensorflow
from foveola.train.graph import PAIRS, SINGLES, Graph

SHAPE = (1, 12, 16, 3)
dice = np.random.default_rng(5)
KERNEL = dice.normal(size=(3, 2, 3, 4))
MASK = (dice.random((1, 12, 16, 1)) > 0.5).astype(np.float32)


def ending(graph: Graph, op: str) -> Any:
    x = graph.input
    if op in PAIRS:
        return graph.pair(op, graph.pair(op, x, [0.5, 1.5, 2.5]), graph.add(x, 1.0))
    if op in SINGLES:
        return graph.single(op, graph.add(graph.mul(x, 3.0), 0.25))
    made = {
        "conv": lambda: graph.conv(x, KERNEL),
        "stride": lambda: graph.conv(x, dice.normal(size=(4, 4, 3, 2)), stride=4),
        "concat": lambda: graph.concat([x, graph.conv(x, np.eye(3)[None, None]), x]),
        "mask": lambda: graph.mul(x, MASK),
        "mean": lambda: graph.mean(x),
        "flat": lambda: graph.concat([graph.mean(x), graph.add(graph.mean(x), [1.0, 2, 3])]),
        "matmul": lambda: graph.matmul(graph.mean(x), dice.normal(size=(3, 5))),
        "clip": lambda: graph.clip(x, 0.25, 0.75),
    }
    return made[op]()


OPERATIONS = [*PAIRS, *SINGLES, "conv", "stride", "concat", "mask", "mean", "flat", "matmul", "clip"]


def graph_of(op: str) -> Graph:
    graph = Graph(SHAPE)
    graph.output(ending(graph, op))
    return graph


def by_openvino(data: bytes, name: str, folder: Path, value: NDArray[np.float32]) -> NDArray[np.float32]:
    path = folder / name
    path.write_bytes(data)
    compiled = core().compile_model(core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([value])[0])


@pytest.mark.parametrize("op", OPERATIONS)
def test_an_operation_is_the_same_for_all_who_run_it(op: str, tmp_path: Path) -> None:
    graph, value = graph_of(op), dice.random(SHAPE, np.float32)
    own = graph.run(value)
    assert graph.result is not None
    assert own.shape == graph.result.shape

    frozen = by_openvino(tensorflow.write(graph), "net.pb", tmp_path, value)
    other = by_openvino(onnx.write(graph), "net.onnx", tmp_path, value)
    other = other.transpose(0, 2, 3, 1) if own.ndim == 4 else other  # the inside of an ONNX file has channels first

    assert frozen == pytest.approx(own, abs=1e-4)
    assert other == pytest.approx(own, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("op", OPERATIONS)
def test_tensorflow_reads_a_frozen_graph(op: str) -> None:
    tf = pytest.importorskip("tensorflow")
    graph, value = graph_of(op), dice.random(SHAPE, np.float32)
    definition = tf.compat.v1.GraphDef.FromString(tensorflow.write(graph))

    with tf.Graph().as_default() as loaded:
        tf.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=loaded) as session:
            told = session.run("logits:0", {"input:0": value})

    assert told == pytest.approx(graph.run(value), abs=1e-4)


def test_equal_constants_are_written_once() -> None:
    once, twice = Graph(SHAPE), Graph(SHAPE)
    once.output(once.conv(once.input, KERNEL))
    twice.output(twice.add(twice.conv(twice.input, KERNEL), twice.conv(twice.input, KERNEL)))

    assert len(tensorflow.write(twice)) < len(tensorflow.write(once)) + 200


def test_what_the_output_does_not_need_is_left_out() -> None:
    graph = Graph(SHAPE)
    graph.single("exp", graph.input)
    graph.output(graph.mean(graph.input))

    assert [node.op for node in graph.nodes()] == ["input", "mean"]


def test_what_does_not_fit_is_refused() -> None:
    graph = Graph(SHAPE)
    with pytest.raises(ArgumentError, match="for kernel, got"):
        graph.conv(graph.input, np.ones((3, 3, 4, 1)))
    with pytest.raises(ArgumentError, match="for matrix, got"):
        graph.matmul(graph.mean(graph.input), np.ones((4, 2)))
    with pytest.raises(ArgumentError, match="for parts, got"):
        graph.concat([graph.input, graph.mean(graph.input)])
    with pytest.raises(ArgumentError, match="for y, got"):
        graph.add(graph.mean(graph.input), np.ones((1, 2, 2, 3)))
    with pytest.raises(ArgumentError, match="Expected a graph with an output"):
        graph.nodes()
