"""The settings of the log.

Source: https://docs.imgproxy.net/configuration/options#log
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola import kinds
from foveola.config.rows import off, row


@dataclass(frozen=True)
class Log:
    """Log."""

    log_format: str = row(
        "structured", kinds.spelt("pretty", "structured", "json", "gcp"), "How lines of the log are written."
    )
    log_level: str = row("info", kinds.spelt("debug", "info", "warn", "error"), "What is logged at least.")
    fail_on_deprecation: bool = off("Whether a variable by its earlier name stops the start.")
