"""The language of imgproxy's URLs, read and written: `/SIGNATURE/OPTIONS/(plain/SOURCE@ext | base64.ext)`.

The signature covers the path after it, so a path is taken apart in imgproxy's own order and from the raw bytes of the
request, before anything decodes it. `parse(build(url)) == url` for every URL that can be built.
Source: https://docs.imgproxy.net/usage/processing and https://docs.imgproxy.net/usage/signing_url
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from foveola import options
from foveola.errors import ArgumentError, SignatureError, UrlError, expected
from foveola.options import ProcessingOptions

_LOST_SLASH = re.compile(r"^(\S+):/([^/])")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_HINT = "The signature looks like a processing option: the URL has to start with a signature, any word if unsigned"


@dataclass(frozen=True)
class ImageUrl:
    """What the path of one URL says.

    Args:
        options: what is asked of the picture.
        source: where it comes from, decoded: `https://example.com/cat.png`, `local:///cat.png`.
    """

    options: ProcessingOptions
    source: str


@dataclass(frozen=True)
class Grammar:
    """The settings that change how a path is read.

    Args:
        separator: what stands between the arguments of an option.
        base_url: what is put before every source that does not begin with it.
        filename: whether the last segment of a base64 source is a file name to leave out.
        allowed: the names of options that may be used, as written; all when empty.
    """

    separator: str = ":"
    base_url: str = ""
    filename: bool = False
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Keys:
    """What signatures are checked with.

    Args:
        pairs: keys and their salts; any of them may have signed. Without one, every signature is good.
        size: how many bytes of the signature are used, 1..32.
        trusted: signatures that are good for every path.
    """

    pairs: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    size: int = 32
    trusted: frozenset[str] = field(default=frozenset(), repr=False)


def split(target: str, prefix: str = "") -> tuple[str, str]:
    """Take the target of a request apart.

    Args:
        target: the raw path, perhaps with a query: `/SIGNATURE/w:100/plain/http://e.com/a.jpg`.
        prefix: what stands before every path.

    Returns:
        The signature and the path after it, without a leading slash, as it is signed and parsed.

    Raises:
        UrlError: there is no path.
        SignatureError: there is a path without a signature.
    """
    path = target.partition("?")[0].removeprefix(prefix).removeprefix("/")
    signature, _, path = path.partition("/")
    if not path:
        raise UrlError(f"Invalid path: {target}")
    if not signature:
        raise SignatureError("The signature is empty")
    return signature, repair(path)


def repair(path: str) -> str:
    """Undo what browsers and proxies do to a path: `%3A` for a colon in options, one slash where there were two."""
    if path.startswith("plain/"):
        return _repair_plain(path)
    before, plain, source = path.partition("/plain/")
    before = before.replace("%3A", ":")
    return (before + "/" + _repair_plain("plain/" + source) if plain else before).removeprefix("/")


def _repair_plain(plain: str) -> str:
    return "plain/" + _LOST_SLASH.sub(_restored, plain.removeprefix("plain/"))


def _restored(found: re.Match[str]) -> str:
    scheme, first = found.groups()
    return f"{scheme}:///{first}" if scheme == "local" else f"{scheme}://{first}"


def sign(path: str, key: bytes, salt: bytes, size: int = 32) -> str:
    """Return the signature of `path`.

    Args:
        path: what follows the signature, without a leading slash.
        key: the secret key.
        salt: its salt.
        size: how many bytes of the digest are used, 1..32.
    """
    return base64.urlsafe_b64encode(_digest(path, key, salt, size)).decode().rstrip("=")


def _digest(path: str, key: bytes, salt: bytes, size: int) -> bytes:
    return hmac.digest(key, salt + b"/" + path.encode("utf-8", "surrogateescape"), "sha256")[:size]


def verify(signature: str, path: str, keys: Keys) -> None:
    """Check that `path` was signed by one of `keys`, in a time that does not tell how much of it is right.

    Raises:
        SignatureError: it was not.
    """
    if not keys.pairs:
        if ":" in signature:
            raise SignatureError("The signature has a colon", public=_HINT)
        return
    if signature in keys.trusted:
        return
    given = _decode(signature)
    if given is None:
        raise SignatureError("Invalid signature encoding")
    matches = [hmac.compare_digest(given, _digest(path, key, salt, keys.size)) for key, salt in keys.pairs]
    if not any(matches):
        raise SignatureError("Invalid signature")


def _decode(text: str) -> bytes | None:
    """Return the bytes of URL-safe base64 without padding, None where the text is none."""
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None


def parse(path: str, grammar: Grammar = Grammar()) -> ImageUrl:
    """Read the path after the signature.

    Args:
        path: as `split` returns it.
        grammar: the settings that change how it is read.

    Raises:
        UrlError: an option, the source or the format can't be read.
    """
    segments = path.removeprefix("/").split("/")
    if segments[0] in options.RESIZING_TYPES:
        raise UrlError("The basic URL format (resizing type first) is gone: write the options with their names")
    said = ProcessingOptions()
    while segments and grammar.separator in segments[0]:
        said = _apply(said, segments.pop(0), grammar)
    source, extension = _plain(segments) if segments[:1] == ["plain"] and segments[1:] else _encoded(segments, grammar)
    if extension:
        said = options.apply(said, "format", [extension])
    if not source.startswith(grammar.base_url):
        source = grammar.base_url + source
    return ImageUrl(said, source)


def _apply(said: ProcessingOptions, segment: str, grammar: Grammar) -> ProcessingOptions:
    name, *texts = segment.split(grammar.separator)
    if grammar.allowed and name not in grammar.allowed:
        raise UrlError(f"Forbidden processing option {name}")
    return options.apply(said, name, texts)


def _plain(segments: Sequence[str]) -> tuple[str, str]:
    source, *formats = "/".join(segments[1:]).split("@")
    if not source:
        raise UrlError("Image URL is empty")
    if len(formats) > 1:
        raise UrlError(expected("one format after the source", "format", "@".join(formats)))
    if _BAD_ESCAPE.search(source):
        raise UrlError(f"Invalid escape in the source: {source}")
    return unquote(source, errors="surrogateescape"), "".join(formats)


def _encoded(segments: Sequence[str], grammar: Grammar) -> tuple[str, str]:
    kept = segments[:-1] if grammar.filename and len(segments) > 1 else segments
    source, *formats = "".join(kept).split(".")
    if len(formats) > 1:
        raise UrlError(expected("one format after the source", "format", ".".join(formats)))
    if not source:
        raise UrlError("Image URL is empty")
    data = _decode(source.rstrip("="))
    if data is None:
        raise UrlError(f"Invalid base64 in the source: {source}")
    return data.decode("utf-8", "surrogateescape"), "".join(formats)


def build(url: ImageUrl, *, plain: bool = True, separator: str = ":") -> str:
    """Write the path that says `url`, the inverse of `parse`.

    Args:
        url: the options and the source; the options' format becomes the extension.
        plain: whether the source is written percent-encoded after `plain/`, or in base64.
        separator: what stands between the arguments of an option.

    Returns:
        The path without a leading slash, to be signed and put after the signature.

    Raises:
        ArgumentError: an option's text can't stand in a path, or the source is empty.
    """
    if not url.source:
        raise ArgumentError(expected("a URL", "source", url.source))
    said = options.write(replace(url.options, format=""))
    segments = [separator.join(_checked(text, separator) for text in texts) for texts in said]
    extension = url.options.format
    if plain:
        source = "plain/" + _quoted(url.source) + ("@" + extension if extension else "")
    else:
        data = base64.urlsafe_b64encode(url.source.encode("utf-8", "surrogateescape")).decode().rstrip("=")
        source = data + ("." + extension if extension else "")
    return "/".join([*segments, source])


def signed(path: str, keys: Keys) -> str:
    """Return the path of a request: `/SIGNATURE/path`, signed with the first of `keys`; `unsafe` without one."""
    signature = sign(path, *keys.pairs[0], keys.size) if keys.pairs else "unsafe"
    return f"/{signature}/{path}"


def _checked(text: str, separator: str) -> str:
    """Refuse a text that would be read as something else: nothing in the options of a path is decoded."""
    if not re.fullmatch(r"[!-~]*", text) or re.search(r"[/?#]|%3A", text) or separator in text:
        raise ArgumentError(expected(f'ASCII without blanks, "/", "?", "#" and "{separator}"', "option", text))
    return text


def _quoted(source: str) -> str:
    """Percent-encode a source; a colon too where `repair` would take it for the end of a scheme."""
    scheme, mark, rest = source.partition("://")
    if not mark:
        scheme, rest = "", source
    quoted = quote(rest, safe="/:!$&'()*+,;=~-._", errors="surrogateescape")
    return quote(scheme, safe="+-.") + mark + re.sub(r":(?=/(?:[^/]|$))", "%3A", quoted)
