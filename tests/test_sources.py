"""Sources give the bytes of files, and nothing that was not meant to be given."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from foveola.config import NAMES, Settings
from foveola.errors import ConfigError, FoveolaError, ImageError, SourceError
from foveola.sources import SCHEMES, Reach, Sources, Stores
from foveola.sources.base import Body
from foveola.sources.guard import kinds, may_dial
from foveola.sources.local import create
from foveola.urls import parse
from tests.serving import Origin, origin, until

DATA = bytes(range(256)) * 40


def content(body: Body) -> bytes:
    with body:
        return os.pread(body.fd, body.size + 1, 0)


async def fetched(url: str, reach: Reach) -> bytes:
    sources = Sources(reach)
    try:
        return content((await sources.fetch(url)).body)
    finally:
        await sources.close()


def fetch(url: str, reach: Reach) -> bytes:
    return asyncio.run(fetched(url, reach))


def refusal(url: str, reach: Reach) -> tuple[int, str]:
    with pytest.raises(FoveolaError) as refused:
        fetch(url, reach)
    return refused.value.status, refused.value.public


# Addresses


@pytest.mark.parametrize(
    ("kind", "addresses"),
    [
        ("public", "8.8.8.8 1.1.1.1 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1"),
        ("loopback", "127.0.0.1 127.255.0.9 0.0.0.0 0.1.2.3 :: ::1 ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1"),
        ("loopback", "64:ff9b::7f00:1 64:ff9b:1::7f00:1 64:ff9b:1:7f00:0:100:: 2002:7f00:1:: 2001:4860::5efe:7f00:1"),
        ("loopback", "2001:4860::200:5efe:7f00:1 2001:0:4136:e378:8000:63bf:80ff:fffe"),
        ("link_local", "169.254.169.254 fe80::1 fe80::1%eth0 224.0.0.1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe"),
        ("link_local", "100.100.100.200 192.0.0.192 fd00:ec2::254"),
        ("private", "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd00::1 fec0::1 ::ffff:10.0.0.1"),
        ("private", "198.18.0.1 192.0.0.9 2002:a00:1::"),
        ("reserved", "224.0.1.1 239.1.1.1 255.255.255.255 240.0.0.1 ff02::1 ff05::2 2001:db8::1 100::1 192.0.2.1"),
        ("reserved", "4000::1 5f00::1 2001:10::1"),
    ],
)
def test_an_address_is_what_it_leads_to(kind: str, addresses: str) -> None:
    for address in addresses.split():
        assert kind in kinds(address), address
        assert (kinds(address) == {"public"}) == (kind == "public"), address


@pytest.mark.parametrize(
    ("reach", "allowed", "refused"),
    [
        (Reach(), "8.8.8.8 10.0.0.1", "127.0.0.1 169.254.169.254 ::1 224.0.1.1 fd00:ec2::254"),
        (Reach(private=False), "8.8.8.8", "10.0.0.1 100.64.0.1 fd00::1 ::ffff:10.0.0.1"),
        (Reach(loopback=True), "127.0.0.1 ::1 ::ffff:127.0.0.1", "169.254.169.254 224.0.1.1"),
        (Reach(link_local=True), "169.254.169.254 fe80::1%eth0", "127.0.0.1 fe80::5efe:7f00:1"),
    ],
)
def test_settings_say_which_may_be_dialled(reach: Reach, allowed: str, refused: str) -> None:
    assert all(may_dial(address, reach) for address in allowed.split())
    assert not any(may_dial(address, reach) for address in refused.split())


# Local files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, links that stay inside and links that lead out."""
    folder = tmp_path / "root"
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("cat.jpg", "deep/er/cat.jpg", "öä.jpg", "100%.jpg", "a#b.jpg"):
        (folder / name).write_bytes(DATA)
    (tmp_path / "root-secret").mkdir()
    for name in ("secret.jpg", "root-secret/secret.jpg"):
        (tmp_path / name).write_bytes(b"secret")
    (folder / "link.jpg").symlink_to("deep/er/cat.jpg")
    (folder / "here").symlink_to("deep")
    (folder / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "up").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "/cat.jpg",
        "cat.jpg",
        "//cat.jpg",
        "/deep/er/cat.jpg",
        "/link.jpg",
        "/here/er/cat.jpg",
        "/deep/../cat.jpg",
        "/öä.jpg",
        "/100%.jpg",
        "/a#b.jpg",
        "/cat.jpg?version=1",
    ],
)
def test_a_file_under_the_root_is_read(root: Path, path: str) -> None:
    assert fetch(f"local://{path}", Reach(str(root))) == DATA


@pytest.mark.parametrize(
    "path",
    [
        "/none.jpg",
        "/",
        "",
        "/deep",
        "/deep/",
        "/cat.jpg/x",
        "/../secret.jpg",
        "/deep/../../secret.jpg",
        "/../root-secret/secret.jpg",
        "/out.jpg",
        "/up/secret.jpg",
        "/up/root/cat.jpg/..",
        "/loop",
        "/pipe",
        "/a\0b",
        "/" + "a" * 999,
        "/?cat.jpg",
    ],
)
def test_what_is_no_file_under_the_root_is_unreachable(root: Path, path: str) -> None:
    assert refusal(f"local://{path}", Reach(str(root))) == (404, "Source is unreachable")


