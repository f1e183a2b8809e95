"""`foveola samples`: what it writes, and that it takes nobody's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foveola.cli import main
from foveola.picture import sniff
from foveola.samples import SAMPLES


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own, without the sample that takes seconds."""
    monkeypatch.delitem(SAMPLES, "landscape")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["samples", *arguments])


def test_samples_are_written_and_named(tmp_path: Path) -> None:

    result = run("pictures")

    assert result.stdout.split() == [f"pictures/{name}.png" for name in ("interface", "flat", "gradient-alpha")]
    assert (tmp_path / "pictures" / "flat.png").exists()


def test_samples_overwrite_nothing_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "gradient-alpha.png").write_text("mine")

    result = run(".")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "foveola: gradient-alpha.png: Expected --force to overwrite a file\n"
    assert (tmp_path / "gradient-alpha.png").read_text() == "mine"
    assert not (tmp_path / "flat.png").exists()
    assert run(".", "--force").exit_code == 0
    assert sniff((tmp_path / "gradient-alpha.png").read_bytes()) == "png"
