"""The one place where making networks meets running and writing them.

What a network of ours is like is said here: it sees a mosaic of 416x416 pixels, channels last, 0..255, and answers 100
logits, from which the whole curve can be read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foveola.errors import ConfigError
from foveola.networks import Network, Sidecar, sidecar
from foveola.networks.runtime import core
from foveola.train import onnx, tensorflow
from foveola.train.extras import needed
from foveola.train.graph import Graph
from foveola.train.labels import Labels
from foveola.train.model import SIGMA, TARGET
from foveola.train.place import place

CONTAINERS = {".pb": "TensorFlow frozen graph", ".onnx": "ONNX"}


def containers(graph: Graph) -> dict[str, bytes]:
    """Return a graph as the files that it can be, by their extension.

    Raises:
        FoveolaError: the extra `[train]` is missing.
    """
    needed("onnx", "an ONNX file")
    return {".pb": tensorflow.write(graph), ".onnx": onnx.write(graph)}


def described(path: Path) -> dict[str, Any]:
    """Return what a network is, as JSON can hold it: container, ends, head, sidecar.

    Raises:
        ConfigError: it, or its sidecar, can't be read.
        FoveolaError: the extra `[ml]` is missing.
    """
    needed("openvino", "a network", "ml")
    said, data = sidecar.read(path), path.read_bytes()
    what = f"Expected a TensorFlow frozen graph (.pb) or an ONNX file (.onnx), got {path}"
    if path.suffix not in CONTAINERS:
        raise ConfigError(what)
    try:
        with _hushed():
            model = core().read_model(path)
        ends = {kind: [_end(end) for end in getattr(model, kind)] for kind in ("inputs", "outputs")}
    except RuntimeError as error:
        raise ConfigError(f"{what}, which is none inside") from error
    digest = hashlib.sha256(data).hexdigest()
    return {
        "file": str(path),
        "bytes": len(data),
        "container": CONTAINERS[path.suffix],
        **ends,
        "head": _head(said, ends["outputs"]),
        "sha256": digest,
        "intact": None if said is None or not said.sha256 else said.sha256 == digest,
        "problem": _problem(path, said),
        "sidecar": None if said is None else asdict(said),
    }


def _problem(path: Path, said: Sidecar | None) -> str | None:
    """Return why a network can't be used, None if it can."""
    try:
        Network.load(path, said.format if said else "")
    except ConfigError as error:
        return str(error)
    return None


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


def _head(said: Sidecar | None, outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return in words how the output is read."""
    if said is not None and said.head == "curve":
        return f"curve logits: the greatest is at DSSIM {said.target}, the others tell the rest of the curve"
    numbers = [side for side in outputs[0]["shape"] if side not in ("1", "?")] if outputs else ["none"]
    if numbers == ["100"]:
        return "logits of 100 qualities: the greatest is the quality"
    return "one value: the quality as 0..1" if not numbers else "unknown: neither 100 numbers nor one"


def write(path: Path, data: bytes, labels: Labels, trained_on: str, figures: Mapping[str, float]) -> list[Path]:
    """Write a network and its sidecar, each whole or not at all; return both paths.

    Args:
        path: of the network; its extension says what it is.
        data: of the file.
        labels: of the pictures that it was fitted on.
        trained_on: what is to be said of them.
        figures: how good it is.
    """
    about = Sidecar(
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
    place(path, data)
    about.write(sidecar.beside(path))
    return [path, sidecar.beside(path)]
