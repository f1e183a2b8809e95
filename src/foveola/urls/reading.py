"""The path after the signature, read: options, the source and the format of the result.

Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from foveola import options
from foveola.errors import UrlError, expected
from foveola.info.options import InfoOptions
from foveola.options import ProcessingOptions
from foveola.options.rows import BLANK
from foveola.options.words import decode
from foveola.presets import DEFAULT, Language, T, Walk, chained, infos, pictures
from foveola.urls.encryption import decrypt
from foveola.urls.grammar import ORDINARY, Grammar, replaced

ENCRYPTED = ["enc"]
"""The segment before an encrypted source."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class ImageUrl:
    """What the path of one URL says.

    Args:
        options: what is asked of the picture.
        source: where it comes from, decoded: `https://example.com/cat.png`, `local:///cat.png`.
        hidden: whether the source came encrypted, and so is not to be told to anyone.
    """

    options: ProcessingOptions
    source: str
    hidden: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class InfoUrl:
    """What the path of one URL of the info endpoint says.

    Args:
        options: what is asked about the picture.
        source: where it comes from, decoded.
        hidden: whether the source came encrypted, and so is not to be told to anyone.
    """

    options: InfoOptions
    source: str
    hidden: bool = field(default=False, compare=False)


def parse(
    path: str,
    grammar: Grammar = ORDINARY,
    *,
    now: float | None = None,
    start: ProcessingOptions = BLANK,
) -> ImageUrl:
    """Read the path after the signature.

    Args:
        path: as `split` returns it.
        grammar: the settings that change how it is read.
        now: seconds since 1970, which URLs that expire are held against; they are all good when None.
        start: what holds before the presets and the URL say anything.

    Raises:
        UrlError: an option, the source or the format can't be read, or the URL has expired.
    """
    segments = path.removeprefix("/").split("/")
    if segments[0] in options.RESIZING_TYPES and not grammar.only_presets:
        raise UrlError("The basic URL format (resizing type first) is gone: write the options with their names")
    lay = pictures(grammar.security, grammar.chained)
    language = Language(lay, grammar.presets.segments, grammar.separator, grammar.allowed)
    stages, rest = _walked(language, (start,), segments, grammar.only_presets)
    source, extension = _source(rest, grammar)
    said = chained(stages)
    if extension and not said.raw:
        said = options.apply(said, "format", [extension])
    _check_time(said.expires, now)
    return ImageUrl(said, source, rest[:1] == ENCRYPTED)


def parse_info(path: str, grammar: Grammar = ORDINARY, *, now: float | None = None) -> InfoUrl:
    """Read the path after the signature of a URL of the info endpoint.

    Args:
        path: as `split` returns it.
        grammar: the settings that change how it is read.
        now: seconds since 1970, which URLs that expire are held against; they are all good when None.

    Raises:
        UrlError: an option or the source can't be read, or the URL has expired.
    """
    language = Language(
        infos(grammar.security),
        grammar.info_presets.segments,
        grammar.separator,
        grammar.info_allowed,
        chains=False,
    )
    segments = path.removeprefix("/").split("/")
    said, rest = _walked(language, InfoOptions(), segments, grammar.info_only_presets)
    source, _ = _source(rest, grammar)
    _check_time(said.expires, now)
    return InfoUrl(said, source, rest[:1] == ENCRYPTED)


def _walked(language: Language[T], start: T, segments: Sequence[str], only_presets: bool) -> tuple[T, Sequence[str]]:
    """Return what the default preset and the segments say, and the segments of the source."""
    walk = Walk(language, start)
    if DEFAULT in language.presets:
        walk.use((DEFAULT,))
    if not only_presets:
        rest = walk.run(segments)
        return walk.said, rest
    walk.use(segments[0].split(language.separator))
    return walk.said, segments[1:]


def _check_time(expires: int, now: float | None) -> None:
    """Refuse a URL whose time is over; both are seconds since 1970, and no `now` refuses none."""
    if now is not None and 0 < expires < int(now):
        raise UrlError(f"Expired at {expires}")


def _source(segments: Sequence[str], grammar: Grammar) -> tuple[str, str]:
    """Return the source as it is fetched, and the extension after it."""
    if segments[:1] == ["plain"] and segments[1:]:
        source, extension = _plain(segments)
    elif segments[:1] == ENCRYPTED and segments[1:]:
        source, extension = _encrypted(segments[1:], grammar)
    else:
        data, extension = _decoded(segments, grammar)
        source = data.decode("utf-8", "surrogateescape")
    source = replaced(source, grammar.replacements)
    return source if source.startswith(grammar.base_url) else grammar.base_url + source, extension


def _plain(segments: Sequence[str]) -> tuple[str, str]:
    source, *formats = "/".join(segments[1:]).split("@")
    if not source:
        raise UrlError("Image URL is empty")
    if len(formats) > 1:
        raise UrlError(expected("one format after the source", "format", "@".join(formats)))
    if _BAD_ESCAPE.search(source):
        raise UrlError(f"Invalid escape in the source: {source}")
    return unquote(source, errors="surrogateescape"), "".join(formats)


def _encrypted(segments: Sequence[str], grammar: Grammar) -> tuple[str, str]:
    if not grammar.encryption_key:
        raise UrlError("There is no key for encrypted sources")
    data, extension = _decoded(segments, grammar)
    return decrypt(data, grammar.encryption_key), extension


def _decoded(segments: Sequence[str], grammar: Grammar) -> tuple[bytes, str]:
    kept = segments[:-1] if grammar.filename and len(segments) > 1 else segments
    source, *formats = "".join(kept).split(".")
    if len(formats) > 1:
        raise UrlError(expected("one format after the source", "format", ".".join(formats)))
    if not source:
        raise UrlError("Image URL is empty")
    data = decode(source.rstrip("="))
    if data is None:
        raise UrlError(f"Invalid base64 in the source: {source}")
    return data, "".join(formats)
