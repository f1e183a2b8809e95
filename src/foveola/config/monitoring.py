"""The settings of what is counted.

Source: https://docs.imgproxy.net/configuration/options#prometheus-metrics
"""

from __future__ import annotations

from dataclasses import dataclass

from foveola.config.rows import text


@dataclass(frozen=True)
class Monitoring:
    """Monitoring."""

    prometheus_bind: str = text("Where Prometheus finds its metrics, `host:port`; nowhere when empty.")
    prometheus_namespace: str = text("What the names of metrics begin with.")
