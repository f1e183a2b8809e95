"""What is as good as a password stands neither in logs nor in errors nor in headers, however a URL is written.

The server is a real one with everything on that says more than it has to: debug headers, canonical links, errors for
developers. All that it said is searched, also in base64 and percent-encoded.
"""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from foveola.errors import FoveolaError, ImageError, SourceError
from foveola.server import development
from foveola.server.shown import shown
from foveola.sources.masks import concealing, masked, masked_text
from foveola.urls.encryption import encrypt
from tests.serving import Origin, Reply, Served, encoded, origin, serving, until
from tests.toys import photo

KEY = bytes(range(32))


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def all_readings(text: str) -> str:
    """Return a text, and everything that its words say when they are percent-decoded or in base64."""
    found = [text, unquote(text)]
    for word in re.findall(r"[A-Za-z0-9_-]{8,}", text):
        found += [base64.urlsafe_b64decode(word[at:] + "=" * (-len(word[at:]) % 4)).decode("latin-1") for at in
                  range(4) if len(word[at:]) % 4 != 1]  # fmt: skip
    return "\n".join(found)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://e.com/cat.jpg?w=100&name=a%20b#top", "https://e.com/cat.jpg?w=100&name=a%20b#top"),
        ("https://us:pw@e.com/a?b=c", "https://…@e.com/a?b=c"),
        ("https://e.com/a?X-Amz-Credential=AKIA&X-Amz-Date=1&X-Amz-Security-Token=t&X-Amz-Signature=f00",
         "https://e.com/a?X-Amz-Credential=…&X-Amz-Date=1&X-Amz-Security-Token=…&X-Amz-Signature=…"),
        ("https://e.com/a?AWSAccessKeyId=A&Expires=1&Signature=s%2F%3D", "https://e.com/a?AWSAccessKeyId=…&Expires=1&Signature=…"),
        ("https://e.com/a?X-Goog-Algorithm=G&X-Goog-Credential=c&X-Goog-Signature=s",
         "https://e.com/a?X-Goog-Algorithm=G&X-Goog-Credential=…&X-Goog-Signature=…"),
        ("https://e.com/a?GoogleAccessId=g&Expires=1&Signature=s", "https://e.com/a?GoogleAccessId=…&Expires=1&Signature=…"),
        ("https://a.blob.core.windows.net/c/b?sv=2024&se=9&sr=b&sp=r&sig=abc%3D",
         "https://a.blob.core.windows.net/c/b?sv=2024&se=9&sr=b&sp=r&sig=…"),
        ("https://e.com/a?Policy=p&Key-Pair-Id=k&Signature=s", "https://e.com/a?Policy=…&Key-Pair-Id=…&Signature=…"),
        ("https://e.com/a?%73ig=abc", "https://e.com/a?%73ig=…"),
        ("https://e.com/a?access_token=x;API_KEY=y#session=z", "https://e.com/a?access_token=…;API_KEY=…#session=…"),
        ("https://e.com/a?hdnts=exp=1~hmac=2&s=0123456789abcdef0123456789abcdef", "https://e.com/a?hdnts=…&s=…"),
        ("https://e.com/a?s=80&h=200&tokens=1&keyword=x&signed=", "https://e.com/a?s=80&h=200&tokens=1&keyword=x&signed="),
        ("https://e.com/https://us:pw@f.com/@a", "https://e.com/https://…@f.com/@a"),
        ("https://e.com/?u=https%3a%2F%2Fus%3Apw%40f.com%2F%40a&v=a@b", "https://e.com/?u=https%3a%2F%2F…@f.com%2F%40a&v=a@b"),
        ("s3://bucket/a?token=1", "s3://bucket/a?token=…"),
        ("http:/us:pw@e.com/a", "http:/…@e.com/a"),
        ("http:///us:pw@e.com/a", "http:///…@e.com/a"),
        ("http:////us:pw@e.com/a@b", "http:////…@e.com/a@b"),
    ],
)  # fmt: skip
def test_a_url_is_masked(url: str, safe: str) -> None:
    assert masked(url) == safe
    assert masked(safe) == safe
    assert masked_text(f"Can't get {url}: <'{url}'>\n") == f"Can't get {safe}: <'{safe}'>\n"


@pytest.mark.parametrize("url", ["us:pw@e.com/a", "http:us:pw@e.com/a", "http:\\us:pw@e.com/a", "http:us:pw%40e.com/a"])
def test_a_url_without_its_slashes_is_masked(url: str) -> None:
    assert masked(url) == "…@e.com/a"
    assert shown(f"/x/plain/{url}") == "/x/plain/…@e.com/a"


