"""A graph as ONNX, which imgproxy 4 documents for its networks. Needs the package `onnx`, of the extra `[train]`.

ONNX convolves with channels first. The input keeps its channels last, as the documentation has it, and is turned once;
inside all tensors of four axes are (1, C, H, W). Source: https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foveola.train.graph import PAIRS, SINGLES, Graph, Tensor

OPSET, IR = 17, 8
"""Of the operators and of the file: old ones, which every reader knows."""
NAMES = {
    **dict(zip(PAIRS, ("Add", "Sub", "Mul", "Div", "Max", "Min"), strict=True)),
    **{op: op.capitalize() for op in SINGLES},
    "conv": "Conv",
    "concat": "Concat",
    "mean": "ReduceMean",
    "matmul": "MatMul",
}


def write(graph: Graph) -> bytes:
    """Return the bytes of an `.onnx` whose input is `input` and whose output is `logits`."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = graph.nodes()
    names = graph.names("turned", "logits")
    made = [helper.make_node("Transpose", ["input"], ["turned"], perm=[0, 3, 1, 2])]
    constants = []
    for node in nodes:
        if node.op == "const":
            constants.append(numpy_helper.from_array(_turned(node, nodes), names[id(node)]))
        elif node.op != "input":
            inputs = [names[id(part)] for part in node.inputs]
            made.append(helper.make_node(NAMES[node.op], inputs, [names[id(node)]], **_attributes(node)))
    assert graph.result is not None
    ends = (("input", graph.shape), ("logits", graph.result.shape))
    first, last = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends)
    body = helper.make_graph(made, "foveola", [first], [last], constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    written: bytes = model.SerializeToString()
    return written


def _attributes(node: Tensor) -> dict[str, Any]:
    if node.op == "conv":
        return {"strides": [node.stride, node.stride]}
    if node.op == "concat":
        return {"axis": 1}
    return {"axes": [2, 3], "keepdims": 0} if node.op == "mean" else {}


def _turned(constant: Tensor, nodes: list[Tensor]) -> Any:
    """Return a constant as its user has it: kernels (out, in, H, W), and what meets four axes with channels first.

    A constant is used in one way, for `Graph` makes one of equal constants only where they have equal shapes; a vector
    that meets tensors of two and of four axes would be an exception, and is refused by the assertion.
    """
    value = constant.value
    assert value is not None
    users = [node for node in nodes if constant in node.inputs]
    if any(node.op == "conv" for node in users):
        return np.ascontiguousarray(value.transpose(3, 2, 0, 1))
    if any(node.op == "matmul" for node in users) or value.ndim == 0:
        return value
    axes = {len(node.shape) for node in users}
    assert len(axes) == 1, "one constant beside two and four axes"
    if axes == {2}:
        return value
    return np.ascontiguousarray(value.reshape((1,) * (4 - value.ndim) + value.shape).transpose(0, 3, 1, 2))