def test_a_link_out_and_back_in_is_inside(root: Path) -> None:
    assert fetch("local:///up/root/cat.jpg", Reach(str(root))) == DATA


def test_a_link_to_the_root_is_the_root(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)

    assert fetch("local:///cat.jpg", Reach(str(tmp_path / "alias"))) == DATA


def test_a_query_belongs_to_the_name_where_nothing_separates_it(root: Path) -> None:
    (root / "a?b.jpg").write_bytes(DATA)

    assert fetch("local:///a?b.jpg", Reach(str(root), query_separator="")) == DATA


def test_a_name_may_have_what_separates_a_query(root: Path) -> None:
    (root / "a?b.jpg").write_bytes(DATA)
    (root / "a").write_bytes(b"another")

    assert fetch(parse("plain/local:///a%3Fb.jpg").source, Reach(str(root))) == DATA
    assert fetch("local:///a?b.jpg?version=2", Reach(str(root))) == b"another"
    assert fetch("local:///a?b.png", Reach(str(root))) == b"another"
    assert fetch("local:///a?x=\0", Reach(str(root))) == b"another"
    assert refusal("local:///none?a", Reach(str(root))) == (404, "Source is unreachable")


def test_no_root_is_no_files() -> None:
    assert refusal("local:///etc/hostname", Reach()) == (404, "Source is unreachable")


@pytest.mark.parametrize("name", ["none", "cat.jpg"])
def test_a_root_that_is_no_folder_is_an_error_of_the_settings(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="IMGPROXY_LOCAL_FILESYSTEM_ROOT"):
        create(Reach(str(root / name)))


def test_a_large_file_is_refused(root: Path) -> None:
    reach = Reach(str(root), max_bytes=len(DATA) - 1)
    with (root / "sparse.jpg").open("wb") as file:
        file.truncate(1 << 34)

    assert refusal("local:///sparse.jpg", Settings.from_env({"IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(root)}).reach) == (
        422,
        "Invalid source image",
    )
    assert refusal("local:///cat.jpg", reach) == (422, "Invalid source image")
    assert fetch("local:///cat.jpg", replace(reach, max_bytes=len(DATA))) == DATA


# Other servers


@pytest.fixture(scope="module")
def server() -> Iterator[Origin]:
    with origin(cat_jpg=DATA) as told:
        yield told


HERE = Reach(loopback=True)


@pytest.mark.parametrize(
    "path", ["/file/cat.jpg", "/chunks/cat.jpg", "/gzip/cat.jpg", "/redirect/3", "/part/0-10239/10240"]
)
def test_a_file_is_fetched(server: Origin, path: str) -> None:
    assert fetch(server.url(path), HERE) == DATA


@pytest.mark.parametrize(
    ("path", "reach", "answer"),
    [
        ("/status/404", HERE, (404, "Source is unreachable")),
        ("/status/403", HERE, (403, "Source is unreachable")),
        ("/status/429", HERE, (429, "Source is unreachable")),
        ("/status/500", HERE, (502, "Source is unreachable")),
        ("/status/503", HERE, (502, "Source is unreachable")),
        ("/status/204", HERE, (404, "Source is unreachable")),
        ("/part/0-9/10240", HERE, (404, "Source is unreachable")),
        ("/part/10-10239/10240", HERE, (404, "Source is unreachable")),
        ("/part/x", HERE, (404, "Source is unreachable")),
        ("/short/cat.jpg", HERE, (422, "Source response is incomplete")),
        ("/slow/5", Reach(loopback=True, timeout=0.2), (504, "Source is unreachable")),
        ("/redirect/11", HERE, (404, "Source is unreachable")),
        ("/redirect/1", Reach(loopback=True, max_redirects=1), (404, "Source is unreachable")),
        ("/scheme/file:///etc/hostname", HERE, (404, "Source is unreachable")),
        ("/scheme/local:///cat.jpg", HERE, (404, "Source is unreachable")),
        ("/scheme/http://", HERE, (404, "Source is unreachable")),
        ("/file/cat.jpg", Reach(loopback=True, max_bytes=100), (422, "Invalid source image")),
        ("/chunks/cat.jpg", Reach(loopback=True, max_bytes=100), (422, "Invalid source image")),
        ("/gzip/cat.jpg", Reach(loopback=True, max_bytes=5000), (422, "Invalid source image")),
        ("/file/cat.jpg", Reach(), (404, "Invalid source URL")),
    ],
)
def test_what_is_no_whole_file_is_refused_with_imgproxys_status(
    server: Origin, path: str, reach: Reach, answer: tuple[int, str]
) -> None:
    assert refusal(server.url(path), reach) == answer


@pytest.mark.parametrize("host", ["localhost", "0x7f.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_this_machine_is_not_asked_however_it_is_spelt(server: Origin, host: str) -> None:
    before = len(server.asked)

    status, public = refusal(f"http://{host}:{server.port}/file/cat.jpg", Reach())

    assert status == 404
    assert public in ("Invalid source URL", "Source is unreachable")
    assert len(server.asked) == before


def test_each_hop_of_a_redirect_is_judged(server: Origin) -> None:
    """The way there is allowed; where it leads is not."""
    reach = Reach(loopback=True, allowed=(server.url("/else"),))

    assert refusal(server.url("/elsewhere/127.0.0.1"), reach) == (404, "Invalid source URL")
    assert fetch(server.url("/elsewhere/127.0.0.1"), HERE) == DATA


@pytest.mark.parametrize(
    "url",
    [
        "ftp://e.com/i.jpg",
        "cat.jpg",
        "file:///etc/hostname",
        "http:/e.com",
        "HTTP",
        "s3://b/k",
        "gs://b/k",
        "abs://b/k",
        "data:,x",
    ],
)
def test_an_unknown_scheme_is_unreachable(url: str) -> None:
    assert refusal(url, Reach()) == (404, "Source is unreachable")


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "http://e.com:port/", "http://e.invalid/i.jpg", "http://\udc80/"]
)
def test_a_url_that_leads_nowhere_is_unreachable(url: str) -> None:
    assert refusal(url, Reach()) == (404, "Source is unreachable")


def test_nobody_listening_is_unreachable() -> None:
    with origin() as gone:
        url = gone.url("/file/cat.jpg")

    assert refusal(url, HERE) == (404, "Source is unreachable")


@pytest.mark.parametrize(
    ("reach", "agent"), [(HERE, "foveola/"), (Reach(loopback=True, user_agent="cats/1"), "cats/1")]
)
def test_who_asks_is_said_and_little_else(server: Origin, reach: Reach, agent: str) -> None:
    fetch(server.url("/file/cat.jpg"), reach)

    _, headers = server.asked[-1]
    assert headers["User-Agent"].startswith(agent)
    assert set(headers) == {"Host", "User-Agent", "Accept", "cdn-loop"}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/file/a b", "/file/a%20b"),
        ("/file/%D0%B8", "/file/%D0%B8"),
        ("/file/и", "/file/%D0%B8"),
        ("/file/\udce9", "/file/%E9"),
        ("/file/a?b=c&d", "/file/a?b=c&d"),
    ],
)
def test_a_path_is_asked_for_as_it_was_meant(server: Origin, path: str, asked: str) -> None:
    server.files |= {asked.removeprefix("/file/"): DATA}

    assert fetch(server.url(path), HERE) == DATA
    assert server.asked[-1][0] == asked


