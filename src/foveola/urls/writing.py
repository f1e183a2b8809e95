"""Paths, written: the inverse of `foveola.urls.reading`, for clients and for tests.

Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Literal, get_args
from urllib.parse import quote

from foveola import options
from foveola.errors import ArgumentError, expected
from foveola.options.words import encode
from foveola.urls.encryption import encrypt
from foveola.urls.grammar import ORDINARY, Grammar
from foveola.urls.reading import ImageUrl

Form = Literal["plain", "base64", "enc"]
FORMS: tuple[Form, ...] = get_args(Form)
"""How a source is written: percent-encoded, in base64, or encrypted."""


def build(url: ImageUrl, grammar: Grammar = ORDINARY, *, form: Form = "plain", iv: bytes | None = None) -> str:
    """Write the path that says `url`, the inverse of `parse`.

    Args:
        url: the options and the source; the options' format becomes the extension.
        grammar: what the server reads with; its separator and its encryption key are used.
        form: how the source is written.
        iv: 16 bytes for `enc`; derived from the source when None.

    Returns:
        The path without a leading slash, to be signed and put after the signature.

    Raises:
        ArgumentError: an option's text can't stand in a path, the source is empty, or there is no key for `enc`.
    """
    # with `raw` an extension is not read, so the format stays among the options
    extension = "" if url.options.raw else url.options.format
    said = options.write(replace(url.options, format="") if extension else url.options)
    segments = [grammar.separator.join(checked(text, grammar.separator) for text in texts) for texts in said]
    return "/".join([*segments, write_source(url.source, extension, grammar, form, iv=iv)])


def write_source(source: str, extension: str, grammar: Grammar, form: Form, *, iv: bytes | None = None) -> str:
    """Return the segments that say a source and the format of the result.

    Args:
        source: the URL of the picture, not encoded.
        extension: the name of a format; none when empty.
        grammar: what the server reads with.
        form: how the source is written.
        iv: 16 bytes for `enc`; derived from the source when None.

    Raises:
        ArgumentError: the source is empty, or there is no key for `enc`.
    """
    if not source:
        raise ArgumentError(expected("a URL", "source", source))
    if form == "plain":
        return "plain/" + _quoted(source) + ("@" + extension if extension else "")
    if form == "enc":
        data = "enc/" + base64.urlsafe_b64encode(encrypt(source, grammar.encryption_key, iv)).decode().rstrip("=")
    else:
        data = encode(source)
    return data + ("." + extension if extension else "")


def checked(text: str, separator: str) -> str:
    """Return an argument of an option if it is read as it stands: nothing in the options of a path is decoded.

    Raises:
        ArgumentError: it would be read as something else.
    """
    if not re.fullmatch(r"[!-~]*", text) or re.search(r"[/?#]|%3A", text) or separator in text:
        raise ArgumentError(expected(f'ASCII without blanks, "/", "?", "#" and "{separator}"', "option", text))
    return text


def _quoted(source: str) -> str:
    """Percent-encode a source; a colon too where `repair` would take it for the end of a scheme."""
    scheme, mark, rest = source.partition("://")
    if not mark:
        scheme, rest = "", source
    quoted = quote(rest, safe="/:!$&'()*+,;=~-._", errors="surrogateescape")
    return quote(scheme, safe="+-.", errors="surrogateescape") + mark + re.sub(r":(?=/(?:[^/]|$))", "%3A", quoted)
