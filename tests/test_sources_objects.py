"""Object stores are asked for literal keys, in buckets that may be asked, of servers that the settings name.

S3 is a real server process, moto's; what no emulator does (refusals, broken bodies, gzip) is said by a server that
answers what it is told to. Google's and Azure's emulators are in the slow tests at the end.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from PIL import Image

from foveola.errors import ConfigError
from foveola.sources import Ask, Reach, Sources, Stores, check
from tests.origins import canned, content, free_port, get, process, refused, run, served, stream
from tests.serving import encoded, serving
from tests.toys import photo

DATA = bytes(range(256)) * 40
DATE = b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"
UNREACHABLE = "Source is unreachable"
INCOMPLETE = (422, "Source response is incomplete")
S3 = Stores(use_s3=True, s3_region="us-east-1")
LITERAL = ("a%20b.jpg", "a?b#c.jpg", "ä ö.jpg", "100%.jpg", "a+b&c=d.jpg", "a:b@c*.jpg", "~[a]{b}|^`\\.jpg", ".x/..y")


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


_SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"


def put(url: str, data: bytes = b"", method: str = "PUT", **headers: str) -> dict[str, str]:
    """Store something; return what is said of it."""
    named = {"Authorization": _SIGNED, "Content-Type": "application/octet-stream"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, named, method=method)
    with urllib.request.urlopen(request) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """S3 with a bucket that keeps versions, and another."""
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with process(sys.executable, "-m", "moto.server", "-p", str(port), port=port, log=log) as url:
        versions = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        put(f"{url}/pics")
        put(f"{url}/pics?versioning", versions)
        put(f"{url}/other")
        put(f"{url}/other/cat.jpg", DATA)
        put(f"{url}/pics/cat.jpg", DATA, Content_Type="image/jpeg", Cache_Control="max-age=60")
        for key in LITERAL:
            put(f"{url}/pics/{quote(key)}", key.encode())
        yield url


@pytest.fixture
def reach(moto: str) -> Reach:
    return Reach(stores=replace(S3, s3_endpoint=moto), loopback=False)


def of(stores: Stores, **more: str | bool | tuple[str, ...]) -> Reach:
    return Reach(stores=replace(stores, **more))  # type: ignore[arg-type]


# S3


def test_an_object_is_fetched_with_what_the_store_says_of_it(reach: Reach) -> None:
    """The address is the operator's, so it may be on this machine though sources may not."""
    status, headers, data = run(get("s3://pics/cat.jpg", None, reach))

    assert (status, data) == (200, DATA)
    assert headers["content-type"] == "image/jpeg"
    assert headers["cache-control"] == "max-age=60"
    assert headers["etag"].startswith('"')
    assert headers["last-modified"].endswith(" GMT")


def test_keys_are_literal(reach: Reach) -> None:
    async def work() -> None:
        sources = Sources(replace(reach, query_separator=""))
        for key in LITERAL:
            assert content(await sources.fetch(f"s3://pics/{key}")) == key.encode()
        assert content(await sources.fetch("s3://pics//cat.jpg")) == DATA
        await sources.close()

    run(work())


def test_a_version_follows_the_separator(moto: str, reach: Reach) -> None:
    first = put(f"{moto}/pics/two.jpg", b"first")["x-amz-version-id"]
    second = put(f"{moto}/pics/two.jpg", b"second")["x-amz-version-id"]
    named = replace(reach, query_separator="?version=")

    assert run(get("s3://pics/two.jpg", None, reach))[2] == b"second"
    assert run(get(f"s3://pics/two.jpg?{first}", None, reach))[2] == b"first"
    assert run(get(f"s3://pics/two.jpg?{second}", None, reach))[2] == b"second"
    assert run(get(f"s3://pics/two.jpg?version={first}", None, named))[2] == b"first"
    assert run(get("s3://pics/a?b#c.jpg", None, named))[2] == b"a?b#c.jpg"
    assert run(refused("s3://pics/two.jpg?nothing", None, reach)) == (404, UNREACHABLE)