def test_the_environment_sets_no_proxy(server: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")

    assert fetch(server.url("/file/cat.jpg"), HERE) == DATA


def test_every_scheme_has_a_module_that_opens_it() -> None:
    async def opened() -> None:
        stores = Stores(use_s3=True, use_gcs=True, use_abs=True)
        sources = Sources(Reach(stores=stores))
        for scheme in SCHEMES:
            with pytest.raises(SourceError):
                await sources.fetch(f"{scheme}://")
        await sources.close()

    asyncio.run(opened())


# Memory


def test_memory_is_given_back() -> None:
    body = Body()
    body.write(b"abc")
    body.write(memoryview(b"def"))
    descriptor = body.fd

    assert content(body) == b"abcdef"
    body.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_memory_has_a_limit() -> None:
    with Body(5) as body:
        body.write(b"abc")
        with pytest.raises(ImageError):
            body.write(b"def")


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("fail", [lambda s: s.url("/short/cat.jpg"), lambda s: s.url("/status/404")])
def test_a_failed_fetch_leaves_nothing_open(server: Origin, fail: Callable[[Origin], str]) -> None:
    refusal(fail(server), HERE)
    before = _descriptors()

    refusal(fail(server), HERE)

    assert until(lambda: _descriptors() <= before)  # the server in this process closes its ends when it comes to it


# The page


def test_the_page_names_settings_that_exist_and_all_of_the_stores() -> None:
    page = (Path(__file__).parent.parent / "docs" / "sources.md").read_text()
    named = set(re.findall(r"IMGPROXY_[A-Z0-9_]+", page))

    assert named <= NAMES
    assert {f"IMGPROXY_{field.name.upper()}" for field in fields(Stores)} - named <= {
        *("IMGPROXY_GCS_ALLOWED_BUCKETS", "IMGPROXY_GCS_DENIED_BUCKETS", "IMGPROXY_ABS_ALLOWED_BUCKETS"),
        *("IMGPROXY_ABS_DENIED_BUCKETS", "IMGPROXY_S3_ASSUME_ROLE_EXTERNAL_ID"),
    }
    assert all(f"`{scheme}://" in page for scheme in SCHEMES)
