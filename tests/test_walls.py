"""What a stranger writes stays a value, what is secret stays inside, and nothing piles up."""

from __future__ import annotations

import base64
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from foveola.urls import Grammar, Keys, signed, write_source
from tests.origins import free_port
from tests.serving import Origin, Served, serving, until

EVIL = [
    *(
        "a\r\nX-Evil: 1",
        "a\nX-Evil: 1",
        "a\rX-Evil: 1",
        "\r\n\r\n<b>",
        "a\0b",
        'a"; filename="evil.exe',
        "a\\",
        "a;b=c",
        "a,b",
    ),
    *(
        "\u202egpj.exe",
        "\u2066a\u2069",
        "\u200fa",
        "a\x85X-Evil: 1",
        "a\u2028X-Evil: 1",
        "a\x0bb",
        "a\x7f",
        "é\r\n",
        "<a>",
        "a>; rel=x",
    ),
    *("\u560d\u560aX-Evil: 1", "%0d%0aX-Evil: 1", "a\ud800", "\udcff\r\nX-Evil: 1"),
]
"""\\u560d and \\u560a end with the bytes of CR and LF where characters are cut to eight bits."""
UNSEEN = ["\u202e", "\u2066", "\u2069", "\u200f", "\0", "\x0b", "\x7f", "\x85", "\u2028"]
HEADERS = {
    *(
        "access-control-allow-methods",
        "access-control-allow-origin",
        "cache-control",
        "connection",
        "content-disposition",
    ),
    *(
        "content-length",
        "content-security-policy",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "link",
        "server",
    ),
    *("vary", "x-content-type-options", "x-origin-content-length", "x-origin-height", "x-origin-width", "x-request-id"),
    *(
        "x-result-content-length",
        "x-result-height",
        "x-result-width",
        "x-autoquality",
        "x-told",
        "retry-after",
        "set-cookie",
    ),
    *("x-foveola", "accept-ranges", "transfer-encoding"),
}
"""All that answers may have."""


@pytest.fixture(scope="module")
def open_server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that passes on all that it can."""
    said = {
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "1",
        "COOKIE_PASSTHROUGH_ALL": "1",
        "COOKIE_PASSTHROUGH": "1",
        "REQUEST_HEADERS_PASSTHROUGH": "X-Told",
        "RESPONSE_HEADERS_PASSTHROUGH": "X-Told",
        "SET_CANONICAL_HEADER": "1",
        "ENABLE_DEBUG_HEADERS": "1",
        "WORKERS": "1",
        "USE_LAST_MODIFIED": "1",
    }
    with serving(tmp_path_factory.mktemp("open"), **said) as served:
        yield served


def exchanged(served: Served, *lines: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Send the lines of a request as they are; return the first line, the other lines and the body."""
    with socket.socket(socket.AF_UNIX) as there:
        there.settimeout(20)
        there.connect(str(served.path))
        there.sendall(b"\r\n".join((*lines, b"Host: foveola", b"Connection: close", b"", b"")))
        answer = b"".join(iter(lambda: there.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *others = head.split(b"\r\n")
    return first, others, body


def check_headers(lines: list[bytes]) -> None:
    """Check that there are no lines but ours, and nothing that can't be seen in them."""
    for line in lines:
        name, mark, value = line.partition(b":")
        assert mark, line
        assert name.decode("ascii").lower() in HEADERS, line
        assert not set(value) & {0, 10, 11, 13, 127}, line
        shown = value.decode("utf-8", "replace")
        assert not any(mark in shown for mark in UNSEEN), line


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def test_no_name_of_a_file_becomes_a_header(open_server: Served) -> None:
    for text in EVIL:
        for path in (
            f"fn:{encoded(text)}:1/att:1/plain/local:///cat.jpg",
            f"raw:1/fn:{encoded(text)}:1/plain/local:///cat.jpg",
        ):
            first, lines, body = exchanged(open_server, f"GET /unsafe/{path} HTTP/1.1".encode())

            if b" 200 " in first:
                (value,) = (line for line in lines if line.lower().startswith(b"content-disposition"))
                assert value.count(b'"') == 2, value
                assert body[:2] == b"\xff\xd8"
            check_headers(lines)


def test_no_source_becomes_a_header(open_server: Served, elsewhere: Origin) -> None:
    before = len(elsewhere.asked)
    for text in EVIL:
        raw = quote(text, safe="", errors="surrogatepass")
        base = elsewhere.url("/with/X-Told=1/")
        for path in (
            *(f"w:9/plain/{base}{raw}/cat.jpg", f"w:9/{encoded(base + text + '/cat.jpg')}", f"raw:1/plain/{base}{raw}"),
            *(
                f"w:9/plain/{elsewhere.url('/file/cat.jpg')}%3F{raw}",
                f"w:9/{encoded(elsewhere.url('/with/X-Told=1/cat.jpg?') + text)}",
            ),
            *(
                f"w:9/plain/local:///{raw}.jpg",
                f"w:9/plain/http://{raw}/a",
                f"w:9/plain/http://{raw}%40127.0.0.1:{elsewhere.port}/file/cat.jpg",
            ),
        ):
            _, lines, _ = exchanged(open_server, f"GET /unsafe/{path} HTTP/1.1".encode())
            check_headers(lines)
    asked = elsewhere.asked[before:]
    assert asked
    assert not any("evil" in name.lower() for _, headers in asked for name in headers)


@pytest.mark.slow
def test_no_header_of_a_client_becomes_another(open_server: Served, elsewhere: Origin) -> None:
    before = len(elsewhere.asked)
    target = f"GET /unsafe/w:9/plain/{elsewhere.url('/with/X-Told=1/cat.jpg')} HTTP/1.1".encode()
    values = [text.encode("utf-8", "surrogatepass") for text in EVIL] + [
        b"\xff\xfe",
        b'"',
        b"a" * 200,
        b"a b",
        b"a/b",
        b"",
    ]
    for name, value in itertools.product(
        (b"X-Request-Id", b"Cookie", b"X-Told", b"If-None-Match", b"X-Forwarded-For"), values
    ):
        one_line = value.replace(b"\r", b" ").replace(b"\n", b" ")
        for said in {value, one_line}:
            _, lines, _ = exchanged(open_server, target, name + b": " + said)
            check_headers([line for line in lines if not line.lower().startswith(b"x-evil")])
            assert not any(line.lower().startswith(b"x-evil") for line in lines)
            if name == b"X-Request-Id" and not lines[0].startswith(b"content-type: text/plain"):
                ids = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"x-request-id")]
                assert all(one.replace(b"-", b"").replace(b"_", b"").isalnum() for one in ids), ids
    for _, headers in elsewhere.asked[before:]:
        assert not any("evil" in name.lower() for name in headers)


