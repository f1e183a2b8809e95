"""Networks that fail while the server runs cost their predictions and nothing else; a trial that crashes is said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import foveola
from foveola.config import Quality, Settings
from foveola.errors import ConfigError
from foveola.networks.runtime import WANTED
from foveola.server import networks
from foveola.server.networks import check
from foveola.train.graph import Graph
from tests.netfiles import answering, save, seeing
from tests.serving import Served, serving
from tests.toys import photo

TARGET = "/unsafe/aq:ml:0.02:1:100:0.002/plain/local:///photo.png@webp"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(photo(200, 150).frames[0]).save(tmp_path / "photo.png")
    (tmp_path / "server").mkdir()
    return tmp_path


def settings(folder: Path, network: Path) -> dict[str, str]:
    return {
        "AUTOQUALITY_WEBP_NET": str(network),
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "ENABLE_DEBUG_HEADERS": "true",
        "WORKERS": "1",
    }


def check_like_dssim(served: Served, folder: Path) -> None:
    """Hold what is served with method ml against what the library does without a network."""
    plain = foveola.encode(folder / "photo.png", "webp", "ml:0.02:1:100:0.002", network="none")
    for _ in range(2):  # found, and remembered
        reply = served.get(TARGET)
        assert reply.status == 200
        assert reply.body == plain.data
        assert (reply.autoquality["method"], reply.autoquality["met"]) == ("ml", "true")


def shy() -> Graph:
    """Return a network that has no answer for a picture with edges."""
    graph = Graph((1, 416, 416, 3))
    step = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1) * np.array([1.0, 0, 0]).reshape(1, 1, 3, 1)
    edges = graph.mean(graph.single("abs", graph.conv(graph.input, step)))
    answering(graph, graph.single("sqrt", graph.mul(edges, -1.0)))
    return graph


def test_an_inference_that_fails_is_no_prediction(folder: Path) -> None:
    network = save(shy(), folder / "net.pb")
    with serving(folder / "server", **settings(folder, network)) as served:
        check_like_dssim(served, folder)
        log = served.log.read_text()

    assert "Searching without a network: Expected finite numbers for the output of the network" in log


def test_a_file_that_is_gone_is_no_network_any_more(folder: Path) -> None:
    network = save(seeing(base=3), folder / "net.pb")
    with serving(folder / "server", **settings(folder, network)) as served:
        network.unlink()
        check_like_dssim(served, folder)
        log = served.log.read_text()

    assert f"Searching without a network: Expected {WANTED} for network, got {network}: no such file" in log


@pytest.mark.parametrize("broken", ["crashes", "does not end", "talks"])
def test_a_trial_that_does_not_answer_stops_the_start(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = {"crashes": "kill -SEGV $$", "does not end": "exec sleep 60", "talks": "echo hello"}[broken]
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(networks, "SECONDS", 2)

    with pytest.raises(ConfigError, match="The networks of IMGPROXY_AUTOQUALITY_WEBP_NET can't be tried: "):
        check(Settings(quality=Quality(autoquality_webp_net="/net.pb")), {})
