"""What is wrong with settings that are each right by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foveola.config import presets
from foveola.errors import ArgumentError, expected
from foveola.goal import Asked, resolve

if TYPE_CHECKING:
    from foveola.config.settings import Settings


def problems(found: Settings) -> Iterator[str]:
    """Yield a sentence for each problem."""
    yield from _of_urls(found)
    yield from presets.problems(found.urls, security=found.security.allow_security_options)
    yield from _of_images(found)
    yield from _of_the_server(found)
    try:
        resolve("jpeg", Asked(), found.goal)
    except ArgumentError as error:
        yield f"IMGPROXY_AUTOQUALITY_*: {error}"


def _of_urls(found: Settings) -> Iterator[str]:
    urls = found.urls
    keys, salts = len(urls.key), len(urls.salt)
    if keys != salts:
        yield expected(f"as many salts as keys ({keys})", "IMGPROXY_SALT", salts)
    if urls.only_presets and not (urls.presets or urls.presets_path):
        yield "Expected presets in IMGPROXY_PRESETS or IMGPROXY_PRESETS_PATH for IMGPROXY_ONLY_PRESETS, got none"


def _of_images(found: Settings) -> Iterator[str]:
    for name in ("watermark", "fallback_image"):
        ways = [f"{name}_{way}" for way in ("data", "path", "url")]
        given = [f"IMGPROXY_{way.upper()}" for way in ways if getattr(found.images, way)]
        if len(given) > 1:
            yield f"Expected one of {', '.join(given)}, got {len(given)}"


def _of_the_server(found: Settings) -> Iterator[str]:
    most, drain = found.server.graceful_stop_timeout, found.server.drain_seconds
    if drain and drain >= most:
        yield expected(f"less than IMGPROXY_GRACEFUL_STOP_TIMEOUT ({most})", "FOVEOLA_DRAIN_SECONDS", drain)
    bind = found.monitoring.prometheus_bind
    if bind and bind == found.server.bind:
        yield expected("another address than IMGPROXY_BIND", "IMGPROXY_PROMETHEUS_BIND", bind)
    if found.sources.use_abs and not found.sources.abs_name:
        yield "Expected the name of an account for IMGPROXY_ABS_NAME with IMGPROXY_USE_ABS, got none"
