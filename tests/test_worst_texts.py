"""What a stranger's text costs grows with its length: the worst ones for each reader of the front, with a stopwatch.

The processor's time is measured, in this process. A text of 32 kB once took ten seconds of the front (as a colour, as a
target of a search, as an IPv6 address), in which nobody else was answered.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from foveola import errors, options, urls
from foveola.codecs import jpegheader
from foveola.config import Settings
from foveola.info.options import INFO_OPTIONS, InfoOptions
from foveola.info.options import apply as apply_info
from foveola.options import OPTIONS, ProcessingOptions
from foveola.server import conditional, development, headers, heads, hints, logs, routes, story
from foveola.server.cookies import Cookies
from foveola.server.request import Request
from foveola.server.shown import shown
from foveola.sources.masks import masked, masked_text
from foveola.transform import svg
from foveola.urls.grammar import replaced, replacements
from foveola.urls.signing import LONGEST
from tests.clock import spent

MOST_SECONDS = 0.05
PATH, HEAD = LONGEST - 64, heads.LONGEST


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


UNITS = {
    "hexadecimal digits": "a",
    "digits": "1",
    "dots": ".",
    "signs": "-",
    "colons": ":",
    "slashes": "/",
    "at": "@",
    "brackets": "[",
    "blanks": " ",
    "commas": ",",
    "percent": "%",
    "escapes": "%41",
    "escaped slashes": "%2F",
    "schemes": "http://",
    "escaped schemes": "http%3A%2F%2F",
    "short schemes": "a:/",
    "names": "http://a:b@",
    "parameters": "?a=b&",
    "signatures": "?sig=b",
    "secret words": "signature",
    "pipelines": "-/",
    "short options": "a:b/",
    "sources": coded("http://u:p@h/") + "/",
    "quotes": '"\\',
    "line breaks": "\r\n",
    "turned": "\u202e",
}
ENDS = {"": ("", ""), " a number": ("0x", ""), " no number": ("1", "x"), " an address": ("http://[::1]", "]x/")}
TEXTS = {
    unit + name: lambda size, text=text, start=start, end=end: start + text * (size // len(text)) + end
    for unit, text in UNITS.items()
    for name, (start, end) in ENDS.items()
}
SETTINGS = Settings.read({})[0]
RULES = replacements((("http://*.*.a/*", "${1}"), ("*a*b*", "${2}")))
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


def quickly(name: str, act: Callable[..., object], *values: object, **named: object) -> None:
    """Do something, refused or not, and fail if that takes long; twice, for another program may have had the caches."""

    def refused_or_not() -> None:
        with suppress(errors.FoveolaError, ValueError):
            act(*values, **named)

    seconds = min(spent(refused_or_not) for _ in range(2))
    if seconds >= MOST_SECONDS:
        pytest.fail(f"{name}: {seconds:.3f} s")


@pytest.fixture(autouse=True, scope="module")
def silent() -> Iterator[None]:
    """Log nothing: what is measured is the reading."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TEXTS)
def test_an_option_is_read_at_once(name: str) -> None:
    text = TEXTS[name](PATH)
    for texts in ([text], ["1", text], ["size", "1", text], text.split(":")):
        for option in OPTIONS:
            quickly(option.name, options.apply, ProcessingOptions(), option.name, texts, security=True)
        for told in INFO_OPTIONS:
            quickly(told.name, apply_info, InfoOptions(), told.name, texts, security=True)


FORMS = ("{}", "plain/{}", "{}/plain/http://a", "w:{}/plain/http://a", "w:1/{}", "enc/{}", "pr:{}/plain/a")


@pytest.mark.parametrize("name", TEXTS)
def test_a_path_is_read_at_once(name: str) -> None:
    text = TEXTS[name](PATH)
    for form in FORMS:
        path = form.format(text)
        target = f"/x/{path}".encode("utf-8", "backslashreplace")
        quickly(f"parse {form}", urls.parse, path, SETTINGS.grammar, now=0)
        quickly(f"parse_info {form}", urls.parse_info, path, SETTINGS.grammar, now=0)
        quickly(f"split {form}", urls.split, f"/x/{path}")
        quickly(f"shown {form}", shown, f"/x/{path}")
        quickly(f"kind {form}", routes.kind_of, "GET", f"/{path}", "/", "/well")
        quickly(f"head {form}", heads.refusal, "GET", target, "1.1", [(b"host", target)])
    quickly("shown base64", shown, f"/x/{coded('http://' + text)[:PATH]}")
    for start in ("", "http://"):
        quickly(f"replaced {start}", replaced, start + text, RULES)


TOLD: dict[str, Callable[[str], object]] = {
    "masked": masked,
    "masked host": lambda text: masked(f"http://{text}"),
    "masked path": lambda text: masked(f"http://a/{text}"),
    "masked text": masked_text,
    "sendable": headers.sendable,
    "canonical": lambda text: headers.canonical(f"http://{text}"),
    "disposition": lambda text: headers.disposition(text, ".jpg"),
    "filename": lambda text: headers.disposition("x", ".jpg", text),
    "etag": lambda text: headers.etag(text, "b"),
    "expires": lambda text: headers.cache_control(200, 1, {"expires": text}, passed=True),
    "last modified": lambda text: headers.last_modified(text, MOMENT),
    "matched": lambda text: conditional.if_none_match(f'"b/{text}"', "b"),
    "modified": lambda text: conditional.if_modified_since(text, MOMENT),
    "hints": lambda text: hints.hinted({"dpr": text, "width": text}),
    "cookies": lambda text: Cookies(on=True).sent({"cookie": text, "x-forwarded-host": text}, "http://" + text[:PATH]),
    "accept": SETTINGS.accepted,
    "developers": lambda text: development.told(errors.UrlError(text[:PATH]), "text/html"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_header_is_read_and_a_text_told_at_once(name: str) -> None:
    text = TEXTS[name](HEAD)
    for word, act in TOLD.items():
        quickly(word, act, text)
    raw = text.encode("utf-8", "backslashreplace")
    pairs = [(word, raw) for word in (b"x-forwarded-for", b"cf-connecting-ip", b"x-request-id")]
    quickly("request", Request.of, {"method": "GET", "raw_path": raw[:PATH], "headers": pairs})
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s", (text[:PATH],), None)
    record.fields = {"error": text[:PATH], "image_url": text[:PATH]}
    for format in logs.FORMATS:
        quickly(format, logs.Lines(format).format, record)


def test_a_file_of_fill_bytes_is_read_at_once() -> None:
    data = b"\xff\xd8" + b"\xff" * 1_000_000

    quickly("fill bytes", jpegheader.mended, data + b"\0")
    assert jpegheader.mended(data + b"\xd9") == b"\xff\xd8\xff\xd9"


def test_a_style_of_unfinished_imports_is_read_at_once() -> None:
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg'><style>{'@import url(;' * 25_000}</style></svg>".encode()

    quickly("imports", svg.sanitise, drawing)
    assert b"import" not in svg.sanitise(drawing)


def test_little_is_kept_of_what_was_asked() -> None:
    """A thousand texts of 2 MB were kept for the log."""
    ordinary, chained = ProcessingOptions(width=7), ProcessingOptions(width=7, chained=(ProcessingOptions(),))
    story._kept.cache_clear()

    for _ in range(2):
        assert story.told(ordinary, 100) == "w:7"
        assert story.told(chained, 100) == "w:7/-"
        assert story.told(ProcessingOptions(cachebuster="x" * 2000), 2100) == "cb:" + "x" * 2000

    assert story._kept.cache_info()[:2] == (1, 1)
    assert story._kept.cache_info().currsize == 1
