"""The table of all settings, out of the fields of their groups and of the encoders' settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from foveola.config.decisions import Decisions
from foveola.config.environment import FILE
from foveola.config.formats import Formats
from foveola.config.images import Images
from foveola.config.log import Log
from foveola.config.looks import Looks
from foveola.config.monitoring import Monitoring
from foveola.config.others import OTHERS, RENAMED
from foveola.config.quality import Quality
from foveola.config.rows import PREFIX
from foveola.config.security import Security
from foveola.config.server import Server
from foveola.config.sources import Sources
from foveola.config.urls import Urls
from foveola.variables import Setting, codec_rows

GROUPS: Mapping[str, type[Any]] = {
    "server": Server,
    "urls": Urls,
    "security": Security,
    "sources": Sources,
    "quality": Quality,
    "formats": Formats,
    "looks": Looks,
    "images": Images,
    "monitoring": Monitoring,
    "log": Log,
    "decisions": Decisions,
}
"""The groups by their names in `Settings`, in the order of the documentation."""


def _rows() -> Iterator[Setting]:
    for group, kind in GROUPS.items():
        for f in fields(kind):
            default = f.default if f.default_factory is MISSING else f.default_factory()
            said = dict(f.metadata)
            yield Setting(said.pop("prefix") + f.name.upper(), f.name, default=default, group=group, **said)
    yield from codec_rows(PREFIX)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
NAMES = frozenset(row.name for row in SETTINGS)
KERNELS = frozenset({"FOVEOLA_KERNELS", "FOVEOLA_SIMD"})
"""Names that `foveola.kernels` reads."""
KNOWN = NAMES | KERNELS | {row.name for row in OTHERS} | RENAMED.keys() | {FILE}
"""All names that mean something, be it that they have no effect."""
