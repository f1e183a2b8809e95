"""Settings: an environment of lines `NAME=value`, without the prefix; what was read is shown, and read again."""

from __future__ import annotations

from contextlib import suppress

from foveola.config import SETTINGS, examine
from foveola.config.environment import FILE, parse
from foveola.errors import FoveolaError
from fuzz.targets.presets import MOST

TOKENS = [
    *(row.name.removeprefix("IMGPROXY_").encode() for row in SETTINGS),
    *(
        b"=",
        b"\n",
        b",",
        b";",
        b"true",
        b"nan",
        b"inf",
        b"1e999",
        b"-1",
        b"9" * 400,
        b"http://",
        b"redis://",
        b"$A",
        b"${A}",
        b"'",
        b'"',
    ),
]
_LEFT_OUT = (FILE.removeprefix("IMGPROXY_"), "PRESETS_PATH", "INFO_PRESETS_PATH")
"""They name files, and any may be named."""


def seeds() -> list[bytes]:
    names = [row.name.removeprefix("IMGPROXY_") for row in SETTINGS]
    rows = [
        "\n".join(f"{name}={value}" for name in names[at : at + 20])
        for at in range(0, len(names), 20)
        for value in ("", "1", "webp=50,avif=40", "true")
    ]
    groups = [
        "KEY=aabb,cc\nSALT=11,22\nSIGNATURE_SIZE=8",
        "PRESETS=default=w:1/h:2,a=q:50",
        "BIND=[::1]:80\nNETWORK=tcp",
        "FOVEOLA_DECISIONS=/x",
    ]
    return [text.encode() for text in (*rows, *groups)]


def target(data: bytes) -> None:
    text = data[:MOST].decode("utf-8", "surrogateescape")  # presets are among them
    parse(text, "a file", {"HOME": "/"})
    if not set("'\n\r") & set(text):
        assert parse(f"export A ='{text}' # said", "a file", {}) == ({"A": text}, [])
    environ = {}
    for line in text.split("\n"):
        name, _, value = line.partition("=")
        if not name.endswith(_LEFT_OUT):
            environ[name if name.startswith(("FOVEOLA_", "PORT")) else "IMGPROXY_" + name] = value
    found = examine(environ)
    shown = {row.name: found.settings.text(row) for row in SETTINGS}
    said = found.settings
    if not found.problems:
        with suppress(FoveolaError):
            assert said.keys, said.reach
            assert said.defaults, said.varies
            assert said.grammar
        again = examine({name: value for name, value in shown.items() if name in found.origins})
        assert again.settings == said, f"{again.settings} is not {said}"