KEYS = Keys(((b"\xde\xad\xbe\xef\xca\xfe", b"\xfe\xed\xfa\xce\xb0\x0c"),))
ENCRYPTION = bytes.fromhex("5ec2e7" * 5 + "aa")
BEARER = {"Authorization": "Bearer open-sesame-secret"}
USER, PASSWORD = "us3r-inf0", "pa55-w0rd"


def secrets(elsewhere: Origin) -> dict[str, str]:
    return {
        "IMGPROXY_KEY": "deadbeefcafe",
        "IMGPROXY_SALT": "feedfaceb00c",
        "IMGPROXY_SECRET": "open-sesame-secret",
        "IMGPROXY_SOURCE_URL_ENCRYPTION_KEY": ENCRYPTION.hex(),
        "IMGPROXY_TRUSTED_SIGNATURES": "tru5ted-one",
        "IMGPROXY_GCS_KEY": '{"private_key": "gcs-pr1vate"}',
        "IMGPROXY_USE_ABS": "1",
        "IMGPROXY_ABS_NAME": "account",
        "IMGPROXY_ABS_KEY": base64.b64encode(b"azure-account-key").decode(),
        "IMGPROXY_ABS_ENDPOINT": elsewhere.url(""),
        "FOVEOLA_DECISIONS": f"redis://red1s-user:red1s-pass@127.0.0.1:{free_port()}/0",
    }


HIDDEN = (
    *("deadbeefcafe", "feedfaceb00c", "open-sesame", ENCRYPTION.hex(), "tru5ted-one", "gcs-pr1vate", "red1s-pass"),
    *(
        base64.b64encode(b"azure-account-key").decode(),
        "azure-account-key",
        PASSWORD,
        USER,
        repr(ENCRYPTION),
        repr(KEYS.pairs[0][0]),
    ),
)
TROUBLE = (
    *(
        "127.0.0.1:{port}/file/cat.jpg",
        "127.0.0.1:{port}/status/500",
        "127.0.0.1:{port}/short/cat.jpg",
        "127.0.0.1:1/a.jpg",
    ),
    *(
        "127.0.0.1:99999/a",
        "127.0.0.1:x/a",
        "[::1/a",
        "[zz]/a",
        "nowhere.invalid/a.jpg",
        "10.0.0.0.0/a",
        "169.254.169.254/a",
        "/a",
    ),
    *(
        "127.0.0.1:{port}/scheme/http://%75s3r-inf0:%70a55-w0rd@169.254.169.254/",
        "127.0.0.1:{port}/redirect/20",
        "a b/c",
        "é.invalid/a",
        "%zz/a",
    ),
    *(
        "127.0.0.1:{port}/scheme/ftp://%75s3r-inf0:%70a55-w0rd@e.com/",
        "127.0.0.1:{port}/scheme/http://%75s3r-inf0:%70a55-w0rd@[::1/a",
        "",
        "\n/a",
    ),
    *(
        "127.0.0.1:{port}/scheme/http://%75s3r-inf0:%70a55-w0rd@127.0.0.1:99999/",
        "127.0.0.1:{port}/scheme/http://%75s3r-inf0:%70a55-w0rd@/a",
    ),
    *(
        "127.0.0.1:{port}/scheme/http://%75s3r-inf0:%70a55-w0rd@nowhere.invalid/a",
        "127.0.0.1:{port}/scheme///%75s3r-inf0:%70a55-w0rd@[zz]/a",
    ),
)


