"""The server answers as imgproxy answers, and its front never touches a picture."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveola.codecs import codec
from foveola.metrics import Reference
from foveola.picture import Picture
from foveola.transform.load import header_of
from tests.serving import POLICY, Origin, Served, inside, looking, serving, until


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all that does not need its own settings."""
    settings = {
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "ENABLE_DEBUG_HEADERS": "true",
        "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "true",
        "MAX_SRC_RESOLUTION": "1",
        "MAX_SRC_FILE_SIZE": "4000000",
        "DOWNLOAD_TIMEOUT": "1",
        "WORKERS": "2",
        "AUTO_AVIF": "true",
    }
    with serving(tmp_path_factory.mktemp("server"), **settings) as served:
        yield served


def etag(file: Path) -> str:
    """Return the ETag of a local file, as imgproxy has it."""
    facts = file.stat()
    named = hashlib.sha256(f"/{file.name}__{facts.st_size}__{facts.st_mtime_ns}".encode()).digest()
    return '"' + base64.urlsafe_b64encode(named).decode().rstrip("=") + '"'


def test_a_picture_is_served(server: Served, folder: Path) -> None:
    reply = server.get("/unsafe/w:100/q:70/plain/local:///cat.jpg")

    assert reply.status == 200
    assert Image.open(io.BytesIO(reply.body)).size == (100, 50)
    headers = dict(reply.headers)
    assert headers.pop("date")
    assert len(headers.pop("x-request-id")) == 22
    assert headers == {
        "content-type": "image/jpeg",
        "content-length": str(len(reply.body)),
        "content-disposition": 'inline; filename="cat.jpg"',
        "cache-control": "max-age=31536000, public",
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "server": "foveola",
        "vary": "Accept",
        "etag": etag(folder / "cat.jpg"),
        "last-modified": formatdate((folder / "cat.jpg").stat().st_mtime, usegmt=True),
        "x-origin-content-length": str((folder / "cat.jpg").stat().st_size),
        "x-origin-width": "200",
        "x-origin-height": "100",
        "x-result-width": "100",
        "x-result-height": "50",
    }


@pytest.mark.parametrize("format", ["jpg", "webp", "avif", "jxl", "png", "gif", "tiff"])
def test_every_format_is_served(server: Served, format: str) -> None:
    reply = server.get(f"/unsafe/plain/local:///photo.png@{format}")

    assert reply.status == 200
    assert reply.headers["content-type"] == f"image/{format.replace('jpg', 'jpeg')}"
    assert header_of(reply.body).format == format.replace("jpg", "jpeg")
    assert reply.headers["content-disposition"] == f'inline; filename="photo.{format}"'


def test_the_value_in_the_header_is_the_value_of_the_file(server: Served, folder: Path) -> None:
    reply = server.get("/unsafe/aq:dssim:0.03:10:95:0.002/plain/local:///photo.png@webp")

    facts = reply.autoquality
    reference = Reference(Picture(np.asarray(Image.open(folder / "photo.png"))[None]))
    dssim = reference.full(codec("webp").decode(reply.body)).dssim
    assert list(facts) == ["method", "quality", "dssim", "bytes", "encodes", "met", "why"]
    assert facts["method"] == "dssim"
    assert facts["met"] == "true"
    assert abs(float(facts["dssim"]) - dssim) <= 0.0003
    assert int(facts["bytes"]) == len(reply.body)


def test_a_format_without_quality_says_what_was_asked(server: Served) -> None:
    facts = server.get("/unsafe/aq:dssim/plain/local:///photo.png@png").autoquality

    assert set(facts) == {"method", "bytes", "encodes", "why"}
    assert facts["why"] == "fixed"


def test_nothing_is_said_of_a_search_that_was_not_asked_for(server: Served) -> None:
    assert "x-autoquality" not in server.get("/unsafe/q:80/plain/local:///photo.png@jpg").headers


@pytest.mark.parametrize(
    ("accept", "kind"), [("image/avif,image/webp,*/*", "image/avif"), ("image/webp", "image/jpeg"), ("", "image/jpeg")]
)
def test_the_client_has_a_say_in_the_format(server: Served, accept: str, kind: str) -> None:
    assert server.get("/unsafe/plain/local:///cat.jpg", {"Accept": accept}).headers["content-type"] == kind
    assert server.get("/unsafe/plain/local:///cat.jpg@png", {"Accept": accept}).headers["content-type"] == "image/png"


def test_half_the_bytes_can_be_asked_for(server: Served) -> None:
    whole = len(server.get("/unsafe/plain/local:///cat.jpg").body)

    reply = server.get(f"/unsafe/mb:{whole // 2}/plain/local:///cat.jpg")

    assert reply.status == 200
    assert len(reply.body) <= whole // 2


