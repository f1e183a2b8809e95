"""How one picture comes to be: fetched, perhaps replaced by the fallback image, handed to a worker with its watermark.

The fallback image stands in for what could not be fetched or is no picture at all; what goes wrong later (a picture
over a limit, a broken one, the end of the time) is an error, as in imgproxy.
Source: https://docs.imgproxy.net/configuration/options#fallback-image
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from dataclasses import dataclass, replace
from typing import Protocol

from foveola import pipeline
from foveola.config import Settings
from foveola.errors import DeadlineError, FoveolaError, ImageError, SourceError, UrlError
from foveola.options import ProcessingOptions
from foveola.server.admission import Admission
from foveola.server.answers import Told
from foveola.server.assets import Assets, Fetcher, Place
from foveola.server.jobs import Facts, Job
from foveola.server.memory import Memory
from foveola.server.metrics import Metrics
from foveola.server.wishes import Wish
from foveola.sources.base import Body, Fetched
from foveola.sources.masks import concealing
from foveola.urls import InfoUrl

_log = logging.getLogger("foveola.server")
SOFT = 0.9
"""The share of a request's time after which a search has to take the best it has; the rest is for the last encode."""

_NOTHING = ProcessingOptions()


class Workers(Protocol):
    """Who makes pictures: `foveola.server.workers.Pool`."""

    async def work(self, job: Job, source: Body, result: Body, watermark: Body | None = None) -> Facts:
        """Have a picture made."""
        ...

    async def tell(self, job: Job, source: Body, result: Body) -> None:
        """Have a text about a picture written."""
        ...


@dataclass(frozen=True)
class Made:
    """A finished file, and what is known of it."""

    told: Told
    result: Body

    def close(self) -> None:
        """Give the memory of the file back."""
        self.result.close()


class Maker:
    """Makes what requests wish for.

    Args:
        settings: what the environment says.
        sources: fetches sources.
        assets: has watermarks and fallback images.
        workers: work on pictures.
        memory: knows what was found before.
        admission: knows how many requests are inside.
        metrics: counts.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Fetcher,
        assets: Assets,
        workers: Workers,
        memory: Memory,
        admission: Admission,
        metrics: Metrics,
    ) -> None:
        images = settings.images
        self._images = images
        self._timeout = settings.server.timeout
        self._defaults = settings.defaults
        self._watermark = Place(images.watermark_data, images.watermark_path, images.watermark_url)
        self._fallback = Place(images.fallback_image_data, images.fallback_image_path, images.fallback_image_url)
        self._sources, self._assets, self._workers = sources, assets, workers
        self._memory, self._admission, self._metrics = memory, admission, metrics

    async def make(self, wish: Wish) -> Made:
        """Return the picture, or what is asked about it, or that the client has that already.

        Raises:
            DeadlineError: it is not done in time.
            FoveolaError: the source or the picture is not as it has to be.
        """
        until = time.monotonic() + SOFT * self._timeout
        result = Body()
        try:
            async with asyncio.timeout(self._timeout):
                job = Job(0, _NOTHING, wish.accepted, until, workers=self._admission.spare)
                told = await self._done(wish, job, result)
        except BaseException as error:
            result.close()
            if isinstance(error, TimeoutError):
                raise DeadlineError(f"Not done within {self._timeout} seconds") from None
            raise
        if told.facts is not None:
            self._metrics.autoquality(told.facts)
        return Made(told, result)

    async def _done(self, wish: Wish, job: Job, result: Body) -> Told:
        if isinstance(wish.url, InfoUrl):
            return await self._informed(wish, replace(job, kind="info", info=wish.url.options), result)
        options = wish.url.options
        return await self._made(wish, replace(job, options=options), result, await self._marked(options))

    async def _informed(self, wish: Wish, job: Job, result: Body) -> Told:
        fetched = await self._fetched(wish)
        with fetched.body as source:
            if fetched.status != 304:
                await self._workers.tell(replace(job, size=source.size), source, result)
            return Told(fetched.status, fetched.headers, source.size)

    async def _made(self, wish: Wish, job: Job, result: Body, watermark: Body | None) -> Told:
        try:
            fetched = await self._fetched(wish)
            with fetched.body as source:
                if fetched.status == 304:
                    return Told(304, fetched.headers)
                facts = await self._worked(job, source, result, watermark)
                return Told(200, fetched.headers, source.size, facts)
        except (SourceError, ImageError) as error:  # what a worker says is neither, but for an UnknownTypeError
            instead = await self._instead(job.options.fallback_image_url, error)
            if instead is None:
                raise
            status = self._images.fallback_image_http_code or error.status
        facts = await self._worked(job, instead, result, watermark)
        return Told(status, {}, instead.size, facts, self._images.fallback_image_ttl)

    async def _fetched(self, wish: Wish) -> Fetched:
        with self._metrics.span("downloading_source_image"), concealing(wish.hidden):
            fetched = await self._sources.fetch(wish.url.source, wish.ask)
        if fetched.status != 304:
            try:
                await _check_digest(fetched.body, *wish.url.options.hashsum)
            except BaseException:
                fetched.body.close()
                raise
        return fetched

    async def _marked(self, options: ProcessingOptions) -> Body | None:
        """Return the watermark, None where none is laid on."""
        urls = {stage.watermark_url for stage in (options, *options.chained) if stage.watermark.opacity > 0}
        if len(urls) > 1:
            raise UrlError("Chained pipelines can't have different watermarks")
        if not urls:
            return None
        with self._metrics.span("downloading_watermark_image"):
            return await self._assets.find(urls.pop(), self._watermark)

    async def _instead(self, url: str, why: FoveolaError) -> Body | None:
        """Return the fallback image, None where there is none to be had."""
        try:
            with self._metrics.span("downloading_fallback_image"):
                found = await self._assets.find(url, self._fallback)
        except FoveolaError as error:
            _log.warning("The fallback image can't be had: %s", error)
            return None
        if found is not None:
            self._metrics.error("download")
            _log.warning("Serving the fallback image: %s", why)
        return found

    async def _worked(self, job: Job, source: Body, result: Body, watermark: Body | None) -> Facts:
        """Have a job done, with what is remembered of its source, and remember what was found."""
        said = _without_addresses(job.options)
        job = replace(job, options=said, size=source.size, watermark=watermark.size if watermark else 0)
        searched = pipeline.may_search(job.options, self._defaults)
        known = await self._memory.recall(source, watermark) if searched else None
        if known is None:
            return await self._workers.work(job, source, result, watermark)
        job = replace(job, decisions=known.decisions, check=known.check)
        facts = await self._workers.work(job, source, result, watermark)
        self._memory.learn(known, facts)
        return facts


def _without_addresses(options: ProcessingOptions) -> ProcessingOptions:
    """Return options without what a worker has no use for: addresses may be keys."""
    stages = tuple(replace(stage, watermark_url="") for stage in options.chained)
    return replace(options, watermark_url="", fallback_image_url="", chained=stages)


async def _check_digest(source: Body, kind: str, wanted: str) -> None:
    """Refuse a source that is not the one that its URL was made for; an empty kind is any source.

    Source: https://docs.imgproxy.net/usage/processing#hashsum
    """
    if kind:
        got = await asyncio.to_thread(source.digest, kind)
        if not hmac.compare_digest(got, wanted):
            raise ImageError(f"Expected a source of {kind} {wanted}, got {got}", public="Invalid source image")
