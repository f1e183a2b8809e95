"""Options: a name and texts, applied; what was applied can be written and applied again."""

from __future__ import annotations

from contextlib import suppress

from foveola import options
from foveola.errors import FoveolaError
from foveola.info.options import INFO_OPTIONS
from foveola.options import OPTIONS, ProcessingOptions

TOKENS = [
    *(word.encode() for option in OPTIONS for word in option.words),
    *(b":", b"/", b"nan", b"inf", b"1e999", b"-0", b"0x10", b"1_0", b"t", b"fp", b"ce", b"ffffff", b"webp", b"9" * 30),
]


def seeds() -> list[bytes]:
    said = [f"{word}:1:2:3" for option in OPTIONS for word in option.words]
    said += [
        "rs:fill:300:200:t:f:ce:1:2",
        "aq:dssim:0.02:1:100:0.002",
        "g:fp:0.5:0.5/c:0.5:0.5:sm",
        "fq:webp:50:avif:40",
        "hs:md5:" + "0" * 32,
    ]
    said += [f"{word}:1:2:3" for option in INFO_OPTIONS for word in option.words]
    return [text.encode() for text in said]


def target(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for security in (False, True):
        said = ProcessingOptions()
        for segment in text.split("/")[:50]:
            name, *texts = segment.split(":")
            with suppress(FoveolaError):
                said = options.apply(said, name, texts or [""], security=security)
        again = ProcessingOptions()
        for name, *texts in options.write(said):
            again = options.apply(again, name, texts, security=True)
        assert again == said, f"{again} is not {said}"