def troubled(port: int) -> Iterator[str]:
    """Yield paths whose sources have a name and a password, and which mostly go wrong."""
    grammar = Grammar(encryption_key=ENCRYPTION)
    for scheme, where in itertools.product(("http", "https", "HTTP", "ftp", "s3", "abs"), TROUBLE):
        source = f"{scheme}://{USER}:{PASSWORD}@{where.format(port=port)}"
        plain = quote(source, safe=":/") if "%zz" not in where else source
        yield "w:9/plain/" + plain
        yield "w:9/raw:1/plain/" + plain + "@webp"
        yield "s:1/plain/" + plain
        yield "w:9/" + write_source(source, "webp", grammar, "enc")
        yield "w:9/plain/" + source.replace("\n", "").replace(" ", "") + "@webp@png"


@pytest.mark.slow
def test_secrets_are_told_nobody(folder: Path, elsewhere: Origin, tmp_path: Path) -> None:
    said = secrets(elsewhere)
    metrics, bearer = free_port(), BEARER["Authorization"].encode()
    rest = {
        "LOCAL_FILESYSTEM_ROOT": str(folder),
        "ALLOW_LOOPBACK_SOURCE_ADDRESSES": "1",
        "DEVELOPMENT_ERRORS_MODE": "1",
        "LOG_LEVEL": "debug",
        "WORKERS": "1",
        "PROMETHEUS_BIND": f"127.0.0.1:{metrics}",
        "DOWNLOAD_TIMEOUT": "2",
    }
    with serving(tmp_path, said, **rest) as served:
        told = []
        for number, path in enumerate(troubled(elsewhere.port)):
            where = "/info" * path.startswith("s:") + signed(path, KEYS)
            accept = b"Accept: text/html" if number % 2 else b"Accept: */*"
            _, said_back, body = exchanged(
                served, f"GET {where} HTTP/1.1".encode(), b"Authorization: " + bearer, accept
            )
            told.append((path, body, str(said_back)))
        for path in (
            "w:9/plain/local:///cat.jpg",
            "aq:dssim:0.02/w:50/plain/local:///photo.png@webp",
            "w:x/plain/a",
            "w:9/plain/abs://b/k",
        ):
            for given in (BEARER, {}, {"Authorization": "Bearer open-sesame"}):
                for target in (signed(path, KEYS), "/wrong/" + path):
                    reply = served.get(target, given)
                    told.append((path, reply.body, str(reply.headers)))
        told.append(("metrics", asked_over_tcp(metrics), ""))
        log = served.log.read_text(errors="replace")
    assert "Completed" in log
    for path, body, headers in told:
        for word in HIDDEN:
            assert word.encode() not in body, (path, word, body[:3000].decode("latin-1"))
            assert word not in headers, (path, word)
    for line in log.splitlines():
        assert not any(word in line for word in HIDDEN), line


def asked_over_tcp(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as there:
        there.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: there.recv(1 << 16), b""))


@pytest.mark.parametrize("arguments", [["config"], ["config", "--json"], ["config", "--check"]])
@pytest.mark.parametrize("broken", [False, True])
def test_the_command_line_shows_no_secret(arguments: list[str], broken: bool, elsewhere: Origin) -> None:
    """Nor one that can't be used."""
    said = secrets(elsewhere)
    if broken:
        said |= {name: f"{value}-x" for name, value in said.items() if name != "FOVEOLA_DECISIONS"}
        said |= {"FOVEOLA_DECISIONS": "redis://red1s-user:red1s-pass@[::1", "IMGPROXY_SECRT": "open-sesame-secret"}
    environ = {k: v for k, v in os.environ.items() if not k.startswith("IMGPROXY_")} | said
    done = subprocess.run(
        [sys.executable, "-c", "from foveola.cli import main; main()", *arguments],
        env=environ,
        capture_output=True,
        text=True,
    )

    assert (done.stdout + done.stderr).strip() or arguments[-1] == "--check"
    for word in HIDDEN:
        assert word not in done.stdout + done.stderr, (word, done.stdout, done.stderr)


