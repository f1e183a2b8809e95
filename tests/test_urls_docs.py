"""The snippets of docs/signing.md sign as foveola does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "signing.md").read_text()
SNIPPETS = re.findall(r"^```(sh|python|js|ruby|php)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(EXPECTED,) = re.findall(r"^    (/oKfUtW34.*)$", PAGE, re.MULTILINE)
PROGRAMS = {"sh": "bash", "python": sys.executable, "js": "node", "ruby": "ruby", "php": "php"}


def test_every_language_is_there() -> None:
    assert {language for language, _ in SNIPPETS} == set(PROGRAMS)


@pytest.mark.parametrize(("language", "snippet"), SNIPPETS, ids=[f"{n}-{s[0]}" for n, s in enumerate(SNIPPETS)])
def test_a_snippet_prints_the_signed_path(language: str, snippet: str, tmp_path: Path) -> None:
    program = shutil.which(PROGRAMS[language])
    if program is None or (language == "sh" and "openssl" in snippet and not shutil.which("openssl")):
        pytest.skip(f"There is nothing here that runs {language}")
    command = tmp_path / "foveola"
    call = "from foveola.cli import main; main(prog_name='foveola')"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{call}" "$@"\n')
    command.chmod(0o755)
    script = tmp_path / f"snippet.{language.replace('js', 'cjs')}"
    script.write_text(snippet)

    done = subprocess.run(
        [program, str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    if snippet == "openssl rand -hex 32\n":
        assert re.fullmatch(r"[0-9a-f]{64}\n", done.stdout)
    else:
        assert done.stdout == EXPECTED + "\n"


def test_the_commands_of_the_page_have_options_that_exist() -> None:
    from foveola.cli import main

    lines = re.findall(r"^foveola (\w+) (.*)$", PAGE, re.MULTILINE)

    assert {name for name, _ in lines} == {"sign", "url", "explain"}
    for name, rest in lines:
        known = {word for option in main.commands[name].params for word in option.opts}
        assert [word for word in re.findall(r"(?<!\S)-[-\w]+", rest) if word not in known] == [], name