@pytest.mark.parametrize(
    "source",
    [
        "http%3A%2F%2Fus:pw%40e.com",
        "http:/us:pw@e.com/a",
        "http:///us:pw@e.com/a",
        "http%3a/us:pw@e.com",
        "//us:pw@e.com",
    ],
)
def test_a_path_has_no_name_however_its_slashes_are_written(source: str) -> None:
    assert "pw" not in shown(f"/x/w:1/plain/{source}")


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
@pytest.mark.parametrize("slashes", ["%2F%2F", "%2F", "/%2F/"])
def test_a_url_in_escapes_is_masked(colon: str, slashes: str) -> None:
    assert masked(f"http{colon}{slashes}us{colon}pw%40e.com/a") == f"http{colon}{slashes}…@e.com/a"


@pytest.mark.parametrize(
    "url",
    [
        "https://e.com/cat@2x.jpg",
        "local:///a:b/c@d",
        "local:///a@b",
        "s3://b/a:/c@d",
        "cat@2x.jpg",
        "http://[::1]:80/a@b",
    ],
)
def test_what_is_no_name_is_left(url: str) -> None:
    assert masked(url) == url


def test_masking_takes_no_longer_than_reading() -> None:
    """Nothing is quadratic: the longest that may come is done at once."""
    for text in ("/a" * 16_384, "/aHR0cDov" * 3640, "/plain/" + "&a=b" * 8000, "/" + "A" * 32_000, "a:/" * 10_000):
        shown(text)
        masked("http://e.com/?" + text)
        masked_text(text)


U = "https://us:pw@e.com/cat.jpg?sig=f00"
SAFE = coded("https://…@e.com/cat.jpg?sig=…")


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        (f"/x/w:10/{coded(U)}", f"/x/w:10/{SAFE}"),
        (f"/x/{coded(U)}.webp", f"/x/{SAFE}.webp"),
        (f"/info/x/s:1/{coded(U)}", f"/info/x/s:1/{SAFE}"),
        (f"/prefix/more/x/presets/{coded(U)}==.webp", f"/prefix/more/x/presets/{SAFE}.webp"),
        (f"/x/w:1/{coded(U)[:9]}/{coded(U)[9:20]}/{coded(U)[20:]}.avif", f"/x/w:1/{SAFE}.avif"),
        (f"/x/w:1/wmu:{coded(U)}/{coded('https://e.com/a.jpg')}", f"/x/w:1/wmu:{SAFE}/{coded('https://e.com/a.jpg')}"),
        (f"/x/fiu:{coded(U)}/plain/https://us:pw@e.com/a@png", f"/x/fiu:{SAFE}/plain/https://…@e.com/a@png"),
        (f"/x/{coded('cat.jpg?sig=f00')}", f"/x/{coded('cat.jpg?sig=…')}"),
        ("/x/plain/https://e.com/a%3Fw=1%26X-Amz-Signature=f00", "/x/plain/https://e.com/a%3Fw=1&X-Amz-Signature=…"),
        ("/x/plain/https%3A%2F%2Fe.com%2Fa%3Ftoken%3Df00", "/x/plain/https://e.com/a%3Ftoken=…"),
        ("/x/plain/https:/us:pw%40e.com/a", "/x/plain/https:/…@e.com/a"),
        *((path, path) for path in (
            "/", "", "/x", "/x/plain/https://e.com/a%20b%3Fw=1@png", f"/x/rs:fill:1:2/{coded('https://e.com/a')}.webp",
            "/x/enc/" + base64.urlsafe_b64encode(encrypt(U, KEY)).decode(), "/x/plain/local:///a.jpg", "/x/A/B/C/E.png",
        )),
    ],
)  # fmt: skip
def test_a_path_is_shown_without_secrets(path: str, safe: str) -> None:
    assert shown(path) == safe


def test_a_file_name_after_a_source_hides_nothing() -> None:
    said = all_readings(shown(f"/x/{coded(U)}/cat.webp"))

    assert "e.com/cat.jpg" in said
    assert "us:pw" not in said
    assert "f00" not in said


def test_a_path_that_is_too_long_is_cut() -> None:
    assert len(shown("/" + "a" * 1_000_000)) < 40_000


def test_of_a_hidden_source_only_the_status_is_told() -> None:
    url = f"https://{'n' * 9}.example/"
    with pytest.raises(SourceError) as found, concealing(True):
        raise SourceError(f"{url} answered 418", status=418, public="No")
    assert (found.value.status, found.value.public) == (418, "No")
    assert url not in development.told(found.value, "")[1]
    with pytest.raises(FoveolaError) as unforeseen, concealing(True):
        raise ValueError(url)
    assert url not in development.told(unforeseen.value, "")[1]
    with pytest.raises(ImageError, match="too large"), concealing(True):
        raise ImageError("too large")
    with pytest.raises(SourceError, match="told"), concealing(False):
        raise SourceError("told")


