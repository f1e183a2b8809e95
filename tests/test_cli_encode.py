"""`foveola encode` beyond the usual: what is noted, names that are no text, and Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from foveola.autoquality import Note
from foveola.cli import main
from foveola.cli.rows import NOTES

FOVEOLA = [sys.executable, "-c", "from foveola.cli import main; main()"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of a test, with a still picture and three of two frames or pages."""
    red, blue = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    red.save(tmp_path / "still.png")
    for name in ("moving.gif", "moving.png", "pages.tiff"):
        red.save(tmp_path / name, save_all=True, append_images=[blue])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["encode", *arguments])


@pytest.mark.parametrize("name", ["moving.gif", "moving.png", "pages.tiff"])
def test_that_only_the_first_frame_or_page_was_written_is_said(name: str) -> None:
    result = run(name, "-o", "out.webp", "-q", "80", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["notes"] == ["first_frame"]
    assert result.stderr == f"foveola: {name}: only the first of several frames or pages was written\n"


def test_several_notes_are_one_line_and_none_is_no_line() -> None:
    result = run("still.png", "moving.gif", "-o", "out", "-f", "png")

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "foveola: still.png: the format has no quality, so nothing was searched for",
        "foveola: moving.gif: only the first of several frames or pages was written; "
        "the format has no quality, so nothing was searched for",
    ]
    assert run("still.png", "-o", "out.webp").stderr == ""


@pytest.mark.parametrize(
    "more", [["-o", "out.webp"], ["-o", "out.webp", "-j", "1", "--json"], ["-f", "webp", "-o", "-"]]
)
def test_a_pipe_is_read_once_and_to_its_end(folder: Path, more: list[str]) -> None:
    """Also where it is longer than what tells the format, and than what a pipe holds."""
    noise = Image.effect_noise((400, 400), 80)
    noise.save(folder / "noise.png")
    command = [*FOVEOLA, "encode", "/dev/stdin", "-q", "50", *more]
    data = (folder / "noise.png").read_bytes()

    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert run("noise.png", "-q", "50", "-o", "same.webp").exit_code == 0

    assert len(data) > 1 << 16
    got = done.stdout if "-" in more else (folder / "out.webp").read_bytes()
    assert got == (folder / "same.webp").read_bytes()


def test_a_pipe_is_not_overwritten(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")

    result = run("still.png", "pipe.png", "--in-place")

    assert result.exit_code == 2
    assert "Expected -o for pipe.png: a pipe can't be overwritten" in result.stderr


def test_every_note_has_its_words() -> None:
    assert set(NOTES) == set(get_args(Note))


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_name_that_is_no_text_is_printed_as_utf_8(folder: Path, form: list[str]) -> None:
    source = folder / os.fsdecode(b"caf\xe9.png")
    (folder / "still.png").rename(source)

    done = subprocess.run([*FOVEOLA, "encode", source, "-o", "out/", *form], capture_output=True, check=True)

    assert "caf\ufffd.png" in done.stdout.decode()
    assert (folder / "out" / source.name).exists()


INTERRUPTED = """
import os, signal, time
from foveola import cli, library
encode = library.encode
def stopped(*arguments, stop, **settings):
    os.kill(os.getpid(), signal.SIGINT)
    while not stop():
        time.sleep(0.01)
    return encode(*arguments, stop=stop, **settings)
library.encode = stopped
cli.main()
"""


@pytest.mark.parametrize("more", [["-o", "out.webp"], ["moving.gif", "-o", "out", "-j", "1"], ["--in-place"]])
def test_ctrl_c_stops_the_search_and_writes_nothing(folder: Path, more: list[str]) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    command = [sys.executable, "-c", INTERRUPTED, "encode", "still.png", *more]

    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "foveola: interrupted\n")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
