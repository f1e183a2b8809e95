"""What a server does besides making pictures, over real sockets."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from PIL import Image

from tests.serving import POLICY, Origin, Reply, Served, encoded, origin, serving, until, write_pictures
from tests.toys import photo

OLD, MIDDLE, NEW = (f"{day}, 0{number} Jan 2024 00:00:00 GMT" for day, number in (("Mon", 1), ("Tue", 2), ("Wed", 3)))
DOG = encoded(photo(30, 30), "PNG")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    (folder / "dog.png").write_bytes(DOG)
    return folder


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> Iterator[Origin]:
    with origin(
        cat_jpg=(folder / "cat.jpg").read_bytes(), text_jpg=b"no picture", noise_png=(folder / "noise.png").read_bytes()
    ) as told:
        yield told


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that passes on what it may."""
    settings = {
        "CACHE_CONTROL_PASSTHROUGH": "true",
        "SET_CANONICAL_HEADER": "true",
        "COOKIE_PASSTHROUGH": "true",
        "COOKIE_BASE_URL": "http://127.0.0.1",
        "REQUEST_HEADERS_PASSTHROUGH": "X-Tenant",
        "RESPONSE_HEADERS_PASSTHROUGH": "X-Own,Content-Type",
        "CUSTOM_REQUEST_HEADERS": "X-Ours=1",
        "CUSTOM_RESPONSE_HEADERS": r"X-Said=a=b\;X-Content-Type-Options=sniff",
        "SERVER_NAME": "a server",
        "HEALTH_CHECK_PATH": "/well",
        "HEALTH_CHECK_MESSAGE": "very well",
        "MAX_SRC_FILE_SIZE": "100000",
        "ENABLE_DEBUG_HEADERS": "true",
    }
    with _server(folder, tmp_path_factory, settings) as served:
        yield served