HINT = "The signature looks like a processing option: the URL has to start with a signature, any word if unsigned"
STATUSES = [
    ("/unsafe/plain/local:///none.jpg", 404, "Source is unreachable"),
    ("/unsafe/plain/local:///../secret", 404, "Source is unreachable"),
    ("/unsafe/plain/local:///", 404, "Source is unreachable"),
    ("/unsafe/plain/gopher://e.com/i.jpg", 404, "Source is unreachable"),
    ("/unsafe/plain/http://169.254.169.254/latest/", 404, "Invalid source URL"),
    ("/unsafe/nope:1/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/q:101/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/pr:nope/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/exp:1/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/fill/100/100/ce/0/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/msr:100/plain/local:///cat.jpg", 403, "Invalid URL"),
    ("/unsafe/plain/http://localhost:1/cat.jpg", 404, "Source is unreachable"),
    ("/unsafe/plain/http://none.invalid/cat.jpg", 404, "Source is unreachable"),
    ("/unsafe/plain/s3://bucket/cat.jpg", 404, "Source is unreachable"),
    ("/unsafe/hs:md5:00000000000000000000000000000000/plain/local:///cat.jpg", 422, "Invalid source image"),
    ("/unsafe/aq:size/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/aq:dssim:0.02:80:70/plain/local:///cat.jpg", 404, "Invalid URL"),
    ("/unsafe/plain/local:///cat.jpg@nope", 404, "Invalid URL"),
    ("/unsafe/plain/local:///cat.jpg@png@png", 404, "Invalid URL"),
    ("/unsafe/!!!.jpg", 404, "Invalid URL"),
    ("/unsafe", 404, "Invalid URL"),
    ("/unsafe/", 404, "Invalid URL"),
    ("/unsafe/plain/local:///cat.jpg@heic", 422, "Invalid URL"),
    ("/unsafe/plain/local:///broken.jpg", 422, "Broken or unsupported image"),
    ("/unsafe/aq:dssim/plain/local:///broken.jpg", 422, "Broken or unsupported image"),
    ("/unsafe/plain/local:///text.jpg", 422, "Invalid source image"),
    ("/unsafe/plain/local:///empty.jpg", 422, "Invalid source image"),
    ("/unsafe/plain/local:///drawing.svg@png", 422, "Broken or unsupported SVG image"),
    ("/unsafe/plain/local:///large.png", 422, "Invalid source image"),
    ("/w:100/plain/local:///cat.jpg", 403, HINT),
    ("/favicon.ico", 404, " "),
    ("/.well-known/security.txt", 404, " "),
    ("/health", 200, "foveola is running"),
]


@pytest.mark.parametrize(("target", "status", "body"), STATUSES)
def test_a_target_has_a_status_and_a_sentence(server: Served, target: str, status: int, body: str) -> None:
    reply = server.get(target)

    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.headers["content-type"] == "text/plain"
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers.get("cache-control") == ("no-cache" if target == "/health" else None)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/file/cat.jpg", 200, ""),
        ("/redirect/2", 200, ""),
        ("/status/404", 404, "Source is unreachable"),
        ("/status/410", 410, "Source is unreachable"),
        ("/status/500", 502, "Source is unreachable"),
        ("/status/503", 502, "Source is unreachable"),
        ("/status/403", 403, "Source is unreachable"),
        ("/status/204", 404, "Source is unreachable"),
        ("/redirect/11", 404, "Source is unreachable"),
        ("/scheme/ftp://e.com/", 404, "Source is unreachable"),
        ("/part/0-99/5013", 404, "Source is unreachable"),
        ("/file/none", 404, "Source is unreachable"),
        ("/gzip/cat.jpg", 200, ""),
        ("/chunks/cat.jpg", 200, ""),
        ("/slow/3", 504, "Source is unreachable"),
        ("/short/cat.jpg", 422, "Source response is incomplete"),
    ],
)
def test_a_source_may_be_another_server(server: Served, elsewhere: Origin, path: str, status: int, body: str) -> None:
    reply = server.get(f"/unsafe/w:50/plain/{elsewhere.url(path)}@jpg")

    assert reply.status == status
    assert status == 200 or reply.body.decode() == body


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("HEAD", "/unsafe/plain/local:///none.jpg", 200, b""),
        ("OPTIONS", "/anything", 200, b" "),
        ("POST", "/unsafe/plain/local:///cat.jpg", 404, b" "),
        ("DELETE", "/health", 404, b" "),
    ],
)
def test_only_get_does_work(server: Served, method: str, target: str, status: int, body: bytes) -> None:
    reply = server.get(target, method=method)

    assert (reply.status, reply.body) == (status, body)


