"""The headers of answers, the conditions of requests, cookies, routes and the page of errors, each as a table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from foveola.errors import FoveolaError, SourceError
from foveola.server import development, headers
from foveola.server.conditional import Conditions, forwarded, raw
from foveola.server.cookies import Cookies
from foveola.server.hints import hinted
from foveola.server.request import Request
from foveola.server.routes import kind_of
from foveola.sources.base import masked

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
OLD, MIDDLE, NEW = (f"{day}, 0{number} Jan 2024 00:00:00 GMT" for day, number in (("Mon", 1), ("Tue", 2), ("Wed", 3)))
BUSTER = datetime(2024, 1, 2, tzinfo=UTC)


# Cache-Control


@pytest.mark.parametrize(
    ("status", "ttl", "source", "explicit", "passed", "value"),
    [
        (200, 3600, {}, 0, False, "max-age=3600, public"),
        (304, 3600, {}, 0, False, "max-age=3600, public"),
        (200, 0, {}, 0, False, "no-cache"),
        (404, 3600, {}, 0, False, ""),
        (404, 0, {}, 0, True, ""),
        (404, 3600, {}, 60, False, "max-age=60, public"),
        (200, 3600, {}, 60, False, "max-age=60, public"),
        (200, 3600, {"cache-control": "private, max-age=5"}, 0, True, "private, max-age=5"),
        (200, 3600, {"cache-control": "private, max-age=5"}, 0, False, "max-age=3600, public"),
        (200, 3600, {"cache-control": "private, max-age=5"}, 60, True, "max-age=60, public"),
        (404, 3600, {"cache-control": "private, max-age=5"}, 0, True, ""),
        (200, 3600, {"expires": "Sat, 28 Nov 2026 12:01:40 GMT"}, 0, True, "max-age=100, public"),
        (200, 3600, {"expires": "Sat, 28 Nov 2026 12:01:40 GMT"}, 0, False, "max-age=3600, public"),
        (200, 3600, {"expires": "Sat, 28 Nov 2026 11:59:00 GMT"}, 0, True, "max-age=3600, public"),
        (200, 3600, {"expires": "0"}, 0, True, "max-age=3600, public"),
        (200, 3600, {"cache-control": "no-store", "expires": "Sat, 28 Nov 2026 12:01:40 GMT"}, 0, True, "no-store"),
    ],
)
def test_who_says_how_long_an_answer_is_cached(
    status: int, ttl: int, source: dict[str, str], explicit: int, passed: bool, value: str
) -> None:
    assert headers.cache_control(status, ttl, source, explicit=explicit, passed=passed, now=NOW) == value


@pytest.mark.parametrize(
    ("ttl", "expires", "fallback", "seconds"),
    [
        (3600, 0, 0, 0),
        (3600, NOW + 100, 0, 100),
        (3600, NOW + 9999, 0, 3600),
        (0, NOW + 100, 0, 0),
        (3600, 0, 60, 60),
        (3600, 0, 9999, 9999),
        (3600, NOW + 100, 60, 60),
        (3600, NOW + 30, 60, 30),
    ],
)
def test_a_url_and_a_fallback_say_how_long_at_most(ttl: int, expires: float, fallback: int, seconds: int) -> None:
    assert headers.explicit_age(ttl, int(expires), NOW, fallback) == seconds


# Content-Disposition


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("http://example.com/test.jpg", 'inline; filename="test.png"'),
        ("http://example.com/path/to/", 'inline; filename="image.png"'),
        ("http://example.com/cat", 'inline; filename="cat.png"'),
        ("http://example.com/cat.tar.gz", 'inline; filename="cat.tar.png"'),
        ("http://example.com/.jpg", 'inline; filename="image.png"'),
        ("http://example.com/cat.jpg?v=1", 'inline; filename="cat.png"'),
        ('http://example.com/my"file.jpg', 'inline; filename="my%22file.png"'),
        ("local:///a\r\nSet-Cookie: b=c.jpg", 'inline; filename="aSet-Cookie: b=c.png"'),
        ("local:///a\\b\x00\x7f\x85.jpg", 'inline; filename="ab.png"'),
        ("local:///\u202egnp.exe.jpg", 'inline; filename="gnp.exe.png"'),
        ("local:///и.jpg", "inline; filename=\"_.png\"; filename*=UTF-8''%D0%B8.png"),
        ("local:///a\udce9.jpg", 'inline; filename="a?.png"'),
    ],
)
def test_a_file_is_named_after_its_source(source: str, value: str) -> None:
    assert headers.disposition(source, ".png") == value


@pytest.mark.parametrize(
    ("filename", "attachment", "value"),
    [
        ("dog", False, 'inline; filename="dog.png"'),
        ("dog", True, 'attachment; filename="dog.png"'),
        ("", True, 'attachment; filename="cat.png"'),
        ("dog.tar", False, 'inline; filename="dog.tar.png"'),
        ('a"b\r\n', False, 'inline; filename="a%22b.png"'),
        ("\r\n", False, 'inline; filename="image.png"'),
    ],
)
def test_a_url_may_name_the_file(filename: str, attachment: bool, value: str) -> None:
    assert headers.disposition("http://e.com/cat.jpg", ".png", filename, attachment=attachment) == value


# ETag, Last-Modified and conditions


@pytest.mark.parametrize(
    ("source", "buster", "value"),
    [
        ('"loremipsumdolor"', "", '"loremipsumdolor"'),
        ('"loremipsumdolor"', "buster", '"buster/ImxvcmVtaXBzdW1kb2xvciI"'),
        ('W/"a"', "b", '"b/Vy8iYSI"'),
        ("", "buster", ""),
    ],
)
def test_an_etag_is_the_source_s_behind_the_buster(source: str, buster: str, value: str) -> None:
    assert headers.etag(source, buster) == value


@pytest.mark.parametrize(
    ("source", "buster", "value"),
    [
        (OLD, None, OLD),
        (OLD, BUSTER, MIDDLE),
        (NEW, BUSTER, NEW),
        ("", BUSTER, ""),
        ("yesterday", None, "yesterday"),
        ("yesterday", BUSTER, ""),
    ],
)
def test_a_file_is_not_older_than_the_buster(source: str, buster: datetime | None, value: str) -> None:
    assert headers.last_modified(source, buster) == value


BUSTED = Conditions(etag_buster="buster", modified_buster=BUSTER)


@pytest.mark.parametrize(
    ("conditions", "given", "passed_on"),
    [
        (Conditions(), {"if-none-match": '"a"'}, {"if-none-match": '"a"'}),
        (Conditions(), {"if-none-match": 'W/"a", "b"'}, {"if-none-match": 'W/"a", "b"'}),
        (Conditions(etag=False), {"if-none-match": '"a"', "if-modified-since": OLD}, {"if-modified-since": OLD}),
        (Conditions(modified=False), {"if-none-match": '"a"', "if-modified-since": OLD}, {"if-none-match": '"a"'}),
        (
            Conditions(),
            {"if-none-match": '"a"', "if-modified-since": OLD, "accept": "*/*"},
            {"if-none-match": '"a"', "if-modified-since": OLD},
        ),
        (
            BUSTED,
            {"if-none-match": '"buster/ImxvcmVtaXBzdW1kb2xvciI"'},
            {"if-none-match": '"loremipsumdolor"'},
        ),
        (
            BUSTED,
            {"if-none-match": 'W/"buster/ImxvcmVtaXBzdW1kb2xvciI"'},
            {"if-none-match": '"loremipsumdolor"'},
        ),
        (BUSTED, {"if-none-match": '"loremipsumdolor"'}, {}),
        (BUSTED, {"if-none-match": '"other/ImxvcmVtaXBzdW1kb2xvciI"'}, {}),
        (BUSTED, {"if-none-match": '"buster/Imx?"', "if-modified-since": NEW}, {}),
        (BUSTED, {"if-none-match": '"buster/Imx+"'}, {}),
        (BUSTED, {"if-none-match": '"buster/ImxvcmVtaXBzdW1kb2xvciI="'}, {}),
        (BUSTED, {"if-none-match": '"buster/"'}, {}),
        (BUSTED, {"if-none-match": '"buster/DQo"'}, {}),  # a line's end
        (BUSTED, {"if-modified-since": OLD}, {}),
        (BUSTED, {"if-modified-since": MIDDLE}, {}),
        (BUSTED, {"if-modified-since": NEW}, {"if-modified-since": NEW}),
        (BUSTED, {"if-modified-since": "yesterday"}, {}),
        (Conditions(), {}, {}),
    ],
)
def test_conditions_are_asked_of_the_source(
    conditions: Conditions, given: dict[str, str], passed_on: dict[str, str]
) -> None:
    assert dict(forwarded(given, conditions)) == passed_on


def test_what_is_sent_comes_back_as_it_was() -> None:
    for tag in ('"a"', 'W/"a/b+c"', '"ÿþ"', "unquoted"):
        sent = headers.etag(tag, "v/1")
        assert forwarded({"if-none-match": sent}, Conditions(etag_buster="v/1")) == (("if-none-match", tag),)


def test_a_raw_request_asks_for_parts_and_encodings_too() -> None:
    given = {"range": "bytes=0-1", "accept-encoding": "br", "if-none-match": '"a"', "cookie": "a=b"}

    assert dict(raw(given)) == {"range": "bytes=0-1", "accept-encoding": "br", "if-none-match": '"a"'}


# The others


@pytest.mark.parametrize(
    ("accept", "hints", "value"),
    [
        (True, False, "Accept"),
        (True, True, "Accept, Sec-Ch-Dpr, Dpr, Sec-Ch-Width, Width"),
        (False, True, "Sec-Ch-Dpr, Dpr, Sec-Ch-Width, Width"),
        (False, False, ""),
    ],
)
def test_an_answer_says_what_it_depends_on(accept: bool, hints: bool, value: str) -> None:
    assert headers.vary(accept=accept, hints=hints) == value


def test_an_answer_depends_on_what_its_source_was_told() -> None:
    assert headers.vary("X-Tenant", "accept", "Cookie", accept=True) == "accept, X-Tenant, Cookie"
    assert headers.vary("Accept-Encoding") == "Accept-Encoding"


@pytest.mark.parametrize(("explicit", "source"), [(0, {}), (60, {}), (0, {"expires": "Thu, 01 Jan 1970 00:01:00 GMT"})])
def test_what_is_for_one_client_is_not_public(explicit: int, source: dict[str, str]) -> None:
    said = headers.cache_control(200, 60, source, explicit=explicit, passed=True, private=True)

    assert said == "max-age=60, private"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("http://e.com/a.jpg?b=c", '<http://e.com/a.jpg?b=c>; rel="canonical"'),
        ("HTTP://e.com/a.jpg", '<HTTP://e.com/a.jpg>; rel="canonical"'),
        ("Https://e.com/a.jpg", '<Https://e.com/a.jpg>; rel="canonical"'),
        ("https://e.com/%20", '<https://e.com/%20>; rel="canonical"'),
        ("https://e.com/a>; rel=x\r\n", '<https://e.com/a%3E;%20rel=x%0D%0A>; rel="canonical"'),
        ("https://e.com/и", '<https://e.com/%D0%B8>; rel="canonical"'),
        ("local:///a.jpg", ""),
        ("s3://a/b", ""),
    ],
)
def test_only_a_web_address_is_canonical(source: str, value: str) -> None:
    assert headers.canonical(source) == value


def test_headers_of_the_source_are_sent_under_the_names_that_were_asked_for() -> None:
    source = {"x-one": "1", "x-two": "2"}

    assert headers.passed_on(source, ("X-One", "X-Three")) == (("X-One", "1"),)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\r\nb", "a\0", "é€"])
def test_what_is_no_value_of_a_header_is_not_sent(value: str) -> None:
    assert not headers.sendable(value)
    assert headers.sendable("a b\tc é")


# Cookies


ASKED = {"cookie": "a=b", "host": "e.com:8080"}


@pytest.mark.parametrize(
    ("cookies", "given", "source", "sent"),
    [
        (Cookies(), ASKED, "http://e.com/a", False),
        (Cookies(on=True), ASKED, "http://e.com/a", True),
        (Cookies(on=True), ASKED, "https://E.com:1234/a", True),
        (Cookies(on=True), ASKED, "http://www.e.com/a", False),
        (Cookies(on=True), ASKED, "http://e.com.evil.org/a", False),
        (Cookies(on=True), ASKED, "http://evil.org@e.com/a", True),
        (Cookies(on=True), ASKED, "http://e.com@evil.org/a", False),
        (Cookies(on=True), ASKED, "local:///e.com/a", False),
        (Cookies(on=True), ASKED | {"x-forwarded-host": "f.com"}, "http://f.com/a", True),
        (Cookies(on=True), ASKED | {"x-forwarded-host": "f.com"}, "http://e.com/a", False),
        (Cookies(on=True), {"host": "e.com"}, "http://e.com/a", False),
        (Cookies(on=True), {"cookie": "a=b"}, "http://e.com/a", False),
        (Cookies(on=True, base_url="https://f.com"), ASKED, "http://f.com/a", True),
        (Cookies(on=True, base_url="https://f.com"), ASKED, "http://e.com/a", False),
        (Cookies(on=True, base_url="https://f.com/in/page"), ASKED, "http://f.com/in/a", True),
        (Cookies(on=True, base_url="https://f.com/in/page"), ASKED, "http://f.com/inside/a", False),
        (Cookies(on=True, everywhere=True), ASKED, "http://f.com/a", True),
        (Cookies(on=True, everywhere=True), ASKED, "s3://f.com/a", False),
        (Cookies(on=False, everywhere=True), ASKED, "http://f.com/a", False),
        (Cookies(on=True), ASKED, "http://[/a", False),
    ],
)
def test_cookies_go_where_they_belong(cookies: Cookies, given: dict[str, str], source: str, sent: bool) -> None:
    assert cookies.sent(given, source) == ("a=b" if sent else "")


# Client hints


@pytest.mark.parametrize(
    ("given", "width", "dpr"),
    [
        ({}, 0, 1),
        ({"width": "100"}, 100, 1),
        ({"width": "100", "dpr": "2"}, 50, 2),
        ({"sec-ch-width": "101", "sec-ch-dpr": "2", "width": "1", "dpr": "1"}, 51, 2),
        ({"dpr": "1.5"}, 0, 1.5),
        ({"dpr": "8"}, 0, 8),
        ({"width": "100", "dpr": "9"}, 100, 1),
        ({"width": "100", "dpr": "0"}, 100, 1),
        ({"width": "-1", "dpr": "nan"}, 0, 1),
        ({"width": "1e3", "dpr": "1e0"}, 0, 1),
    ],
)
def test_a_client_says_how_wide_and_how_dense(given: dict[str, str], width: int, dpr: float) -> None:
    said = hinted(given)

    assert (said.width, said.dpr) == (width, dpr)


# Routes and requests


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/p/", "landing"),
        ("GET", "/p", "landing"),
        ("GET", "/p/health", "health"),
        ("GET", "/p/%68ealth", "health"),
        ("GET", "/p/well", "health"),
        ("GET", "/p/favicon.ico", "nothing"),
        ("GET", "/p/.well-known/a/b", "nothing"),
        ("GET", "/p/info/sig/plain/a", "info"),
        ("GET", "/p/info", "picture"),
        ("GET", "/p/sig/plain/a", "picture"),
        ("GET", "/sig/plain/a", "nothing"),
        ("GET", "/pig/plain/a", "nothing"),
        ("GET", "/p//sig/plain/a", "picture"),
        ("GET", "/health", "nothing"),
        ("HEAD", "/p/sig/plain/a", "head"),
        ("HEAD", "/p/favicon.ico", "head"),
        ("OPTIONS", "/p/x", "options"),
        ("HEAD", "/x", "nothing"),
        ("POST", "/p/sig/plain/a", "nothing"),
        ("DELETE", "/p/health", "nothing"),
    ],
)
def test_a_path_has_a_kind(method: str, path: str, kind: str) -> None:
    assert kind_of(method, path, "/p", "/well") == kind


def request(*pairs: tuple[str, str], client: tuple[str, int] | None = ("10.0.0.1", 1)) -> Request:
    raw_headers = [(name.encode(), value.encode()) for name, value in pairs]
    return Request.of({"method": "GET", "raw_path": b"/a?b", "headers": raw_headers, "client": client})


@pytest.mark.parametrize(
    ("pairs", "client"),
    [
        ((), "10.0.0.1"),
        ((("X-Real-IP", "1.1.1.1"),), "1.1.1.1"),
        ((("X-Real-IP", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2, 3.3.3.3")), "2.2.2.2"),
        ((("X-Forwarded-For", "2.2.2.2"), ("CF-Connecting-IP", "4.4.4.4")), "4.4.4.4"),
        ((("X-Forwarded-For", "2001:db8::1"),), "2001:db8::1"),
        ((("X-Forwarded-For", "::ffff:255.255.255.255"),), "::ffff:255.255.255.255"),
        ((("X-Forwarded-For", "ABCD:ABCD:ABCD:ABCD:ABCD:ABCD:192.168.158.190"),), "ABCD:" * 6 + "192.168.158.190"),
        ((("CF-Connecting-IP", "none"), ("X-Real-IP", "1.1.1.1")), "1.1.1.1"),
        *(
            ((("X-Forwarded-For", text),), "10.0.0.1")
            for text in (
                "e.com",
                "1.2.3",
                "0x7f.1",
                "1.2.3.4:80",
                "[::1]",
                "fe80::1%eth0",
                "\x80" * 9,
                ":" * 65_000,
                "",
            )
        ),
    ],
)
def test_proxies_say_who_has_asked(pairs: tuple[tuple[str, str], ...], client: str) -> None:
    assert request(*pairs).client == client


def test_a_request_is_read() -> None:
    read = request(("X-Request-ID", "a-B_1"), ("Cookie", "a=b"), ("cookie", "c=d"), ("A", "1"), ("A", "2"), client=None)

    assert (read.path, read.identity, read.client) == ("/a", "a-B_1", "")
    assert (read.headers["cookie"], read.headers["a"]) == ("a=b; c=d", "1, 2")


@pytest.mark.parametrize("given", ["", "a b", "a,b", "x" * 129])
def test_what_is_no_name_of_a_request_gives_it_a_new_one(given: str) -> None:
    identity = request(("X-Request-ID", given)).identity

    assert identity != given
    assert len(identity) == 22


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:secret@e.com:80/a?b=c@d", "http://…@e.com:80/a?b=c@d"),
        ("http://e.com/a@b", "http://e.com/a@b"),
        ("local:///a", "local:///a"),
        ("http://[", "http://["),
        ("http://user:secret@[", "http://…"),
        ("http://user:secret[", "http://…"),
        ("http://user:secret/a", "http://…/a"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("http://e.com:/a", "http://e.com:/a"),
    ],
)
def test_the_log_shows_no_password(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/s/w:1/plain/http://user:secret%40e.com/a%40b.png@webp", "/s/w:1/plain/http://…@e.com/a%40b.png@webp"),
        ("/s/plain/http:/user:secret@e.com/a", "/s/plain/http:/…@e.com/a"),
        ("/s/plain/http:%2F%2Fuser:secret@e.com%2Fa@webp", "/s/plain/http:%2F%2F…@e.com%2Fa@webp"),
        ("/s/plain/http%3a%2f%2fuser%3Asecret%40e.com/a", "/s/plain/http%3a%2f%2f…@e.com/a"),
        ("/s/w:1/plain/local:///a.png@webp", "/s/w:1/plain/local:///a.png@webp"),
        ("/s/w:1/aHR0cDo.webp", "/s/w:1/aHR0cDo.webp"),
    ],
)
def test_the_log_shows_no_password_in_a_path(path: str, shown: str) -> None:
    assert Request("GET", path, {}).shown == shown


# Errors for developers


def error() -> FoveolaError:
    try:
        try:
            raise OSError("<first>")
        except OSError as cause:
            raise SourceError("Can't read <b>", status=410) from cause
    except SourceError as raised:
        raised.add_note("and a note")
        return raised


def test_a_developer_is_told_everything() -> None:
    kind, text = development.told(error(), "*/*")

    assert kind == "text/plain"
    assert text.startswith("410 Source is unreachable\n\nCan't read <b>\n")
    assert "OSError: <first>" in text
    assert "and a note" in text
    assert "in error" in text


def test_a_browser_is_shown_a_page_without_foreign_markup() -> None:
    kind, text = development.told(error(), "text/html,*/*")

    assert kind == "text/html"
    assert "<h1>410 Source is unreachable</h1><p>Can&#x27;t read &lt;b&gt;</p>" in text
    assert "OSError: &lt;first&gt;" in text
    assert "<b>" not in text


def test_an_extension_that_a_source_says_cannot_end_the_name() -> None:
    assert headers.disposition("", '.p"ng\r\n', "a") == 'inline; filename="a.p%22ng"'
    assert headers.disposition("", ".я", "a") == "inline; filename=\"a._\"; filename*=UTF-8''a.%D1%8F"
