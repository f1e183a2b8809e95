"""Which doors stand open is said once at the start, each with the setting that shuts it, and nothing else is."""

from __future__ import annotations

import re
import resource
from pathlib import Path

import pytest

from foveola import sandbox
from foveola.config import Settings
from foveola.server.advice import advice
from tests.serving import serving

KEYS = {"KEY": "aa", "SALT": "bb"}
SIGNED, ANYWHERE, PRIVATE = "IMGPROXY_KEY", "IMGPROXY_ALLOWED_SOURCES", "IMGPROXY_ALLOW_PRIVATE_SOURCE_ADDRESSES"


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "examine", lambda: {"landlock": "available (ABI 4)"})
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))


def named(**settings: str) -> list[str]:
    """Return the first setting that each sentence names."""
    ours = {f"IMGPROXY_{name}": value for name, value in settings.items()}
    return [re.findall(r"(?:IMGPROXY|FOVEOLA)_[A-Z_]+", text)[0] for text in advice(Settings.from_env(ours))]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [SIGNED, ANYWHERE, PRIVATE]),
        (KEYS, [ANYWHERE, PRIVATE]),
        ({"SECRET": "x"}, [ANYWHERE, PRIVATE]),
        (KEYS | {"ALLOW_PRIVATE_SOURCE_ADDRESSES": "false"}, [ANYWHERE]),
        (KEYS | {"ALLOWED_SOURCES": "https://e.com/,local://"}, [PRIVATE]),
        (KEYS | {"ALLOWED_SOURCES": "https://e.com/", "ALLOW_PRIVATE_SOURCE_ADDRESSES": "0"}, []),
        (KEYS | {"ALLOWED_SOURCES": "local://,s3://bucket/"}, []),
        (KEYS | {"ALLOWED_SOURCES": "http*"}, [PRIVATE]),
        (KEYS | {"ALLOWED_SOURCES": "*"}, [PRIVATE]),
        (KEYS | {"ALLOWED_SOURCES": "HTTPS://e.com"}, [ANYWHERE, PRIVATE]),
        (KEYS | {"BASE_URL": "local:///"}, []),
        (KEYS | {"BASE_URL": "https://e.com/"}, [PRIVATE]),
        (KEYS | {"BASE_URL": "https://e.com"}, ["IMGPROXY_BASE_URL", PRIVATE]),
        ({"ALLOWED_SOURCES": "local://"}, [SIGNED]),
        (KEYS | {"ALLOWED_SOURCES": "local://", "MAX_CLIENTS": "9999"}, ["IMGPROXY_MAX_CLIENTS"]),
        (KEYS | {"ALLOWED_SOURCES": "local://", "MAX_CLIENTS": "0"}, []),
    ],
)
def test_each_open_door_is_named(settings: dict[str, str], expected: list[str]) -> None:
    assert named(**settings) == expected


def test_an_entry_that_does_not_end_its_host_is_named_with_what_it_lets_in() -> None:
    settings = {"IMGPROXY_ALLOWED_SOURCES": "https://e.com", "IMGPROXY_ALLOW_PRIVATE_SOURCE_ADDRESSES": "0"}
    (_, said) = advice(Settings.from_env(settings))

    assert "e.com.evil.example" in said
    Settings.from_env(settings).reach.check("https://e.com.evil.example/a.jpg")  # it is true


@pytest.mark.parametrize(
    ("mode", "words"), [("off", "no sandbox"), ("on", "landlock is missing (no)"), ("require", "")]
)
def test_a_sandbox_that_is_not_whole_is_named(mode: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "examine", lambda: {} if mode == "require" else {"landlock": "missing (no)"})
    environ = {f"IMGPROXY_{name}": value for name, value in (KEYS | {"ALLOWED_SOURCES": "local://"}).items()}

    said = advice(Settings.from_env(environ | {"FOVEOLA_SANDBOX": mode}))

    assert len(said) == bool(words)
    assert all(words in sentence for sentence in said)


def test_a_server_says_it_once_as_a_warning(tmp_path: Path) -> None:
    with serving(tmp_path, WORKERS="1", LOG_FORMAT="structured") as served:
        for _ in range(3):
            served.get("/unsafe/plain/local:///none")
        lines = served.log.read_text().splitlines()

    for name in (SIGNED, ANYWHERE, PRIVATE):
        (line,) = (line for line in lines if name in line)
        assert 'level="WARNING"' in line
