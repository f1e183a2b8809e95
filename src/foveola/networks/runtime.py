"""The one place that calls OpenVINO: a file becomes a function from an array to an array.

One runtime reads both documented formats and answers within 3e-6 of TensorFlow. It is imported when a network is first
loaded, so that nobody pays for it who has none; its messages are translated here. Source: https://docs.openvino.ai
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import sys
import threading
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveola.errors import ConfigError, NetworkError
from foveola.networks.sidecar import Layout
from foveola.settings import Inference

WANTED = "a TensorFlow frozen graph or an ONNX file with one input of 416x416x3 or 256x256x3 and one output of 100 or 1"
NEITHER = "something that can't be read as either"
LARGEST = 512 << 20
"""Bytes of a file that is read."""
SIDES = {".onnx": 256}
"""Pixels of a side that is not declared, by the extension; 416 for others."""
SIDE = 416
_TELEMETRY = "openvino_telemetry"


def available() -> bool:
    """Return whether networks can be run: the extra `[ml]` is installed."""
    return find_spec("openvino") is not None


def openvino() -> Any:
    """Import OpenVINO, without its telemetry: that writes into the home folder and tells Google of each import.

    It goes without where the package is missing, so it is made to be missing meanwhile.
    """
    if "openvino" not in sys.modules and _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # what `import` takes for missing
        try:
            return import_module("openvino")
        finally:
            sys.modules.pop(_TELEMETRY, None)
    return import_module("openvino")


@cache
def core() -> Any:
    """Return OpenVINO's core, one a process and for ever; each more would cost 6 MB besides.

    Where the processor has AMX, the plugin for CPUs gives the thread that first compiles a network a stack for its
    signals, and frees it with the last network, in whichever thread that is: the next signal would end the process.
    """
    return openvino().Core()


def _tidy() -> None:
    """Let the C library give back what a compiler has used: 45 MB, which glibc would keep."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)


class Model:
    """A network that was read and compiled.

    Args:
        path: of the file.
        name: of the setting or argument that says it, for messages.
        inference: how it is run.
        layout: where channels are, if the shape leaves that open.

    Raises:
        ConfigError: it can't be used; the message says what was expected, the file, and what was found.
    """

    def __init__(self, path: Path, name: str, inference: Inference, layout: Layout | None = None) -> None:
        self._name, self._path, self._said = name, path, layout
        data = self._read()
        if not _whole(data):  # else it is tried as text and as what else OpenVINO knows, with words on stderr
            raise self.unusable(NEITHER)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._request = self._compiled(self._parsed(), inference)
        self._lock = threading.Lock()  # a request serves one thread at a time
        _tidy()

    def _compiled(self, model: Any, inference: Inference) -> Any:
        """Return who runs a model; what it is like is in our attributes."""
        if (len(model.inputs), len(model.outputs)) != (1, 1):
            raise self.unusable(f"{len(model.inputs)} inputs and {len(model.outputs)} outputs")
        self.floats = self._floats(model.inputs[0].get_element_type().get_type_name())
        sides = _sides(model.inputs[0].get_partial_shape())
        self.layout, self.side, shape = self._square(sides)
        try:
            model.reshape(shape)
        except RuntimeError as error:
            raise self.unusable(f"an input of {_shown(sides)} that does not take {_shown(shape)}") from error
        self.outputs = self._count(model.outputs[0].get_partial_shape())
        try:
            return core().compile_model(model, "CPU", _properties(inference)).create_infer_request()
        except RuntimeError as error:
            raise self.unusable(f"a network that can't be compiled ({_first_words(error)})") from error

    def __call__(self, value: NDArray[Any]) -> NDArray[np.float64]:
        """Return (100,) or (1,) numbers of an input; a NetworkError where the inference fails."""
        try:
            with self._lock:
                told = self._request.infer([value.reshape(self._shape)])[0]
                return np.array(told, np.float64).ravel()
        except (RuntimeError, ValueError) as error:
            raise NetworkError(f"Expected an inference of {self._path}, got {_first_words(error)}") from error

    def unusable(self, found: str) -> ConfigError:
        """Return the error that says what was expected and what was found."""
        return ConfigError(f"Expected {WANTED} for {self._name}, got {self._path}: {found}")

    def _read(self) -> bytes:
        try:
            if not self._path.exists():
                raise self.unusable("no such file")
            if not self._path.is_file():
                raise self.unusable("not a file")
            if (size := self._path.stat().st_size) > LARGEST:
                raise self.unusable(f"{size} bytes, more than {LARGEST}")
            return self._path.read_bytes()
        except OSError as error:
            raise self.unusable(error.strerror or type(error).__name__) from error

    def _parsed(self) -> Any:
        try:
            return core().read_model(self._path)
        except (RuntimeError, ValueError) as error:  # their words are those of the last of several readers
            raise self.unusable(NEITHER) from error

    def _floats(self, kind: str) -> bool:
        if kind not in ("f32", "u8"):
            raise self.unusable(f"an input of {kind}, not of float32 or uint8")
        return kind == "f32"

    def _square(self, sides: list[int]) -> tuple[Layout, int, list[int]]:
        """Return where channels are, the side, and the shape that is fed."""
        batched = len(sides) == 4
        inner = sides[1:] if batched else sides
        if len(inner) != 3 or (batched and sides[0] not in (-1, 1)):
            raise self.unusable(f"an input of {_shown(sides)}")
        layout = _layout(inner[0], inner[2], self._said)
        across, channels = (inner[1:], inner[0]) if layout == "NCHW" else (inner[:2], inner[2])
        known = {side for side in across if side != -1} or {SIDES.get(self._path.suffix.lower(), SIDE)}
        if channels not in (-1, 3) or len(known) > 1 or known - {256, 416}:
            raise self.unusable(f"an input of {_shown(sides)}")
        side = known.pop()
        full = [3, side, side] if layout == "NCHW" else [side, side, 3]
        self._shape = [1, *full] if batched else full
        return layout, side, self._shape

    def _count(self, shape: Any) -> int:
        count = math.prod(shape.to_shape()) if shape.is_static else -1
        if count not in (1, 100):
            raise self.unusable(f"an output of {_shown(list(shape.to_shape()) if shape.is_static else [-1])}")
        return count


