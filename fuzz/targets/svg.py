"""The sanitiser of drawings: what it has written once it writes the same again, and nothing that acts is in it."""

from __future__ import annotations

import re
from contextlib import suppress

from foveola.errors import FoveolaError
from foveola.transform.svg import drawable, sanitise
from foveola.transform.svgabout import About
from fuzz import pictures

TOKENS = [
    *(
        b"<script",
        b"</script>",
        b"<style>",
        b"</style>",
        b"onload=''",
        b"href='",
        b"javascript:",
        b"data:text/html,",
        b"url(",
        b"@import ",
    ),
    *(
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<!DOCTYPE a [",
        b"<!ENTITY b 'c'>",
        b"&b;",
        b"&#10;",
        b"&#x6a;",
        b"xmlns:x=''",
        b"<x:script",
        b"\\6a ",
    ),
    *(
        b"<foreignObject>",
        b"<animate attributeName='href'",
        b"<set ",
        b"<use href=",
        b"<image href=",
        b"encoding='utf-16'",
        b"<metadata>",
        b"<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>",
        b"\xff\xfe",
        b"&#13;",
    ),
]
_VALUE = re.compile(rb"\"[^\"]*\"")
_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?(?:script|foreignObject)[\s/>]|\son\w+=|<!|<\?", re.IGNORECASE)
_METADATA = re.compile(rb"<metadata[\s/>]", re.IGNORECASE)
_ADDRESS = re.compile(rb"(?:href|src)=\"\s*javascript:", re.IGNORECASE)


def seeds() -> list[bytes]:
    small = (b"<svg/>", b"<svg xmlns='http://www.w3.org/2000/svg'><g style='fill:url(http://e)'/></svg>")
    entity = b"<?xml version='1.0' encoding='iso-8859-1'?><!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg'><text>&a;</text></svg>"
    return [pictures.SVG, *small, entity, "<svg xmlns='http://www.w3.org/2000/svg'/>".encode("utf-16")]


def target(data: bytes) -> None:
    with suppress(FoveolaError):
        drawable(data, len)
    try:
        clean = sanitise(data)
    except FoveolaError:
        return
    tags = b"".join(re.findall(rb"<[^>]*>", clean))
    assert not _ELEMENT.search(_VALUE.sub(b"", tags)), clean
    assert not _ADDRESS.search(tags), clean
    assert sanitise(clean) == clean, clean
    for rights in (False, True):
        bare = sanitise(data, about=About(rights))
        assert sanitise(bare, about=About(rights)) == bare, bare
        assert rights or not _METADATA.search(b"".join(re.findall(rb"<[^>]*>", bare))), bare
