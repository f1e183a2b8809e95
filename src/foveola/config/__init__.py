"""The settings of the server: one table, read from `IMGPROXY_*` once, frozen.

Each group of settings is a frozen dataclass in a file of its own, whose fields are rows of the table; `Settings` is
made of them. All problems are reported together, because a server that starts after the fourth try has wasted three.
The core never sees this package: it is handed values. Source: https://docs.imgproxy.net/configuration/options
"""

from __future__ import annotations

from foveola.config.decisions import Decisions
from foveola.config.formats import Formats
from foveola.config.images import Images
from foveola.config.log import Log
from foveola.config.looks import Looks
from foveola.config.monitoring import Monitoring
from foveola.config.others import ACCEPTED, OTHERS, REFUSED, RENAMED
from foveola.config.quality import Quality
from foveola.config.reading import unknown
from foveola.config.rows import PREFIX
from foveola.config.security import Security
from foveola.config.server import Server
from foveola.config.settings import Examined, Settings, examine
from foveola.config.sources import Sources
from foveola.config.table import GROUPS, NAMES, SETTINGS
from foveola.config.urls import Urls

__all__ = [
    "ACCEPTED",
    "GROUPS",
    "NAMES",
    "OTHERS",
    "PREFIX",
    "REFUSED",
    "RENAMED",
    "SETTINGS",
    "Decisions",
    "Examined",
    "Formats",
    "Images",
    "Log",
    "Looks",
    "Monitoring",
    "Quality",
    "Security",
    "Server",
    "Settings",
    "Sources",
    "Urls",
    "examine",
    "unknown",
]
