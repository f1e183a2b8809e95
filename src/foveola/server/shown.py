"""Paths as the log may have them: a source in them has neither name and password nor signature, however it is written.

A source in base64 is as readable as a plain one for whoever takes the trouble, and so are those of watermarks and
fallback images. What is replaced is written as it came, so that the path can still be read. Nothing is known here of
the settings: a path is written down before it is read, and also when nobody signed it.
Source: https://docs.imgproxy.net/usage/processing#source-url
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

from foveola.options.words import decode, encode
from foveola.sources.masks import MASK, masked
from foveola.urls.signing import LONGEST

_USER = re.compile(r"((?::|%3a)(?:/|%2f){1,2})(?:(?!%2f)[^/])*(?:@|%40)", re.IGNORECASE)
"""What may stand before the host of a source, written plain; each sign of it may be escaped."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{12,}")
_CODED = re.compile(r"[A-Za-z0-9_-]*=*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,11}:/")
_HEAD = 24
"""Characters of base64 in which a scheme shows."""
_MOST = 2048
"""Segments that a source is looked for in; from the end."""
_UNNAMED = 4
"""Segments, from where base64 begins, at which a source without a scheme is believed to begin."""


def shown(path: str) -> str:
    """Return a path for the log.

    Args:
        path: as it came, without a query.
    """
    whole = path if len(path) <= LONGEST else path[:LONGEST]
    before, plain, source = whole.partition("/plain/")
    safe = _TOKEN.sub(_argument, before) + plain + _plain(source) if plain else _coded(whole)
    return safe if whole is path else safe + MASK


def _plain(source: str) -> str:
    kept = _USER.sub(rf"\1{MASK}@", source)
    read = unquote(kept, errors="surrogateescape")
    safe = masked(read)
    if safe == read:
        return kept
    return quote(safe, safe="/:!$&'()*+,;=~-._@", errors="surrogateescape").replace(quote(MASK), MASK)


def _argument(found: re.Match[str]) -> str:
    """Return an argument of an option; if it is a URL with a secret, without that."""
    text = _read(found[0])
    safe = masked(text) if _SCHEME.match(text) else text
    return found[0] if safe == text else encode(safe)


def _coded(path: str) -> str:
    """Return a path whose source is in base64, perhaps of several segments, perhaps with a file name after it."""
    segments = path.split("/")
    for end in (len(segments), len(segments) - 1):
        last, dot, extension = segments[end - 1].partition(".")
        for first, text in _sources([*segments[max(end - _MOST, 0) : end - 1], last]):
            safe = masked(text)
            if safe != text:
                kept = "/".join(segments[: max(end - _MOST, 0) + first])
                after = "".join(f"/{name}" for name in segments[end:])
                return f"{_TOKEN.sub(_argument, kept)}/{encode(safe)}{dot}{extension}{after}"
    return _TOKEN.sub(_argument, path)


def _sources(segments: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield what may be a source: the number of its first segment, and what all from there on say."""
    start = len(segments)
    while start and _CODED.fullmatch(segments[start - 1]):
        start -= 1
    joined = "".join(segments[start:])
    offset = 0
    for number in range(start, len(segments)):
        head = _read(joined[offset : offset + _HEAD])
        if _SCHEME.match(head):
            yield number, _read(joined[offset:])
            return
        if number < start + _UNNAMED and head.isprintable():
            yield number, _read(joined[offset:])
        offset += len(segments[number])


def _read(text: str) -> str:
    """Return what base64 says, as far as it says anything."""
    bare = text.rstrip("=")
    data = decode(bare if len(bare) % 4 != 1 else bare[:-1])
    return "" if data is None else data.decode("utf-8", "surrogateescape")
