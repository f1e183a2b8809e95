"""What the server counts, under imgproxy's names, for Prometheus to fetch from a listener of its own.

Dashboards and alarms that were made for imgproxy go on working; what is new is about autoquality: how many encodes a
search took, how far it came, and how often it missed. The one front process counts everything, so that nothing has to
be gathered from several. Source: https://docs.imgproxy.net/monitoring/prometheus
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from foveola.errors import ConfigError, expected
from foveola.server.headers import ALWAYS

PROCESSING = "processing_image"
"""The span in which a picture is in progress."""
LANES = ("light", "heavy", "large")
"""What jobs wait in, see `foveola.server.lanes`."""
ENCODES = (0, 1, 2, 3, 4, 5, 6, 8, 10)
DSSIMS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.018, 0.02, 0.022, 0.025, 0.03, 0.04, 0.06, 0.1, 0.25)
PATIENCE = 5.0
"""Seconds that a scrape under way has left when the server stops."""


class Monitoring(Protocol):
    """The settings of monitoring: `settings.monitoring`."""

    @property
    def prometheus_bind(self) -> str:
        """Where to listen, `host:port`; nowhere when empty."""
        ...

    @property
    def prometheus_namespace(self) -> str:
        """What stands before every name, without the `_` after it."""
        ...


class Waiting(Protocol):
    """What is told of jobs that wait: `foveola.server.lanes.Lanes`."""

    @property
    def granted(self) -> int:
        """Bytes of memory that large jobs under way were granted beyond the share of each."""
        ...

    def waiting(self, lane: str) -> int:
        """Return how many jobs wait in a lane."""
        ...


class Searched(Protocol):
    """What is told of a search: a part of `foveola.server.jobs.Facts`."""

    @property
    def format(self) -> str:
        """The name of the result's format."""
        ...

    @property
    def method(self) -> str:
        """What was asked of the search; `none` where nothing was."""
        ...

    @property
    def dssim(self) -> float | None:
        """What was measured."""
        ...

    @property
    def encodes(self) -> int:
        """Calls of the encoder."""
        ...

    @property
    def met(self) -> bool | None:
        """Whether the target was met."""
        ...


