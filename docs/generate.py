"""Write the parts of the documentation that the code already says: help texts and tables.

    python docs/generate.py            write them
    python docs/generate.py --check    exit with 1, naming the files, where they are out of date

A generated part stands in a Markdown file between `<!-- generated: NAME -->` and `<!-- end -->`; NAME is a row of
`PARTS` below. The rest of the file is written by people. tests/test_docs.py checks that all is up to date.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import click

from foveola import config, options, settings
from foveola.cli import main as cli
from foveola.cli.rows import Row
from foveola.doctor import Report
from foveola.info.options import INFO_OPTIONS, InfoOption
from foveola.options import readers, words
from foveola.picture import FORMATS

ROOT = Path(__file__).parent.parent
PAGES = (
    "docs/cli.md",
    "docs/coming-from-imgproxy.md",
    "docs/info.md",
    "docs/json-output.md",
    "docs/options.md",
    "docs/reference.md",
    "docs/settings.md",
)
_PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def commands() -> str:
    """Return the help of every command, those of groups below their group."""
    return "\n\n".join(
        f"## {context.command_path}\n\n```text\n{context.command.get_help(context)}\n```" for context in _contexts(cli)
    )


def _contexts(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield a context for a command and each below it."""
    context = click.Context(command, parent, (command.name or "") if parent else "foveola", **_WIDTH)
    yield context
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from _contexts(below, context)


_WIDTH: dict[str, Any] = {"terminal_width": 100, "help_option_names": ["-h", "--help"]}


def encode_rows() -> str:
    """Return the table of the fields of `foveola encode --json`."""
    hints = get_type_hints(Row)
    return table(
        ("Field", "Type", "Meaning"), ((f"`{f.name}`", _type(hints[f.name]), f.metadata["doc"]) for f in fields(Row))
    )


def doctor_rows() -> str:
    """Return the table of the fields of `foveola doctor --json`, from the docstring's Args."""
    hints = get_type_hints(Report)
    said = dict(
        re.findall(r"^ {4}(\w+): (.+)\.$", (inspect.getdoc(Report) or "").replace("None", "null"), re.MULTILINE)
    )
    return table(
        ("Field", "Type", "Meaning"), ((f"`{f.name}`", _type(hints[f.name]), said[f.name]) for f in fields(Report))
    )


def _type(hint: Any) -> str:
    """Return the JSON type of a Python type."""
    if get_origin(hint) in (tuple, dict):
        return "array of strings" if get_origin(hint) is tuple else "object"
    names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return " or ".join(names[kind] for kind in get_args(hint) or (hint,))


def setting_rows() -> str:
    """Return the tables of the settings, one a group, and one for those of the encoders."""
    titles = {name: inspect.getdoc(group) or name for name, group in config.GROUPS.items()} | {"": "Encoders."}
    return "\n\n".join(f"## {title[:-1]}\n\n{_group_rows(name)}" for name, title in titles.items())


def _group_rows(group: str) -> str:
    rows = (
        (f"`{s.name}`", s.kind.what, _default(s.default), s.doc) for s in config.SETTINGS if (s.group or "") == group
    )
    return table(("Variable", "Value", "Default", "Meaning"), rows)


def accepted_rows() -> str:
    """Return the table of the settings of imgproxy that have no effect."""
    rows = (_other(names, reason) for names, reason in config.ACCEPTED.items())
    return table(("Variables", "Why"), rows)


def missing_rows() -> str:
    """Return the table of the settings of imgproxy that stop the start."""
    rows = (_other(names, reason) for names, reason in config.REFUSED.items())
    return table(("Variables", "Why"), rows)


def _other(names: str, reason: str) -> tuple[str, str]:
    return ", ".join(f"`{word}`" for word in names.split()), reason[:1].upper() + reason[1:] + "."


def renamed_rows() -> str:
    """Return the table of earlier names of settings."""
    return table(("Earlier", "Now"), ((f"`{old}`", f"`{new}`") for old, new in config.RENAMED.items()))


def option_rows() -> str:
    """Return tables of the processing options of URLs, one a group, each with a line for each argument."""
    parts = []
    for group in dict.fromkeys(option.group for option in options.OPTIONS):
        rows = [row for option in options.OPTIONS if option.group == group for row in _option_rows(option)]
        parts.append(f"## {group}\n\n" + table(("Option", "Argument", "Value", "Default", "Meaning", "Of"), rows))
    return "\n\n".join(parts)


