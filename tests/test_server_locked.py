"""What can be locked is locked: signatures, a secret, sources and a prefix; and secrets stay in the front."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foveola.server.forkserver import environment
from foveola.urls import Keys, signed
from tests.serving import Served, inside, serving, write_pictures

KEYS = Keys(((b"\xaa\xbb", b"\xcc\xdd"), (b"\x11", b"\x22")), 16, frozenset({"trusted"}))
SECRETS = {
    "KEY": "aabb,11",
    "SALT": "ccdd,22",
    "SIGNATURE_SIZE": "16",
    "TRUSTED_SIGNATURES": "trusted",
    "SECRET": "open sesame",
    "ALLOW_ORIGIN": "https://e.com",
    "PATH_PREFIX": "/img",
    "TTL": "0",
    "ALLOWED_SOURCES": "local:///cat",
    "WORKERS": "1",
}
BEARER = {"Authorization": "Bearer open sesame"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with everything that can be locked."""
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    with serving(tmp_path_factory.mktemp("locked"), LOCAL_FILESYSTEM_ROOT=str(folder), **SECRETS) as served:
        yield served


PATH = "w:50/plain/local:///cat.jpg"
TOLD = "s:1/plain/local:///cat.jpg"


@pytest.mark.parametrize(
    "target",
    [signed(PATH, KEYS), signed(PATH, Keys(KEYS.pairs[1:], 16)), "/trusted/" + PATH, signed(PATH, KEYS) + "?a"],
)
def test_a_signed_url_is_served(locked: Served, target: str) -> None:
    reply = locked.get("/img" + target, BEARER)

    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["access-control-allow-origin"] == "https://e.com"
    assert "x-origin-width" not in reply.headers


def test_a_signed_question_is_answered(locked: Served) -> None:
    reply = locked.get("/img/info" + signed(TOLD, KEYS), BEARER)

    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["access-control-allow-origin"] == "https://e.com"


@pytest.mark.parametrize(
    ("target", "headers", "status", "body"),
    [
        ("/img/unsafe/" + PATH, BEARER, 403, "Forbidden"),
        ("/img" + signed(PATH, Keys(KEYS.pairs)), BEARER, 403, "Forbidden"),
        ("/img" + signed("w:51/plain/local:///cat.jpg", KEYS).replace("w:51", "w:50"), BEARER, 403, "Forbidden"),
        ("/img" + signed(PATH, KEYS), {}, 403, "Forbidden"),
        ("/img/info/unsafe/" + TOLD, BEARER, 403, "Forbidden"),
        ("/img/info" + signed("info/" + TOLD, KEYS).replace("/info/", "/"), BEARER, 403, "Forbidden"),
        ("/img/info" + signed(TOLD, KEYS), {}, 403, "Forbidden"),
        ("/img/info" + signed("s:1/plain/local:///photo.png", KEYS), BEARER, 404, "Invalid source URL"),
        ("/img" + signed(PATH, KEYS), {"Authorization": "Bearer ä"}, 403, "Forbidden"),
        ("/img/unsafe/nope:1/plain/x", BEARER, 403, "Forbidden"),
        ("/img" + signed("plain/local:///photo.png", KEYS), BEARER, 404, "Invalid source URL"),
        (signed(PATH, KEYS), BEARER, 404, " "),
        ("/img/health", {}, 200, "foveola is running"),
        ("/health", {}, 404, " "),
    ],
)
def test_any_other_is_refused(locked: Served, target: str, headers: dict[str, str], status: int, body: str) -> None:
    reply = locked.get(target, headers)

    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.headers["access-control-allow-origin"] == "https://e.com"


def test_workers_see_no_secrets(locked: Served) -> None:
    for pid in (locked.forkserver, *locked.workers):
        environ = inside(pid, "environ")
        assert b"IMGPROXY" not in environ
        assert b"sesame" not in environ
        assert b"MALLOC_ARENA_MAX=2" in environ


def test_workers_see_a_part_of_the_environment_only() -> None:
    seen = environment({"PATH": "/bin", "IMGPROXY_KEY": "aa", "AWS_SECRET_ACCESS_KEY": "b", "LD_PRELOAD": "c"})

    assert (seen["PATH"], seen["LD_PRELOAD"], seen["MALLOC_ARENA_MAX"]) == ("/bin", "c", "2")
    assert not {"IMGPROXY_KEY", "AWS_SECRET_ACCESS_KEY"} & set(seen)
    assert environment({"MALLOC_ARENA_MAX": "4"})["MALLOC_ARENA_MAX"] == "4"


def test_the_log_shows_no_secret(locked: Served) -> None:
    log = locked.log.read_text()

    assert "Completed" in log
    assert not any(word in log for word in ("sesame", "aabb", "ccdd"))
