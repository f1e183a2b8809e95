"""`s3://`, `gs://` and `abs://`: files in object stores, as `scheme://bucket/key?version`.

Keys are literal, since `%`, `?` and `#` may stand in them, and only what follows the separator of queries is a version.
Which servers are asked is for the settings to say, so their addresses are not judged; a bucket's name is, because it
comes from a URL and becomes a part of theirs. The client reads each cloud's own variables for credentials, and resumes
a file that breaks off. Source: https://docs.imgproxy.net/image_sources; https://developmentseed.org/obstore
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import obstore
from obstore import exceptions

from foveola.errors import SourceError
from foveola.sources.base import Ask, Opened, Reach, masked
from foveola.sources.clients import OPEN, PREFIXES
from foveola.sources.conditions import http_date, not_modified, part_of, read_date

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_BUCKET = re.compile(r"(?!.*\.\.)[A-Za-z0-9$_-][A-Za-z0-9$._-]{0,254}")
_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_CHUNK = 1 << 18
_MOST_STORES = 64
"""Clients of buckets that are kept; each has connections of its own."""


class Objects:
    """The source of `s3://`, `gs://` and `abs://` URLs.

    Args:
        reach: which stores and buckets may be asked, and how.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._stores: OrderedDict[tuple[str, str], ObjectStore] = OrderedDict()

    @asynccontextmanager
    async def open(self, url: str, ask: Ask) -> AsyncIterator[Opened]:
        """Return the object at `url`.

        Raises:
            SourceError: it can't be reached or may not be.
        """
        yield await self._asked(url, ask)

    async def _asked(self, url: str, ask: Ask) -> Opened:
        scheme, bucket, key, version = self._named(url)
        options = _options(ask, version)
        try:
            with _translated(url):
                store = await self._store(scheme, bucket)
                found = await obstore.get_async(store, key, options=options)
        except exceptions.NotModifiedError:
            return Opened(304, _known(ask), 0, _nothing, lambda: None)
        return _answer(url, found, ask, partial="range" in options)

    async def close(self) -> None:
        """Forget the clients; their connections end with them."""
        self._stores.clear()

    def _named(self, url: str) -> tuple[str, str, str, str]:
        """Return scheme, bucket, key and version of a URL.

        Raises:
            SourceError: that names no object, or one of a bucket that may not be asked.
        """
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        key = key.lstrip("/")
        version = ""
        if self._reach.query_separator:
            key, _, version = key.partition(self._reach.query_separator)
        if not _BUCKET.fullmatch(bucket) or not key or key.endswith("/"):
            raise SourceError(f"Expected {scheme}://bucket/key, got {masked(url)!r}")
        allowed = getattr(self._reach.stores, f"{PREFIXES[scheme]}_allowed_buckets")
        denied = getattr(self._reach.stores, f"{PREFIXES[scheme]}_denied_buckets")
        if (allowed and not _among(bucket, allowed)) or _among(bucket, denied):
            raise SourceError(f"Bucket {bucket} may not be asked")
        return scheme, bucket, key, version

    async def _store(self, scheme: str, bucket: str) -> ObjectStore:
        """Return the client of a bucket; a thread makes it, because that reads certificates and keys."""
        name = scheme, bucket
        if name not in self._stores:
            self._stores[name] = await asyncio.to_thread(OPEN[scheme], self._reach, bucket)
        self._stores.move_to_end(name)
        while len(self._stores) > _MOST_STORES:
            self._stores.popitem(last=False)
        return self._stores[name]


def _among(bucket: str, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), bucket) for pattern in patterns)


def _options(ask: Ask, version: str) -> Any:
    """Return what is asked beside the key, in the client's words."""
    options: dict[str, Any] = {"version": version} if version else {}
    if _PRINTABLE.fullmatch(tags := ask.header("if-none-match")):  # the client panics at other characters
        options["if_none_match"] = tags
    elif since := read_date(ask.header("if-modified-since")):
        options["if_modified_since"] = since
    if asked := part_of(ask):
        first, last = asked
        if first is None:
            options["range"] = {"suffix": last}
        else:
            options["range"] = {"offset": first} if last is None else (first, last + 1)
    return options


def _answer(url: str, found: obstore.GetResult, ask: Ask, *, partial: bool) -> Opened:
    meta = found.meta
    headers = {name.lower(): value for name, value in found.attributes.items() if _PRINTABLE.fullmatch(value)}
    headers |= {"last-modified": http_date(meta["last_modified"].timestamp()), "accept-ranges": "bytes"}
    if meta["e_tag"]:
        headers["etag"] = meta["e_tag"]
    if not_modified(ask, meta["e_tag"] or "", meta["last_modified"].timestamp()):  # not every store looks
        return Opened(304, headers, 0, _nothing, lambda: None)
    first, end = found.range
    if partial:
        headers["content-range"] = f"bytes {first}-{end - 1}/{meta['size']}"
    parts = _parts(url, found)
    packed = headers.get("content-encoding") == "gzip" and not ask.raw
    return Opened(
        206 if partial else 200, headers, end - first, lambda: _unpacked(url, parts) if packed else parts, lambda: None
    )


def _known(ask: Ask) -> Mapping[str, str]:
    """Return what can be said of a version that the client has: its tag, where it named one alone."""
    tags = re.findall(r'(?:W/)?"[^"]*"', ask.header("if-none-match"))
    return {"etag": tags[0]} if len(tags) == 1 else {}


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""  # makes it a generator


async def _parts(url: str, found: obstore.GetResult) -> AsyncIterator[bytes]:
    try:
        async for part in found.stream(_CHUNK):
            yield bytes(part)
    except (exceptions.BaseError, OSError) as error:
        _broke_off(url, error)


async def _unpacked(url: str, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Undo gzip, a part at a time, however much a part becomes."""
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        async for packed in parts:
            part = stream.decompress(packed, _CHUNK)
            while part:
                yield part
                part = stream.decompress(stream.unconsumed_tail, _CHUNK)
    except zlib.error as error:
        _broke_off(url, error)
    if not stream.eof:
        _broke_off(url, EOFError("gzip has no end"))


def _broke_off(url: str, error: Exception) -> NoReturn:
    public = "Source response is incomplete"
    raise SourceError(f"{masked(url)} broke off: {_first_line(error)}", status=422, public=public) from error


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Say what obstore raises in our words, but for `NotModifiedError`."""
    try:
        yield
    except exceptions.NotModifiedError:
        raise
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise SourceError(f"{masked(url)}: {_first_line(error)}", status=_status(error)) from error


def _status(error: Exception) -> int:
    """Return imgproxy's status for what a store answers; 404 where it does not answer."""
    found = _STATUS.search(_first_line(error)) if isinstance(error, exceptions.BaseError) else None
    answered = int(found[1]) if found else 404
    return answered if 400 <= answered < 500 else 502 if answered >= 500 else 404


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def create(reach: Reach) -> Objects:
    """Return the source of `s3://`, `gs://` and `abs://` URLs."""
    return Objects(reach)
