"""XMP: a packet as a tree, what is told of it, and the rights that are taken out of it."""

from __future__ import annotations

import json

from foveola.codecs.xmp import tree
from foveola.info.xmp import xmp
from foveola.transform.rights import xmp_rights

TOKENS = (
    *(
        b"<rdf:RDF",
        b"<rdf:Description ",
        b"<rdf:Bag>",
        b"<rdf:li>",
        b"<rdf:Alt>",
        b"xml:lang='x-default'",
        b"rdf:parseType='Resource'",
    ),
    *(
        b"<?xpacket end='w'?>",
        b"<!DOCTYPE a>",
        b"<!ENTITY b 'c'>",
        b"encoding='utf-16'",
        b"\xff\xfe",
        b"\xfe\xff",
        b"<\0",
        b"rdf:resource='a'",
        b"&#0;",
    ),
)
PACKET = (
    "<?xpacket begin='\ufeff' id='a'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' dc:format='image/jpeg'>"
    "<dc:rights><rdf:Alt>"
    "<rdf:li xml:lang='x-default'>mine</rdf:li></rdf:Alt></dc:rights>"
    "<dc:creator><rdf:Seq><rdf:li>me</rdf:li></rdf:Seq></dc:creator>"
    "<dc:a rdf:parseType='Resource'><dc:b>1</dc:b></dc:a></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)


def seeds() -> list[bytes]:
    return [PACKET.encode(), PACKET.encode("utf-16"), PACKET.encode("utf-16-be"), PACKET.encode() + b"\0" * 30, b"<a/>"]


def target(data: bytes) -> None:
    found = tree(data)
    assert found is None or found[0].tag
    json.dumps(xmp(data)).encode()
    rights = xmp_rights(data)
    if rights is not None:
        assert rights.isascii()
        assert xmp_rights(rights) == rights, rights
