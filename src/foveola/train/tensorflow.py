"""A graph as a TensorFlow frozen graph: one protobuf message, written by hand, so that no TensorFlow is needed.

imgproxy 3 documents this container for its networks. Only two of protobuf's wire types are used: varints, and bytes
with their length before them. Source: https://protobuf.dev/programming-guides/encoding/ and TensorFlow's
graph.proto, node_def.proto, attr_value.proto and tensor.proto
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from foveola.train.graph import PAIRS, SINGLES, Graph, Tensor

FLOAT, INT32 = 1, 3
"""Of DataType."""
PRODUCER = 1395
"""The version of the format that is written; readers take any that is not newer than they are."""
NAMES = {
    **dict(zip(PAIRS, ("AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum"), strict=True)),
    **{op: op.capitalize() for op in SINGLES},
    "conv": "Conv2D",
    "concat": "ConcatV2",
    "mean": "Mean",
    "matmul": "MatMul",
}


def write(graph: Graph) -> bytes:
    """Return the bytes of a `.pb` whose input is `input` and whose output is `logits`."""
    nodes = graph.nodes()
    names = graph.names("input", "logits")
    written = [_node(node, names) for node in nodes]
    if any(node.op == "mean" for node in nodes):
        written.insert(0, _constant("space", np.array([1, 2], np.int32)))
    if any(node.op == "concat" for node in nodes):
        written += [_constant(f"last_{axes}", np.array(axes - 1, np.int32)) for axes in _ranks(nodes)]
    return b"".join(_field(1, node) for node in written) + _field(4, _field(1, PRODUCER))


def _ranks(nodes: Iterable[Tensor]) -> list[int]:
    return sorted({len(node.shape) for node in nodes if node.op == "concat"})


def _node(node: Tensor, names: dict[int, str]) -> bytes:
    name, inputs = names[id(node)], [names[id(part)] for part in node.inputs]
    if node.op == "input":
        return _definition(name, "Placeholder", [], {"dtype": _type(FLOAT), "shape": _field(7, _shape(node.shape))})
    if node.op == "const":
        assert node.value is not None
        return _constant(name, node.value)
    attributes = {"T": _type(FLOAT)}
    if node.op == "conv":
        strides = _field(3, b"".join(map(_varint, (1, node.stride, node.stride, 1))))
        attributes |= {"strides": _field(1, strides), "padding": _text("VALID"), "data_format": _text("NHWC")}
    elif node.op == "concat":
        inputs.append(f"last_{len(node.shape)}")
        attributes |= {"N": _field(3, len(node.inputs)), "Tidx": _type(INT32)}
    elif node.op == "mean":
        inputs.append("space")
        attributes |= {"Tidx": _type(INT32), "keep_dims": _field(5, 0)}
    elif node.op == "matmul":
        attributes |= {"transpose_a": _field(5, 0), "transpose_b": _field(5, 0)}
    return _definition(name, NAMES[node.op], inputs, attributes)


def _definition(name: str, op: str, inputs: list[str], attributes: dict[str, bytes]) -> bytes:
    """Return a NodeDef."""
    head = _field(1, name.encode()) + _field(2, op.encode()) + b"".join(_field(3, part.encode()) for part in inputs)
    return head + b"".join(
        _field(5, _field(1, key.encode()) + _field(2, value)) for key, value in sorted(attributes.items())
    )


def _constant(name: str, value: NDArray[np.float32] | NDArray[np.int32]) -> bytes:
    kind = INT32 if value.dtype == np.int32 else FLOAT
    little = value.astype(value.dtype.newbyteorder("<"))
    tensor = _field(1, kind) + _field(2, _shape(value.shape)) + _field(4, little.tobytes())
    return _definition(name, "Const", [], {"dtype": _type(kind), "value": _field(8, tensor)})


def _type(kind: int) -> bytes:
    return _field(6, kind)


def _text(word: str) -> bytes:
    return _field(2, word.encode())


def _shape(sides: tuple[int, ...]) -> bytes:
    """Return a TensorShapeProto; the one of a scalar has no side, but is there."""
    return b"".join(_field(2, _field(1, side)) for side in sides)


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Return seven bits a byte, the lowest first; the high bit says that more follow."""
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
