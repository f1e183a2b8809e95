"""`foveola encode` beyond the usual: what is noted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from foveola.autoquality import Note
from foveola.cli import main
from foveola.cli.rows import NOTES


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


def test_every_note_has_its_words() -> None:
    assert set(NOTES) == set(get_args(Note))
