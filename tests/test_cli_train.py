"""`foveola train`: what its commands write, print and refuse, and how they end."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import tests.nets
from foveola.cli import main
from foveola.picture import sniff
from foveola.settings import WebpSettings
from foveola.train import model, onnx, tensorflow
from foveola.train.fitting import held_out
from foveola.train.graph import Graph
from foveola.train.labelling import open_picture, qualities
from foveola.train.labels import VARIED, Labels, Recipe
from tests.nets import here, quick, write_net
from tests.toys import photo

__all__ = ["here", "quick"]

FOVEOLA = [sys.executable, "-c", "from foveola.cli import main; main()"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a test, with a folder `in` of four small pictures of two sources."""
    for number, name in enumerate(("sea/a.png", "sea/b.jpg", "town/c.webp", "town/d.png")):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(120, 96, seed=number).frames[0]).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | float | Path) -> Result:
    return CliRunner().invoke(main, ["train", *(str(argument) for argument in arguments)])


# label


def test_label_writes_a_file_and_says_what_is_in_it_and_what_is_not(folder: Path) -> None:
    (folder / "in" / "town" / "broken.png").write_bytes(b"")

    result = run("label", "in", "-f", "webp", "-o", "l.npz", "--set", "effort=1", "-j", "2")

    assert (result.exit_code, result.stdout) == (0, "l.npz: 4 pictures at 17 qualities, 4 new, 1 left out\n")
    assert result.stderr.startswith("foveola: town/broken.png: left out: Expected a picture")
    labels = Labels.read(folder / "l.npz")
    assert labels.names == ("sea/a.png", "sea/b.jpg", "town/c.webp", "town/d.png")
    assert labels.settings == WebpSettings(effort=1)
    assert labels.sizes.tolist() == [[96, 77]] * 4


def test_label_takes_the_options_of_how_pictures_are_prepared(folder: Path) -> None:
    result = run(
        *("label", "in", "-f", "jpg", "-o", "l.npz", "--every", 3),
        *("--scale", 0.9, "--longest", 100, "--keep-lossless", "--set", "quant_table=0"),
    )

    labels = Labels.read(folder / "l.npz")
    assert result.exit_code == 0
    assert result.stderr == (
        "foveola: method ml writes JPEG with the best settings only, so these labels serve no server\n"
    )
    assert (labels.recipe.scale, labels.recipe.longest, labels.recipe.keep_lossless) == (0.9, 100, True)
    assert labels.names == ("sea/a.png", "town/d.png")
    assert labels.sizes.tolist() == [[100, 80]] * 2
    assert (labels.settings.trellis_quant, labels.settings.quant_table) == (True, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in", "-f", "png", "-o", "l.npz"], "one of jpeg, webp, avif, jxl for format"),
        (["in", "-f", "psd", "-o", "l.npz"], "for format"),
        (["in", "-o", "l.npz"], "--format"),
        (["in", "-f", "webp"], "--out"),
        (["nowhere", "-f", "webp", "-o", "l.npz"], "nowhere"),
        (["empty", "-f", "webp", "-o", "l.npz"], "Expected a folder with pictures"),
        (["in/sea/a.png", "-f", "webp", "-o", "l.npz"], "is a file"),
        (["in", "-f", "webp", "-o", "in"], "is a directory"),
        (["in", "-f", "webp", "-o", "new/l.npz"], "a file in a folder that exists"),
        (["in", "-f", "webp", "-o", "other.npz"], "a label file of foveola for other.npz"),
        (["in", "-f", "webp", "-o", "text.npz"], "a label file of foveola for text.npz"),
        (["in", "-f", "webp", "-o", "l.npz", "--scale", "0"], "0<x<=1"),
        (["in", "-f", "webp", "-o", "l.npz", "--scale", "nan"], "for scale, got nan"),
        (["in", "-f", "webp", "-o", "l.npz", "--longest", "-1"], "x>=0"),
        (["in", "-f", "webp", "-o", "l.npz", "--every", "0"], "x>=1"),
        (["in", "-f", "webp", "-o", "l.npz", "--jobs", "0"], "x>=1"),
        (["in", "-f", "webp", "-o", "l.npz", "--set", "effort"], "NAME=VALUE"),
        (["in", "-f", "webp", "-o", "l.npz", "--set", "effort=9"], "integer 1..6 for effort"),
        (["in", "-f", "webp", "-o", "l.npz", "--set", "speed=9"], "a setting of webp"),
    ],
)
def test_wrong_usage_of_label_is_2_and_nothing_is_written(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    (folder / "text.npz").write_text("mine")
    Image.new("RGB", (1, 1)).save(folder / "other.npz", "PNG")
    before = sorted(folder.rglob("*"))

    result = run("label", *arguments)

    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert sorted(folder.rglob("*")) == before
    assert (folder / "text.npz").read_text() == "mine"


def test_label_of_pictures_that_are_all_broken_is_1(folder: Path) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "a.png").write_bytes(b"x")

    result = run("label", "broken", "-f", "webp", "-o", "l.npz")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "foveola: Expected a picture that can be labelled in broken, got none of 1" in result.stderr
    assert not (folder / "l.npz").exists()
    assert not (folder / "l.npz.partial").exists()