@pytest.fixture(scope="module")
def place() -> Iterator[Origin]:
    with origin(cat_jpg=encoded(photo(60, 40), "JPEG"), text_jpg=b"no picture") as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {
        "WORKERS": "1",
        "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "1",
        "SET_CANONICAL_HEADER": "1",
        "ENABLE_DEBUG_HEADERS": "1",
        "DEVELOPMENT_ERRORS_MODE": "1",
        "LOG_LEVEL": "debug",
        "SOURCE_URL_ENCRYPTION_KEY": KEY.hex(),
        "FALLBACK_IMAGE_HTTP_CODE": "0",
    }
    with serving(tmp_path_factory.mktemp("secrets"), **settings) as found:
        yield found


def said(server: Served, target: str) -> tuple[int, str]:
    """Return the status, and all that was said of one request, in the answer and the log."""
    before = server.log.stat().st_size
    try:
        answer = server.get(target)
    except http.client.IncompleteRead:
        answer = Reply(200, {}, b"")
    assert until(lambda: b"Completed" in server.log.read_bytes()[before:])
    told = server.log.read_bytes()[before:]
    return answer.status, all_readings(f"{answer.headers}\n{answer.body.decode('latin-1')}\n{told.decode()}")


def closed() -> int:
    """Return a port that nobody listens on."""
    import socket

    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return int(there.getsockname()[1])


FILES = [
    ("/file/cat.jpg", 200),
    ("/file/text.jpg", 422),
    ("/nothing", 404),
    ("/short/cat.jpg", 422),
    ("/scheme/ftp://us:swordfish@e.com/?token=swordfish", 404),
]


@pytest.mark.parametrize("form", ["plain", "base64"])
@pytest.mark.parametrize("options", ["w:10", "raw:1"])
@pytest.mark.parametrize(("file", "status"), FILES)
def test_nothing_tells_credentials(
    server: Served, place: Origin, file: str, status: int, options: str, form: str
) -> None:
    url = f"http://us:swordfish@127.0.0.1:{place.port}{file}?X-Amz-Signature=swordfish"
    place.files |= {f"{name}?X-Amz-Signature=swordfish": place.files[name] for name in ("cat.jpg", "text.jpg")}

    answered, words = said(server, f"/x/{options}/{'plain/' + quote(url) if form == 'plain' else coded(url)}")

    assert answered == status or options == "raw:1"
    assert "swordfish" not in words
    assert coded("us:swordfish@") not in words
    assert "127.0.0.1" in words, "of the source there is something to be read"


def test_nothing_tells_credentials_of_a_server_that_speaks_no_http_or_is_not_there(server: Served) -> None:
    url = f"http://us:swordfish@127.0.0.1:{closed()}/a?token=swordfish"

    for target in (
        f"/x/{coded(url)}",
        f"/x/wm:1/wmu:{coded(url)}/fiu:{coded(url)}/{coded(url)}",
        f"/info/x/{coded(url)}",
    ):
        status, words = said(server, target)
        assert status == 404
        assert "swordfish" not in words


@pytest.mark.parametrize("options", ["w:10", "raw:1", "info"])
@pytest.mark.parametrize(("file", "status"), [*FILES, ("gone", 404)])
def test_nothing_tells_an_encrypted_source(server: Served, place: Origin, file: str, status: int, options: str) -> None:
    port = closed() if file == "gone" else place.port
    url = f"http://127.0.0.1:{port}{file.replace('swordfish', 'no')}"
    place.files |= {"swordfish.jpg": place.files["cat.jpg"]}
    url = url.replace("cat.jpg", "swordfish.jpg")
    written = base64.urlsafe_b64encode(encrypt(url, KEY)).decode().rstrip("=")

    answered, words = said(server, f"/info/x/enc/{written}" if options == "info" else f"/x/{options}/enc/{written}")

    assert answered == status or options == "raw:1"
    for secret in ("swordfish", f":{port}", "127.0.0.1", "cat.jpg", "text.jpg"):
        assert secret not in words.replace("client_ip", "")


def test_a_source_without_secrets_is_told_as_ever(server: Served, place: Origin) -> None:
    answer = server.get(f"/x/plain/{place.url('/file/cat.jpg')}")

    assert answer.headers["link"] == f'<{place.url("/file/cat.jpg")}>; rel="canonical"'
    assert "cat.jpg" in answer.headers["content-disposition"]
