"""Over a raw socket: heads and bodies that two readers may read differently have one answer, or an end.

In each body stands another request, `SMUGGLED`. Nothing may ever take it for one; what is written down of a request
shows whether something has. Source: RFC 9112, section 11.2
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from foveola.server.heads import LONGEST, MOST_FIELDS, MOST_WAITING
from tests.serving import POLICY, Served, serving, write_pictures

HOST = b"Host: f\r\n"
HEAD = b"GET /health HTTP/1.1\r\n" + HOST
PICTURE = b"GET /x/w:9/plain/local:///cat.jpg HTTP/1.1\r\n" + HOST
SMUGGLED = b"GET /x/smuggled HTTP/1.1\r\nHost: f\r\n\r\n"
SIZE = b"%d" % len(SMUGGLED)
TE = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = write_pictures(tmp_path_factory.mktemp("pictures"))
    settings = {"LOCAL_FILESYSTEM_ROOT": str(folder), "WORKERS": "1", "READ_REQUEST_TIMEOUT": "1"}
    with serving(tmp_path_factory.mktemp("smuggling"), **settings) as found:
        yield found


SAFE = (b"x-content-type-options: nosniff\r\n", b"content-security-policy: " + POLICY.encode() + b"\r\n")
"""What each answer has, that to no request too."""


def asked(server: Served, *parts: bytes, seconds: float = 8) -> tuple[list[int], bool]:
    """Send parts as they are, and return the statuses of the answers and whether the connection was closed."""
    got, closed = b"", False
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(str(server.path))
        there.settimeout(seconds)
        try:
            for part in parts:
                there.sendall(part)
            while part := there.recv(65536):
                got += part
                if got.endswith(b"LAST"):
                    break
            closed = not part
        except ConnectionError:
            closed = True
        except TimeoutError:
            pass
    answers = re.split(rb"HTTP/1\.1 (?=\d{3} )", got)[1:]
    assert [answer for answer in answers if any(line not in answer.lower() for line in SAFE)] == []
    return [int(answer[:3]) for answer in answers], closed


CLOSED: dict[str, tuple[list[int], bytes]] = {
    "length and chunks": ([400], HEAD + b"Content-Length: 5\r\n" + TE + b"\r\n" + END + SMUGGLED),
    "chunks and length": ([400], HEAD + TE + b"Content-Length: 5\r\n\r\n" + END + SMUGGLED),
    "gzip, chunked": ([501], HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END + SMUGGLED),
    "chunked, gzip": ([400], HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + END + SMUGGLED),
    "chunked, chunked": ([400], HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + END + SMUGGLED),
    "identity": ([400], HEAD + b"Transfer-Encoding: identity\r\nContent-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "xchunked": ([501], HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + END + SMUGGLED),
    "chunked twice": ([400], HEAD + TE + TE + b"\r\n" + END + SMUGGLED),
    "chunked and identity": ([400], HEAD + TE + b"Transfer-Encoding: identity\r\n\r\n" + END + SMUGGLED),
    "a blank before the colon": ([400], HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + END + SMUGGLED),
    "a vertical tab": ([400], HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END + SMUGGLED),
    "chunks in HTTP/1.0": ([400], b"GET /health HTTP/1.0\r\n" + TE + b"\r\n" + END + SMUGGLED),
    "one length twice": ([400], HEAD + (b"Content-Length: " + SIZE + b"\r\n") * 2 + b"\r\n" + SMUGGLED),
    "two lengths": ([400], HEAD + b"Content-Length: 0\r\nContent-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "a list of lengths": ([400], HEAD + b"Content-Length: " + SIZE + b", " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "a length with a sign": ([400], HEAD + b"Content-Length: +" + SIZE + b"\r\n\r\n" + SMUGGLED),
    "a length below 0": ([400], HEAD + b"Content-Length: -1\r\n\r\n" + SMUGGLED),
    "a length in hexadecimal": ([400], HEAD + b"Content-Length: 0x24\r\n\r\n" + SMUGGLED),
    "a length of 80 bit": ([400], HEAD + b"Content-Length: 999999999999999999999999\r\n\r\n" + SMUGGLED),
    "an empty length": ([400], HEAD + b"Content-Length: \r\n\r\n" + SMUGGLED),
    "a body of GET": ([200], HEAD + b"Content-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED + SMUGGLED),
    "a body of HEAD": ([200], HEAD.replace(b"GET", b"HEAD") + b"Content-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "a body of POST": ([404], HEAD.replace(b"GET", b"POST") + b"Content-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "a body for a picture": ([200], PICTURE + b"Content-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED + SMUGGLED),
    "a length that the connection owns": (
        [200],
        HEAD + b"Connection: Content-Length\r\nContent-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED,
    ),
    "an extension of a chunk": ([200], HEAD + TE + b"\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "a line feed in an extension": ([200], HEAD + TE + b"\r\n2;\nxx\r\n" + END + SMUGGLED),
    "chunks with line feeds": ([200], HEAD + TE + b"\r\n2\nxx\n0\n\n" + SMUGGLED),
    "a chunk of 0x": ([200], HEAD + TE + b"\r\n0x2\r\nxx\r\n" + END + SMUGGLED),
    "a chunk of 68 bit": ([200], HEAD + TE + b"\r\nfffffffffffffffff\r\nxx\r\n" + END + SMUGGLED),
    "a chunk without an end": ([200], HEAD + TE + b"\r\n2\r\nxx" + END + SMUGGLED),
    "a length as a trailer": ([200], HEAD + TE + b"\r\n0\r\nContent-Length: 9\r\n\r\n" + SMUGGLED),
    "line feeds": ([400], b"GET /health HTTP/1.1\nHost: f\n\n"),
    "a line feed in the head": ([400], b"GET /health HTTP/1.1\r\nHost: f\nX: y\r\n\r\n"),
    "a carriage return in the head": ([400], b"GET /health HTTP/1.1\r\nHost: f\rX: y\r\n\r\n"),
    "a folded field": ([400], HEAD + b"X: a\r\n b\r\n\r\n"),
    "a folded coding": ([400], HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + END + SMUGGLED),
    "a fold at the beginning": ([400], b"GET /health HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n"),
    "absolute without a path": ([400], b"GET http://f HTTP/1.1\r\n" + HOST + b"\r\n"),
    "absolute of another scheme": ([400], b"GET ftp://f/health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "authority": ([400], b"GET f:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a tunnel": ([405], b"CONNECT f:80 HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED),
    "a tunnel to a path": ([405], b"CONNECT /health HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED),
    "an asterisk": ([400], b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no slash": ([400], b"GET health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a fragment": ([400], b"GET /health#x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a NUL in the target": ([400], b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no UTF-8 in the target": ([400], b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n"),
    "tabs": ([400], b"GET\t/health\tHTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": ([], b"GET /health\r\n"),
    "said to be HTTP/0.9": ([505], b"GET /health HTTP/0.9\r\n\r\n"),
    "HTTP/1.2": ([400], b"GET /health HTTP/1.2\r\n" + HOST + b"\r\n"),
    "said to be HTTP/2.0": ([505], b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n"),
    "the preface of HTTP/2": ([400], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "no version": ([400], b"GET /health HTTP\r\n\r\n"),
    "small letters": ([400], b"get /health http/1.1\r\n" + HOST + b"\r\n"),
    "a method of nobody": ([400], b"FOO /health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "TLS": ([400], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "an expectation": ([200], HEAD + b"Expect: 100-continue\r\nContent-Length: " + SIZE + b"\r\n\r\n" + SMUGGLED),
    "another expectation": ([417], HEAD + b"Expect: 200-ok\r\n\r\n"),
    "a web socket": ([200], HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + SMUGGLED),
    "HTTP/2 in clear text": ([200], HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED),
    "another protocol and a body": (
        [404],
        b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: " + SIZE + b"\r\n" + HOST + b"\r\n"
        + SMUGGLED,
    ),
    "more after the last": ([200], HEAD + b"Connection: close\r\n\r\n" + SMUGGLED),
    "rubbish after a request": ([200], PICTURE + b"\r\nRUBBISH\r\n\r\n"),
    "rubbish after two requests": ([200, 200], PICTURE + b"\r\n" + HEAD + b"\r\nRUBBISH\r\n\r\n"),
    "many fields": ([431], HEAD + b"X: y\r\n" * MOST_FIELDS + b"\r\n"),
    "a name with NUL": ([400], HEAD + b"X\x00Y: z\r\n\r\n"),
    "a name with a blank": ([400], HEAD + b"X Y: z\r\n\r\n"),
    "a name in UTF-8": ([400], HEAD + b"X\xc3\xa4: z\r\n\r\n"),
    "a name with a bracket": ([400], HEAD + b"X(Y): z\r\n\r\n"),
    "no name": ([400], HEAD + b": z\r\n\r\n"),
    "no colon": ([400], HEAD + b"XY\r\n\r\n"),
    "NUL in a value": ([400], HEAD + b"X: a\x00b\r\n\r\n"),
    "a control character in a value": ([400], HEAD + b"X: a\x01b\r\n\r\n"),
    "no host": ([400], b"GET /health HTTP/1.1\r\n\r\n"),
    "two hosts": ([400], HEAD + b"Host: g\r\n\r\n"),
    "a host with a path": ([400], b"GET /health HTTP/1.1\r\nHost: f/x\r\n\r\n"),
    "a host with a name": ([400], b"GET /health HTTP/1.1\r\nHost: us@f\r\n\r\n"),
}  # fmt: skip
"""What is answered, and the connection closed."""

FINE: dict[str, bytes] = {
    "absolute": b"GET http://other/health HTTP/1.1\r\n" + HOST,
    "absolute in capitals": b"GET HTTP://us:pw@other/health HTTP/1.1\r\n" + HOST,
    "an empty host": b"GET /health HTTP/1.1\r\nHost: \r\n",
    "a host with a port": b"GET /health HTTP/1.1\r\nHost: [::1]:8080\r\n",
    "empty lines before": b"\r\n\r\n" + HEAD,
    "bytes in a value": HEAD + b"X: \xff\xfe\r\n",
    "as many fields as there may be": HEAD + b"X: y\r\n" * (MOST_FIELDS - 2),
    "no body by its length": HEAD + b"Content-Length: 00\r\n",
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_may_be_read_in_two_ways_is_answered_once_and_closed(server: Served, name: str) -> None:
    statuses, request = CLOSED[name]

    assert asked(server, request) == (statuses, True)
    assert server.get("/health").status == 200
    log = server.log.read_text()
    assert "/x/smuggled" not in log
    assert "Traceback" not in log
    assert "Exception" not in log


@pytest.mark.parametrize("name", FINE)
def test_what_is_only_unusual_is_served_and_so_is_the_next(server: Served, name: str) -> None:
    last = HEAD + b"Connection: close\r\n\r\n"

    assert asked(server, FINE[name] + b"\r\n" + last) == ([200, 200], True)


def test_requests_one_after_the_other_are_answered_in_their_order(server: Served) -> None:
    wrong = PICTURE.replace(b"cat", b"none") + b"\r\n"

    assert asked(server, PICTURE + b"\r\n" + wrong + HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n") == (
        [200, 404, 200, 200],
        True,
    )


def test_a_body_that_comes_later_is_no_request(server: Served) -> None:
    head = HEAD + b"Content-Length: " + SIZE + b"\r\n\r\n"

    assert asked(server, head, SMUGGLED[:9], SMUGGLED[9:], SMUGGLED)[0] in ([200], [])
    assert "/x/smuggled" not in server.log.read_text()


def test_heads_that_are_too_large_cost_nothing(server: Served) -> None:
    """A head of 900 kB with one name 150,000 times took the front 20 seconds."""
    began = time.monotonic()
    for head in (PICTURE + b"X:y\r\n" * 150_000, HEAD + b"X: " + b"y" * 1_200_000, b"GET /" + b"y" * 1_200_000):
        statuses, closed = asked(server, head + b"\r\n\r\n")
        assert statuses in ([431], [])  # who is still sending may not see it
        assert closed
    assert asked(server, b"GET /x/plain/" + b"y" * 40_000 + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n") == (
        [414],
        True,
    )
    assert time.monotonic() - began < 3


def test_a_head_that_comes_as_a_whole_has_its_limit_too(server: Served) -> None:
    """A system hands over 256 kB at once, and what is complete in them was let through."""
    assert asked(server, HEAD + b"X: " + b"y" * LONGEST + b"\r\n\r\n") == ([431], True)
    assert asked(server, HEAD + b"X: " + b"y" * (LONGEST - 500) + b"\r\nConnection: close\r\n\r\n") == ([200], True)
    query = b"?" + b"y" * LONGEST
    assert asked(server, b"GET /health" + query + b" HTTP/1.1\r\n" + HOST + b"\r\n") == ([431], True)
    assert asked(server, HEAD + TE + b"\r\n0\r\n" + b"X: y\r\n" * (MOST_FIELDS + 9) + b"\r\n")[1]


def test_a_body_in_parts_of_a_byte_is_dropped(server: Served) -> None:
    """Each part was put after those before it, which were copied for it."""
    before = processor(server)
    for _ in range(3):
        assert asked(server, PICTURE + TE + b"\r\n" + b"1\r\nx\r\n" * 100_000 + END)[1]
    assert processor(server) - before < 1


def test_few_requests_wait_for_another_of_their_connection(server: Served) -> None:
    """216 kB of requests behind one that takes its time were 6 MB of memory, on each connection."""
    slow = PICTURE.replace(b"/x/", b"/x/sh:2/") + b"\r\n"

    assert asked(server, slow + (HEAD + b"\r\n") * MOST_WAITING * 2) == ([200] * (MOST_WAITING + 1), True)
    last = HEAD + b"Connection: close\r\n\r\n"
    assert asked(server, slow + (HEAD + b"\r\n") * (MOST_WAITING - 1) + last) == ([200] * (MOST_WAITING + 1), True)


def processor(server: Served) -> float:
    """Return the seconds of processor that the front has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_headers_of_one_name_are_joined_in_linear_time() -> None:
    """Another ASGI server may let more of them through."""
    from foveola.server.request import Request

    pairs = [(b"X", b"y" * 100)] * 20_000 + [(b"Cookie", b"a=b"), (b"cookie", b"c=d")]
    began = time.monotonic()
    scope = {"method": "GET", "raw_path": b"/", "headers": pairs}
    assert Request.of(scope).headers["cookie"] == "a=b; c=d"
    assert time.monotonic() - began < 2