def test_the_root_is_a_page(server: Served) -> None:
    reply = server.get("/")

    assert reply.headers["content-type"] == "text/html"
    assert b"<h1>foveola</h1>" in reply.body


def test_options_that_are_too_many_for_a_worker_are_refused(server: Served) -> None:
    workers = server.workers

    reply = server.get("/unsafe/" + "w:1/-/" * 3000 + "w:1/plain/local:///cat.jpg")

    assert (reply.status, reply.body) == (404, b"Invalid URL")
    assert server.workers == workers


def test_a_request_may_be_long_but_not_endless(server: Served) -> None:
    target = "/unsafe/w:20/plain/local:///cat.jpg"
    assert server.get(target, {"Cookie": "a" * 60_000}).status == 200
    assert server.get(target, {"Cookie": "a" * 66_000}).status == 431
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        server.get(target, {"Cookie": "a" * 20_000_000})


def test_a_path_is_read_as_it_came_over_the_wire(server: Served) -> None:
    """What browsers and proxies do to a path is undone; a query says nothing."""
    name = "%25C3%25A4%2520b.jpg"
    for target in (
        "/unsafe/w%3A20/plain/local:/cat.jpg?utm=1",
        "/unsafe/w:20/plain/local:///%C3%A4%20b.jpg",
        "/unsafe/w:20/bG9jYWw6Ly8v/Y2F0LmpwZw",
    ):
        assert Image.open(io.BytesIO(server.get(target).body)).size == (20, 10), target
    assert server.get(f"/unsafe/w:20/plain/local:///{name}").status == 404


def test_a_name_that_is_not_ascii_is_written_twice(server: Served) -> None:
    reply = server.get("/unsafe/plain/local:///%C3%A4%20b.jpg@webp")

    assert reply.headers["content-disposition"] == "inline; filename=\"_ b.webp\"; filename*=UTF-8''%C3%A4%20b.webp"


@pytest.mark.parametrize(("given", "kept"), [("abc-DEF_123", True), ("a b", False), ("a\tb", False), ("", False)])
def test_a_request_keeps_its_name(server: Served, given: str, kept: bool) -> None:
    assert (server.get("/health", {"X-Request-ID": given}).headers["x-request-id"] == given) == kept


def test_a_connection_serves_many(server: Served) -> None:
    connection = server.connect()
    for _ in range(3):
        connection.request("GET", "/unsafe/w:20/plain/local:///cat.jpg")
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 100) == (200, True)
    connection.close()


def test_the_front_never_loads_what_works_on_pictures(server: Served, elsewhere: Origin) -> None:
    """After a hundred requests of every kind no library of pictures or of numbers is in the front's memory."""
    targets = [target for target, _, _ in STATUSES] + [
        "/unsafe/w:50/plain/local:///cat.jpg",
        "/unsafe/raw:1/plain/local:///cat.jpg",
        "/info/unsafe/p:5/exif:1/bh:3:3/plain/local:///cat.jpg",
        "/unsafe/aq:dssim:0.03:40:90/plain/local:///clear.png@webp",
        "/unsafe/aq:size:2000:10:90/w:60/plain/local:///photo.png@avif",
        "/unsafe/mb:1000/plain/local:///photo.png@jxl",
        f"/unsafe/w:50/plain/{elsewhere.url('/file/cat.jpg')}@gif",
    ]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(server.get, targets * 3))

    maps = inside(server.process.pid, "maps").decode()
    loaded = {line.split()[-1] for line in maps.splitlines() if "/" in line}
    assert len(replies) > 100
    assert sum(reply.status == 200 for reply in replies) >= 15
    assert any("libpython" in path or "python3" in path for path in loaded)
    strangers = ("vips", "numpy", "PIL", "pillow", "jxl", "webp", "avif", "heif", "openblas", "cffi", "foveola")
    assert [path for path in loaded if any(word in path for word in strangers)] == []


def test_the_front_and_the_workers_keep_nothing_of_a_request(server: Served) -> None:
    """Neither descriptors nor processes pile up."""
    pids = [server.process.pid, *server.workers]

    def kept() -> list[int]:
        return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]

    for _ in range(4):
        server.get("/unsafe/w:20/plain/local:///cat.jpg")
    with looking():
        before = kept()
    for target, _, _ in STATUSES:
        server.get(target)
    assert until(lambda: all(now <= then for now, then in zip(kept(), before, strict=True)), 3), (before, kept())
    assert server.workers == pids[1:]
