"""How the environment becomes values: each variable by its kind, with a sentence for each problem and each surprise."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foveola import settings
from foveola.config.environment import said_by_file
from foveola.config.others import OTHERS, RENAMED, is_default
from foveola.config.quality import QUALITIES
from foveola.config.rows import OURS, PREFIX
from foveola.config.table import GROUPS, KNOWN, NAMES, SETTINGS
from foveola.errors import expected
from foveola.kinds import Kind
from foveola.variables import Setting

_LONGEST = 100
"""Characters of a value that are shown again."""
_BIND = f"{PREFIX}BIND"


@dataclass
class Reading:
    """What was read.

    Args:
        values: groups of settings and settings of codecs, by their names in `Settings`.
        origins: where each value comes from, by the name of the variable: `environment`, `file`, and by which other
            name; what is not here is the default.
        problems: a sentence for each variable that can't be used.
        warnings: a sentence for each that is used in another way than one may think.
        outdated: a sentence for each that is said by an earlier name.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


def read(environ: Mapping[str, str]) -> Reading:
    """Return what an environment, and the file that it names, say."""
    of_file, problems = said_by_file(environ)
    said = {**of_file, **environ}
    found = Reading(problems=problems, warnings=unknown(said))
    found.origins |= {name: "environment" if name in environ else "file" for name in said}
    names = _renamed(said, found)
    _judge_others(said, found)
    values = _values(said, names, found)
    found.origins = {row.name: found.origins[names[row.name]] + _by(row.name, names) for row in values}
    found.values = _assembled(values)
    return found


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name of ours or imgproxy's that is set and not read, with the nearest that is."""
    sentences = []
    for name in sorted(environ):
        prefix, line, rest = name.partition("_")
        if f"{prefix}_" in (PREFIX, OURS):
            near = [] if name in KNOWN else difflib.get_close_matches(name, NAMES, 1, 0.8)
        elif line and prefix != "IMGPROXY" and _alike(prefix):
            near = [_alike(prefix) + rest] if _alike(prefix) + rest in KNOWN else []
        else:
            continue
        if name not in KNOWN:
            sentences.append(f"{name} is not read by this version" + (f"; did you mean {near[0]}?" if near else ""))
    return sentences


def _alike(prefix: str) -> str:
    """Return the prefix of variables whose letters these are in another order, but for one: `IMGRPOXY`."""
    near = difflib.get_close_matches(prefix, (PREFIX[:-1], OURS[:-1]), 1, 0.85)
    return near[0] + "_" if near else ""


def _renamed(said: dict[str, str], found: Reading) -> dict[str, str]:
    """Put what is said by an earlier name under the later one; return by which name each is said."""
    names = {name: name for name in said}
    earlier = [(old, new) for old, new in RENAMED.items() if said.get(old)]
    sentences = []
    for old, new in earlier:
        if said.get(new):
            sentences.append(f"{old} is an earlier name of {names[new]}, which is set too and is what counts")
        else:
            said[new], names[new] = said[old], old
            sentences.append(f"{old} is an earlier name: say {new}")
    if said.get("PORT") and not said.get(_BIND):
        said[_BIND], names[_BIND] = ":" + said["PORT"], "PORT"
    found.outdated += sentences
    return names


def _by(name: str, names: Mapping[str, str]) -> str:
    return "" if names[name] == name else f" ({names[name]})"


def _judge_others(said: Mapping[str, str], found: Reading) -> None:
    """Say which variables have no effect, and which stop the start."""
    for row in OTHERS:
        text = said.get(row.name, "")
        if text and not is_default(row, text):
            reason = row.doc[:-1]
            if row.status == "refused":
                found.problems.append(f"{row.name} can't be kept: {reason}")
            else:
                found.warnings.append(f"{row.name} has no effect: {reason}")


def _values(said: Mapping[str, str], names: Mapping[str, str], found: Reading) -> dict[Setting, Any]:
    """Return the values of what is set."""
    values: dict[Setting, Any] = {}
    for row in sorted(SETTINGS, key=lambda row: bool(row.separator)):  # what separates is read before what it separates
        text = said.get(row.name, "")
        if not text and not (row.field == "source_url_query_separator" and row.name in said):
            continue
        kind = _kind(row, values)
        try:
            values[row] = kind.read(text)
        except ValueError:
            shown = "…" if row.secret else text[:_LONGEST] + "…" * (len(text) > _LONGEST)
            found.problems.append(expected(kind.what, names[row.name], shown))
    return values


def _kind(row: Setting, values: Mapping[Setting, Any]) -> Kind[Any]:
    """Return how a row is read after what was read before it."""
    separators = [value for by, value in values.items() if (by.group, by.field) == (row.group, row.separator)]
    return row.separated(separators[0]) if row.separated and separators else row.kind


def _assembled(values: Mapping[Setting, Any]) -> dict[str, Any]:
    """Return the fields of `Settings` for what was read."""
    said: dict[str, dict[str, Any]] = {
        group: {row.field: value for row, value in values.items() if row.group == group} for group in GROUPS
    }
    quality, formats = said["quality"], said["formats"]
    quality["format_quality"] = {**QUALITIES, **quality.get("format_quality", {})}
    if "preferred_formats" in formats:
        formats["preferred_formats"] = tuple("jpeg" if n == "jpg" else n for n in formats["preferred_formats"])
    codecs = {
        name: kind(**{row.field: value for row, value in values.items() if row.format == name})
        for name, kind in settings.SETTINGS.items()
    }
    return {name: kind(**said[name]) for name, kind in GROUPS.items()} | {"codecs": codecs}
