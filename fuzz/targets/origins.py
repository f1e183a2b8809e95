"""What the server of a source says, and what is said of it then: only headers that may be sent, and a name that is one.

A line for the URL, a line for the name of the file, then the headers of the source.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from email.message import Message
from urllib.parse import unquote

from foveola.config import examine
from foveola.errors import ImageError, SourceError
from foveola.server import answers, development, headers
from foveola.server.answers import Sent, Speaker, Told
from foveola.server.jobs import Facts
from foveola.sources import _about_file, _check_status
from foveola.sources.base import Ask, Body, Opened

TOKENS = (
    *(b"\ncache-control: ", b"\nexpires: ", b"\nlast-modified: ", b"\netag: ", b"\ncontent-type: ", b"\nage: "),
    *(b"\ncontent-range: bytes 0-9/10", b"\ncontent-disposition: ", b"\ncontent-security-policy: ", b"\nx-one: "),
    *(b"text/html", b"image/png", b"max-age=", b"Sat, 01 Feb 2025 10:00:00 GMT", b"-0000", b"9" * 30, b"\xe2\x80\xae"),
    *(b"\r", b"\0", b'"', b"\\", b"%22", b"%0d%0a", b"/", b";", b"''", b"\xc3\xa9", b"\xed\xa0\x80", b".", b">"),
)
_PLAIN = {"IMGPROXY_ENABLE_DEBUG_HEADERS": "true", "IMGPROXY_CACHE_CONTROL_PASSTHROUGH": "true"}
_MORE = {
    "IMGPROXY_RESPONSE_HEADERS_PASSTHROUGH": "X-One,Content-Type,Content-Security-Policy,X-Content-Type-Options",
    "IMGPROXY_ETAG_BUSTER": "b",
    "IMGPROXY_LAST_MODIFIED_BUSTER": "2025-01-01T00:00:00Z",
    "IMGPROXY_SET_CANONICAL_HEADER": "true",
    "IMGPROXY_DEVELOPMENT_ERRORS_MODE": "true",
    "IMGPROXY_TTL": "0",
}
SPEAKERS = [Speaker(examine(environ).settings, lambda: 1.7e9) for environ in (_PLAIN, _PLAIN | _MORE)]
STATUSES = (200, 206, 304, 503)
FACTS = Facts("webp", (1, 1), (1, 1), 9, "dssim", 80, 0.01, 3, True, "met")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_ALWAYS = {b"content-security-policy": headers.POLICY.encode(), b"x-content-type-options": b"nosniff"}


def seeds() -> list[bytes]:
    return [
        b'http://e.com/a/cat.png?b=c.d\ncat "1"\ncache-control: max-age=5\netag: "a"',
        b"http://e.com/a/cat\n\nlast-modified: Sat, 01 Feb 2025 10:00:00 GMT",
        "local:///ä/ö.tiff\nkätzchen\ncontent-type: image/png; a=b\nexpires: Sat, 01 Feb 2125 10:00:00 GMT".encode(),
        b"s3://b/k\n\nx-one: 1\ncontent-range: bytes 0-9/10\ncontent-type: text/html\nx-content-type-options: none",
    ]


def target(data: bytes) -> None:
    source, name, *lines = [*data.decode("utf-8", "surrogateescape").split("\n"), ""]
    pairs = [line.partition(":")[::2] for line in lines[:50]]
    told = {
        name.strip().lower(): value.strip().encode("utf-8", "surrogateescape").decode("latin-1")
        for name, value in pairs
    }
    status = STATUSES[len(data) % len(STATUSES)]
    opened = Opened(status, told, 10, _nothing, lambda: None)
    with suppress(SourceError):
        _check_status(source, opened, Ask((("if-none-match", "a"),)))
        assert "content-range" not in _about_file(told)
    for speaker in SPEAKERS:
        _check(speaker, opened, Sent(source, 2**33 * (len(data) % 3), name))
    _check_name(source, name)


def _check(speaker: Speaker, opened: Opened, sent: Sent) -> None:
    known = Told(opened.status, opened.headers, 10, None if opened.status == 304 else FACTS)
    with Body() as body:
        picture = speaker.picture(known, body, sent)
        found = dict(_sent(speaker, picture))
        assert opened.status == 304 or found[b"content-type"] == b"image/webp", found
        _sent(speaker, speaker.info(known, body, sent))
    _sent(speaker, speaker.raw(opened, _nothing, sent))
    refused = speaker.refusal(ImageError(sent.source + sent.filename), "text/html")
    _sent(speaker, refused)
    assert isinstance(refused.body, bytes)
    assert refused.body.count(b"<") in (0, development.PAGE.count("<")), refused.body


def _sent(speaker: Speaker, answer: answers.Answer) -> list[tuple[bytes, bytes]]:
    """Return what goes over the wire, after a look at it."""
    found = answers.merged(answer.headers, speaker.common("identity"))
    for name, value in found:
        assert _NAME.fullmatch(name), name
        assert not set(value) & {*range(9), *range(10, 32), 127}, value
    assert _ALWAYS.items() <= dict(found).items(), found
    assert len({name for name, _ in found}) == len(found)
    return found


def _check_name(source: str, name: str) -> None:
    """Check that Python's own reader of mail finds one name of a file in it, which leads nowhere else."""
    value = headers.disposition(source, ".webp", name)
    read = Message()
    read["content-disposition"] = value
    found = read.get_params(header="content-disposition") or []
    assert [key for key, _ in found if key not in ("filename", "filename*")] == ["inline"], value
    written = value.partition("filename*=UTF-8''")[2]
    for file in (read.get_filename() or "", unquote(written)):
        assert not set(file) & set('/\\\0\r\n"\u202e'), value
    assert not written or unquote(written).endswith(".webp"), value


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""  # makes it a generator
