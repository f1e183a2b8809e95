"""Presets: lines `name=option/option`; those that are taken can be used, and end, however they use each other."""

from __future__ import annotations

from contextlib import suppress

from foveola import urls
from foveola.errors import ConfigError, FoveolaError
from foveola.info.options import INFO_OPTIONS, InfoOptions
from foveola.options import OPTIONS
from foveola.presets import DEFAULT, Presets, infos, pictures
from foveola.urls import Grammar

TOKENS = (
    *(f"{word}:".encode() for option in OPTIONS for word in option.words),
    *(f"{word}:".encode() for option in INFO_OPTIONS for word in option.words),
    *(b"\n", b"=", b"/", b":", b"pr:", b"pr:a:b", b"a=", b"default=", b"/-/", b"#", b"\x85", b"\xe2\x80\xa8", b","),
)
MOST = 8000
"""Bytes that are read: each preset is tried at the start, which takes its time, and who writes them is no stranger."""
SEPARATORS = (":", ",", "1")


def seeds() -> list[bytes]:
    chain = "\n".join(f"p{number}=pr:p{number + 1}:p{number + 1}" for number in range(12)) + "\np12=w:1"
    return [
        b"default=w:1/h:2\n# said\na=q:50/pr:b\nb=pr:a/c:1:2/-/rot:90",
        b"a=rs,fill,1,2\ndefault=pr,a",
        b"a=exif:1/palette:8\nb=pr:a",
        chain.encode(),
    ]


def target(data: bytes) -> None:
    text = data[:MOST].decode("utf-8", "surrogateescape")
    for separator in SEPARATORS:
        with suppress(ConfigError):
            found = Presets.read((), text, separator=separator, lay=pictures(security=True))
            grammar = Grammar(separator=separator, presets=found, security=True, only_presets=True)
            for name in [name for name in found.segments if not {separator, "/"} & set(name)][:20]:
                _use(found, grammar, f"{name}/plain/a")
        with suppress(ConfigError):
            Presets.read((), text, separator=separator, lay=infos(), start=InfoOptions(), chains=False)


def _use(found: Presets, grammar: Grammar, path: str) -> None:
    """Check that a preset that was tried is good in a URL, where it is not joined to the default one."""
    if DEFAULT in found.segments:
        with suppress(FoveolaError):
            urls.parse(path, grammar)
        return
    said = urls.parse(path, grammar)
    assert said.source == "a", said
