"""A server counts what it does, lets go of clients that hold it and shares its port."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from foveola.config import Server, Settings
from foveola.errors import ConfigError
from foveola.server.main import listen
from tests.serving import Served, serving, until, write_pictures


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


PORT = free_port()


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    settings = {
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "WORKERS": "1",
        "PROMETHEUS_BIND": f"127.0.0.1:{PORT}",
        "PROMETHEUS_NAMESPACE": "f",
        "WRITE_RESPONSE_TIMEOUT": "1",
        "MAX_CLIENTS": "0",
    }
    with serving(tmp_path_factory.mktemp("server"), **settings) as served:
        yield served


def scraped() -> dict[str, float]:
    """Return the samples that Prometheus would fetch, by name and labels."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_done_is_counted(counted: Served) -> None:
    before = scraped()
    for target in (
        "/unsafe/w:20/plain/local:///cat.jpg",
        "/unsafe/aq:dssim:0.02:1:100:0.5/plain/local:///cat.jpg@webp",
        "/unsafe/plain/local:///none.jpg",
        "/unsafe/plain/local:///broken.jpg@png",
        "/unsafe/nope:1/plain/local:///cat.jpg",
        "/w:1/plain/local:///cat.jpg",
        "/health",
        "/",
    ):
        counted.get(target)
    after = scraped()

    grown = {name: round(value - before.get(name, 0), 3) for name, value in after.items()}
    for name, count in {
        "f_requests_total": 6,
        "f_request_duration_seconds_count": 6,
        "f_status_codes_total 200": 2,
        "f_status_codes_total 404": 2,
        "f_status_codes_total 422": 1,
        "f_status_codes_total 403": 1,
        "f_errors_total download": 1,
        "f_errors_total processing": 1,
        "f_errors_total path_parsing": 1,
        "f_errors_total security": 1,
        "f_request_span_duration_seconds_count downloading_source_image": 4,
        "f_request_span_duration_seconds_count queue": 3,
        "f_request_span_duration_seconds_count processing_image": 3,
        "f_request_span_duration_seconds_count streaming_image": 6,
        "f_autoquality_encodes_count webp": 1,
    }.items():
        assert grown.get(name) == count, name
    assert after["f_workers"] == 1
    assert after["f_requests_in_progress"] == after["f_images_in_progress"] == 0
    assert after["f_vips_max_memory_bytes"] > 10_000


def test_a_client_that_takes_nothing_is_let_go(counted: Served) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(str(counted.path))
        client.sendall(b"GET /unsafe/raw:1/plain/local:///noise.png HTTP/1.1\r\nHost: f\r\n\r\n")
        assert until(lambda: "status=499" in counted.log.read_text(), 5)
        got = 0
        while part := client.recv(1 << 16):
            got += len(part)

    assert 0 < got < 1_000_000  # of 2.4 million


def test_several_servers_may_listen_on_one_port() -> None:
    bind = f"127.0.0.1:{free_port()}"
    shared = Settings(server=Server(bind=bind, so_reuseport=True))
    with listen(shared), listen(shared):
        pass
    alone = Settings(server=Server(bind=bind))
    with listen(alone), pytest.raises(ConfigError, match="IMGPROXY_BIND"):
        listen(alone)
