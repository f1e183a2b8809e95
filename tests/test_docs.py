"""The documentation does not drift: generated parts are up to date, links lead somewhere, the tour runs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from foveola.cli import main
from foveola.cli.rows import Row
from foveola.oldest import FLOORS
from foveola.samples import landscape

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "training" / "README.md"])
TOUR = re.findall(r"^```(sh|python)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()


@pytest.mark.parametrize("page", GENERATOR.PAGES)
def test_generated_parts_are_up_to_date(page: str) -> None:
    """`python docs/generate.py` writes them."""
    text = (ROOT / page).read_text()

    assert text == GENERATOR.renewed(text)


def test_every_generated_part_stands_on_one_page() -> None:
    found = [
        name for page in GENERATOR.PAGES for name in re.findall(r"generated: ([a-z-]+)", (ROOT / page).read_text())
    ]

    assert sorted(found) == sorted(GENERATOR.PARTS)


def commands(group: click.Group, path: str = "foveola") -> dict[str, click.Command]:
    """Return the commands below a group by how they are called."""
    found = {f"{path} {name}": command for name, command in group.commands.items()}
    for name, command in list(found.items()):
        if isinstance(command, click.Group):
            found |= commands(command, name)
    return found


@pytest.mark.parametrize("name", commands(main))
def test_every_command_and_option_is_documented(name: str) -> None:
    command, page = commands(main)[name], (ROOT / "docs" / "cli.md").read_text()
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]

    assert f"## {name}\n" in page
    assert command.help
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("page", ["docs/train-your-own.md", "training/README.md"])
def test_commands_on_pages_have_options_that_exist(page: str) -> None:
    lines = re.findall(r"^foveola (train \w+) (.*)$", (ROOT / page).read_text(), re.MULTILINE)

    assert lines
    for name, rest in lines:
        known = {word for option in commands(main)[f"foveola {name}"].params for word in option.opts}
        assert [word for word in re.findall(r"(?<!\S)-[-\w]+", rest) if word not in known] == [], name


def test_every_word_of_a_result_is_in_the_glossary() -> None:
    from typing import get_args

    from foveola.autoquality import First, Note
    from foveola.goal import METHODS
    from foveola.search import Why

    glossary = (ROOT / "docs" / "glossary.md").read_text()
    notes = [word for part in get_args(Note) for word in get_args(part) or (part,)]

    assert "no_network" in notes
    assert [word for word in (*get_args(Why), *get_args(First), *notes, *METHODS) if f"`{word}`" not in glossary] == []


def test_the_example_of_a_row_is_one() -> None:
    (example,) = re.findall(r"^```json\n(.*?)\n```", (ROOT / "docs" / "json-output.md").read_text(), re.M | re.S)

    assert list(json.loads(example)) == [field.name for field in fields(Row)]


@pytest.mark.parametrize("arguments", [["compare", "a.png", "a.png"], ["curve", "a.png", "-f", "jpeg", "--min", "90"]])
def test_the_fields_of_the_other_commands_are_those_of_the_page(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    landscape((32, 32)).save("a.png")
    page = (ROOT / "docs" / "json-output.md").read_text()
    section = page.split(f"## `foveola {arguments[0]} --json`")[1].split("\n## ")[0]

    printed = CliRunner().invoke(main, [*arguments, "--json"]).stdout.splitlines()

    assert list(json.loads(printed[0])) == re.findall(r"^\| `(\w+)`", section, re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the tour is taken, one snippet after the other; `.bin` has the command."""
    folder = tmp_path_factory.mktemp("tour")
    command = folder / ".bin" / "foveola"
    command.parent.mkdir()
    call = "from foveola.cli import main; main(prog_name='foveola')"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{call}" "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture
def port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize(("language", "snippet"), TOUR, ids=lambda value: value.split("\n")[0][:40])
def test_the_tour_of_the_readme_runs(language: str, snippet: str, desk: Path, port: int) -> None:
    command = [sys.executable, "-W", "error", "-c"] if language == "python" else ["bash", "-emc"]
    path = f"{desk / '.bin'}:{os.environ['PATH']}"

    with subprocess.Popen(
        [*command, snippet.replace("8080", str(port))],
        cwd=desk,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=120)
        finally:
            end(process.pid)

    assert process.returncode == 0, complaints
    assert printed
    if "curl" in snippet:
        assert re.search(r"^x-autoquality: method=dssim, quality=\d+, dssim=0\.0\d+, bytes=\d+", printed, re.M | re.I)


def end(group: int) -> None:
    """End whatever a snippet left running."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.slow
def test_the_tour_left_what_it_promised(desk: Path) -> None:
    """Runs after the snippets, in the order of this file."""
    if not TOUR:
        pytest.fail("The README has no tour")
    names = {path.name for path in desk.rglob("*") if path.is_file()}

    assert {"small.avif", "banner.jpg", "curve.png", "landscape.webp", "small.webp", "interface.webp"} <= names
    assert (desk / "banner.jpg").stat().st_size <= 100_000


def test_the_threat_model_names_modules_and_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    table = text.partition("## Threats")[2].partition("\n## ")[0]
    rows = [row.split(" | ") for row in table.splitlines() if row.startswith("| ") and "---" not in row][1:]

    assert len(rows) > 10
    for _, stopped, tests, _ in rows:
        modules = re.findall(
            r"`([a-z_]+(?:\.[a-z_]+)*)`", re.sub(r"`(pip-audit|nosniff|foveola doctor|expires)`", "", stopped)
        )
        assert modules
        for module in modules:
            path = ROOT / "src" / "foveola" / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), module
        assert tests
        for name in re.findall(r"`(\w+)`", tests):
            assert (ROOT / "tests" / f"{name}.py").exists(), name


def test_what_is_said_of_libheif_is_still_so() -> None:
    text = (ROOT / "docs" / "security.md").read_text()

    assert ("* **libheif**" in text) == any(floor.awaited for floor in FLOORS)
