"""The settings that change how a path is read.

Source: https://docs.imgproxy.net/configuration/options#url-signature
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from foveola.globs import matched
from foveola.presets import Presets

Replacement = tuple[str, str]
"""A pattern of `foveola.globs`, and what stands for it."""

_GROUP = re.compile(r"\$\{([0-9]{1,3})\}")


@dataclass(frozen=True)
class Grammar:
    """The settings that change how a path is read.

    Args:
        separator: what stands between the arguments of an option.
        base_url: what is put before every source that does not begin with it.
        filename: whether the last segment of a base64 or encrypted source is a file name to leave out.
        allowed: the names of options that may be used, as written; all when empty.
        presets: named sets of options; the one named `default` is laid under every URL.
        only_presets: whether paths begin with names of presets instead of options.
        replacements: what the beginnings of sources are replaced with, in order, as `replacements` returns them.
        encryption_key: what encrypted sources are decrypted with, 16, 24 or 32 bytes; none are read when empty.
        security: whether options may change limits of the server.
        chained: how many pipelines a URL may have together; 0 for as many as there may ever be, 32.
        info_allowed: as `allowed`, of the info endpoint; so are the next two.
        info_presets: named sets of its options.
        info_only_presets: whether its paths begin with names of presets.
    """

    separator: str = ":"
    base_url: str = ""
    filename: bool = False
    allowed: frozenset[str] = frozenset()
    presets: Presets = field(default_factory=Presets)
    only_presets: bool = False
    replacements: tuple[Replacement, ...] = ()
    encryption_key: bytes = field(default=b"", repr=False)
    security: bool = False
    chained: int = 0
    info_allowed: frozenset[str] = frozenset()
    info_presets: Presets = field(default_factory=Presets)
    info_only_presets: bool = False


ORDINARY = Grammar()
"""What the settings say where they say nothing."""


def replacements(pairs: Iterable[tuple[str, str]]) -> tuple[Replacement, ...]:
    """Return rules for `replaced`, in the same order.

    Args:
        pairs: patterns, in which `*` is anything but a slash, and texts, in which `${1}` is what the first `*` stands
            for.
    """
    return tuple(pairs)


def replaced(source: str, rules: Iterable[Replacement]) -> str:
    """Return a source after all rules, each of which sees what the one before left."""
    for pattern, template in rules:
        found = matched(pattern, source)
        if found is not None:
            source = _filled(template, found) + source[len(found[0]) :]
    return source


def _filled(template: str, parts: Sequence[str]) -> str:
    """Return a text with what the stars stood for, the whole for 0; a number that no star has stands for nothing."""
    return _GROUP.sub(lambda group: "".join(parts[int(group[1]) : int(group[1]) + 1]), template)
