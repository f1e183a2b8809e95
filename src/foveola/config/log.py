"""The settings of the log.

Source: https://docs.imgproxy.net/configuration/options#log
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import row


@dataclass(frozen=True)
class Log:
    """Log."""

    log_format: str = row(
        "structured", kinds.word("pretty", "structured", "json", "gcp"), "How lines of the log are written."
    )
    log_level: str = row("info", kinds.word("debug", "info", "warn", "error"), "What is logged at least.")
