"""Local files are handed on as they are, by their descriptor, and known by a tag of their name, size and time."""

from __future__ import annotations

import hashlib
import os
import socket
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from foveola.errors import SourceError
from foveola.sources import Ask, Reach, Sources
from tests.origins import content, get, refused, run, stream

DATA = bytes(range(256)) * 40
THEN = 784_111_777_123_456_789
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    (tmp_path / "cat.jpg").write_bytes(DATA)
    (tmp_path / "empty.jpg").write_bytes(b"")
    os.utime(tmp_path / "cat.jpg", ns=(THEN, THEN))
    return Reach(str(tmp_path))


def test_the_file_is_not_copied(reach: Reach) -> None:
    """Its descriptor is the body's, and only for reading."""

    async def work() -> None:
        fetched = await Sources(reach).fetch("local:///cat.jpg")
        assert Path(f"/proc/self/fd/{fetched.body.fd}").readlink() == Path(reach.local_root, "cat.jpg")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(fetched.body.fd, b"x")
        assert fetched.body.size == len(DATA)
        assert fetched.body.digest("sha256") == hashlib.sha256(DATA).hexdigest()
        assert content(fetched) == DATA
        assert fetched.body.fd == -1

    run(work())


def test_a_file_that_grows_meanwhile_is_what_it_was(reach: Reach) -> None:
    async def work() -> None:
        fetched = await Sources(reach).fetch("local:///cat.jpg")
        with Path(reach.local_root, "cat.jpg").open("ab") as file:
            file.write(b"more")
        assert fetched.body.digest("sha256") == hashlib.sha256(DATA).hexdigest()
        fetched.body.close()

    run(work())


def test_a_file_has_a_tag_and_a_date(reach: Reach) -> None:
    named = hashlib.sha256(f"/cat.jpg__{len(DATA)}__{THEN}".encode()).digest()

    status, headers, data = run(get("local:///cat.jpg", None, reach))

    assert (status, data) == (200, DATA)
    assert headers["etag"] == f'"{urlsafe_b64encode(named).decode().rstrip("=")}"'
    assert headers["last-modified"] == DATE
    assert run(get("local://cat.jpg?v=2", None, reach))[1] == headers


def test_a_client_that_has_the_file_is_told_so(reach: Reach) -> None:
    _, headers, _ = run(get("local:///cat.jpg", None, reach))
    here = Path(reach.local_root, "cat.jpg")

    for name, value in (("if-none-match", headers["etag"]), ("if-modified-since", DATE)):
        status, said, data = run(get("local:///cat.jpg", Ask(((name, value),)), reach))
        assert (status, said["etag"], data) == (304, headers["etag"], b"")
    assert run(stream("local:///cat.jpg", reach, if_none_match=headers["etag"]))[::2] == (304, b"")

    here.write_bytes(DATA[::-1])
    status, said, data = run(get("local:///cat.jpg", Ask((("if-none-match", headers["etag"]),)), reach))
    assert (status, data) == (200, DATA[::-1])
    assert said["etag"] != headers["etag"]


@pytest.mark.parametrize(
    ("asked", "status", "part", "span"),
    [
        ("", 200, DATA, None),
        ("bytes=1-3", 206, DATA[1:4], "bytes 1-3/10240"),
        ("bytes=10000-", 206, DATA[10000:], "bytes 10000-10239/10240"),
        ("bytes=-5", 206, DATA[-5:], "bytes 10235-10239/10240"),
        ("bytes=10240-", 416, b"", "bytes */10240"),
        ("bytes=0-1,5-6", 200, DATA, None),
    ],
)
def test_a_part_of_a_raw_file_may_be_asked_for(
    reach: Reach, asked: str, status: int, part: bytes, span: str | None
) -> None:
    got, headers, data = run(stream("local:///cat.jpg", reach, range=asked))

    assert (got, data, headers.get("content-range")) == (status, part, span)
    assert run(get("local:///cat.jpg", Ask((("range", asked),)), reach))[2] == DATA


