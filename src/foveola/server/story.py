"""The way of one request for a picture: read, allowed, let in, made, answered.

The order is imgproxy's (secret, signature, options, source), so that nothing is done for a URL that nobody signed. No
worker is held while a source is fetched, and who asks for the same as another waits for the same answer.
Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import lru_cache
from typing import Any

from foveola import errors, options, pipeline, urls
from foveola.config import Settings
from foveola.errors import FoveolaError, SignatureError
from foveola.options import ProcessingOptions
from foveola.server import raw
from foveola.server.admission import Admission
from foveola.server.answers import Answer, Sent, Speaker
from foveola.server.flights import Flights
from foveola.server.hints import hinted
from foveola.server.jobs import Facts
from foveola.server.making import Made, Maker
from foveola.server.metrics import Metrics
from foveola.server.request import Request
from foveola.server.wishes import Reader, Wish
from foveola.sources import Sources, shortage
from foveola.sources.base import masked
from foveola.urls import ImageUrl, InfoUrl

_log = logging.getLogger("foveola.server")
SHORT = 1024
"""Characters of a path whose options are kept as the log says them: a thousand of those are little memory."""
HIDDEN = "enc/…"
"""What the log says of a source that came encrypted."""
_KINDS: tuple[tuple[type[FoveolaError], str], ...] = (
    (errors.DeadlineError, "timeout"),
    (errors.OverloadedError, "queue"),
    (errors.SignatureError, "security"),
    (errors.UrlError, "path_parsing"),
    (errors.SourceError, "download"),
    (errors.ImageError, "image_data_size"),
)
"""What errors are counted as."""


class Story:
    """Answers requests for pictures.

    Args:
        settings: what the environment says.
        maker: makes them.
        sources: passes sources on as they are.
        admission: lets requests in.
        metrics: counts.
        now: seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        maker: Maker,
        sources: Sources,
        admission: Admission,
        metrics: Metrics,
        speaker: Speaker,
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._keys, self._grammar, self._defaults = settings.keys, settings.grammar, settings.defaults
        self._reader = Reader(settings)
        self._maker, self._sources, self._admission = maker, sources, admission
        self._metrics, self._speaker, self._now = metrics, speaker, now
        self._flights: Flights[Made] = Flights()

    async def answer(self, request: Request, path: str, fields: dict[str, Any], stack: AsyncExitStack) -> Answer:
        """Return the picture, or the sentence that says why there is none.

        Args:
            request: what came in.
            path: its path, without what stands before every path.
            fields: what the log says of it; filled in as it becomes known.
            stack: lets go of what the answer holds, after it was sent.
        """
        expires = 0
        try:
            self._check_secret(request.headers.get("authorization", ""))
            url = self._url(path, request.headers)
            expires = url.options.expires
            fields["image_url"] = HIDDEN if url.hidden else masked(url.source)
            wish = self._reader.wish(url, request.headers)
            if isinstance(url, InfoUrl):
                made = await self._made(wish, stack)
                return self._speaker.info(
                    made.told, made.result, Sent(url.source, expires, hidden=url.hidden, private=wish.private)
                )
            fields["processing_options"] = told(url.options, len(path))
            return await self._pictured(url, wish, fields, stack)
        except FoveolaError as error:
            return self._refused(error, request, expires)
        except Exception as error:
            _log.exception("Unforeseen error at %s", request.shown)
            unforeseen = FoveolaError(f"{type(error).__name__}: {error}")
            unforeseen.__cause__ = error
            return self._refused(unforeseen, request, expires)

    def _check_secret(self, authorization: str) -> None:
        wanted = self._settings.security.secret
        if wanted and not hmac.compare_digest(authorization.encode(), f"Bearer {wanted}".encode()):
            raise SignatureError("Invalid secret")

    def _url(self, path: str, headers: Mapping[str, str]) -> ImageUrl | InfoUrl:
        if path.startswith(f"{urls.INFO}/"):
            signature, signed = urls.split(path, urls.INFO)
            urls.verify(signature, signed, self._keys)
            return urls.parse_info(signed, self._grammar, now=self._now())
        signature, signed = urls.split(path)
        urls.verify(signature, signed, self._keys)
        start = hinted(headers) if self._settings.formats.enable_client_hints else ProcessingOptions()
        return urls.parse(signed, self._grammar, now=self._now(), start=start)

    async def _pictured(self, url: ImageUrl, wish: Wish, fields: dict[str, Any], stack: AsyncExitStack) -> Answer:
        """Return the picture that a URL asks for, or its source as it is."""
        said = url.options
        sent = Sent(url.source, said.expires, said.filename, said.return_attachment, url.hidden, wish.private)
        if said.raw:
            stack.enter_context(self._admission.enter())
            limit = said.max_src_file_size
            most = self._settings.security.max_src_file_size if limit is None else limit
            return await raw.passed_on(self._sources, wish.ask, most, self._speaker, sent, stack)
        pipeline.check(said, self._defaults)
        made = await self._made(wish, stack)
        if made.told.facts is not None:
            fields["autoquality"] = _record(made.told.facts)
        return self._speaker.picture(made.told, made.result, sent)

    async def _made(self, wish: Wish, stack: AsyncExitStack) -> Made:
        """Return what is made of a wish; who wishes for the same at the same time gets the same."""
        with self._admission.enter(), shortage.told():
            return await stack.enter_context(self._flights.join(wish, lambda: self._maker.make(wish)))

    def _refused(self, error: FoveolaError, request: Request, expires: int) -> Answer:
        said_by_worker = "processing" if error.status < 500 else "unexpected"
        self._metrics.error(next((word for kind, word in _KINDS if isinstance(error, kind)), said_by_worker))
        return self._speaker.refusal(error, request.headers.get("accept", ""), expires)


def told(said: ProcessingOptions, length: int) -> str:
    """Return options as the log says them: as a URL does, without secrets.

    Many requests ask for the same of different pictures, so those of ordinary URLs are kept.

    Args:
        said: what a URL asks for.
        length: characters of its path.
    """
    return _written(said) if said.chained or length > SHORT else _kept(said)


def _written(said: ProcessingOptions) -> str:
    stages = tuple(map(_without_secrets, said.chained))
    return "/".join(":".join(texts) for texts in options.write(_without_secrets(replace(said, chained=stages))))


_kept = lru_cache(1024)(_written)


def _without_secrets(said: ProcessingOptions) -> ProcessingOptions:
    watermark, fallback = masked(said.watermark_url), masked(said.fallback_image_url)
    return replace(said, watermark_url=watermark, fallback_image_url=fallback)


def _record(facts: Facts) -> dict[str, object]:
    """Return what the log says of a picture, and of the search for its quality if there was one."""
    words = ("method", "quality", "dssim", "bytes", "encodes", "met", "why")
    return {word: getattr(facts, word) for word in words if getattr(facts, word) is not None}
