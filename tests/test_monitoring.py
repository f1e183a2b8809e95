"""Prometheus fetches imgproxy's names with imgproxy's types, and what autoquality did."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from foveola.errors import ConfigError
from foveola.server.metrics import Metrics, address

OTHERS = ("process", "python_")


@dataclass(frozen=True)
class Asked:
    prometheus_bind: str = ""
    prometheus_namespace: str = ""


@dataclass(frozen=True)
class Searched:
    format: str = "webp"
    method: str = "dssim"
    dssim: float | None = 0.0204
    encodes: int = 2
    met: bool | None = True


@asynccontextmanager
async def listening(metrics: Metrics) -> AsyncIterator[int]:
    await metrics.start()
    try:
        yield metrics.addresses[0][1]
    finally:
        await metrics.stop()


def ask(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    try:
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        return answer.status, answer.getheader("Content-Type") or "", answer.read().decode()
    finally:
        connection.close()


def scraped(metrics: Metrics, path: str = "/metrics") -> dict[str, float]:
    """Return the samples that a scrape gives, by name and labels."""

    async def scrape() -> str:
        async with listening(metrics) as port:
            return (await asyncio.to_thread(ask, port, path))[2]

    families = text_string_to_metric_families(asyncio.run(scrape()))
    return {
        sample.name + "".join(f"{{{n}={v}}}" for n, v in sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_names_and_types_are_imgproxys() -> None:
    async def scrape() -> str:
        async with listening(Metrics(Asked("127.0.0.1:0"), 2)) as port:
            return (await asyncio.to_thread(ask, port))[2]

    types = dict(re.findall(r"^# TYPE (\w+) (\w+)", asyncio.run(scrape()), re.M))

    assert {name: kind for name, kind in types.items() if not name.startswith(("process_", "python_"))} == {
        "requests_total": "counter",
        "requests_created": "gauge",
        "status_codes_total": "counter",
        "errors_total": "counter",
        "request_duration_seconds": "histogram",
        "request_duration_seconds_created": "gauge",
        "request_span_duration_seconds": "histogram",
        "workers": "gauge",
        "requests_in_progress": "gauge",
        "images_in_progress": "gauge",
        "workers_utilization": "gauge",
        "memory_granted_bytes": "gauge",
        "jobs_waiting": "gauge",
        "vips_memory_bytes": "gauge",
        "vips_max_memory_bytes": "gauge",
        "vips_allocs": "gauge",
        "autoquality_encodes": "histogram",
        "autoquality_dssim": "histogram",
        "autoquality_missed_total": "counter",
    }
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "python_gc_collections_total"} <= types.keys()


def test_a_request_is_counted_while_it_runs_and_after() -> None:
    metrics = Metrics(Asked("127.0.0.1:0"), 4)
    with metrics.request(), metrics.span("processing_image"):
        during = scraped(metrics)
    metrics.status(200)
    metrics.error("timeout")
    after = scraped(metrics, "/any/path?at=all")

    gauges = ("requests_in_progress", "images_in_progress", "workers_utilization", "workers")
    assert [during[name] for name in gauges] == [1, 1, 25, 4]
    assert [after[name] for name in gauges] == [0, 0, 0, 4]
    assert during["requests_total"] == after["requests_total"] == 1
    assert during["request_duration_seconds_count"] == 0
    assert after["request_duration_seconds_count"] == 1
    assert after["request_span_duration_seconds_count{span=processing_image}"] == 1
    assert 0 < after["request_span_duration_seconds_sum{span=processing_image}"] < 1
    assert after["status_codes_total{status=200}"] == 1
    assert after["errors_total{type=timeout}"] == 1


def test_what_fails_is_measured_too() -> None:
    metrics = Metrics(Asked("127.0.0.1:0"), 1)
    with pytest.raises(KeyError), metrics.request(), metrics.span("queue"):
        raise KeyError

    found = scraped(metrics)

    assert found["requests_in_progress"] == 0
    assert found["request_duration_seconds_count"] == found["request_span_duration_seconds_count{span=queue}"] == 1


def test_searches_are_counted_by_format() -> None:
    metrics = Metrics(Asked("127.0.0.1:0"), 1)
    for searched in (
        Searched(),
        Searched(met=False, dssim=0.05, encodes=3),
        Searched("avif", met=None, dssim=None),
        Searched(method="none"),
    ):
        metrics.autoquality(searched)

    found = scraped(metrics)

    assert found["autoquality_encodes_sum{format=webp}"] == 5
    assert found["autoquality_encodes_bucket{format=webp}{le=2.0}"] == 1
    assert found["autoquality_encodes_count{format=avif}"] == 1
    assert found["autoquality_dssim_count{format=webp}"] == 2
    assert found["autoquality_dssim_bucket{format=webp}{le=0.022}"] == 1
    assert "autoquality_dssim_count{format=avif}" not in found
    assert found["autoquality_missed_total{format=webp}"] == 1
    assert "autoquality_missed_total{format=avif}" not in found


def test_the_memory_of_workers_is_summed_while_they_live() -> None:
    metrics = Metrics(Asked("127.0.0.1:0"), 2)
    metrics.vips("a", 1, 100, 3)
    metrics.vips("b", 2, 50, 4)
    metrics.vips("b", 4, 60, 5)
    both = scraped(metrics)
    metrics.gone("a")
    one = scraped(metrics)

    names = ("vips_memory_bytes", "vips_max_memory_bytes", "vips_allocs")
    assert [both[name] for name in names] == [5, 160, 8]
    assert [one[name] for name in names] == [4, 60, 5]


def test_a_namespace_stands_before_each_of_imgproxys_names() -> None:
    metrics = Metrics(Asked("127.0.0.1:0", "shop"), 2)
    with metrics.request():
        pass

    found = scraped(metrics)

    assert found["shop_requests_total"] == 1
    assert found["shop_workers"] == 2
    others = [name for name in found if not name.startswith(("shop_", "process_", "python_"))]
    assert others == []


def test_open_metrics_are_given_to_who_asks_for_them() -> None:
    async def scrape() -> tuple[int, str, str]:
        async with listening(Metrics(Asked("127.0.0.1:0"), 2)) as port:
            return await asyncio.to_thread(ask, port, Accept="application/openmetrics-text; version=1.0.0")

    status, kind, text = asyncio.run(scrape())

    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert text.endswith("# EOF\n")


def test_nothing_listens_without_an_address() -> None:
    async def run() -> list[tuple[str, int]]:
        metrics = Metrics(Asked(), 1)
        await metrics.start()
        found = metrics.addresses
        await metrics.stop()
        return found

    assert asyncio.run(run()) == []


def test_after_stop_nobody_answers() -> None:
    async def run() -> int:
        async with listening(Metrics(Asked("127.0.0.1:0"), 1)) as port:
            return port

    with pytest.raises(ConnectionRefusedError):
        ask(asyncio.run(run()))


def test_a_taken_address_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        metrics = Metrics(Asked(f"127.0.0.1:{taken.getsockname()[1]}"), 1)
        with pytest.raises(ConfigError, match=r"Expected an address for IMGPROXY_PROMETHEUS_BIND, got .*in use"):
            asyncio.run(metrics.start())


@pytest.mark.parametrize(
    ("bind", "found"),
    [
        (":9090", (None, 9090)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("e.com:1", ("e.com", 1)),
    ],
)
def test_addresses_are_read(bind: str, found: tuple[str | None, int]) -> None:
    assert address(bind) == found


@pytest.mark.parametrize("bind", ["9090", "", "host", "host:", ":x", ":65536", ":-1", ":\u0661"])
def test_what_is_no_address_is_refused(bind: str) -> None:
    with pytest.raises(ConfigError, match="Expected host:port for IMGPROXY_PROMETHEUS_BIND"):
        address(bind)


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text()
    ours = {family.name for family in Metrics(Asked(), 1).registry.collect() if family.name[:7] not in OTHERS}

    assert {name for name in ours if not re.search(rf"`{name}(_total)?[`{{]", page)} == set()
    assert len(ours) > 12
