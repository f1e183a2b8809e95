"""What is sent back: statuses, headers and bodies, in imgproxy's words.

Every answer carries the same policy for browsers, because whoever opens it as a page must not run what a stranger has
put into it; an error says one sentence that any stranger may read. Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from foveola.config import Settings
from foveola.errors import FoveolaError
from foveola.picture import FORMATS
from foveola.server import development, headers
from foveola.server.headers import Pairs
from foveola.server.jobs import Facts
from foveola.sources.base import Body, Opened, masked

CHUNK = 1 << 20
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>foveola</title>
<style>body{font:1rem/1.5 system-ui;margin:4rem auto;max-width:40rem;padding:0 1rem}</style>
<h1>foveola</h1><p>This server chooses the quality at which a picture is as good as it was asked to be.</p></html>
"""
_COPIED = ("content-type", "content-encoding", "content-range", "accept-ranges", "last-modified", "etag")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Args:
        status: the HTTP status.
        headers: names and values, besides those that every answer has.
        body: the bytes, the memory that they are in, or what yields them as they come.
        size: bytes of a body that comes; None where nobody knows.
        error: what went wrong.
    """

    status: int
    headers: Pairs = ()
    body: bytes | Body | Callable[[], AsyncIterator[bytes]] = b""
    size: int | None = None
    error: FoveolaError | None = None

    @property
    def length(self) -> int | None:
        """Bytes of the body; None where nobody knows, or where there is none to have a length."""
        if self.status == 304:
            return None
        if isinstance(self.body, bytes):
            return len(self.body)
        return self.body.size if isinstance(self.body, Body) else self.size

    async def parts(self) -> AsyncGenerator[bytes]:
        """Yield the body."""
        if isinstance(self.body, bytes):
            yield self.body
        elif isinstance(self.body, Body):
            done = 0
            while part := os.pread(self.body.fd, min(CHUNK, self.body.size - done), done):
                yield part
                done += len(part)
        else:
            async for part in self.body():
                yield part


@dataclass(frozen=True)
class Sent:
    """How a file is sent, by the URL that asked for it.

    Args:
        source: the URL of the source.
        expires: seconds since 1970 after which the URL is none; 0 for never.
        filename: its name without extension; that of the source when empty.
        attachment: whether browsers are told to save it; as the settings say when None.
        hidden: whether nobody is told where it comes from.
        private: whether it may be for this client only.
    """

    source: str
    expires: int = 0
    filename: str = ""
    attachment: bool | None = None
    hidden: bool = False
    private: bool = False

    @property
    def named(self) -> str:
        """The source as a name is made of it: nothing where it is hidden, no query where its URL has a secret."""
        safe = masked(self.source)
        return "" if self.hidden else self.source if safe == self.source else safe.partition("?")[0]

    @property
    def linked(self) -> str:
        """The source as it may be linked to: not at all where that would tell a secret."""
        return self.source if self.named == self.source else ""


@dataclass(frozen=True)
class Told:
    """What is known of a file besides its bytes.

    Args:
        status: of the answer.
        source: headers of its source, names in lower case.
        origin_bytes: the size of the source.
        facts: what the worker says of a picture.
        longest: seconds that it may be cached at most; 0 where nothing is said.
    """

    status: int = 200
    source: Mapping[str, str] = field(default_factory=dict)
    origin_bytes: int = 0
    facts: Facts | None = None
    longest: int = 0


class Speaker:
    """Makes answers as the settings say.

    Args:
        settings: what the environment says.
        now: seconds since 1970.
    """

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._server = settings.server
        self._now = now
        cookies = ("Cookie",) if settings.security.cookie_passthrough else ()
        self._passed = (*settings.server.request_headers_passthrough, *cookies)

    def common(self, identity: str) -> Pairs:
        """Return the headers of every answer.

        Args:
            identity: the name of the request.
        """
        named = (("X-Request-ID", identity), ("Server", self._server.server_name or "foveola"))
        return (*headers.ALWAYS, *named, *headers.cross_origin(self._settings.security.allow_origin))

    def health(self, *, working: bool) -> Answer:
        """Return the answer of the health check."""
        status, words = (200, self._server.health_check_message or "foveola is running") if working else (500, "Error")
        return text(status, words, ("Cache-Control", "no-cache"))

    def refusal(self, error: FoveolaError, accept: str, expires: int = 0) -> Answer:
        """Return the answer to a request that failed.

        Args:
            error: why.
            accept: the `Accept` of the request.
            expires: of its URL, as in `Sent`.
        """
        open = self._settings.security.development_errors_mode
        kind, words = development.told(error, accept) if open else ("text/plain", error.public)
        said = [("Content-Type", kind), ("Cache-Control", self._age(error.status, {}, expires, 0))]
        said += [("Retry-After", "1")] if error.status == 429 else []
        return Answer(error.status, _given(said), words.encode("utf-8", "backslashreplace"), error=error)

    def picture(self, told: Told, result: Body, sent: Sent) -> Answer:
        """Return the answer that carries a picture, or says that the client has it already.

        Args:
            told: what is known of it.
            result: its bytes.
            sent: how it is sent.
        """
        said = self._about(told, sent, accept=self._settings.varies, hints=self._settings.formats.enable_client_hints)
        if told.facts is None:
            return Answer(told.status, said)
        format = FORMATS[told.facts.format]
        own = (("Content-Type", format.mime), ("Content-Disposition", self._disposition(sent, format.extension)))
        debug = _debug(told.facts, told.origin_bytes) if self._server.enable_debug_headers else ()
        return Answer(told.status, (*said, *own, *debug), result)

    def info(self, told: Told, result: Body, sent: Sent) -> Answer:
        """Return the answer that tells of a picture in JSON."""
        said = self._about(told, sent, accept=False, hints=False)
        return Answer(
            told.status, said if told.status == 304 else (*said, ("Content-Type", "application/json")), result
        )

    def raw(self, opened: Opened, parts: Callable[[], AsyncIterator[bytes]], sent: Sent) -> Answer:
        """Return the answer that passes on what a source answers.

        Args:
            opened: the source's answer.
            parts: its body.
            sent: how it is sent.
        """
        copied = [(name.title(), opened.headers.get(name, "")) for name in _COPIED]
        name = sent.named.rpartition("/")[2]
        extension = name[name.rindex(".") :] if "." in name else _extension(opened.headers.get("content-type", ""))
        said = [
            *headers.passed_on(opened.headers, self._server.response_headers_passthrough),
            *copied,
            ("Content-Disposition", self._disposition(sent, extension)),
            ("Cache-Control", self._age(opened.status, opened.headers, sent.expires, 0, private=sent.private)),
            ("Vary", headers.vary("Accept-Encoding", *self._passed)),
            ("Link", headers.canonical(sent.linked) if self._server.set_canonical_header else ""),
        ]
        return Answer(opened.status, _given(said), parts, opened.size)

    def _about(self, told: Told, sent: Sent, *, accept: bool, hints: bool) -> Pairs:
        """Return what is said of a file whether it is sent or not."""
        server = self._server
        tag = headers.etag(told.source.get("etag", ""), server.etag_buster) if server.use_etag else ""
        changed = told.source.get("last-modified", "") if server.use_last_modified else ""
        said = [
            *headers.passed_on(told.source, server.response_headers_passthrough),
            ("Cache-Control", self._age(told.status, told.source, sent.expires, told.longest, private=sent.private)),
            ("ETag", tag),
            ("Last-Modified", headers.last_modified(changed, server.last_modified_buster)),
            ("Vary", headers.vary(*self._passed, accept=accept, hints=hints)),
            ("Link", headers.canonical(sent.linked) if server.set_canonical_header else ""),
        ]
        return _given(said)

    def _age(self, status: int, source: Mapping[str, str], expires: int, longest: int, *, private: bool = False) -> str:
        ttl, passed, now = self._server.ttl, self._server.cache_control_passthrough, self._now()
        explicit = headers.explicit_age(ttl, expires, now, longest)
        return headers.cache_control(status, ttl, source, explicit=explicit, passed=passed, now=now, private=private)

    def _disposition(self, sent: Sent, extension: str) -> str:
        attachment = self._settings.looks.return_attachment if sent.attachment is None else sent.attachment
        return headers.disposition(sent.named, extension, sent.filename, attachment=attachment)


def text(status: int, body: str, *said: tuple[str, str]) -> Answer:
    """Return an answer in plain text."""
    return Answer(status, (("Content-Type", "text/plain"), *said), body.encode())


def landing() -> Answer:
    """Return the page at the root."""
    return Answer(200, (("Content-Type", "text/html"),), PAGE.encode())


def merged(*groups: Pairs) -> list[tuple[bytes, bytes]]:
    """Return headers for the wire; of those of one name the last counts.

    Args:
        groups: names and values, the weakest first.
    """
    found = {name.lower(): value for group in groups for name, value in group if headers.sendable(value)}
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in found.items()]


def _given(said: list[tuple[str, str]]) -> Pairs:
    return tuple((name, value) for name, value in said if value)


def _extension(mime: str) -> str:
    kind = mime.partition(";")[0].strip()
    return next((f.extension for f in FORMATS.values() if f.mime == kind), "")


def _debug(facts: Facts, origin_bytes: int) -> Pairs:
    """Return the headers that are sent when `IMGPROXY_ENABLE_DEBUG_HEADERS` is on."""
    said = [
        ("X-Origin-Content-Length", str(origin_bytes)),
        ("X-Origin-Width", str(facts.origin[0])),
        ("X-Origin-Height", str(facts.origin[1])),
        ("X-Result-Width", str(facts.size[0])),
        ("X-Result-Height", str(facts.size[1])),
        ("X-Autoquality", facts.autoquality if facts.method != "none" else ""),
    ]
    return _given(said)
