"""What a client already has is asked of the source, not decided here: which conditions of a request are passed on.

imgproxy keeps nothing between requests, so only the source knows whether its file has changed; its 304 becomes ours. A
buster makes what clients have worthless: what was not made under the present one is not asked about.
Source: https://docs.imgproxy.net/configuration/options#server (`IMGPROXY_ETAG_BUSTER`) and RFC 9110, section 13
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from foveola.server.headers import Pairs, sendable
from foveola.sources.conditions import read_date

RAW = ("if-none-match", "if-modified-since", "accept-encoding", "range")
"""What a request for the source as it is passes on."""
_BASE64 = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Conditions:
    """Which conditions are passed on.

    Args:
        etag: whether `If-None-Match` is.
        etag_buster: the text that our ETags begin with; none when empty.
        modified: whether `If-Modified-Since` is.
        modified_buster: before when every source counts as changed.
    """

    etag: bool = True
    etag_buster: str = ""
    modified: bool = True
    modified_buster: datetime | None = None


def forwarded(headers: Mapping[str, str], conditions: Conditions) -> Pairs:
    """Return the conditions of a request in the source's own words, with names in lower case.

    An `If-None-Match` that was made under another buster makes the request unconditional: RFC 9110 ranks it above
    `If-Modified-Since`, which would bring back what the buster was changed for.
    """
    found = []
    if conditions.etag and (given := headers.get("if-none-match", "")):
        match = if_none_match(given, conditions.etag_buster)
        if not match:
            return ()
        found.append(("if-none-match", match))
    if conditions.modified and (given := headers.get("if-modified-since", "")):
        since = if_modified_since(given, conditions.modified_buster)
        found += [("if-modified-since", since)] if since else []
    return tuple(found)


def raw(headers: Mapping[str, str]) -> Pairs:
    """Return what a request for the source as it is passes on, unchanged."""
    return tuple((name, headers[name]) for name in RAW if name in headers)


def if_none_match(given: str, buster: str) -> str:
    """Return the source's ETag that ours was made of; empty where ours was not made under `buster`."""
    if not buster:
        return given
    said = given.removeprefix("W/").removeprefix('"').removesuffix('"')
    if not said.startswith(buster + "/"):
        return ""
    text = said.removeprefix(buster + "/")
    if not _BASE64.fullmatch(text):
        return ""
    try:
        etag = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("latin-1")
    except binascii.Error:
        return ""
    return etag if sendable(etag) else ""


def if_modified_since(given: str, buster: datetime | None) -> str:
    """Return what is passed on; empty where the client's file is not newer than the buster."""
    if buster is None:
        return given
    when = read_date(given)
    return given if when and when > buster else ""
