"""A network as a list of operations on arrays: written once, run by NumPy, and written down for others to run.

Small on purpose: batches of one, float32, channels last, the operations that our networks are made of. The writers
(`foveola.train.tensorflow`, `foveola.train.onnx`) turn the same list into either of the documented formats, so that the
two can't differ; `run` is what both are held to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveola.errors import ArgumentError, expected

Array = NDArray[np.float32]
Shape = tuple[int, ...]

PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
"""Operations of two tensors, or of a tensor and constants."""
SINGLES: dict[str, Callable[[Any], Any]] = {
    "round": np.rint,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
"""Operations of one tensor; `round` rounds halves to even."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph.

    Args:
        shape: (1, H, W, C) or (1, C).
        op: what makes it: `input`, `const`, `conv`, `concat`, `mean`, `matmul`, or a name of `PAIRS` or `SINGLES`.
        inputs: what it is made of; a constant kernel or matrix is the second.
        value: of a constant.
        stride: of a convolution.
    """

    shape: Shape
    op: str
    inputs: tuple[Tensor, ...] = ()
    value: Array | None = None
    stride: int = 1


@dataclass
class Graph:
    """One input, one output.

    Args:
        shape: (1, H, W, C) of the input.
    """

    shape: Shape
    input: Tensor = field(init=False)
    result: Tensor | None = field(default=None, init=False)
    _constants: dict[tuple[Shape, bytes], Tensor] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.input = Tensor(tuple(self.shape), "input")

    def constant(self, value: ArrayLike) -> Tensor:
        """Return a constant; equal ones are one."""
        array = np.array(value, np.float32, order="C")
        key = array.shape, array.tobytes()
        return self._constants.setdefault(key, Tensor(array.shape, "const", value=array))

    def conv(self, x: Tensor, kernel: ArrayLike, stride: int = 1) -> Tensor:
        """Return the convolution without padding and bias.

        Args:
            x: (1, H, W, in).
            kernel: (height, width, in, out).
            stride: rows and columns from one place to the next.
        """
        weights = self.constant(kernel)
        if len(x.shape) != 4 or len(weights.shape) != 4 or weights.shape[2] != x.shape[3]:
            raise ArgumentError(expected(f"(height, width, {x.shape[-1]}, out) for {x.shape}", "kernel", weights.shape))
        down, across = ((x.shape[axis + 1] - weights.shape[axis]) // stride + 1 for axis in (0, 1))
        return Tensor((1, down, across, weights.shape[3]), "conv", (x, weights), stride=stride)

    def concat(self, parts: Sequence[Tensor]) -> Tensor:
        """Return tensors side by side, along the last axis."""
        if len({part.shape[:-1] for part in parts}) != 1:
            raise ArgumentError(expected("equal shapes but for the last axis", "parts", [p.shape for p in parts]))
        return Tensor((*parts[0].shape[:-1], sum(part.shape[-1] for part in parts)), "concat", tuple(parts))

    def mean(self, x: Tensor) -> Tensor:
        """Return (1, C) the means over the rows and columns of (1, H, W, C)."""
        return Tensor((1, x.shape[3]), "mean", (x,))

    def matmul(self, x: Tensor, matrix: ArrayLike) -> Tensor:
        """Return (1, D) of (1, C) times (C, D)."""
        weights = self.constant(matrix)
        if len(x.shape) != 2 or weights.shape[:1] != x.shape[1:]:
            raise ArgumentError(expected(f"({x.shape[-1]}, out) for {x.shape}", "matrix", weights.shape))
        return Tensor((1, weights.shape[1]), "matmul", (x, weights))

    def pair(self, op: str, x: Tensor, y: Tensor | ArrayLike) -> Tensor:
        """Return an operation of `PAIRS`; the second may be a constant that broadcasts to the first."""
        other = y if isinstance(y, Tensor) else self.constant(y)
        shape = np.broadcast_shapes(x.shape, other.shape)
        if len(shape) != len(x.shape):
            raise ArgumentError(expected(f"at most {len(x.shape)} axes", "y", other.shape))
        return Tensor(shape, op, (x, other))

    def single(self, op: str, x: Tensor) -> Tensor:
        """Return an operation of `SINGLES`."""
        return Tensor(x.shape, op, (x,))

    def add(self, x: Tensor, y: Tensor | ArrayLike) -> Tensor:
        """Return x + y."""
        return self.pair("add", x, y)

    def sub(self, x: Tensor, y: Tensor | ArrayLike) -> Tensor:
        """Return x - y."""
        return self.pair("sub", x, y)

    def mul(self, x: Tensor, y: Tensor | ArrayLike) -> Tensor:
        """Return x * y."""
        return self.pair("mul", x, y)

    def div(self, x: Tensor, y: Tensor | ArrayLike) -> Tensor:
        """Return x / y."""
        return self.pair("div", x, y)

    def clip(self, x: Tensor, low: float, high: float) -> Tensor:
        """Return x within low..high."""
        return self.pair("minimum", self.pair("maximum", x, low), high)

    def output(self, x: Tensor) -> None:
        """Say what the graph returns."""
        self.result = x

    def nodes(self) -> list[Tensor]:
        """Return what the output needs, each after what it is made of.

        Raises:
            ArgumentError: the graph has no output.
        """
        if self.result is None:
            raise ArgumentError(expected("a graph with an output", "graph", None))
        order: dict[int, Tensor] = {}
        waiting = [self.result]
        while waiting:
            tensor = waiting[-1]
            missing = [part for part in tensor.inputs if id(part) not in order]
            waiting.extend(missing)
            if not missing:
                order.setdefault(id(waiting.pop()), tensor)
        return list(order.values())

    def names(self, first: str, last: str) -> dict[int, str]:
        """Return a name for each of the nodes, by its identity: what is said for the input and for the output."""
        names = {id(node): f"{node.op}_{number}" for number, node in enumerate(self.nodes())}
        return names | {id(self.input): first, id(self.result): last}

    def run(self, value: ArrayLike) -> Array:
        """Return what the graph makes of an input, by NumPy."""
        values: dict[int, Array] = {}
        for node in self.nodes():
            parts = [values[id(part)] for part in node.inputs]
            values[id(node)] = _run(node, parts, np.asarray(value, np.float32))
        return values[id(self.result)]


def _run(node: Tensor, parts: list[Array], given: Array) -> Array:
    if node.op == "input":
        return given
    if node.op == "const":
        assert node.value is not None
        return node.value
    made: Any
    if node.op in PAIRS:
        made = PAIRS[node.op](*parts)
    elif node.op in SINGLES:
        made = SINGLES[node.op](*parts)
    elif node.op == "conv":
        made = _convolved(parts[0], parts[1], node.stride)
    elif node.op == "concat":
        made = np.concatenate(parts, -1)
    else:
        made = parts[0].mean((1, 2)) if node.op == "mean" else parts[0] @ parts[1]
    result: Array = np.asarray(made, np.float32)
    return result


def _convolved(x: Array, kernel: Array, stride: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x[0], kernel.shape[:2], (0, 1))[::stride, ::stride]
    made: Array = np.tensordot(windows, kernel.transpose(2, 0, 1, 3), 3)[None]
    return made
