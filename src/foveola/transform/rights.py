"""What metadata says of rights: who made a picture, whose it is and what may be done with it, and nothing else.

Blocks are read as strangers have written them, as far as they can be read, and written anew, so that no location, no
preview and no serial number stays by accident. What can't be read is left out, never an error.
Sources: https://github.com/adobe/xmp-docs/tree/master/XMPSpecifications (XMP) and
https://www.iptc.org/std/IIM/4.2/specification/IIMV4.2.pdf (IPTC).
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from foveola.codecs import exif, iptc

_LARGEST = 60_000
"""Bytes of a block that fits into a segment of a JPEG; a larger one is left out."""
_LARGEST_XMP = 1_000_000
"""Bytes of a packet that is read at all."""
_CHARACTER_SET = (1, 90)
_RIGHTS = ((2, 80), (2, 110), (2, 116))
"""By-line, credit and copyright notice."""
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_NAMES = {"x": "adobe:ns:meta/", "rdf": _RDF, "dc": _DC}
_WHOLE = {"xmpRights": "http://ns.adobe.com/xap/1.0/rights/", "cc": "http://creativecommons.org/ns#"}
_PARTS = frozenset(f"{{{_DC}}}{name}" for name in ("rights", "creator", "contributor", "publisher"))
_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
_HEAD = b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_TAIL = b'<?xpacket end="r"?>'

for _prefix, _name in (_NAMES | _WHOLE).items():
    register_namespace(_prefix, _name)


def exif_rights(block: bytes | None) -> bytes | None:
    """Return an Exif block with the artist and the copyright of another one, byte for byte; None where both lack.

    Args:
        block: with or without the mark `Exif`.
    """
    found = exif.texts(block)
    return exif.block(found) if 0 < sum(map(len, found.values())) < _LARGEST else None


def xmp_rights(xmp: bytes | None) -> bytes | None:
    """Return a packet with what another one says in `xmpRights` and `cc`, and in `dc` of rights and people.

    It is ASCII, with references to other characters: libvips writes packets into PNG as Latin-1.

    Args:
        xmp: the packet; one with entities or of more than a megabyte says nothing.
    """
    if not xmp or len(xmp) > _LARGEST_XMP:
        return None
    try:
        root = fromstring(xmp if xmp.startswith(_UTF16) else xmp.strip(b"\0 \r\n\t"), forbid_dtd=True)
        packet = _packet(root)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return None
    return packet if packet and len(packet) < _LARGEST else None


def iptc_rights(block: bytes | None) -> bytes | None:
    """Return the datasets of IIM that name the author, the credit and the copyright, with their character set.

    Args:
        block: as it stands in a JPEG or in a TIFF.
    """
    kept = [(number, data) for number, data in _datasets(iptc.bare(block) or b"") if number in _RIGHTS]
    if not kept:
        return None
    character_set = [row for row in _datasets(iptc.bare(block) or b"") if row[0] == _CHARACTER_SET][:1]
    data = b"".join(data for _, data in character_set + kept)
    return data if len(data) < _LARGEST else None


def _packet(root: Element) -> bytes | None:
    meta = Element(f"{{{_NAMES['x']}}}xmpmeta")
    packet = SubElement(meta, f"{{{_RDF}}}RDF")
    for source in root.iter(f"{{{_RDF}}}RDF"):
        for node in source:
            if node.tag == f"{{{_RDF}}}Description":
                kept = Element(node.tag, {f"{{{_RDF}}}about": node.get(f"{{{_RDF}}}about", "")})
                kept.attrib |= {name: text for name, text in node.attrib.items() if _told(name)}
                kept.extend(child for child in node if _told(child.tag))
                packet.extend([kept] if len(kept) or len(kept.attrib) > 1 else [])
            elif _told(node.tag):
                packet.append(node)
    return _HEAD + tostring(meta) + _TAIL if len(packet) else None


def _told(name: str) -> bool:
    """Whether an element or an attribute tells of rights."""
    return name in _PARTS or name.startswith(tuple(f"{{{space}}}" for space in _WHOLE.values()))


def _datasets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield the number and the bytes of each dataset, as far as they can be read."""
    at = 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        length, start = int.from_bytes(data[at + 3 : at + 5]), at + 5
        if length & 0x8000:  # the length of the length
            start += length & 0x7FFF
            length = int.from_bytes(data[at + 5 : start])
        end = start + length
        if end > len(data):
            return
        yield (data[at + 1], data[at + 2]), data[at:end]
        at = end
