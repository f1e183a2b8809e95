"""Small networks for tests, written as files; each says a quality that grows with the picture's brightness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.picture import Picture
from foveola.train import onnx, tensorflow
from foveola.train.graph import Graph, Tensor

Array = NDArray[Any]


def brightness(graph: Graph, most: float) -> Tensor:
    """Return (1, 1) the mean of the input as 0..1."""
    return graph.matmul(graph.mean(graph.input), np.full((3, 1), 1 / 3 / most))


def logits(side: int = 416, most: float = 1.0, count: int = 100) -> Graph:
    """Return a network whose greatest logit is the one at the picture's brightness in hundredths, counted from 0."""
    graph = Graph((1, side, side, 3))
    place = graph.matmul(brightness(graph, most), np.full((1, count), 100.0))
    away = graph.sub(place, np.arange(count))
    graph.output(graph.mul(graph.mul(away, away), -0.5))
    return graph


def scalar(side: int = 256, most: float = 1.0) -> Graph:
    """Return a network whose one value is the picture's brightness."""
    graph = Graph((1, side, side, 3))
    graph.output(brightness(graph, most))
    return graph


def curved(curve: Array, target: float, sigma: float, side: int = 416) -> Graph:
    """Return a network that says one curve of log DSSIM of every picture."""
    graph = Graph((1, side, side, 3))
    off = (curve - np.log(target)) / sigma
    graph.output(graph.add(graph.mul(graph.matmul(brightness(graph, 255), np.zeros((1, 100))), 1.0), -0.5 * off * off))
    return graph


def write(graph: Graph, path: Path, about: Mapping[str, Any] | None = None) -> Path:
    """Write a network in the format that its name says, with a sidecar if there is something to say."""
    path.write_bytes(onnx.write(graph) if path.suffix == ".onnx" else tensorflow.write(graph))
    if about is not None:
        path.with_name(path.name + ".json").write_text(json.dumps(about))
    return path


def strange(path: Path, shape: list[int], kind: str = "FLOAT", outputs: int = 1, counts: int = 100) -> Path:
    """Write an ONNX file of any input and any number of outputs, each of which is full of the input's mean."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["input"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["number"], ["mean"], keepdims=0),
    ]
    ends = []
    for number in range(outputs):
        nodes += [helper.make_node("Mul", ["mean", "ones"], [f"out{number}"])]
        ends += [helper.make_tensor_value_info(f"out{number}", TensorProto.FLOAT, [1, counts])]
    first = helper.make_tensor_value_info("input", getattr(TensorProto, kind), shape)
    ones = numpy_helper.from_array(np.ones((1, counts), np.float32), "ones")
    graph = helper.make_graph(nodes, "strange", [first], ends, [ones])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def grey(level: int, height: int = 60, width: int = 90) -> Picture:
    return Picture(np.full((1, height, width, 3), level, np.uint8))