def _whole(data: bytes) -> bool:
    """Return whether bytes are a message of protobuf from end to end, seen from outside; both formats are one."""
    at = 0
    try:
        while at < len(data):
            key, at = _varint(data, at)
            length = {1: 8, 5: 4}.get(key & 7, 0)
            if key & 7 == 2:
                length, at = _varint(data, at)
            elif key & 7 == 0:
                _, at = _varint(data, at)
            elif not length:
                return False
            at += length
    except ValueError:
        return False
    return at == len(data) > 0


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place and where it ends; a ValueError where none is."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    raise ValueError


def _sides(declared: Any) -> list[int]:
    """Return the sides of a shape, -1 where one is open; four where even their number is."""
    if declared.rank.is_dynamic:
        return [-1, -1, -1, -1]
    return [dimension.get_length() if dimension.is_static else -1 for dimension in declared]


def _layout(first: int, last: int, said: Layout | None) -> Layout:
    """Return where channels are: where a side is 3, else where one is open; as was said, or last, where both are."""
    ends: dict[Layout, int] = {"NHWC": last, "NCHW": first}
    for channels in (3, -1):
        possible = [layout for layout, side in ends.items() if side == channels]
        if possible:
            return said if said in possible else possible[0]
    return "NHWC"


def _properties(inference: Inference) -> dict[str, Any]:
    return {
        "INFERENCE_NUM_THREADS": inference.threads,
        "NUM_STREAMS": inference.streams,
        "INFERENCE_PRECISION_HINT": "f32",  # logits of a curve don't survive 16 bits
        "EXECUTION_MODE_HINT": inference.mode.upper(),
        "ENABLE_CPU_PINNING": inference.pinning,
    }


def _shown(sides: Sequence[int]) -> str:
    return "x".join("?" if side == -1 else str(side) for side in sides) or "no sides"


def _first_words(error: Exception) -> str:
    """Return the end of OpenVINO's message, which is where it says what is wrong, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:160]