def test_a_client_that_has_the_object_is_told_so(reach: Reach) -> None:
    _, headers, _ = run(get("s3://pics/cat.jpg", None, reach))
    tag, date = headers["etag"], headers["last-modified"]

    for name, value in (("if-none-match", tag), ("if-modified-since", date)):
        assert run(get("s3://pics/cat.jpg", Ask(((name, value),)), reach))[::2] == (304, b"")
    assert run(get("s3://pics/cat.jpg", Ask((("if-none-match", tag),)), reach))[1] == {"etag": tag}
    for name, value in (
        ("if-none-match", '"another"'),
        ("if-none-match", "é"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("if-modified-since", "soon"),
    ):
        assert run(get("s3://pics/cat.jpg", Ask(((name, value),)), reach))[::2] == (200, DATA)


@pytest.mark.parametrize(
    "url",
    [
        "s3://pics/none.jpg",
        "s3://none/cat.jpg",
        "s3://pics/cat.jpg/",
        "s3://pics//",
        "s3://pics/",
        "s3://pics",
        "s3://",
        "s3:///cat.jpg",
        "s3://pics/../other/cat.jpg",
        "s3://pics/a/../cat.jpg",
        "s3://pics/./cat.jpg",
        "s3://pics/a//b",
        "s3://pics?/cat.jpg",
        "s3://../cat.jpg",
        "s3://pi%63s/cat.jpg",
        "s3://user@pics/cat.jpg",
        "s3://pics/\0",
        "s3://pics/\udce9",
        "s3://pics/a\nb",
    ],
)
def test_what_is_no_object_is_unreachable(reach: Reach, url: str) -> None:
    assert run(refused(url, None, reach)) == (404, UNREACHABLE)


@pytest.mark.parametrize(
    ("allowed", "denied", "pics", "other"),
    [
        ((), (), True, True),
        (("pics",), (), True, False),
        ((), ("pics",), False, True),
        (("pic",), ("other.",), False, False),
        (("p*s",), (), True, False),
        (("*",), ("*her",), True, False),
        (("pics", "other"), ("pics",), False, True),
    ],
)
def test_buckets_may_be_allowed_and_denied(
    reach: Reach, allowed: tuple[str, ...], denied: tuple[str, ...], pics: bool, other: bool
) -> None:
    limited = of(reach.stores, s3_allowed_buckets=allowed, s3_denied_buckets=denied)

    for bucket, may in (("pics", pics), ("other", other)):
        url = f"s3://{bucket}/cat.jpg"
        assert (
            run(get(url, None, limited))[2] == DATA if may else run(refused(url, None, limited)) == (404, UNREACHABLE)
        )


def test_allowed_sources_hold_for_objects_too(reach: Reach) -> None:
    limited = replace(reach, allowed=("s3://pics/c",))

    assert run(get("s3://pics/cat.jpg", None, limited))[2] == DATA
    assert run(refused("s3://pics/two.jpg", None, limited)) == (404, "Invalid source URL")


def test_a_large_object_is_refused(reach: Reach) -> None:
    small = replace(reach, max_bytes=len(DATA) - 1)

    assert run(refused("s3://pics/cat.jpg", None, small)) == (422, "Invalid source image")
    assert run(get("s3://pics/cat.jpg", Ask(max_bytes=len(DATA)), small))[2] == DATA


@pytest.mark.parametrize(
    ("asked", "status", "part", "span"),
    [
        ("", 200, DATA, None),
        ("bytes=1-3", 206, DATA[1:4], "bytes 1-3/10240"),
        ("bytes=10000-", 206, DATA[10000:], "bytes 10000-10239/10240"),
        ("bytes=10000-99999", 206, DATA[10000:], "bytes 10000-10239/10240"),
        ("bytes=-5", 206, DATA[-5:], "bytes 10235-10239/10240"),
        ("bytes=3-1", 200, DATA, None),
    ],
)
def test_a_part_of_a_raw_object_may_be_asked_for(
    reach: Reach, asked: str, status: int, part: bytes, span: str | None
) -> None:
    got, headers, data = run(stream("s3://pics/cat.jpg", reach, range=asked))

    assert (got, data, headers.get("content-range")) == (status, part, span)
    assert run(get("s3://pics/cat.jpg", Ask((("range", asked),)), reach))[2] == DATA


def test_one_client_serves_a_bucket(reach: Reach) -> None:
    """And it forgets the one that was asked longest ago."""
    from foveola.sources import objects

    async def work() -> None:
        source = objects.create(reach)
        first = await source._store("s3", "pics")
        assert await source._store("s3", "pics") is first
        for number in range(objects._MOST_STORES):
            await source._store("s3", f"bucket{number}")
        assert len(source._stores) == objects._MOST_STORES
        assert await source._store("s3", "pics") is not first

    run(work())


# A server that answers what it is told to


def _told(seen: list[web.BaseRequest]) -> object:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        name = request.path.rpartition("/")[2]
        headers = {"ETag": '"x"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
        if name.isdecimal():
            return web.Response(status=int(name), text="status code: 200")
        if name == "slow":
            await asyncio.sleep(5)
        if name.startswith("gzip"):
            packed = gzip.compress(bytes(1 << 22) if name == "gzip-bomb" else DATA)
            packed = packed[:-100] if name == "gzip-short" else b"no gzip" if name == "gzip-not" else packed
            return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})
        if name == "broken" or (name == "resumed" and "Range" not in request.headers):
            response = web.StreamResponse(headers={**headers, "Content-Length": str(len(DATA))})
            await response.prepare(request)
            await response.write(DATA[:100])
            assert request.transport is not None
            request.transport.close()
            return response
        if name == "resumed":
            first = int(request.headers["Range"].removeprefix("bytes=").partition("-")[0])
            span = {"Content-Range": f"bytes {first}-{len(DATA) - 1}/{len(DATA)}"}
            return web.Response(status=206, body=DATA[first:], headers=headers | span)
        return web.Response(body=request.path_qs.encode(), headers=headers)

    return handler


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("400", (400, UNREACHABLE)),
        ("401", (401, UNREACHABLE)),
        ("403", (403, UNREACHABLE)),
        ("404", (404, UNREACHABLE)),
        ("410", (410, UNREACHABLE)),
        ("500", (502, UNREACHABLE)),
        ("503", (502, UNREACHABLE)),
        ("301", (404, UNREACHABLE)),
        ("slow", (504, UNREACHABLE)),
        ("gzip-short", INCOMPLETE),
        ("gzip-not", INCOMPLETE),
        ("broken", INCOMPLETE),
        ("gzip-bomb", (422, "Invalid source image")),
    ],
)
def test_what_a_store_refuses_is_refused_with_imgproxys_status(
    key: str, answer: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foveola.sources.UNPACKED", 1 << 20)

    async def work() -> None:
        async with served(_told([])) as port:  # type: ignore[arg-type]
            stores = replace(S3, s3_endpoint=f"127.0.0.1:{port}")
            assert await refused(f"s3://pics/{key}", None, Reach(stores=stores, timeout=1)) == answer

    run(work())


def test_a_body_that_breaks_off_is_resumed_and_one_in_gzip_unpacked() -> None:
    async def work() -> None:
        seen: list[web.BaseRequest] = []
        async with served(_told(seen)) as port:  # type: ignore[arg-type]
            reach = Reach(stores=replace(S3, s3_endpoint=f"http://127.0.0.1:{port}/"), user_agent="cats/1")
            assert (await get("s3://pics/resumed", None, reach))[2] == DATA
            _, headers, data = await get("s3://pics/gzip", None, reach)
            assert data == DATA
            assert "content-encoding" not in headers
            _, headers, data = await stream("s3://pics/gzip", reach)
            assert gzip.decompress(data) == DATA
            assert headers["content-encoding"] == "gzip"
        assert {request.headers["User-Agent"] for request in seen} == {"cats/1"}
        assert all("Credential=key/" in request.headers["Authorization"] for request in seen)

    run(work())


@pytest.mark.parametrize(
    ("stores", "url", "asked"),
    [
        (Stores(use_s3=True), "s3://pics/a%?b#c.jpg?v", "/pics/a%25?versionId=b%23c.jpg%3Fv"),
        (Stores(use_gcs=True), "gs://pics/a/b%.jpg?17", "/pics/a%2Fb%25%2Ejpg?generation=17"),
        (Stores(use_abs=True, abs_name="me", abs_key="c2VjcmV0"), "abs://$web/a b.jpg", "/$web/a%20b.jpg"),
    ],
)
def test_each_store_is_asked_as_it_likes_it(stores: Stores, url: str, asked: str) -> None:
    async def work() -> None:
        seen: list[web.BaseRequest] = []
        async with served(_told(seen)) as port:  # type: ignore[arg-type]
            here = f"http://127.0.0.1:{port}"
            reach = of(stores, s3_endpoint=here, gcs_endpoint=f"{here}/storage/v1/", abs_endpoint=here)
            await get(url, None, reach)
        assert [request.raw_path if hasattr(request, "raw_path") else "" for request in seen] == [asked]

    run(work())


def test_a_bucket_may_stand_before_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows that name but a proxy, which is asked where the settings say so."""

    async def work() -> None:
        async with canned(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: x\r\n" + DATE + b"\r\n\r\nabc") as (
            port,
            asked,
        ):
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
            reach = of(S3, s3_endpoint="http://s3.invalid", s3_endpoint_use_path_style=False)
            assert await refused("s3://pics/cat.jpg", None, reach) == (404, UNREACHABLE)
            assert asked == []
            assert (await get("s3://pics/cat.jpg", None, replace(reach, proxy=True)))[2] == b"abc"
        assert asked[0].startswith(b"GET http://pics.s3.invalid/cat.jpg HTTP/1.1")

    run(work())


# Settings


@pytest.mark.parametrize(
    ("stores", "name"),
    [
        (Stores(use_gcs=True, gcs_key="{"), "IMGPROXY_USE_GCS"),
        (Stores(use_gcs=True, gcs_key="/no/such/file"), "IMGPROXY_USE_GCS"),
        (replace(S3, s3_endpoint="not an address:x"), "IMGPROXY_S3_ENDPOINT"),
        (replace(S3, s3_endpoint="ftp://host"), "IMGPROXY_S3_ENDPOINT"),
        (Stores(use_abs=True), "IMGPROXY_USE_ABS"),
        (Stores(use_abs=True, abs_name="me", abs_key="not base64!"), "IMGPROXY_USE_ABS"),
    ],
)
def test_settings_that_can_not_be_used_stop_the_start(stores: Stores, name: str) -> None:
    check(Reach(stores=S3))
    check(Reach(stores=replace(stores, use_s3=False, use_gcs=False, use_abs=False)))
    with pytest.raises(ConfigError, match=name) as error:
        check(Reach(stores=stores))
    assert "\n" not in str(error.value)


def test_stores_without_their_client_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveola.sources.stores.find_spec", lambda _: None)

    check(Reach())
    with pytest.raises(ConfigError, match=r"extra \[cloud\].* for IMGPROXY_USE_S3"):
        check(Reach(stores=S3))


def test_secrets_are_not_shown() -> None:
    stores = Stores(gcs_key="hidden1", abs_key="hidden2")

    assert "hidden" not in repr(Reach(stores=stores, request_headers=(("a", "hidden3"),)))


def test_a_role_is_taken_for_the_bucket(moto: str, reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """The STS of the same server hands out other credentials, and the request is signed with them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    seen: list[web.BaseRequest] = []
    role = "arn:aws:iam::123456789012:role/reader"

    async def work() -> None:
        async with served(_told(seen)) as port:  # type: ignore[arg-type]
            stores = replace(S3, s3_endpoint=f"http://127.0.0.1:{port}", s3_assume_role_arn=role)
            await get("s3://pics/cat.jpg", None, of(stores, s3_assume_role_external_id="me"))

    run(work())
    assert "Credential=ASIA" in seen[0].headers["Authorization"]
    assert seen[0].headers["X-Amz-Security-Token"]
    monkeypatch.setattr("foveola.sources.clients.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="package boto3 for IMGPROXY_S3_ASSUME_ROLE_ARN"):
        check(of(reach.stores, s3_assume_role_arn=role))


def test_a_server_serves_pictures_out_of_a_bucket(moto: str, tmp_path: Path) -> None:
    """All the way: fetched, worked on, known again by the store's tag, passed on raw in parts."""
    photo_jpg = encoded(photo(200, 100), "JPEG", quality=90)
    put(f"{moto}/pics/photo.jpg", photo_jpg, Content_Type="image/jpeg")
    settings = {"USE_S3": "true", "S3_ENDPOINT": moto, "S3_REGION": "us-east-1", "S3_ALLOWED_BUCKETS": "pics"}

    with serving(tmp_path, **settings) as server:
        made = server.get("/unsafe/rs:fit:50/plain/s3://pics/photo.jpg@png")
        known = server.get("/unsafe/rs:fit:50/plain/s3://pics/photo.jpg@png", {"If-None-Match": made.headers["etag"]})
        part = server.get("/unsafe/raw:1/plain/s3://pics/photo.jpg", {"Range": "bytes=2-9"})
        denied = server.get("/unsafe/rs:fit:50/plain/s3://other/cat.jpg")

    with Image.open(io.BytesIO(made.body)) as image:
        assert (image.format, image.size) == ("PNG", (50, 25))
    assert (known.status, known.body) == (304, b"")
    assert (part.status, part.body, part.headers["content-type"]) == (206, photo_jpg[2:10], "image/jpeg")
    assert (denied.status, denied.body.decode()) == (404, UNREACHABLE)
