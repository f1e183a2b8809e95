"""The one place where making networks meets running and writing them.

What a network of ours is like is said here: it sees a mosaic of 416x416 pixels, channels last, 0..255, and answers 100
logits, from which the whole curve can be read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from foveola.codecs import Codec
from foveola.errors import ConfigError
from foveola.picture import Picture
from foveola.train.extras import needed
from foveola.train.labels import Labels

CONTAINERS = {".pb": "TensorFlow frozen graph", ".onnx": "ONNX"}
SIDE = 416
"""Pixels of a side of what our networks see."""
TARGET, SIGMA = 0.02, 0.15
"""The DSSIM at which the greatest logit is, and by which distance in logs the others fall."""


class Prediction(Protocol):
    """What a network says of one picture."""

    def at(self, target: float, codec: Codec, settings: Any) -> float:
        """Return the continuous quality, 1..100, at which a target is met."""
        ...


class Predictor(Protocol):
    """A network that can be asked."""

    def predict(self, picture: Picture) -> Prediction:
        """Return what it says of a picture; a FoveolaError where it fails."""
        ...


def load(path: Path, format: str) -> Predictor:
    """Read a network from its file.

    Raises:
        ConfigError: it can't be used.
        FoveolaError: the extra `[ml]` is missing.
    """
    needed("openvino", "a network", "ml")
    network: Predictor = import_module("foveola.networks").Network.load(path, format)
    return network


def about(path: Path) -> dict[str, Any] | None:
    """Return what the sidecar of a network says, None where there is none.

    Raises:
        ConfigError: it can't be read.
    """
    beside = path.with_name(path.name + ".json")
    if not beside.exists():
        return None
    try:
        said = json.loads(beside.read_bytes())
    except ValueError as error:
        raise ConfigError(f"Expected JSON in {beside}, got something else") from error
    if not isinstance(said, dict):
        raise ConfigError(f"Expected a JSON object in {beside}, got {type(said).__name__}")
    return said


def described(path: Path) -> dict[str, Any]:
    """Return what a network is, as JSON can hold it: container, ends, head, sidecar.

    Raises:
        ConfigError: it can't be read.
        FoveolaError: the extra `[ml]` is missing.
    """
    needed("openvino", "a network", "ml")
    from foveola.networks.runtime import openvino

    said, data = about(path), path.read_bytes()
    what = f"Expected a TensorFlow frozen graph (.pb) or an ONNX file (.onnx), got {path}"
    if path.suffix not in CONTAINERS:
        raise ConfigError(what)
    try:
        with _hushed():
            model = openvino().Core().read_model(path)
        ends = {kind: [_end(end) for end in getattr(model, kind)] for kind in ("inputs", "outputs")}
    except RuntimeError as error:
        raise ConfigError(f"{what}, which is none inside") from error
    digest = hashlib.sha256(data).hexdigest()
    wanted = None if said is None else said.get("sha256")
    return {
        "file": str(path),
        "bytes": len(data),
        "container": CONTAINERS[path.suffix],
        **ends,
        "head": _head(said, ends["outputs"]),
        "sha256": digest,
        "intact": None if wanted is None else wanted == digest,
        "sidecar": said,
    }


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep from stderr what the readers of protobuf write there about a file that is none, past Python."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _end(end: Any) -> dict[str, Any]:
    """Return name, shape (`?` for what is open) and type of an input or output."""
    shape = [str(side) if side.is_static else "?" for side in end.get_partial_shape()]
    name = min(end.get_names(), default="").removesuffix(":0")  # which TensorFlow counts the outputs of an operation by
    return {"name": name, "shape": shape, "type": end.get_element_type().get_type_name()}


def _head(said: Mapping[str, Any] | None, outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return in words how the output is read."""
    if said is not None and said.get("head") == "curve":
        return f"curve logits: the greatest is at DSSIM {said.get('target')}, the others tell the rest of the curve"
    numbers = [side for side in outputs[0]["shape"] if side not in ("1", "?")] if outputs else ["none"]
    if numbers == ["100"]:
        return "logits of 100 qualities: the greatest is the quality"
    return "one value: the quality as 0..1" if not numbers else "unknown: neither 100 numbers nor one"


def mosaic(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return (416, 416, 3) uint8 of (H, W, 3), as our networks see it."""
    tiles: NDArray[Any] = import_module("foveola.networks.inputs").mosaic(pixels)
    return tiles


def containers(graph: Any) -> dict[str, bytes]:
    """Return a graph as the files that it can be, by their extension.

    Raises:
        FoveolaError: the extra `[train]` is missing.
    """
    needed("onnx", "an ONNX file")
    return {
        suffix: bytes(import_module(f"foveola.train.{name}").write(graph))
        for suffix, name in ((".pb", "tensorflow"), (".onnx", "onnx"))
    }


def write(path: Path, data: bytes, labels: Labels, trained_on: str, figures: Mapping[str, float]) -> list[Path]:
    """Write a network and its sidecar, each whole or not at all; return both paths.

    Args:
        path: of the network; its extension says what it is.
        data: of the file.
        labels: of the pictures that it was fitted on.
        trained_on: what is to be said of them.
        figures: how good it is.
    """
    sidecar = import_module("foveola.networks.sidecar")
    _place(path, data)
    about = sidecar.Sidecar(
        format=labels.format,
        head="curve",
        target=TARGET,
        sigma=SIGMA,
        input="mosaic",
        scale="255",
        layout="NHWC",
        index_base=1,
        settings=asdict(labels.settings),
        sha256=hashlib.sha256(data).hexdigest(),
        trained_on=trained_on,
        figures=dict(figures),
    )
    beside = path.with_name(path.name + ".json")
    about.write(beside)
    return [path, beside]


def _place(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
