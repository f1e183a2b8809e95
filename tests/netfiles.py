"""Networks that tests write: graphs whose answers tell how they were fed, in both formats, of every shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from foveola.train import onnx, tensorflow
from foveola.train.graph import Graph, Tensor

UINT8 = 4
"""Of TensorFlow's DataType."""
OPEN = (1 << 64) - 1
"""A side that is not declared, as a TensorShapeProto has it: -1."""


def seeing(side: int = 416, red: float = 0.0, edges: float = 0.0, base: float = 0.0, outputs: int = 100) -> Graph:
    """Return a network whose answer is the index `base` + `red` x the mean of red + `edges` x the mean step across.

    Args:
        side: of the input in pixels.
        red: what the mean of red counts.
        edges: what the mean difference of red between neighbours in a row counts.
        base: what is added.
        outputs: 100 logits whose greatest is at the index, or 1: the value itself.
    """
    graph = Graph((1, side, side, 3))
    pick = np.array([1.0, 0, 0]).reshape(1, 1, 3, 1)
    step = np.concatenate([-pick, pick], axis=1)
    parts = [
        graph.mul(graph.mean(graph.conv(graph.input, pick)), red),
        graph.mul(graph.mean(graph.single("abs", graph.conv(graph.input, step))), edges),
    ]
    answering(graph, graph.add(graph.add(*parts), base), outputs)
    return graph


def answering(graph: Graph, value: Tensor, outputs: int = 100) -> None:
    """Let (1, 1) be the answer: an index among 100 logits, or itself."""
    if outputs == 1:
        graph.output(value)
        return
    index = np.arange(float(outputs))
    graph.output(graph.sub(graph.matmul(value, 2 * index[None]), index**2))


def saying(numbers: ArrayLike, side: int = 416) -> Graph:
    """Return a network that always answers the same numbers."""
    graph = Graph((1, side, side, 3))
    graph.output(graph.add(graph.matmul(graph.mean(graph.input), np.zeros((3, np.size(numbers)))), numbers))
    return graph


def save(graph: Graph, path: Path) -> Path:
    """Write a graph in the format of the extension, and return the path."""
    path.write_bytes(onnx.write(graph) if path.suffix == ".onnx" else tensorflow.write(graph))
    return path


def save_pb(graph: Graph, path: Path, kind: int = tensorflow.FLOAT, shape: Sequence[int] | None = None) -> Path:
    """Write a `.pb` whose input has another type or shape than the graph's, and return the path."""
    nodes = graph.nodes()
    names = {id(node): f"{node.op}_{number}" for number, node in enumerate(nodes)}
    names |= {id(graph.input): "floats", id(graph.result): "logits"}
    sides = tensorflow._field(7, tensorflow._shape(tuple(shape or graph.shape)))
    taken = {"dtype": tensorflow._type(kind), "shape": sides}
    cast = {"SrcT": tensorflow._type(kind), "DstT": tensorflow._type(tensorflow.FLOAT)}
    made = [
        tensorflow._definition("input", "Placeholder", [], taken),
        tensorflow._definition("floats", "Cast", ["input"], cast),
        tensorflow._constant("space", np.array([1, 2], np.int32)),
        *(tensorflow._node(node, names) for node in nodes if node is not graph.input),
    ]
    path.write_bytes(b"".join(tensorflow._field(1, node) for node in made))
    return path


def save_onnx(
    graph: Graph, path: Path, *, first: bool = False, kind: str = "FLOAT", shape: Sequence[int | str] | None = None
) -> Path:
    """Write an `.onnx` whose input has another type or shape than the graph's, and return the path.

    Args:
        graph: what to write.
        path: of the file.
        first: whether channels come first.
        kind: of the input, a name of ONNX's data types.
        shape: that is declared; a word is a side that is open, none at all leaves the number of axes open.
    """
    model = read_onnx(graph)
    from onnx import TensorProto, helper

    side, turned = graph.shape[1], model.graph.node[0]
    declared = shape if shape is not None else (1, 3, side, side) if first else graph.shape
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("input", getattr(TensorProto, kind), list(declared) or None))
    made = [helper.make_node("Cast", ["input"], ["floats"], to=TensorProto.FLOAT)]
    if len(declared) in (3, 5):
        model.graph.initializer.append(helper.make_tensor("front", TensorProto.INT64, [1], [0]))
        op = "Unsqueeze" if len(declared) == 3 else "Squeeze"
        made.append(helper.make_node(op, ["floats", "front"], ["batch"]))
    before = made[-1].output[0]
    rest = list(model.graph.node)[1:]
    if first:
        made.append(helper.make_node("Identity", [before], list(turned.output)))
    else:
        made.append(helper.make_node("Transpose", [before], list(turned.output), perm=[0, 3, 1, 2]))
    del model.graph.node[:]
    model.graph.node.extend([*made, *rest])
    path.write_bytes(model.SerializeToString())
    return path


def read_onnx(graph: Graph) -> Any:
    """Return a graph as a message of ONNX."""
    import onnx as package

    return package.load_model_from_string(onnx.write(graph))
