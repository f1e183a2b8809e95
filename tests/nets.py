"""Networks for tests of those who use them: a file of JSON that says by how much it errs, and what writes one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from foveola.errors import ConfigError, FoveolaError
from foveola.picture import Picture
from foveola.train import crew
from foveola.train.labels import Labels


@dataclass
class Said:
    """A prediction: one quality at a target of 0.02, ten more at half of that."""

    quality: float

    def at(self, target: float, codec: Any, settings: Any) -> float:  # noqa: ARG002
        return float(np.clip(self.quality + 10 * np.log2(0.02 / target), 1, 100))


@dataclass
class Net:
    """A network that looks at the mean of a picture, and fails on black ones."""

    bias: float
    asked: list[Picture] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path, format: str) -> Net:
        try:
            said = json.loads(path.read_bytes())
        except ValueError as error:
            raise ConfigError(f"Expected a network for {format}, got {path}") from error
        return cls(said["bias"])

    def predict(self, picture: Picture) -> Said:
        self.asked.append(picture)
        if not picture.frames.any():
            raise FoveolaError("inference failed")
        return Said(picture.frames.mean() / 4 + self.bias)


@dataclass
class Sidecar:
    """What stands beside a network."""

    format: str
    head: str
    target: float
    sigma: float
    input: str
    scale: str
    layout: str
    index_base: int
    settings: dict[str, Any]
    sha256: str
    trained_on: str
    figures: dict[str, float]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))


@dataclass
class Trained:
    """A network whose bias is the mean of what it was fitted on."""

    bias: float
    figures: dict[str, float]

    def graph(self) -> dict[str, float]:
        return {"bias": self.bias}


def fit(inputs: Any, labels: Labels, seed: int, progress: Callable[[int, int, str], None]) -> Trained:
    assert inputs.shape == (len(labels), 416, 416, 3)
    assert inputs.dtype == np.uint8
    progress(1, 1, f"loss {seed}")
    return Trained(float(inputs.mean()) % 7, {"loss": 0.5, "seed": float(seed), "fitted": float(len(labels))})


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


@pytest.fixture
def nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let networks be those of this file."""
    made = (
        module("foveola.networks", Network=Net),
        module("foveola.networks.inputs", mosaic=lambda pixels: np.resize(pixels, (416, 416, 3))),
        module("foveola.networks.sidecar", Sidecar=Sidecar),
        module("foveola.train.model", fit=fit),
        module("foveola.train.tensorflow", write=lambda graph: json.dumps(graph).encode()),
        module("foveola.train.onnx", write=lambda graph: json.dumps(graph | {"onnx": 1}).encode()),
    )
    for fake in made:
        monkeypatch.setitem(sys.modules, fake.__name__, fake)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let jobs be done in this process, which is quicker and has what the test has put in place; return those done."""
    done = []

    def run(function: Any, jobs: Any, processes: int) -> Iterator[Any]:  # noqa: ARG001
        for index, job in enumerate(jobs):
            done.append(job)
            yield index, crew._tried(function, job)

    monkeypatch.setattr(crew, "run", run)
    return done
