"""URLs: taken apart, verified, read as a picture's and as a question; what is read can be written and read again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from foveola import urls
from foveola.errors import ArgumentError, FoveolaError, UrlError
from foveola.options import OPTIONS
from foveola.presets import Presets
from foveola.urls import Grammar, Keys
from foveola.urls.encryption import BLOCK, decrypt, encrypt

TOKENS = [
    *(f"/{word}:".encode() for option in OPTIONS for word in option.words),
    *(
        b"/plain/",
        b"/enc/",
        b"@webp",
        b"%3A",
        b"%2F",
        b"/-/",
        b"/info/",
        b"http:/",
        b"local:///",
        b"unsafe/",
        b":t",
        b":0.5",
        b":1e9",
    ),
]
KEYS = (Keys(), Keys(((b"key", b"salt"), (b"k2", b"")), 8, frozenset({"trusted"})))
GRAMMARS = (
    Grammar(),
    Grammar(
        separator=",",
        base_url="http://e.com/",
        filename=True,
        encryption_key=b"0123456789abcdef",
        security=True,
        chained=3,
    ),
    Grammar(presets=Presets.read(["default=w:9", "a=q:50/pr:b", "b=h:7"]) if hasattr(Presets, "read") else Presets()),
    replace(Grammar(only_presets=True, info_only_presets=True), allowed=frozenset({"w", "h"})),
)


def seeds() -> list[bytes]:
    paths = (
        *(
            "rs:fill:300:200/g:sm/plain/https://e.com/a%20b.jpg@webp",
            "w:100/aHR0cDovL2UuY29tL2EuanBn.avif",
            "plain/local:///a.png",
        ),
        *(
            "enc/" + urls.write_source("http://e.com/a", "png", GRAMMARS[1], "enc").removeprefix("enc/"),
            "pr:a:b/-/w:5/plain/a",
        ),
        *(
            "aq:dssim:0.02:1:100:0.002/q:0/bg:fff/wm:0.5:ce:1:2:0.3/plain/s3://b/k",
            "exif:1/iptc:t/palette:8/blurhash:4:3/plain/a",
        ),
        *(
            "crop:100:200:fp:0.5:0.5/trim:10:ff00ff:t:t/pd:1:2:3:4/ar:t/rot:90/fl:t:f/blur:0.2/sh:0.7/dpr:2/z:1.5:2/plain/a",
            "a,b/plain/a",
        ),
    )
    return [
        f"/{signature}/{path}".encode()
        for path in paths
        for signature in ("unsafe", urls.sign(path, b"key", b"salt", 8))
    ]


def target(data: bytes) -> None:
    _check_encrypted(data)
    text = data.decode("latin-1") if data[:1] == b"\xff" else data.decode("utf-8", "surrogateescape")
    for prefix in ("", "/img"):
        with suppress(FoveolaError):
            signature, path = urls.split(text, prefix)
            for keys in KEYS:
                with suppress(FoveolaError):
                    urls.verify(signature, path, keys)
            for grammar in GRAMMARS:
                with suppress(FoveolaError):
                    urls.parse_info(path, grammar, now=1e9)
                with suppress(FoveolaError):
                    _check(urls.parse(path, grammar, now=1e9), grammar)


def _check(url: urls.ImageUrl, grammar: Grammar) -> None:
    """Check that what was read can be written, and is read as the same then."""
    plain = Grammar(separator=grammar.separator, encryption_key=grammar.encryption_key, security=True)
    for form in urls.FORMS if grammar.encryption_key else ("plain", "base64"):
        try:
            written = urls.build(url, plain, form=form)
        except ArgumentError:
            continue
        again = urls.parse(urls.repair(written), plain)
        assert again == url, f"{again} is not {url}, written as {written}"


def _check_encrypted(data: bytes) -> None:
    """Check that what is encrypted can be decrypted, and that all else is refused or is something encrypted."""
    key = GRAMMARS[1].encryption_key
    text = data.decode("utf-8", "surrogateescape")
    assert decrypt(encrypt(text, key), key) == text
    with suppress(UrlError):
        assert encrypt(decrypt(data, key), key, data[:BLOCK]) == data
