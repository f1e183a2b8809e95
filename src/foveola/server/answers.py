"""What is sent back: statuses and headers, in imgproxy's words.

Every answer carries the same policy for browsers, because whoever opens it as a page must not run what a stranger has
put into it; an error says one sentence that any stranger may read. Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from foveola.config import Settings
from foveola.errors import FoveolaError
from foveola.picture import FORMATS
from foveola.server.jobs import Facts
from foveola.sources.base import Body

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
CHUNK = 1 << 20
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>foveola</title>
<style>body{font:1rem/1.5 system-ui;margin:4rem auto;max-width:40rem;padding:0 1rem}</style>
<h1>foveola</h1><p>This server chooses the quality at which a picture is as good as it was asked to be.</p></html>
"""
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\\/]")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Args:
        status: the HTTP status.
        headers: names and values, besides those that every answer has.
        body: the bytes, or the memory that they are in.
        why: what went wrong, for the log.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Body = b""
    why: str = ""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.body.size if isinstance(self.body, Body) else len(self.body)

    def parts(self) -> Iterator[bytes]:
        """Yield the body."""
        if not isinstance(self.body, Body):
            yield self.body
            return
        done = 0
        while part := os.pread(self.body.fd, min(CHUNK, self.body.size - done), done):
            yield part
            done += len(part)


def text(status: int, body: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer in plain text."""
    return Answer(status, (("Content-Type", "text/plain"), *headers), body.encode())


def landing() -> Answer:
    """Return the page at the root."""
    return Answer(200, (("Content-Type", "text/html"),), PAGE.encode())


def health(*, working: bool) -> Answer:
    """Return the answer at `/health`."""
    status, words = (200, "foveola is running") if working else (500, "Error")
    return text(status, words, ("Cache-Control", "no-cache"))


def refusal(error: FoveolaError) -> Answer:
    """Return the answer to a request that failed."""
    again = (("Retry-After", "1"),) if error.status == 429 else ()
    return replace(text(error.status, error.public, *again), why=str(error))


def picture(facts: Facts, result: Body, source: str, origin_bytes: int, settings: Settings) -> Answer:
    """Return the answer that carries a picture.

    Args:
        facts: what the worker says of it.
        result: its bytes.
        source: the URL of the source, for the name of the file.
        origin_bytes: the size of the source.
        settings: what is sent besides.
    """
    headers = [
        ("Content-Type", FORMATS[facts.format].mime),
        ("Content-Disposition", disposition(source, FORMATS[facts.format].extension)),
        ("Cache-Control", f"max-age={settings.server.ttl}, public" if settings.server.ttl else "no-cache"),
    ]
    if settings.varies:
        headers.append(("Vary", "Accept"))
    if settings.server.enable_debug_headers:
        headers += debug(facts, origin_bytes)
    return Answer(200, tuple(headers), result)


def debug(facts: Facts, origin_bytes: int) -> list[tuple[str, str]]:
    """Return the headers that are sent when `IMGPROXY_ENABLE_DEBUG_HEADERS` is on."""
    headers = [
        ("X-Origin-Content-Length", str(origin_bytes)),
        ("X-Origin-Width", str(facts.origin[0])),
        ("X-Origin-Height", str(facts.origin[1])),
        ("X-Result-Width", str(facts.size[0])),
        ("X-Result-Height", str(facts.size[1])),
    ]
    return headers + ([("X-Autoquality", facts.autoquality)] if facts.method != "none" else [])


def disposition(source: str, extension: str) -> str:
    """Return `inline; filename="cat.webp"` for the source `https://example.com/cat.png`.

    What can't be printed is left out; a name that is not ASCII is written a second time in the way of RFC 6266.
    """
    name = source.rpartition("/")[2]
    stem = name.rpartition(".")[0] if "." in name else name
    printed = _UNPRINTED.sub("", stem.encode("utf-8", "replace").decode()).replace('"', "%22") or "image"
    plain = printed.encode("ascii", "replace").decode().replace("?", "_") if not printed.isascii() else printed
    value = f'inline; filename="{plain}{extension}"'
    return value if printed.isascii() else value + f"; filename*=UTF-8''{quote(printed + extension)}"
