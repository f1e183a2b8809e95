"""The settings of the server itself.

Source: https://docs.imgproxy.net/configuration/options#server
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from foveola import kinds
from foveola.config.rows import COUNT, OURS, PATTERNS, SECONDS, off, on, row, text

_HEADERS = kinds.assigned("\\;", "name=value")


def _headers(doc: str) -> tuple[tuple[str, str], ...]:
    found: tuple[tuple[str, str], ...] = row(
        (),
        _HEADERS,
        doc,
        secret=True,
        separator="custom_headers_separator",
        separated=lambda separator: kinds.assigned(separator, "name=value"),
    )
    return found


@dataclass(frozen=True)
class Server:
    """Server."""

    bind: str = text("Where to listen: `host:port`, or a path when `NETWORK` is `unix`.", ":8080")
    network: str = row("tcp", kinds.spelt("tcp", "tcp4", "tcp6", "unix"), "What `BIND` is an address of.")
    timeout: int = row(10, SECONDS, "Seconds a request may take before it is answered 503.")
    read_request_timeout: int = row(10, SECONDS, "Seconds that a client has to send its request.")
    write_response_timeout: int = row(10, SECONDS, "Seconds that a client has to receive the answer.")
    keep_alive_timeout: int = row(10, COUNT, "Seconds an idle connection is kept; 0 closes at once.")
    client_keep_alive_timeout: int = row(
        90, COUNT, "Seconds an idle connection to a source is kept; 0 for one a request."
    )
    graceful_stop_timeout: int = row(20, COUNT, "Seconds that running requests have left after SIGTERM.")
    drain_seconds: int = row(
        0,
        COUNT,
        "Seconds after SIGTERM in which `/health` answers 503 and all else is served, for load balancers to notice; "
        "a part of `GRACEFUL_STOP_TIMEOUT`.",
        prefix=OURS,
    )
    download_timeout: int = row(5, SECONDS, "Seconds the source may take before the answer is 504.")
    workers: int = row(0, COUNT, "Processes that work on pictures; 0 for one a core.")
    worker_requests: int = row(
        10_000, COUNT, "Pictures after which a worker is replaced by a new one; 0 for any number.", prefix=OURS
    )
    worker_seconds: int = row(3600, COUNT, "Seconds after which it is; 0 for any number.", prefix=OURS)
    worker_memory: int = row(
        512, COUNT, "Megabytes of memory at which it is, if it has them without a picture; 0 for any.", prefix=OURS
    )
    memory_budget: int | None = row(
        None,
        COUNT,
        "Megabytes of memory that pictures may take together, as estimated by their headers; those above wait, and one "
        "above all of it gets 422. 60 % of what the container or the machine has when empty; 0 for any number.",
        prefix=OURS,
    )
    requests_queue_size: int = row(0, COUNT, "Requests that may wait before others get 429; 0 for any number.")
    max_clients: int = row(2048, COUNT, "Connections at a time; 0 for any number.")
    ttl: int = row(31_536_000, COUNT, "Seconds an answer may be cached; 0 says `no-cache`.")
    cache_control_passthrough: bool = off("Whether `Cache-Control` and `Expires` of the source are passed on.")
    set_canonical_header: bool = off('Whether answers name their source in `Link: <…>; rel="canonical"`.')
    so_reuseport: bool = off("Whether several servers may listen on the same port.")
    user_agent: str = text(
        "How sources are asked, `%current_version` for the version; foveola and its version when empty."
    )
    use_etag: bool = on("Whether the source's `ETag` is sent on, and the client's `If-None-Match` to the source.")
    etag_buster: str = text("What is put into every `ETag`; another one makes what clients have stale.")
    use_last_modified: bool = on("Whether `Last-Modified` is sent on, and `If-Modified-Since` to the source.")
    last_modified_buster: datetime | None = row(  # noqa: RUF009  # a field, like the others
        None, kinds.TIME, "The earliest `Last-Modified`; a later one makes what clients have stale."
    )
    enable_debug_headers: bool = off("Whether answers carry `X-Autoquality`, `X-Origin-*`, `X-Result-*`.")
    health_check_path: str = row("", kinds.PATH, "A second path of the health check, beside `/health`.")
    health_check_message: str = text("What the health check says.")
    server_name: str = text("The value of `Server`; `foveola` when empty.")
    custom_request_headers: tuple[tuple[str, str], ...] = _headers("Headers that are sent to sources, `name=value`.")
    custom_response_headers: tuple[tuple[str, str], ...] = _headers("Headers that are sent to clients, `name=value`.")
    custom_headers_separator: str = text("What stands between custom headers.", "\\;")
    request_headers_passthrough: tuple[str, ...] = row(
        (), PATTERNS, "Names of the client's headers that are sent on to sources."
    )
    response_headers_passthrough: tuple[str, ...] = row(
        (), PATTERNS, "Names of the source's headers that are sent on to clients."
    )
