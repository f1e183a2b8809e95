"""The URL of a source, before it is asked: replaced, allowed, masked, told which kind it is, opened where it is a file.

The first line is the URL, the second one a pattern with stars.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from yarl import URL

from foveola.errors import SourceError
from foveola.globs import matched
from foveola.sources import module_of, ordinary
from foveola.sources.base import Reach, masked
from foveola.sources.local import Local
from foveola.sources.objects import Objects
from foveola.sources.stores import Stores
from foveola.sources.written import parsed
from foveola.urls.grammar import replaced, replacements

TOKENS = (
    *(
        b"http://",
        b"https://",
        b"local:///",
        b"s3://",
        b"gs://",
        b"good.com",
        b".good.com/",
        b"a.good.com",
        b"evil.com",
    ),
    *(b"@", b":80", b"?", b"#", b"\\", b"%2F", b"%00", b"..", b"/../", b"/./", b"//", b"\t", b"\r", b"\0", b"[::1]"),
    *(b"link", b"out", b"pipe", b"folder/", b"inside", b"*", b".*", b"**", b"." * 2000, b"\xc3\xa9", b"\xe3\x80\x82"),
)
SECRET = "hunter2"
ALLOWED = ("https://*.good.com/", "http://good.com/", "https://*.*.better.com/*/x")
STORES = Stores(use_s3=True, use_gcs=True, use_abs=True, s3_allowed_buckets=("a*b*",), gcs_denied_buckets=("*x",))
REACH = Reach(allowed=ALLOWED, stores=STORES)
RULES = replacements([("http://*.a.com/*/", "${2}://${1}/"), ("mys3://", "s3://b/"), ("*.*.*x", "${3}${9}"), ("", "")])
_BUCKET = re.compile(r"[A-Za-z0-9$._-]{1,255}")
INSIDE, OUTSIDE = b"inside", b"outside"


def _tree(top: Path) -> Path:
    """Make a folder of files and of links, some of which lead out."""
    root = top / "root"
    (root / "folder").mkdir(parents=True)
    (top / "secret").write_bytes(OUTSIDE)
    for name in ("a.jpg", "folder/b.jpg", "what?c"):
        (root / name).write_bytes(INSIDE)
    for name, there in (("link", "folder/b.jpg"), ("out", "../secret"), ("up", ".."), ("folder/loop", "loop")):
        (root / name).symlink_to(there)
    os.mkfifo(root / "pipe")
    return root


FOLDER = tempfile.TemporaryDirectory()
LOCAL = Local(_tree(Path(FOLDER.name).resolve()), Reach())


def seeds() -> list[bytes]:
    web = ["https://a.good.com/x.jpg", "http://good.com/", "https://evil.com/?.good.com/", "http://u:p@h:80/a@b"]
    local = ["local:///a.jpg?b", "local:///folder/../link", "local:///out", "local:///up/secret", "local:///what?c"]
    stores = ["s3://a-b-c/k?v", "gs://x/%2F", "abs://c//k", "mys3://k", "http://x.a.com/y/z"]
    return [f"{url}\nhttps://*.*.com/*a*b/".encode() for url in (*web, *local, *stores)]


def target(data: bytes) -> None:
    first, _, second = data.partition(b"\n")
    url, pattern = first.decode("utf-8", "surrogateescape"), second.decode("latin-1")
    for secret in (f"http://u:{SECRET}@{url}", f"s3://{SECRET}@{url}"):
        assert SECRET not in masked(secret), masked(secret)
    assert masked(ordinary(url)) or not url
    replaced(url, RULES)
    _check_pattern(pattern, url)
    _check_allowed(url)
    _check_bucket(url)
    _check_file(url.removeprefix("local://"))


def _check_pattern(pattern: str, text: str) -> None:
    """Check a match against what it says itself, and where that is quick against an expression's."""
    found = matched(pattern, text)
    if found is not None:
        whole, *stars = found
        before, *rest = pattern.split("*")
        assert before + "".join(star + literal for star, literal in zip(stars, rest, strict=True)) == whole
        assert text.startswith(whole)
        assert "/" not in "".join(stars)
    if len(text) < 100 and pattern.count("*") < 5 and not set("?#") & set(text):
        expression = re.compile(re.escape(pattern).replace(r"\*", "([^/]*)"))
        other = expression.match(text)
        assert found == (other and (other[0], *other.groups())), (pattern, text)


def _check_allowed(url: str) -> None:
    """Check that the host that is dialled is one that is allowed."""
    with suppress(SourceError, ValueError):
        if module_of(url, REACH) == "http":
            host = parsed(url).host or ""
            assert host.endswith((".good.com", ".better.com")) or host == "good.com", url
            assert URL(str(parsed(url))).host == host, url


def _check_bucket(url: str) -> None:
    with suppress(SourceError):
        if module_of(url, Reach(stores=STORES)) != "objects":
            return
        scheme, bucket, key, _ = Objects(Reach(stores=STORES))._named(ordinary(url))
        assert _BUCKET.fullmatch(bucket), bucket
        assert key, url
        assert (scheme, bucket[:1]) != ("s3", "b"), url
        assert not (scheme == "gs" and bucket.endswith("x")), url


def _check_file(path: str) -> None:
    """Check that nothing outside of the folder is opened."""
    found = LOCAL._at_once(path)
    if found is None:
        with suppress(SourceError):
            found = LOCAL._read(path)
    if found is not None:
        body, _, _ = found
        with body:
            assert os.pread(body.fd, 100, 0) == INSIDE, path
