"""What a method and a path ask for, before anyone looks into them.

Source: https://docs.imgproxy.net/usage/processing, https://docs.imgproxy.net/healthcheck
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote

from foveola.urls import INFO

Kind = Literal["picture", "info", "landing", "health", "head", "options", "nothing"]


def kind_of(method: str, path: str, prefix: str = "", health: str = "") -> Kind:
    """Return what is asked for.

    Args:
        method: of HTTP.
        path: raw, without a query.
        prefix: what stands before every path.
        health: where the server says that it is well, besides `/health`.
    """
    raw = path.removeprefix(prefix)
    if not path.startswith(prefix) or not (raw.startswith("/") or prefix.endswith("/") or not raw):
        return "nothing"
    if method in ("HEAD", "OPTIONS"):
        return "head" if method == "HEAD" else "options"
    read = unquote(raw)
    if method != "GET" or read == "/favicon.ico" or read.startswith("/.well-known/"):
        return "nothing"
    if read == "/health" or (health and read == health):
        return "health"
    if read in ("", "/"):
        return "landing"
    return "info" if raw.startswith(f"{INFO}/") else "picture"