def _option_rows(option: options.Option) -> Iterator[Sequence[str]]:
    names = ", ".join(f"`{word}`" for word in option.words)
    of = f"{option.scope}, {option.edition}"
    if len(option.arguments) == 1:
        (only,) = option.arguments
        yield names, f"`{only.name}`", only.kind.what, _default(only.default), only.doc, of
        return
    yield names, "", "", "", option.doc, of
    for argument in option.arguments:
        yield "", f"`{argument.name}`", argument.kind.what, _default(argument.default), argument.doc, ""


def pro_rows() -> str:
    """Return the table of the options that only the closed edition of imgproxy has."""
    rows = (
        (", ".join(f"`{word}`" for word in (option.name, *option.aliases)), option.doc)
        for option in options.OPTIONS
        if option.edition == "pro"
    )
    return table(("Option", "Meaning"), rows)


def refused_rows() -> str:
    """Return the table of the options and values of imgproxy that are refused."""
    rows = [(", ".join(f"`{word}`" for word in row.words), row.why) for row in options.REFUSED]
    rows += [(f"`gravity:{word}`", "objects are not detected") for word in readers.OBJECTS]
    rows += [(f"`format:{name}`", why) for name, why in words.REFUSED_FORMATS.items()]
    return table(("Refused", "Why"), rows)


def info_rows() -> str:
    """Return the table of the options of the info endpoint, with a line for each argument."""
    rows = [row for option in INFO_OPTIONS for row in _info_rows(option)]
    return table(("Option", "Argument", "Value", "Default", "Meaning"), rows)


def _info_rows(option: InfoOption) -> Iterator[Sequence[str]]:
    names, first = ", ".join(f"`{word}`" for word in option.words), option.arguments[0]
    yield names, f"`{first.name}`", first.kind.what, _default(first.default), option.doc
    for argument in option.arguments[1:]:
        yield "", f"`{argument.name}`", argument.kind.what, _default(argument.default), argument.doc


def codec_rows() -> str:
    """Return the table of the encoders' settings, as `--set` and `foveola.encode` take them."""
    rows = []
    for format, kind in settings.SETTINGS.items():
        hints = get_type_hints(kind)
        rows += [(format, f"`{f.name}`", _range(f, hints[f.name]), _default(f.default)) for f in fields(kind)]
    return table(("Format", "Setting", "Value", "Default"), rows)


def format_rows() -> str:
    """Return the table of the formats."""
    rows = (
        (
            ", ".join(f"`{w}`" for w in (f.name, *f.aliases)),
            f.mime,
            *(_yes(v) for v in (f.written, f.quality, f.alpha, f.animation)),
        )
        for f in FORMATS.values()
    )
    return table(("Format", "Media type", "Written", "Quality", "Transparency", "Animation"), rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _range(row: Field[Any], hint: Any) -> str:
    if hint is bool:
        return "boolean"
    return "one of " + ", ".join(get_args(hint)) if get_args(hint) else "integer {}..{}".format(*row.metadata["range"])


def _default(value: Any) -> str:
    if value is MISSING or value is None or value in ("", b"", (), {}):
        return ""
    if isinstance(value, dict):
        return "`" + ",".join(f"{key}={item}" for key, item in value.items()) + "`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "encode-rows": encode_rows,
    "doctor-rows": doctor_rows,
    "settings": setting_rows,
    "settings-accepted": accepted_rows,
    "settings-missing": missing_rows,
    "settings-renamed": renamed_rows,
    "options": option_rows,
    "info-options": info_rows,
    "pro-options": pro_rows,
    "refused-options": refused_rows,
    "codec-settings": codec_rows,
    "formats": format_rows,
}


def renewed(text: str) -> str:
    """Return a page with its generated parts made anew."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n\n{part[3]}", text)


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or check them."""
    stale = [page for page in PAGES if (ROOT / page).read_text() != renewed((ROOT / page).read_text())]
    for page in stale:
        print(page)
        if "--check" not in arguments:
            (ROOT / page).write_text(renewed((ROOT / page).read_text()))
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
