"""The environment, and a file that is laid under it.

`IMGPROXY_ENV_LOCAL_FILE_PATH` names a file of lines `NAME=value`. What the environment says itself goes before what
the file says, as everywhere else where a file is laid under an environment; imgproxy has it the other way round.
Source: https://docs.imgproxy.net/configuration/loading_environment_variables
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping

from foveola.config.files import text_of
from foveola.config.rows import PREFIX
from foveola.errors import ConfigError

FILE = PREFIX + "ENV_LOCAL_FILE_PATH"
_ENDS = re.compile(r"\r\n?|\n")
"""Of lines; what else Unicode has for that may stand in a value."""
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=(.*)")
_QUOTED = re.compile(r"""(?P<mark>["'])(?P<inside>(?:\\.|(?!(?P=mark)).)*)(?P=mark)\s*(?:#.*)?""")
_ESCAPE = re.compile(r"\\(.)")
_NAME = re.compile(r"\\?\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def load(environ: MutableMapping[str, str]) -> None:
    """Lay the file that an environment names under it; a file that can't be read is left to those who read settings."""
    for name, value in said_by_file(environ)[0].items():
        environ.setdefault(name, value)


def said_by_file(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return what the file says that `environ` names, and a sentence for each problem; no values, they are secrets."""
    path = environ.get(FILE, "")
    if not path:
        return {}, []
    try:
        return parse(text_of(path, FILE), path, environ)
    except ConfigError as error:
        return {}, [str(error)]


def parse(text: str, path: str, environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Read lines `NAME=value`; `$NAME` and `${NAME}` stand for what was said before, but not in single quotes."""
    found: dict[str, str] = {}
    problems = []
    for number, line in enumerate(_ENDS.split(text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        said = _LINE.fullmatch(line)
        value = said and _value(said[2], {**environ, **found})
        if said is None or value is None:
            problems.append(f"Expected NAME=value in line {number} of {path} ({FILE})")
        else:
            found[said[1]] = value
    return found, problems


def _value(text: str, known: Mapping[str, str]) -> str | None:
    """Return what stands behind the sign, None where a quotation mark is not closed."""
    if text.lstrip()[:1] not in ('"', "'"):
        return _filled(re.split(r"\s#", text, maxsplit=1)[0].strip(), known)
    quoted = _QUOTED.fullmatch(text.strip())
    if quoted is None:
        return None
    if quoted["mark"] == "'":
        return quoted["inside"]
    return _ESCAPE.sub(_unescaped, _filled(quoted["inside"], known))


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _NAME.sub(lambda m: m[0][1:] if m[0][0] == "\\" else known.get(m[1] or m[2], ""), text)


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r"}.get(found[1], found[1])
