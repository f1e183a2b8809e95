"""`foveola train`: what its commands write, print and refuse, and how they end."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from foveola.cli import main
from foveola.settings import WebpSettings
from foveola.train.labels import Labels
from tests.toys import photo

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
        (["in", "-f", "bmp", "-o", "l.npz"], "for format"),
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


def drained(terminal: int) -> str:
    """Return what is written to a terminal until the other side is closed."""
    said = b""
    while True:
        try:
            said += os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody writes any more
            os.close(terminal)
            return said.decode()