def test_ctrl_c_is_130_and_the_same_command_goes_on(folder: Path) -> None:
    """In a terminal, where Ctrl-C reaches all processes, and a bar shows how far it is."""
    for number in range(40):
        Image.fromarray(photo(600, 400, seed=number).frames[0]).save(folder / "in" / f"{number:02}.png")
    command = ["train", "label", "in", "-f", "webp", "-o", "l.npz", "-j", "2", "--scale", "1"]
    terminal, side = pty.openpty()
    with subprocess.Popen(
        [*FOVEOLA, *command], stdout=subprocess.PIPE, stderr=side, text=True, process_group=0
    ) as process:
        os.close(side)
        journal = folder / "l.npz.partial"
        until = time.monotonic() + 60
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 3) and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        said = drained(terminal)
        printed, _ = process.communicate(timeout=60)

    assert (process.returncode, printed) == (130, "")
    assert "Labelling" in said
    assert "of 44 pictures are done; the same command goes on from there" in said
    assert "Traceback" not in said
    done = journal.read_bytes().count(b"\n") - 1
    assert 3 <= done < 44
    assert not (folder / "l.npz").exists()

    again = run(*command[1:-2], "--scale", 1, "--every", 10)
    assert again.exit_code == 0
    assert not journal.exists()
    assert len(Labels.read(folder / "l.npz")) >= done


# fit


@pytest.fixture
def many(folder: Path) -> Path:
    """Return the folder with forty pictures more, and their labels, made without an encode."""
    recipe = Recipe.of("webp", {"effort": 2}, scale=1)
    names = [f"more/{number:02}.png" for number in range(40)]
    (folder / "in" / "more").mkdir()
    for number, name in enumerate(names):
        Image.fromarray(photo(160, 140, seed=number).frames[0]).save(folder / "in" / name)
    count = len(qualities(recipe))
    losses = np.geomspace(0.2, 0.001, count) * np.linspace(0.5, 2, 40)[:, None]
    sizes, weights = np.full((40, 2), (160, 140)), np.full((40, count), 1000)
    Labels(recipe, tuple(names), sizes, qualities(recipe), losses, weights, {"foveola": "1"}, "2026-01-31").write(
        folder / "l.npz"
    )
    return folder


FILES = ["net.onnx", "net.onnx.json", "net.pb", "net.pb.json"]


@pytest.mark.usefixtures("quick")
def test_fit_writes_both_containers_with_their_sidecars(many: Path) -> None:
    result = run("fit", "in", "l.npz", "-o", "net.pb", "--seed", 3)

    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in many.iterdir()) == sorted(["in", "l.npz", *FILES])
    for name in ("net.pb", "net.onnx"):
        said = json.loads((many / f"{name}.json").read_text())
        assert said["sha256"] == hashlib.sha256((many / name).read_bytes()).hexdigest()
        assert (said["format"], said["head"], said["input"], said["target"]) == ("webp", "curve", "mosaic", 0.02)
        assert said["settings"]["effort"] == 2
        assert said["figures"]["seed"] == 3
    held = int(said["figures"]["held_out"])
    assert 1 <= held <= 15
    assert said["figures"]["fitted"] == 40 - held
    assert said["trained_on"] == f"{40 - held} pictures of more"
    lines = result.stdout.splitlines()
    assert sorted(lines[:4]) == FILES
    assert lines[4] == f"Of 40 pictures {held} were held out. How the network does on them:"
    assert lines[5].split()[0] == "target"
    assert [line.split()[0] for line in lines[6:]] == ["0.002", "0.005", "0.01", "0.02", "0.05", "0.1"]
    assert f"{said['figures']['mae_0.02']:.2f}" == lines[9].split()[1]
    assert "40 pictures are few, 300 or more are better" in result.stderr


