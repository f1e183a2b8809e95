"""Networks for tests of those who make and judge them: real ones, that say one quality for every picture."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveola.train import crew, model, onnx, tensorflow
from foveola.train.evaluate import loaded
from foveola.train.graph import Graph
from foveola.train.labels import Labels

SLOPE = 0.05
"""By how much log DSSIM falls from one quality to the next."""


def steady(quality: float) -> Graph:
    """Return a network that says of every picture that log DSSIM is a line that meets 0.02 at a quality.

    The line rises with the brightness of the picture by nothing that counts, so that the input is used.
    """
    graph = Graph((1, 416, 416, 3))
    line = math.log(0.02) - SLOPE * (np.arange(1, 101) - quality)
    curve = graph.add(graph.matmul(graph.mean(graph.input), np.full((3, 100), 1e-9)), line)
    off = graph.mul(graph.sub(curve, math.log(model.TARGET)), 1 / model.SIGMA)
    graph.output(graph.mul(graph.mul(off, off), -0.5))
    return graph


def write_net(path: Path, quality: float, **said: Any) -> Path:
    """Write such a network in the container that the name says, with a sidecar where there is something to say."""
    path.write_bytes((onnx if path.suffix == ".onnx" else tensorflow).write(steady(quality)))
    if said:
        ours = {"head": "curve", "input": "mosaic", "scale": "255"}
        path.with_name(path.name + ".json").write_text(json.dumps(ours | said))
    return path


@dataclass
class Trained:
    """What a fit returns."""

    quality: float
    figures: dict[str, float]

    def graph(self) -> Graph:
        return steady(self.quality)


def fit(inputs: Any, labels: Labels, seed: int, progress: Callable[[int, int, str], None]) -> Trained:
    """Learn in no time that a quality of 60 is right."""
    assert inputs.shape == (len(labels), 416, 416, 3)
    assert inputs.dtype == np.uint8
    progress(1, 1, "learning")
    return Trained(60, {"seed": float(seed), "fitted": float(len(labels))})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a fit take no time, and no test have what another has read."""
    loaded.cache_clear()
    monkeypatch.setattr(model, "fit", fit)


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