@pytest.fixture(scope="module")
def busted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with busters, a fallback image and errors for developers."""
    settings = {
        "ETAG_BUSTER": "buster",
        "LAST_MODIFIED_BUSTER": "2024-01-02T00:00:00Z",
        "FALLBACK_IMAGE_PATH": str(folder / "dog.png"),
        "FALLBACK_IMAGE_HTTP_CODE": "0",
        "FALLBACK_IMAGE_TTL": "60",
        "DEVELOPMENT_ERRORS_MODE": "true",
        "AUTO_WEBP": "true",
        "ENABLE_CLIENT_HINTS": "true",
        "READ_REQUEST_TIMEOUT": "1",
        "MAX_CLIENTS": "3",
    }
    with _server(folder, tmp_path_factory, settings) as served:
        yield served


def _server(folder: Path, place: pytest.TempPathFactory, settings: Mapping[str, str]) -> AbstractContextManager[Served]:
    here = {"LOCAL_FILESYSTEM_ROOT": str(folder), "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true", "WORKERS": "1"}
    return serving(place.mktemp("server"), **here, **settings)


def target(elsewhere: Origin, options: str = "w:20", name: str = "cat.jpg", **headers: str) -> str:
    """Return the target of a picture whose source has such headers."""
    said = urlencode({key.replace("_", "-"): value for key, value in headers.items()})
    path = f"/with/{said}/{name}" if said else f"/file/{name}"
    return f"/unsafe/{options}/plain/{elsewhere.url(path).replace('%', '%25')}"


def size(reply: Reply) -> tuple[int, int]:
    return Image.open(io.BytesIO(reply.body)).size


# Conditions


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 200),
        ({"If-None-Match": '"a"'}, 304),
        ({"If-None-Match": '"b"'}, 200),
        ({"If-Modified-Since": OLD}, 304),
        ({"If-Modified-Since": NEW}, 200),
        ({"If-None-Match": '"b"', "If-Modified-Since": OLD}, 200),
    ],
)
def test_the_source_says_what_is_new(plain: Served, elsewhere: Origin, given: dict[str, str], status: int) -> None:
    reply = plain.get(target(elsewhere, etag='"a"', last_modified=OLD, cache_control="max-age=7", x_own="2"), given)

    assert reply.status == status
    assert (reply.headers["etag"], reply.headers["last-modified"]) == ('"a"', OLD)
    assert (reply.headers["cache-control"], reply.headers["x-own"]) == ("max-age=7", "2")
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers.get("content-type") == (None if status == 304 else "image/jpeg")
    assert reply.body[:3] == (b"" if status == 304 else b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"If-None-Match": '"a"'}, 200),
        ({"If-None-Match": '"buster/ImEi"'}, 304),
        ({"If-None-Match": '"other/ImEi"', "If-Modified-Since": NEW}, 200),
        ({"If-Modified-Since": NEW}, 304),
    ],
)
def test_a_buster_makes_what_clients_have_stale(
    busted: Served, elsewhere: Origin, given: dict[str, str], status: int
) -> None:
    reply = busted.get(target(elsewhere, etag='"a"', last_modified=NEW), given)

    assert reply.status == status
    assert (reply.headers["etag"], reply.headers["last-modified"]) == ('"buster/ImEi"', NEW)
    assert reply.headers["vary"] == "Accept, Sec-Ch-Dpr, Dpr, Sec-Ch-Width, Width"


def test_an_old_file_is_as_old_as_the_buster(busted: Served, elsewhere: Origin) -> None:
    old = target(elsewhere, last_modified=OLD)

    assert busted.get(old).headers["last-modified"] == MIDDLE
    assert busted.get(old, {"If-Modified-Since": MIDDLE}).status == 200
    assert "etag" not in busted.get(old).headers


def test_local_files_have_versions_too(plain: Served) -> None:
    first = plain.get("/unsafe/w:20/plain/local:///cat.jpg")
    again = plain.get("/unsafe/w:30/plain/local:///cat.jpg", {"If-None-Match": first.headers["etag"]})

    assert (first.status, again.status, again.body) == (200, 304, b"")
    assert again.headers["cache-control"] == "max-age=31536000, public"
    assert "link" not in first.headers


# What is passed on


def test_what_the_settings_name_goes_to_the_source_and_comes_back(plain: Served, elsewhere: Origin) -> None:
    given = {"X-Tenant": "t", "X-Other": "o", "Cookie": "a=b", "Accept-Encoding": "br", "Range": "bytes=0-1"}

    reply = plain.get(target(elsewhere, x_own="2", content_type="text/html", x_more="3"), given)

    path, asked = elsewhere.asked[-1]
    said = {name.lower(): value for name, value in asked.items()}
    assert (said["x-tenant"], said["cookie"], said["x-ours"]) == ("t", "a=b", "1")
    assert not {"x-other", "range", "accept-encoding"} & set(said)
    assert reply.headers["x-own"] == "2"
    assert "x-more" not in reply.headers
    assert reply.headers["content-type"] == "image/jpeg"  # ours, whatever the source says
    assert (reply.headers["x-said"], reply.headers["server"]) == ("a=b", "a server")
    assert reply.headers["x-content-type-options"] == "sniff"
    assert reply.headers["link"] == f'<{elsewhere.url(path)}>; rel="canonical"'


def test_only_who_asks_the_source_for_the_same_shares_an_answer(plain: Served, elsewhere: Origin) -> None:
    path = f"/unsafe/w:20/plain/{elsewhere.url('/slow/0.5')}"
    cookies = ["a=1", "a=1", "a=2", "a=2", ""]
    with ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda cookie: plain.get(path, {"Cookie": cookie} if cookie else {}), cookies))

    said = [{k.lower(): v for k, v in asked.items()} for where, asked in elsewhere.asked if where == "/slow/0.5"]
    assert sorted(asked.get("cookie", "") for asked in said) == ["", "a=1", "a=2"]
    assert [reply.status for reply in replies] == [422] * 5


def test_a_second_path_says_that_all_is_well(plain: Served) -> None:
    for path in ("/health", "/well"):
        reply = plain.get(path)
        assert (reply.status, reply.body, reply.headers["cache-control"]) == (200, b"very well", "no-cache")


# The fallback image


@pytest.mark.parametrize(
    ("path", "status"),
    [("/status/410", 410), ("/status/503", 502), ("/file/text.jpg", 422), ("/short/cat.jpg", 422)],
)
def test_the_fallback_image_stands_in(busted: Served, elsewhere: Origin, path: str, status: int) -> None:
    reply = busted.get(f"/unsafe/w:20/plain/{elsewhere.url(path)}@webp")

    assert (reply.status, reply.headers["content-type"], size(reply)) == (status, "image/webp", (20, 20))
    assert reply.headers["cache-control"] == "max-age=60, public"


def test_the_fallback_image_is_for_sources_only(busted: Served) -> None:
    assert busted.get("/unsafe/nope:1/plain/local:///cat.jpg").headers["content-type"] == "text/plain"
    assert busted.get("/unsafe/plain/local:///broken.jpg@png").status == 422


# Errors for developers


def test_developers_are_told_everything(busted: Served) -> None:
    words = busted.get("/unsafe/plain/local:///broken.jpg@png")
    page = busted.get("/unsafe/plain/local:///broken.jpg@png", {"Accept": "text/html"})

    assert words.headers["content-type"] == "text/plain"
    assert words.body.startswith(b"422 Broken or unsupported image\n")
    assert b"In the worker:\nTraceback" in words.body
    assert page.headers["content-type"] == "text/html"
    assert b"<h1>422 Broken or unsupported image</h1>" in page.body
    assert "cache-control" not in words.headers


def test_others_are_told_one_sentence(plain: Served) -> None:
    assert plain.get("/unsafe/plain/local:///broken.jpg@png").body == b"Broken or unsupported image"


# Clients


def test_a_client_that_does_not_ask_is_let_go(busted: Served) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(busted.path))
        client.sendall(b"GET /health HTTP/1.1\r\nHost: f")
        began = time.monotonic()

        assert client.recv(1) == b""
        assert 0.5 < time.monotonic() - began < 5


def test_who_finds_no_room_waits_for_it(busted: Served) -> None:
    connections = [busted.connect() for _ in range(3)]
    for connection in connections:
        connection.request("GET", "/health")
        assert connection.getresponse().read()
    replies: list[Reply] = []
    waiting = threading.Thread(target=lambda: replies.append(busted.get("/health")))
    waiting.start()
    time.sleep(0.3)
    before = list(replies)
    connections[0].close()
    waiting.join()

    assert (before, replies[0].status) == ([], 200)
    for connection in connections:
        connection.close()


def test_the_log_tells_of_a_request(plain: Served, elsewhere: Origin) -> None:
    url = elsewhere.url("/file/cat.jpg").replace("//", "//user:secret%40")
    given = {"X-Request-ID": "of-this-test", "X-Forwarded-For": "1.2.3.4"}
    plain.get(f"/unsafe/w:20/aq:dssim:0.02:1:100/plain/{url}", given)

    assert until(lambda: plain.log.read_text().count("of-this-test") == 2)
    started, completed = (line for line in plain.log.read_text().splitlines() if "of-this-test" in line)
    assert "Started /unsafe/w:20/" in started
    assert "Completed in " in completed
    for word in ('method="GET"', 'client_ip="1.2.3.4"', "status=200", 'processing_options="w:20/aq:dssim:0.02:1:100"'):
        assert word in completed
    assert "…@127.0.0.1" in completed
    assert 'autoquality="method=dssim, quality=' in completed
    assert "secret" not in completed.partition("image_url")[2]


# What a client and a URL say of the answer


def test_a_client_says_how_wide_the_picture_is_unless_the_url_does(busted: Served, plain: Served) -> None:
    given = {"Width": "80", "DPR": "2"}

    assert size(busted.get("/unsafe/plain/local:///cat.jpg", given)) == (80, 40)
    assert size(busted.get("/unsafe/w:30/dpr:1/plain/local:///cat.jpg", given)) == (30, 15)
    assert size(plain.get("/unsafe/plain/local:///cat.jpg", given)) == (200, 100)


def test_a_url_names_the_file_and_has_it_saved(plain: Served) -> None:
    reply = plain.get("/unsafe/w:20/fn:dog/att:1/plain/local:///cat.jpg@png")

    assert reply.headers["content-disposition"] == 'attachment; filename="dog.png"'


def test_a_url_that_ends_is_cached_until_then(plain: Served, busted: Served, elsewhere: Origin) -> None:
    ends = int(time.time()) + 100
    for reply in (
        plain.get(f"/unsafe/exp:{ends}/plain/local:///cat.jpg"),
        plain.get(f"/unsafe/exp:{ends}/plain/local:///none.jpg"),
        plain.get(target(elsewhere, f"exp:{ends}", cache_control="max-age=7")),
    ):
        age = reply.headers["cache-control"].removeprefix("max-age=").removesuffix(", public")
        assert 90 <= int(age) <= 100, reply
    gone = plain.get(f"/unsafe/exp:{ends - 200}/plain/local:///cat.jpg")
    assert (gone.status, gone.body) == (404, b"Invalid URL")
    fallback = busted.get(f"/unsafe/exp:{ends}/plain/local:///none.jpg")
    assert (fallback.status, fallback.headers["cache-control"]) == (404, "max-age=60, public")


def test_a_source_has_the_digest_that_its_url_says(plain: Served, folder: Path) -> None:
    right = hashlib.sha256((folder / "cat.jpg").read_bytes()).hexdigest()

    assert plain.get(f"/unsafe/hs:sha256:{right}/plain/local:///cat.jpg").status == 200
    assert plain.get(f"/unsafe/hs:sha256:{right[::-1]}/plain/local:///cat.jpg").status == 422


# The source as it is


def test_a_raw_source_is_passed_on_untouched(plain: Served, folder: Path, elsewhere: Origin) -> None:
    reply = plain.get(target(elsewhere, "raw:1", etag='"a"', content_type="image/x-cat", x_own="2", x_more="3"))

    data = (folder / "cat.jpg").read_bytes()
    assert (reply.status, reply.body) == (200, data)
    assert reply.headers["content-length"] == str(len(data))
    assert (reply.headers["content-type"], reply.headers["etag"]) == ("image/x-cat", '"a"')
    assert reply.headers["content-disposition"] == 'inline; filename="cat.jpg"'
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-own"] == "2"
    assert "x-more" not in reply.headers
    assert "x-origin-width" not in reply.headers


@pytest.mark.parametrize(
    ("path", "given", "status", "body"),
    [
        ("/range/cat.jpg", {"Range": "bytes=0-2"}, 206, b"\xff\xd8\xff"),
        ("/status/410", {}, 410, b"no"),
        ("/status/503", {}, 503, b"no"),
        ("/with/etag=%22a%22/cat.jpg", {"If-None-Match": '"a"'}, 304, b""),
    ],
)
def test_a_raw_source_says_what_it_likes(
    plain: Served, elsewhere: Origin, path: str, given: dict[str, str], status: int, body: bytes
) -> None:
    reply = plain.get(f"/unsafe/raw:1/plain/{elsewhere.url(path).replace('%', '%25')}", given)

    assert (reply.status, reply.body) == (status, body)
    assert ("content-range" in reply.headers) == (status == 206)
    assert ("cache-control" in reply.headers) == (status < 400)


def test_a_raw_source_need_be_no_picture_but_not_too_large(plain: Served, elsewhere: Origin) -> None:
    assert plain.get(target(elsewhere, "raw:1", "text.jpg")).body == b"no picture"
    assert plain.get("/unsafe/raw:1/plain/local:///text.jpg").status == 200
    large = plain.get("/unsafe/raw:1/plain/local:///noise.png")
    assert (large.status, large.body) == (422, b"Invalid source image")
    with pytest.raises(http.client.IncompleteRead):  # found out too late for another status
        plain.get(f"/unsafe/raw:1/plain/{elsewhere.url('/chunks/noise.png')}")
    gone = plain.get("/unsafe/raw:1/plain/local:///none.png")
    assert (gone.status, gone.body) == (404, b"Source is unreachable")


def test_a_raw_source_is_decoded_by_nobody(plain: Served, elsewhere: Origin, folder: Path) -> None:
    reply = plain.get(f"/unsafe/raw:1/plain/{elsewhere.url('/gzip/cat.jpg')}", {"Accept-Encoding": "gzip"})

    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == (folder / "cat.jpg").read_bytes()
    assert {k.lower(): v for k, v in elsewhere.asked[-1][1].items()}["accept-encoding"] == "gzip"


@pytest.mark.parametrize("status", [600, 999])
def test_a_raw_source_with_a_status_of_nobody_is_a_bad_gateway(plain: Served, elsewhere: Origin, status: int) -> None:
    """The client got no answer at all."""
    assert plain.get(f"/unsafe/raw:1/plain/{elsewhere.url(f'/status/{status}')}").status == 502


def test_a_raw_source_that_breaks_off_is_seen_to(plain: Served, elsewhere: Origin) -> None:
    with pytest.raises(http.client.IncompleteRead):
        plain.get(f"/unsafe/raw:1/plain/{elsewhere.url('/short/cat.jpg')}")

    assert until(lambda: "broke off" in plain.log.read_text())


# What is told of a picture


def test_a_picture_is_told_about(plain: Served, elsewhere: Origin) -> None:
    reply = plain.get("/info" + target(elsewhere, "f:1/d:1/s:1", etag='"a"', last_modified=OLD))

    told = json.loads(reply.body)
    assert reply.status == 200
    assert (told["format"], told["width"], told["height"]) == ("jpeg", 200, 100)
    assert told["size"] == len(elsewhere.files["cat.jpg"])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert (reply.headers["etag"], reply.headers["last-modified"]) == ('"a"', OLD)
    assert reply.headers["cache-control"] == "max-age=31536000, public"
    assert "content-disposition" not in reply.headers


@pytest.mark.parametrize(
    ("path", "given", "status", "body"),
    [
        ("/with/etag=%2522a%2522/cat.jpg", {"If-None-Match": '"a"'}, 304, b""),
        ("/status/410", {}, 410, b"Source is unreachable"),
        ("/file/text.jpg", {}, 422, b"Invalid source image"),
        ("/file/noise.png", {}, 422, b"Invalid source image"),
    ],
)
def test_what_can_t_be_told_has_the_statuses_of_pictures(
    plain: Served, elsewhere: Origin, path: str, given: dict[str, str], status: int, body: bytes
) -> None:
    reply = plain.get(f"/info/unsafe/s:1/plain/{elsewhere.url(path)}", given)

    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("path", ["/info/unsafe/nope:1/plain/local:///cat.jpg", "/info/unsafe/", "/info/unsafe"])
def test_what_is_no_url_of_the_endpoint_is_404(plain: Served, path: str) -> None:
    reply = plain.get(path)

    assert (reply.status, reply.body) == (404, b"Invalid URL")


# Watermarks, and files that are sent as they are


@pytest.fixture(scope="module")
def marked(folder: Path, tmp_path_factory: pytest.TempPathFactory, elsewhere: Origin) -> Iterator[Served]:
    """A server with a watermark that is behind a URL which strangers may not name."""
    red = io.BytesIO()
    Image.new("RGB", (20, 20), (255, 0, 0)).save(red, "PNG")
    elsewhere.files["red.png"] = red.getvalue()
    blue = io.BytesIO()
    Image.new("RGB", (20, 20), (0, 0, 255)).save(blue, "PNG")
    (folder / "blue.png").write_bytes(blue.getvalue())
    drawing = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>"
    (folder / "sized.svg").write_text(drawing)
    settings = {
        "WATERMARK_URL": elsewhere.url("/file/red.png"),
        "ALLOWED_SOURCES": "local://",
        "SKIP_PROCESSING_FORMATS": "png",
    }
    with _server(folder, tmp_path_factory, settings) as served:
        yield served


def corner(reply: Reply, x: int = 5, y: int = 5) -> tuple[int, ...]:
    assert reply.status == 200, reply.body
    pixel = Image.open(io.BytesIO(reply.body)).convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def test_the_watermark_is_laid_on(marked: Served, elsewhere: Origin) -> None:
    asked = len(elsewhere.asked)

    for _ in range(2):
        assert corner(marked.get("/unsafe/wm:1:nowe/plain/local:///cat.jpg@png")) == (255, 0, 0)
    assert corner(marked.get("/unsafe/wm:1:soea/plain/local:///cat.jpg@png"), 195, 95) == (255, 0, 0)
    assert corner(marked.get("/unsafe/plain/local:///cat.jpg@png")) != (255, 0, 0)
    assert len(elsewhere.asked) == asked + 1  # it is kept


def test_a_url_may_name_another_watermark_where_sources_may_be(marked: Served, elsewhere: Origin) -> None:
    ours, theirs = (b64(url) for url in ("local:///blue.png", elsewhere.url("/file/red.png")))

    assert corner(marked.get(f"/unsafe/wm:1:nowe/wmu:{ours}/plain/local:///cat.jpg@png")) == (0, 0, 255)
    refused = marked.get(f"/unsafe/wm:1:nowe/wmu:{theirs}/plain/local:///cat.jpg@png")
    assert (refused.status, refused.body) == (404, b"Invalid source URL")


def test_a_url_may_name_another_fallback_image(busted: Served) -> None:
    reply = busted.get(f"/unsafe/fiu:{b64('local:///clear.png')}/plain/local:///none.jpg@png")

    assert (reply.status, size(reply)) == (404, (64, 48))


def b64(url: str) -> str:
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def test_what_is_not_to_be_processed_is_sent_as_it_is(marked: Served, folder: Path) -> None:
    drawing = marked.get("/unsafe/w:20/plain/local:///sized.svg")
    photo = marked.get("/unsafe/w:20/plain/local:///photo.png")

    assert (photo.headers["content-type"], photo.body) == ("image/png", (folder / "photo.png").read_bytes())
    assert (drawing.headers["content-type"], drawing.status) == ("image/svg+xml", 200)
    assert b"<svg" in drawing.body
    assert b"script" not in drawing.body
    assert drawing.headers["content-security-policy"] == POLICY
    assert size(marked.get("/unsafe/w:20/plain/local:///photo.png@jpg")) == (20, 15)
