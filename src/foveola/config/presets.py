"""The presets that settings name, read and tried. Source: https://docs.imgproxy.net/usage/presets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foveola.config.files import text_of
from foveola.config.urls import Urls
from foveola.errors import ConfigError
from foveola.info.options import InfoOptions
from foveola.presets import Presets, infos, pictures


def presets(urls: Urls, *, security: bool) -> Presets:
    """Return the presets of pictures.

    Args:
        urls: the settings that name them.
        security: whether they may change limits of the server.

    Raises:
        ConfigError: one or more can't be used; its message has a line for each.
    """
    with _named("PRESETS"):
        lines = _lines(urls.presets_path, "IMGPROXY_PRESETS_PATH")
        return Presets.read(urls.presets, lines, separator=urls.arguments_separator, lay=pictures(security))


def info_presets(urls: Urls, *, security: bool) -> Presets:
    """Return the presets of the info endpoint.

    Args:
        urls: the settings that name them.
        security: whether they may change limits of the server.

    Raises:
        ConfigError: one or more can't be used; its message has a line for each.
    """
    with _named("INFO_PRESETS"):
        lines = _lines(urls.info_presets_path, "IMGPROXY_INFO_PRESETS_PATH")
        separator = urls.arguments_separator
        lay, start = infos(security), InfoOptions()
        return Presets.read(urls.info_presets, lines, separator=separator, lay=lay, start=start, chains=False)


def problems(urls: Urls, *, security: bool) -> Iterator[str]:
    """Yield a sentence for each preset that can't be used."""
    reads: tuple[Callable[[], Presets], ...] = (
        lambda: presets(urls, security=security),
        lambda: info_presets(urls, security=security),
    )
    for read in reads:
        try:
            read()
        except ConfigError as error:
            yield from str(error).splitlines()


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which variable it is about in each line of an error."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError("\n".join(f"IMGPROXY_{name}: {line}" for line in str(error).splitlines())) from error


def _lines(path: str, name: str) -> str:
    return text_of(path, name) if path else ""