def test_a_url_that_nobody_signed_is_refused_before_it_is_read(folder: Path, tmp_path: Path) -> None:
    bad = (
        *(
            "w:x/plain/local:///cat.jpg",
            "nope:1/plain/a",
            "plain/",
            "plain/local:///none.jpg",
            "%zz",
            "plain/%zz",
            "exp:1/plain/a",
        ),
        *(
            "w:9/!!!",
            "w:9/YQ.nope",
            "pr:none/plain/a",
            "plain/http://127.0.0.1/a",
            "plain/gopher://a",
            "enc/abc",
            "fill/1/2/ce/0/plain/a",
        ),
        *(
            "w:9/" * 500 + "plain/a",
            "raw:1/plain/local:///cat.jpg",
            "plain/local:///cat.jpg@exe",
            "-/-/-",
            "a",
            "/",
            "w:9:9:9:9:9/x",
        ),
    )
    with serving(tmp_path, LOCAL_FILESYSTEM_ROOT=str(folder), WORKERS="1", KEY="aa", SALT="bb") as served:
        for path, info in itertools.product(bad, ("", "/info")):
            for signature in ("unsafe", "AAAA", "!", "_", "a" * 43, "%00", signed("w:1/plain/a", KEYS)[1:44]):
                first, _, body = exchanged(served, f"GET {info}/{signature}/{path} HTTP/1.1".encode("latin-1"))
                assert first.split()[1] == b"403", (info, signature, path)
                assert body.startswith((b"Forbidden", b"9\r\nForbidden")), body
        assert served.get(signed("w:x/plain/a", Keys(((b"\xaa", b"\xbb"),)))).status == 404


FEW = 9
"""Descriptors or threads of a worker: libvips starts threads for a picture, and keeps some for the next."""


@pytest.mark.slow
def test_nothing_piles_up(open_server: Served, elsewhere: Origin) -> None:
    """Over 500 requests: pictures, errors of all kinds, and clients that leave at each stage."""
    served = open_server
    front, forkserver = served.process.pid, served.forkserver
    targets = [
        *(
            "/unsafe/w:9/plain/local:///cat.jpg",
            "/unsafe/w:8/plain/local:///none.jpg",
            "/unsafe/w:8/plain/local:///broken.jpg",
        ),
        *(
            "/unsafe/w:x/plain/a",
            "/",
            "/unsafe",
            "/unsafe/raw:1/plain/local:///noise.png",
            "/info/unsafe/plain/local:///cat.jpg",
        ),
        *(
            f"/unsafe/w:7/plain/{elsewhere.url(path)}"
            for path in ("/file/cat.jpg", "/status/500", "/short/cat.jpg", "/gzip/cat.jpg")
        ),
        *(
            f"/unsafe/raw:1/plain/{elsewhere.url(path)}"
            for path in ("/file/cat.jpg", "/short/cat.jpg", "/redirect/3", "/redirect/30")
        ),
        *(
            "/unsafe/w:7/plain/http://127.0.0.1:1/a",
            "/unsafe/w:7/plain/http://169.254.169.254/",
            "/unsafe/plain/local:///text.jpg",
        ),
    ]

    def kept() -> list[int]:
        """Descriptors, threads and workers; a worker whose client has left is another one by now."""
        pids = (front, forkserver, *served.workers)
        return [
            len(pids),
            *(len(list(Path(f"/proc/{pid}/{what}").iterdir())) for pid in pids for what in ("fd", "task")),
        ]

    def left(target: str, size: int) -> None:
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(str(served.path))
            there.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()[:size])

    def storm(count: int) -> None:
        for number, target in enumerate(itertools.islice(itertools.cycle(targets), count)):
            if number % 5 == 4:
                left(target, 1000 if number % 2 else 20)
            else:
                exchanged(served, f"GET {target} HTTP/1.1".encode())

    def settle() -> None:
        """Have the worker that is there now start the threads that pictures need: a new one has none yet."""
        until(lambda: len(served.workers) == 2, 5)
        for target in (*targets[:3], "/info/unsafe/plain/local:///cat.jpg") * 3:
            exchanged(served, f"GET {target} HTTP/1.1".encode())

    storm(150)  # threads of pools and connections to sources come with use
    settle()
    time.sleep(0.5)
    before = kept()
    storm(500)
    settle()

    most = [*before[:5], *(max(count, FEW) for count in before[5:])]
    assert until(lambda: all(now <= then for now, then in zip(kept(), most, strict=True)), 5), f"{before} {kept()}"
    assert (served.process.pid, served.forkserver) == (front, forkserver)
