"""How the environment becomes values: each variable by its kind, every problem with a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from foveola import settings
from foveola.config.quality import QUALITIES
from foveola.config.rows import OURS, PREFIX
from foveola.config.table import GROUPS, KERNELS, NAMES, REFUSED, SETTINGS
from foveola.errors import expected
from foveola.kinds import Kind
from foveola.variables import Setting


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name of ours or imgproxy's that is set and not read, with the nearest that is."""
    read = NAMES | KERNELS | {PREFIX + name for name in REFUSED}
    names = sorted(name for name in environ if name.startswith((PREFIX, OURS)) and name not in read)
    near = [(name, difflib.get_close_matches(name, NAMES, 1, 0.8)) for name in names]
    return [f"{name} is not read by this version" + (f"; did you mean {n[0]}?" if n else "") for name, n in near]


def values(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return what is set, as groups and codecs by their names in `Settings`, and a sentence for each problem."""
    found: dict[Setting, Any] = {}
    problems = []
    for row in sorted(SETTINGS, key=lambda row: bool(row.separator)):  # what separates is read before what it separates
        text = environ.get(row.name, "")
        if not text and not (row.field == "source_url_query_separator" and row.name in environ):
            continue
        kind = _kind(row, found)
        try:
            found[row] = kind.read(text)
        except ValueError:
            problems.append(expected(kind.what, row.name, "…" if row.secret else text))
    if "IMGPROXY_BIND" not in environ and environ.get("PORT"):
        found[next(row for row in SETTINGS if row.field == "bind")] = ":" + environ["PORT"]
    problems += [f"{PREFIX}{name}: {reason}" for name, reason in REFUSED.items() if environ.get(PREFIX + name)]
    return _assembled(found), problems


def _kind(row: Setting, found: Mapping[Setting, Any]) -> Kind[Any]:
    """Return how a row is read after what was read before it."""
    separators = [value for by, value in found.items() if (by.group, by.field) == (row.group, row.separator)]
    return row.separated(separators[0]) if row.separated and separators else row.kind


def _assembled(found: Mapping[Setting, Any]) -> dict[str, Any]:
    """Return the fields of `Settings` for what was read."""
    said: dict[str, dict[str, Any]] = {
        group: {row.field: value for row, value in found.items() if row.group == group} for group in GROUPS
    }
    quality, formats = said["quality"], said["formats"]
    quality["format_quality"] = {**QUALITIES, **quality.get("format_quality", {})}
    if "preferred_formats" in formats:
        formats["preferred_formats"] = tuple("jpeg" if n == "jpg" else n for n in formats["preferred_formats"])
    codecs = {
        name: kind(**{row.field: value for row, value in found.items() if row.format == name})
        for name, kind in settings.SETTINGS.items()
    }
    return {name: kind(**said[name]) for name, kind in GROUPS.items()} | {"codecs": codecs}
