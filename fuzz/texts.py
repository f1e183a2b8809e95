"""What several targets make of texts."""

from __future__ import annotations

from yarl import URL

from foveola.sources.written import parsed


def dialled(source: str) -> URL:
    """Return what is dialled for a source, which is what yarl makes of it; raises ValueError where that is nothing."""
    url = parsed(source)
    if not url.host:
        raise ValueError("no host")
    return url