class Metrics:
    """All counts of one server.

    Args:
        monitoring: the settings.
        workers: how many work on pictures.

    Attributes:
        registry: what is counted, for whoever serves it in another way.
        in_progress: how many requests are being served.
        workers: how many work on pictures; a reload may change it.
        lanes: where jobs wait.
    """

    lanes: Waiting | None = None

    def __init__(self, monitoring: Monitoring, workers: int) -> None:
        self.registry = CollectorRegistry()
        self.in_progress = self._images = 0
        self.workers = workers
        self._bind = monitoring.prometheus_bind
        self._namespace = monitoring.prometheus_namespace
        self._memory: dict[Hashable, tuple[float, float, float]] = {}
        self._runner: web.ServerRunner | None = None
        GCCollector(self.registry)
        ProcessCollector(registry=self.registry)
        self._requests = self._counter("requests_total", "Requests that were served.")
        self._statuses = self._counter("status_codes_total", "Answers by status.", "status")
        self._errors = self._counter("errors_total", "Errors by type.", "type")
        self._duration = self._histogram("request_duration_seconds", "How long requests took.")
        self._spans = self._histogram("request_span_duration_seconds", "How long their parts took.", "span")
        self._encodes = self._histogram("autoquality_encodes", "Encodes of a search.", "format", buckets=ENCODES)
        self._dssim = self._histogram("autoquality_dssim", "DSSIM that a search has found.", "format", buckets=DSSIMS)
        self._missed = self._counter("autoquality_missed_total", "Searches that missed their target.", "format")
        self._gauges()

    def _counter(self, name: str, doc: str, *labels: str) -> Counter:
        return Counter(name, doc, labels, self._namespace, registry=self.registry)

    def _histogram(
        self, name: str, doc: str, *labels: str, buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS
    ) -> Histogram:
        return Histogram(name, doc, labels, self._namespace, registry=self.registry, buckets=buckets)

    def _gauges(self) -> None:
        """Make what is looked up when someone asks."""
        sums = "of all workers, each after its last picture."
        rows: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("workers", "Pictures that are worked on at a time.", lambda: self.workers),
            ("requests_in_progress", "Requests that are being served.", lambda: self.in_progress),
            ("images_in_progress", "Pictures that are being worked on.", lambda: self._images),
            ("workers_utilization", "Requests for each 100 workers.", lambda: 100 * self.in_progress / self.workers),
            ("memory_granted_bytes", "Bytes that large pictures were granted.", self._granted),
            ("vips_memory_bytes", f"Bytes that libvips holds, {sums}", lambda: self._sum(0)),
            ("vips_max_memory_bytes", f"The most bytes that libvips has held, {sums}", lambda: self._sum(1)),
            ("vips_allocs", f"Allocations that libvips holds, {sums}", lambda: self._sum(2)),
        )
        for name, doc, read in rows:
            Gauge(name, doc, (), self._namespace, registry=self.registry).set_function(read)
        waiting = Gauge(
            "jobs_waiting", "Pictures that wait for a worker.", ("lane",), self._namespace, registry=self.registry
        )
        for lane in LANES:
            waiting.labels(lane).set_function(partial(self._waiting, lane))

    def _granted(self) -> int:
        return self.lanes.granted if self.lanes is not None else 0

    def _waiting(self, lane: str) -> int:
        return self.lanes.waiting(lane) if self.lanes is not None else 0

    def _sum(self, what: int) -> float:
        return sum(told[what] for told in self._memory.values())

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request, and measure how long the `with` block takes."""
        self._requests.inc()
        self.in_progress += 1
        began = time.perf_counter()
        try:
            yield
        finally:
            self.in_progress -= 1
            self._duration.observe(time.perf_counter() - began)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Measure how long a part of a request takes: the `with` block.

        Args:
            name: `queue`, `downloading_source_image`, `processing_image`, `streaming_image`, ….
        """
        working = name == PROCESSING
        self._images += working
        began = time.perf_counter()
        try:
            yield
        finally:
            self._images -= working
            self._spans.labels(name).observe(time.perf_counter() - began)

    def status(self, code: int) -> None:
        """Count an answer."""
        self._statuses.labels(str(code)).inc()

    def error(self, kind: str) -> None:
        """Count an error.

        Args:
            kind: `timeout`, `image_data_size`, `path_parsing`, `security`, `queue`, `download`, `processing`, `IO`,
                `streaming` or `unexpected`.
        """
        self._errors.labels(kind).inc()

    def autoquality(self, facts: Searched) -> None:
        """Count a search, if there was one."""
        if facts.method == "none":
            return
        self._encodes.labels(facts.format).observe(facts.encodes)
        if facts.dssim is not None:
            self._dssim.labels(facts.format).observe(facts.dssim)
        if facts.met is False:
            self._missed.labels(facts.format).inc()

    def vips(self, worker: Hashable, memory: float, most: float, allocations: float) -> None:
        """Take in what a worker says of libvips' memory after a picture.

        Args:
            worker: who says so.
            memory: bytes that libvips holds.
            most: the most bytes that it has held.
            allocations: how many pieces it holds.
        """
        self._memory[worker] = memory, most, allocations

    def gone(self, worker: Hashable) -> None:
        """Leave a worker that has ended out of the sums."""
        self._memory.pop(worker, None)

    async def start(self) -> None:
        """Listen, where the settings say so.

        Raises:
            ConfigError: that is no address, or it is taken.
        """
        if not self._bind:
            return
        host, port = address(self._bind)
        runner = web.ServerRunner(web.Server(self._scraped, access_log=None), shutdown_timeout=PATIENCE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(f"{expected('an address', 'IMGPROXY_PROMETHEUS_BIND', self._bind)}: {error}") from error
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where is listened: hosts and ports."""
        return [(name[0], name[1]) for name in (self._runner.addresses if self._runner else [])]

    async def _scraped(self, request: web.BaseRequest) -> web.Response:
        """Answer any path with all that is counted."""
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.registry), headers={"Content-Type": kind, **dict(ALWAYS)})


def address(bind: str) -> tuple[str | None, int]:
    """Return the host and the port of `host:port`; the host of `:port` is None, for all of them.

    Raises:
        ConfigError: that is no address.
    """
    host, colon, port = bind.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and int(port) < 1 << 16):
        raise ConfigError(expected("host:port", "IMGPROXY_PROMETHEUS_BIND", bind))
    return host.removeprefix("[").removesuffix("]") or None, int(port)