@pytest.mark.usefixtures("quick")
def test_fit_writes_what_is_to_be_said_of_the_pictures(many: Path) -> None:
    run("fit", "in", "l.npz", "-o", "net.pb", "--credit", "mine, all rights reserved")

    for name in ("net.pb.json", "net.onnx.json"):
        assert json.loads((many / name).read_text())["trained_on"] == "mine, all rights reserved"


@pytest.mark.usefixtures("quick")
def test_varied_pictures_are_learned_from_but_not_judged_on(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A varied picture is never learned from while the picture itself is held out."""
    labels = Labels.read(many / "l.npz")
    pictures = [open_picture(many / "in" / (name + VARIED), labels.recipe) for name in labels.names]
    sizes = [(picture.width, picture.height) for picture in pictures]
    assert all(width < 160 and height < 140 for width, height in sizes)
    both = replace(
        labels,
        names=(*labels.names, *(name + VARIED for name in labels.names)),
        sizes=np.concatenate([labels.sizes, sizes]),
        dssim=np.concatenate([labels.dssim, labels.dssim]),
        bytes=np.concatenate([labels.bytes, labels.bytes]),
    )
    both.write(many / "both.npz")
    seen: list[str] = []

    def fit(inputs: Any, labels: Labels, seed: int, progress: Any) -> Any:
        seen.extend(labels.names)
        return tests.nets.fit(inputs, labels, seed, progress)

    monkeypatch.setattr(model, "fit", fit)
    result = run("fit", "in", "both.npz", "-o", "net.pb")

    held = int(held_out(labels.names).sum())
    assert result.exit_code == 0, result.output
    assert f"Of 40 pictures {held} were held out" in result.stdout
    assert len(seen) == 2 * (40 - held)
    assert {name.removesuffix(VARIED) for name in seen}.isdisjoint(
        name for name, out in zip(labels.names, held_out(labels.names), strict=True) if out
    )
    said = json.loads((many / "net.pb.json").read_text())
    assert (said["figures"]["held_out"], said["trained_on"]) == (held, f"{40 - held} pictures of more")


@pytest.mark.usefixtures("quick")
def test_what_is_held_out_is_not_fitted_on_and_the_same_each_time(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []

    def fit(inputs: Any, labels: Labels, seed: int, progress: Any) -> Any:
        seen.append(labels.names)
        return tests.nets.fit(inputs, labels, seed, progress)

    monkeypatch.setattr(model, "fit", fit)
    run("fit", "in", "l.npz", "-o", "net.pb")
    (many / "in" / "more" / "00.png").unlink()
    run("fit", "in", "l.npz", "-o", "net.pb", "--force", "--seed", 1)

    names = Labels.read(many / "l.npz").names
    away = {name for name, out in zip(names, held_out(names), strict=True) if out}
    assert set(seen[0]) == set(names) - away
    assert set(seen[1]) == set(names) - away - {"more/00.png"}


@pytest.mark.usefixtures("quick")
def test_fit_says_what_it_leaves_out(many: Path) -> None:
    (many / "in" / "more" / "07.png").unlink()
    (many / "in" / "more" / "08.png").write_bytes(b"")
    Image.new("RGB", (90, 90)).save(many / "in" / "more" / "09.png")

    result = run("fit", "in", "l.npz", "-o", "net.pb")

    assert result.exit_code == 0
    assert "foveola: more/07.png: left out: No such file or directory\n" in result.stderr
    assert "foveola: more/08.png: left out: Expected a picture" in result.stderr
    assert "foveola: more/09.png: left out: it is not the picture that was labelled\n" in result.stderr
    assert "Of 37 pictures" in result.stdout


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["in", "l.npz", "-o", "net.onnx"], 2, 'NAME.pb in a folder that exists for --out, got "net.onnx"'),
        (["in", "l.npz", "-o", "new/net.pb"], 2, "NAME.pb in a folder that exists"),
        (["in", "l.npz", "-o", "taken.pb"], 1, "foveola: taken.onnx: Expected --force to overwrite a file"),
        (["in", "l.npz", "-o", "net.pb", "--seed", "-1"], 2, "x>=0"),
        (["in", "none.npz", "-o", "net.pb"], 2, "none.npz"),
        (["in", "text.npz", "-o", "net.pb"], 2, "a label file of foveola for text.npz"),
        (["in/sea", "l.npz", "-o", "net.pb"], 1, "Expected at least 24 pictures to learn from, got 0 (more/00.png: No"),
        (["in", "few.npz", "-o", "net.pb"], 1, "Expected at least 24 pictures to learn from, got 23"),
        (["in", "flat.npz", "-o", "net.pb"], 1, "got 0 (more/00.png: it loses next to nothing at the lowest quality)"),
    ],
)
def test_fit_refuses_before_it_works_and_writes_nothing(
    many: Path, arguments: list[str], code: int, message: str
) -> None:
    (many / "text.npz").write_text("mine")
    (many / "taken.onnx").write_text("mine")
    labels = Labels.read(many / "l.npz")
    labels.only(range(23)).write(many / "few.npz")
    replace(labels, dssim=labels.dssim / 100).write(many / "flat.npz")
    before = sorted(many.rglob("*"))

    result = run("fit", *arguments)

    assert result.exit_code == code, result.output
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert sorted(many.rglob("*")) == before


@pytest.mark.usefixtures("quick", "many")
@pytest.mark.parametrize("module", ["openvino", "onnx"])
def test_a_missing_extra_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setattr("foveola.train.extras.find_spec", lambda name: None if name == module else name)

    result = run("fit", "in", "l.npz", "-o", "net.pb")

    assert result.exit_code == 1
    assert result.stderr == (
        "foveola: Expected the extra [train], pip install 'foveola[train]', for foveola train fit, "
        f'got "no {module}"\n'
    )


@pytest.mark.usefixtures("quick")
def test_ctrl_c_during_a_fit_is_130_and_nothing_is_written(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "fit", fit)
    before = sorted(many.iterdir())

    result = run("fit", "in", "l.npz", "-o", "net.pb")

    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.endswith("foveola: interrupted\n")
    assert sorted(many.iterdir()) == before


@pytest.mark.usefixtures("quick")
def test_a_network_that_can_not_be_run_is_not_written(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: object) -> Any:
        return tests.nets.Trained(float("nan"), {})

    monkeypatch.setattr(model, "fit", fit)
    before = sorted(many.iterdir())

    result = run("fit", "in", "l.npz", "-o", "net.pb")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "a test inference that failed: Expected finite numbers for the output" in result.stderr
    assert sorted(many.iterdir()) == before


# evaluate


@pytest.fixture
def net(folder: Path) -> Path:
    """Return the folder with a network whose sidecar speaks of WebP."""
    write_net(folder / "net.pb", 60, format="webp", settings={"effort": 1})
    write_net(folder / "bare.pb", 60)
    return folder


EVALUATE = ["evaluate", "net.pb", "in", "--no-search", "--targets", "0.02,0.01"]


@pytest.mark.usefixtures("net", "quick", "here")
def test_evaluate_prints_a_table_of_all_ways() -> None:
    result = run(*EVALUATE)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "4 pictures as webp; in brackets 95 % intervals"
    assert lines[1].split() == ["target", "way", "MAE", "within", "2", "first", "encode", "±0.002", "encodes"]
    assert [tuple(line.split()[:2]) for line in lines[2:]] == [
        (target, way) for target in ("0.01", "0.02") for way in ("network", "transform", "family", "constant")
    ]


@pytest.mark.usefixtures("quick")
def test_evaluate_labels_as_the_sidecar_says_and_only_once(net: Path, here: list[str]) -> None:
    first = run(*EVALUATE, "--labels", "held.npz", "--json")
    labelled = len(here) - 4

    second = run(*EVALUATE, "--labels", "held.npz", "--json")

    labels = Labels.read(net / "held.npz")
    assert (first.exit_code, labelled, len(here)) == (0, 4, 12)
    assert (labels.format, labels.settings) == ("webp", WebpSettings(effort=1))
    assert first.stdout == second.stdout
    rows = [json.loads(line) for line in first.stdout.splitlines()]
    assert [(row["target"], row["source"], row["way"]) for row in rows[:2]] == [
        (0.01, "", "network"),
        (0.01, "", "transform"),
    ]
    assert list(rows[0]) == [
        *("target", "source", "way", "pictures", "mae", "within_1", "within_2", "within_5"),
        *("tolerable", "allowed", "encodes"),
    ]
    assert list(rows[0]["mae"]) == ["value", "low", "high"]


@pytest.mark.usefixtures("quick", "here")
def test_evaluate_takes_what_the_command_line_says_over_the_sidecar(net: Path) -> None:
    run(*EVALUATE, "--labels", "a.npz", "--set", "effort=2", "--scale", 1, "--longest", 100, "--every", 2)
    other = run("evaluate", "bare.pb", "in", "-f", "jpg", "--no-search", "--targets", "0.02", "--labels", "b.npz")

    labels = Labels.read(net / "a.npz")
    assert (labels.settings, labels.recipe.scale, labels.recipe.longest) == (WebpSettings(effort=2), 1, 100)
    assert len(labels) == 2
    assert other.exit_code == 0
    assert Labels.read(net / "b.npz").format == "jpeg"


@pytest.mark.usefixtures("quick", "here")
def test_evaluate_writes_tables_and_a_chart(net: Path) -> None:
    result = run(*EVALUATE, "--out", "new/table.md", "--chart", "chart.png", "--against", "l.npz", "--labels", "l.npz")
    assert result.exit_code == 2  # there are no labels yet

    run(*EVALUATE, "--labels", "l.npz")
    result = run(*EVALUATE, "--out", "new/table.md", "--chart", "chart.png", "--against", "l.npz", "--labels", "l.npz")

    assert result.exit_code == 0, result.output
    assert "# net.pb for webp" in (net / "new" / "table.md").read_text()
    assert sniff((net / "chart.png").read_bytes()) == "png"


@pytest.mark.usefixtures("quick", "here")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bare.pb", "in"], 2, "Expected --format: bare.pb has no sidecar that says it"),
        (["none.pb", "in"], 2, "none.pb"),
        (["net.pb", "none"], 2, "none"),
        (["net.pb", "empty"], 2, "Expected a folder with pictures"),
        (["net.pb", "in", "-f", "png"], 2, "one of jpeg, webp, avif, jxl for format"),
        (["net.pb", "in", "--targets", ""], 2, "numbers separated by commas for --targets"),
        (["net.pb", "in", "--targets", "0.02,x"], 2, "numbers separated by commas for --targets"),
        (["net.pb", "in", "--targets", "0.02,0"], 2, "DSSIMs above 0 and below 1 for --targets"),
        (["net.pb", "in", "--targets", "nan"], 2, "DSSIMs above 0 and below 1 for --targets"),
        (["net.pb", "in", "--allowed-error", "1"], 2, "0<=x<1"),
        (["net.pb", "in", "--set", "effort=9"], 2, "integer 1..6 for effort"),
        (["net.pb", "in", "--labels", "text.npz"], 2, "a label file of foveola for text.npz"),
        (["net.pb", "in", "--against", "text.npz"], 2, "a label file of foveola for text.npz"),
        (["net.pb", "in", "--labels", "jpeg.npz", "-f", "webp"], 2, "Expected format jpeg, as jpeg.npz was made with"),
        (
            ["bare.pb", "in", "--labels", "jpeg.npz", "--scale", "0.5"],
            2,
            "Expected scale 0.8, as jpeg.npz was made with",
        ),
        (["text.npz", "in", "-f", "webp"], 1, "for network, got text.npz: something that can't be read as either"),
        (["net.pb", "in", "-f", "jpeg"], 1, "for network, got net.pb: a network for webp, not for jpeg"),
        (["odd.pb", "in"], 1, "foveola: Expected JSON in odd.pb.json"),
        (["list.pb", "in"], 1, "foveola: Expected a JSON object in list.pb.json, got list"),
    ],
)
def test_evaluate_refuses_before_it_works(net: Path, arguments: list[str], code: int, message: str) -> None:
    (net / "empty").mkdir()
    (net / "text.npz").write_text("mine")
    for name, text in (("odd", "{"), ("list", "[]")):
        (net / f"{name}.pb").write_text("{}")
        (net / f"{name}.pb.json").write_text(text)
    run("label", "in", "-f", "jpeg", "-o", "jpeg.npz", "--every", 4)

    result = run("evaluate", *arguments)

    assert result.exit_code == code, result.output
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""


# inspect


def onnx_file(path: Path, outputs: int) -> Path:
    """Write a network of one layer: the means of the channels of 256x256 pixels, mapped to so many numbers."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("ReduceMean", ["input"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["answer"]),
    ]
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [3, outputs], [0.1] * 3 * outputs)
    into = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 256, 256])
    out = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", outputs])
    graph = helper.make_graph(nodes, "net", [into], [out], [weights])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("outputs", "head"),
    [
        (1, "one value: the quality as 0..1"),
        (100, "logits of 100 qualities: the greatest is the quality"),
        (7, "unknown: neither 100 numbers nor one"),
    ],
)
def test_inspect_says_what_a_foreign_network_is(folder: Path, outputs: int, head: str) -> None:
    path = onnx_file(folder / "net.onnx", outputs)

    result = run("inspect", "net.onnx", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "file": "net.onnx",
        "bytes": path.stat().st_size,
        "container": "ONNX",
        "inputs": [{"name": "input", "shape": ["?", "3", "256", "256"], "type": "f32"}],
        "outputs": [{"name": "answer", "shape": ["?", str(outputs)], "type": "f32"}],
        "head": head,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "intact": None,
        "problem": None
        if outputs != 7
        else "Expected a TensorFlow frozen graph or an ONNX file with one input of 416x416x3 or 256x256x3 and one "
        "output of 100 or 1 for network, got net.onnx: an output of 1x7",
        "sidecar": None,
    }


