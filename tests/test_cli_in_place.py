"""`--in-place` never replaces a file by a part of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from foveola.cli import main


@pytest.mark.parametrize("name", ["moving.gif", "moving.webp", "pages.tiff"])
def test_what_has_several_frames_or_pages_is_left_as_it_was(name: str, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    path = tmp_path / name
    first.save(path, save_all=True, append_images=[second])
    before = path.read_bytes()

    result = CliRunner().invoke(main, ["encode", str(path), "--in-place"])

    assert result.exit_code == 1
    assert "Expected one frame or page for --in-place, got 2" in result.output
    assert path.read_bytes() == before


def test_a_jpeg_of_several_pictures_is_left_as_it_was_whatever_its_name(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    path = tmp_path / "stereo.jpg"
    first.save(path, "MPO", save_all=True, append_images=[second])
    before = path.read_bytes()

    result = CliRunner().invoke(main, ["encode", str(path), "--in-place"])

    assert (result.exit_code, result.stderr) == (
        1,
        f"foveola: {path}: Expected one frame or page for --in-place, got 2\n",
    )
    assert path.read_bytes() == before
