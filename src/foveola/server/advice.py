"""What whoever starts a server should know before strangers reach it: which doors stand open as imgproxy leaves them.

imgproxy's defaults are made for trying it out, and ours are the same, so each of them that matters is named once in the
log, with the setting that changes it. It is no error: behind a network of one's own all may be as it should be.
Source: https://docs.imgproxy.net/configuration/options#security
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foveola import sandbox
from foveola.config import Settings
from foveola.server import descriptors

_WEB = ("http://", "https://")
_NO_END = re.compile(r"(?i:https?)://[^/*]+")
"""What a URL may begin with and go on as the name of another host."""


def advice(settings: Settings) -> list[str]:
    """Return a sentence for each door that stands open; none where all are shut.

    Args:
        settings: what the environment says.
    """
    return [*_of_keys(settings), *_of_sources(settings), *_of_sandbox(settings), *_of_descriptors(settings)]


def _of_keys(settings: Settings) -> Iterator[str]:
    if not settings.keys.pairs and not settings.security.secret:
        yield (
            "URLs are not signed, so that anyone may ask for anything: set IMGPROXY_KEY and IMGPROXY_SALT "
            "(or IMGPROXY_SECRET, where only servers of yours ask)"
        )


def _of_sources(settings: Settings) -> Iterator[str]:
    base, allowed = settings.urls.base_url, settings.security.allowed_sources
    anywhere = not allowed and not base
    if anywhere:
        yield "Sources may be anywhere: set IMGPROXY_ALLOWED_SOURCES to what they begin with"
    open_ended = [f"IMGPROXY_ALLOWED_SOURCES {text}" for text in allowed if _NO_END.fullmatch(text)]
    open_ended += [f"IMGPROXY_BASE_URL {base}"] if _NO_END.fullmatch(base) and not allowed else []
    for entry in open_ended:
        host = entry.rpartition("://")[2]
        yield f"{entry} lets in every host whose name begins so, {host}.evil.example too: end it with /"
    if any(map(_web, allowed or (base,))) and settings.security.allow_private_source_addresses:
        yield (
            "Sources may be at private addresses (those of carriers, 100.64.0.0/10, too), as with imgproxy: "
            "set IMGPROXY_ALLOW_PRIVATE_SOURCE_ADDRESSES=false, unless your pictures are there"
        )


def _of_sandbox(settings: Settings) -> Iterator[str]:
    missing = [f"{name} is {said}" for name, said in sandbox.examine().items() if said.startswith("missing")]
    if settings.security.sandbox == "off":
        yield "Workers are in no sandbox: set FOVEOLA_SANDBOX=on"
    elif missing:
        yield f"The sandbox of workers lacks layers ({'; '.join(missing)}): FOVEOLA_SANDBOX=require refuses that"


def _of_descriptors(settings: Settings) -> Iterator[str]:
    most, workers = settings.server.max_clients, settings.crew
    room = descriptors.clients(most, workers)
    if most and room < most:
        yield (
            f"Only {room} connections are let in at a time for want of descriptors: allow "
            f"{descriptors.needed(most, workers)} (ulimit -n, LimitNOFILE=), or set IMGPROXY_MAX_CLIENTS={room}"
        )


def _web(text: str) -> bool:
    """Return whether what begins with a text, in which `*` is anything but a slash, may be a web address."""
    literal = text.partition("*")[0].lower()
    return any(word.startswith(literal) or literal.startswith(word) for word in _WEB)
