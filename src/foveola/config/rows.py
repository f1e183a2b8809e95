"""How one row of the table of settings is written: a field of a group, with what is read, its default and a sentence.

A group is a frozen dataclass whose fields are named like the variables, in lower case and without `IMGPROXY_`. The
parser, the documentation and `foveola serve --help` read the fields, so that a new setting is a new field.
Source: https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from foveola import kinds
from foveola.kinds import Kind

PREFIX = "IMGPROXY_"
OURS = "FOVEOLA_"
"""What the names of settings begin with that imgproxy does not have."""

SECONDS = kinds.integer(1)
COUNT = kinds.integer()
MEGAPIXELS = kinds.number()
PATTERNS = kinds.listed(kinds.TEXT)


def row(
    default: Any,
    kind: Kind[Any],
    doc: str,
    *,
    secret: bool = False,
    prefix: str = PREFIX,
    separator: str = "",
    separated: Callable[[str], Kind[Any]] | None = None,
) -> Any:
    """Return a field that is a row of the table.

    Args:
        default: its value where the environment says nothing.
        kind: how it is read.
        doc: one sentence for the documentation.
        secret: whether its value may not be shown.
        prefix: what its name begins with.
        separator: the field of the same group that says what stands between its items; none when empty.
        separated: the kind for another separator than the default one.
    """
    metadata = {"kind": kind, "doc": doc, "secret": secret, "prefix": prefix} | (
        {"separator": separator, "separated": separated} if separated else {}
    )
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), repr=not secret, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


def off(doc: str, *, secret: bool = False) -> Any:
    """Return a field that is false by default."""
    return row(False, kinds.BOOLEAN, doc, secret=secret)


def on(doc: str) -> Any:
    """Return a field that is true by default."""
    return row(True, kinds.BOOLEAN, doc)


def text(doc: str, default: str = "", *, secret: bool = False) -> Any:
    """Return a field that is a text, empty by default."""
    return row(default, kinds.TEXT, doc, secret=secret)