def test_a_large_raw_file_comes_in_parts(reach: Reach) -> None:
    large = os.urandom((5 << 19) + 7)
    Path(reach.local_root, "large").write_bytes(large)

    async def work() -> None:
        sources = Sources(reach)
        async with sources.stream("local:///large") as opened:
            parts = [part async for part in opened.chunks()]
            assert opened.size == len(large)
        assert len(parts) == 3
        assert b"".join(parts) == large

    run(work())


def test_an_empty_file_is_a_file(reach: Reach) -> None:
    assert run(get("local:///empty.jpg", None, reach))[2] == b""
    assert run(stream("local:///empty.jpg", reach))[::2] == (200, b"")


@pytest.mark.parametrize("asked", ["", "bytes=1-3"])
def test_nothing_is_left_open(reach: Reach, asked: str) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    run(stream("local:///cat.jpg", reach, range=asked))
    before = descriptors()
    run(stream("local:///cat.jpg", reach, range=asked))
    run(get("local:///cat.jpg", Ask((("if-modified-since", DATE),)), reach))

    assert descriptors() == before


@pytest.mark.parametrize(
    ("name", "mime"), [("a.JPG", "image/jpeg"), ("a.avif", "image/avif"), ("a.svg", "image/svg+xml"), ("a", None)]
)
def test_a_raw_file_is_what_its_name_says(reach: Reach, name: str, mime: str | None) -> None:
    Path(reach.local_root, name).write_bytes(DATA)

    assert run(stream(f"local:///{name}", reach))[1].get("content-type") == mime
    assert "content-type" not in run(get(f"local:///{name}", None, reach))[1]


def test_a_scheme_in_capitals_is_allowed_as_one_in_small_letters(reach: Reach) -> None:
    assert run(get("LOCAL:///cat.jpg", None, reach))[2] == DATA
    assert run(stream("Local:///cat.jpg", reach))[2] == DATA
    assert run(get("LOCAL:///cat.jpg", None, replace(reach, allowed=("LOCAL://",))))[2] == DATA
    assert run(get("LOCAL:///cat.jpg", None, replace(reach, allowed=("local://",))))[2] == DATA


PATHS = """
out out-folder/secret device self relative proc/environ slash/etc/hostname ping dangling deep/out/secret pipe to-pipe
listener deep deep/.. . .. ./ // deep/../.. ../outside/secret deep/../../outside/secret ./../outside/secret
%2e%2e/secret
..%2foutside%2fsecret ..\\outside\\secret cat.jpg/../../outside/secret ~/x ~root /dev/stdin /proc/self/fd/0
dev/fd/0 ?cat.jpg
"""
"""What is no regular file under a root that is full of links, and beside which is a folder `outside`."""


def test_only_regular_files_under_the_root_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "cat.jpg").write_bytes(DATA)
    for name, there in {
        "out": outside / "secret",
        "out-folder": outside,
        "device": Path("/dev/zero"),
        "self": root / "self",
        "relative": Path("../../../../../../../etc/hostname"),
        "proc": Path("/proc/self"),
        "slash": Path("/"),
        "ping": root / "pong",
        "pong": root / "ping",
        "deep/out": outside,
        "dangling": root / "nothing",
    }.items():
        (root / name).symlink_to(there)
    os.mkfifo(root / "pipe")
    (root / "to-pipe").symlink_to(root / "pipe")
    monkeypatch.chdir(root)  # the path of a socket has to be short
    odd = ("cat.jpg\0", "\0", "a\0.png", "deep\0/../cat.jpg", "\udcff", "a" * 300, "a/" * 3000, "cat.jpg\n", " cat.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("listener")
        for path in (*PATHS.split(), *odd, str(outside / "secret"), "/" + str(outside / "secret")):
            for work in (get, stream):
                with pytest.raises(SourceError) as error:
                    run(work(f"local:///{path}", reach=Reach(str(root))))
                assert (error.value.status, error.value.public) == (404, "Source is unreachable"), path
    assert run(get("local:///deep/../cat.jpg", reach=Reach(str(root))))[2] == DATA


def test_refused_files_leave_nothing_open(reach: Reach) -> None:
    os.mkfifo(Path(reach.local_root, "pipe"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("pipe", "nothing", ".", "../x", "cat.jpg\0"):
        run(refused(f"local:///{path}", None, reach))

    assert len(list(Path("/proc/self/fd").iterdir())) == before