def test_inspect_reads_what_our_writers_write(folder: Path) -> None:
    graph = Graph((1, 416, 416, 3))
    graph.output(graph.matmul(graph.mean(graph.input), np.full((3, 100), 0.01, np.float32)))
    (folder / "net.pb").write_bytes(tensorflow.write(graph))
    (folder / "net.onnx").write_bytes(onnx.write(graph))

    for name, container in (("net.pb", "TensorFlow frozen graph"), ("net.onnx", "ONNX")):
        found = json.loads(run("inspect", name, "--json").stdout)

        assert found["container"] == container
        assert found["inputs"] == [{"name": "input", "shape": ["1", "416", "416", "3"], "type": "f32"}]
        assert [end["shape"] for end in found["outputs"]] == [["1", "100"]]
        assert found["head"] == "logits of 100 qualities: the greatest is the quality"


@pytest.mark.parametrize("intact", [True, False])
def test_inspect_shows_the_sidecar_and_whether_the_file_is_its_own(folder: Path, intact: bool) -> None:
    path = onnx_file(folder / "net.onnx", 100)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    said = {"head": "curve", "target": 0.02, "sha256": digest if intact else "0" * 64, "figures": {"mae_0.02": 1.5}}
    (folder / "net.onnx.json").write_text(json.dumps(said))

    result = run("inspect", "net.onnx")

    assert result.exit_code == 0, result.output
    assert re.search(r"^input +input, \?x3x256x256, f32$", result.stdout, re.M)
    assert "curve logits: the greatest is at DSSIM 0.02, the others tell the rest of the curve" in result.stdout
    assert ("NOT as in the sidecar" in result.stdout) is not intact
    assert re.search(r"^figures mae_0.02 +1.5$", result.stdout, re.M)
    assert re.search(r"^usable +" + ("yes$" if intact else "Expected .*: sha256 "), result.stdout, re.M)


@pytest.mark.parametrize("name", ["empty.pb", "noise.pb", "noise.onnx", "cut.onnx", "text.xyz"])
def test_inspect_refuses_what_is_no_network(folder: Path, name: str) -> None:
    data = onnx_file(folder / "net.onnx", 100).read_bytes()
    content = {"empty": b"", "noise": bytes(range(256)) * 9, "cut": data[: len(data) // 2], "text": b"hello"}
    (folder / name).write_bytes(content[name.split(".")[0]])

    done = subprocess.run([*FOVEOLA, "train", "inspect", name], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    what = f"foveola: Expected a TensorFlow frozen graph (.pb) or an ONNX file (.onnx), got {name}"
    assert done.stderr == what + ("\n" if name == "text.xyz" else ", which is none inside\n")


def drained(terminal: int) -> str:
    """Return what is written to a terminal until the other side is closed."""
    said = b""
    while True:
        try:
            said += os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody writes any more
            os.close(terminal)
            return said.decode()
