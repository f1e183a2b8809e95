"""`foveola config` says what a server would read, where from, and what is wrong, without a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foveola.cli import main
from foveola.config import SETTINGS, Settings
from foveola.config.environment import FILE, parse


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what the machine says out of the environment."""
    import os

    for name in list(os.environ):
        if name.startswith(("IMGPROXY_", "FOVEOLA_")) or name == "PORT":
            monkeypatch.delenv(name)


def run(*arguments: str, **said: str) -> Result:
    environ = {f"IMGPROXY_{name}" if name != "PORT" else name: value for name, value in said.items()}
    return CliRunner().invoke(main, ["config", *arguments], env=environ)


def test_every_setting_is_a_line() -> None:
    result = run()
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert result.stderr == ""
    assert [line.partition("=")[0] for line in lines] == [row.name for row in SETTINGS]
    assert "IMGPROXY_BIND=:8080  # default" in lines
    assert "IMGPROXY_USE_ETAG=true  # default" in lines
    assert "FOVEOLA_DECISIONS=memory  # default" in lines


def test_the_lines_are_a_file_that_says_the_same() -> None:
    said = {
        "URL_REPLACEMENTS": "a=${1}'s;b*=\\2",
        "CUSTOM_RESPONSE_HEADERS": "X-A=a b#c|X-B=$x",
        "CUSTOM_HEADERS_SEPARATOR": "|",
        "PRESETS": "a=w:1;b=h:2",
        "PRESETS_SEPARATOR": ";",
        "FORMAT_QUALITY": "jpeg=7",
        "LAST_MODIFIED_BUSTER": "2026-01-02T03:04:05.5+02:00",
        "WATERMARK_DATA": "AAECAw==",
        "WEBP_PRESET": "photo",
        "AUTOQUALITY_ML_CPU_PINNING": "f",
        "HEALTH_CHECK_MESSAGE": 'a "b" \n c',
    }
    result = run(**said)
    environ, problems = parse(result.stdout, "x", {})
    masked = {name: value for name, value in environ.items() if value == "…"}
    environ |= dict.fromkeys(masked, said["CUSTOM_RESPONSE_HEADERS"])

    assert (problems, list(masked)) == ([], ["IMGPROXY_CUSTOM_RESPONSE_HEADERS"])
    expected = Settings.from_env({f"IMGPROXY_{name}": value for name, value in said.items()})
    assert Settings.from_env(environ) == expected != Settings()


def test_where_a_value_comes_from_is_said(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("IMGPROXY_TTL=5\n")

    lines = run(QUALITY="60", CONCURRENCY="3", PORT="81", ENV_LOCAL_FILE_PATH=str(path)).stdout.splitlines()

    assert FILE == "IMGPROXY_ENV_LOCAL_FILE_PATH"
    assert "IMGPROXY_TTL=5  # file" in lines
    assert "IMGPROXY_QUALITY=60  # environment" in lines
    assert "IMGPROXY_WORKERS=3  # environment (IMGPROXY_CONCURRENCY)" in lines
    assert "IMGPROXY_BIND=:81  # environment (PORT)" in lines


def test_secrets_are_not_printed() -> None:
    said = {
        "KEY": "5ec4e7",
        "SALT": "5a17",
        "SECRET": "hidden",
        "GCS_KEY": "json",
        "SOURCE_URL_ENCRYPTION_KEY": "ab" * 16,
    }

    for arguments in ((), ("--json",), ("--check",)):
        result = run(*arguments, **said)

        assert result.exit_code == 0
        assert not any(value in result.output for value in said.values())
    assert "IMGPROXY_KEY=…  # environment" in run(**said).stdout


def test_json_has_the_same() -> None:
    printed = json.loads(run("--json", TTL="5", SYSLOG_ENABLE="1", BIND=":80", QUALITY="x").stdout)
    by_name = {row["name"]: row for row in printed["settings"]}

    assert by_name["IMGPROXY_TTL"] == {"name": "IMGPROXY_TTL", "value": "5", "from": "environment"}
    assert by_name["IMGPROXY_QUALITY"] == {"name": "IMGPROXY_QUALITY", "value": "80", "from": "default"}
    assert printed["problems"] == ['Expected integer 1..100 for IMGPROXY_QUALITY, got "x"']
    assert [text.split()[0] for text in printed["warnings"]] == ["IMGPROXY_SYSLOG_ENABLE"]


def test_a_check_prints_only_what_is_wrong() -> None:
    good, strange, bad = run("--check"), run("--check", TLT="5"), run("--check", TTL="x", TLT="5")

    assert (good.exit_code, good.output) == (0, "")
    assert (strange.exit_code, strange.stdout) == (
        0,
        "warning: IMGPROXY_TLT is not read by this version; did you mean IMGPROXY_TTL?\n",
    )
    assert bad.exit_code == 1
    assert bad.stdout.splitlines()[0] == 'problem: Expected integer 0 or more for IMGPROXY_TTL, got "x"'
    assert list(json.loads(run("--check", "--json", TTL="x").stdout)) == ["problems", "warnings"]


def test_problems_do_not_hide_the_rest() -> None:
    result = run(TTL="x", QUALITY="7")

    assert result.exit_code == 1
    assert "IMGPROXY_QUALITY=7  # environment" in result.stdout
    assert result.stderr == 'problem: Expected integer 0 or more for IMGPROXY_TTL, got "x"\n'
