"""What metadata says of rights: who made a picture, whose it is and what may be done with it, and nothing else.

Blocks are read as strangers have written them, as far as they can be read, and written anew, so that no location, no
preview and no serial number stays by accident. What can't be read is left out, never an error.
Sources: https://github.com/adobe/xmp-docs/tree/master/XMPSpecifications (XMP) and
https://www.iptc.org/std/IIM/4.2/specification/IIMV4.2.pdf (IPTC).
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from foveola.codecs import exif, iptc
from foveola.codecs.xmp import RDF, tree

_LARGEST = 60_000
"""Bytes of a block that fits into a segment of a JPEG; a larger one is left out."""
_RIGHTS = ((2, 80), (2, 110), (2, 116))
"""By-line, credit and copyright notice."""
_DC = "http://purl.org/dc/elements/1.1/"
_NAMES = {"x": "adobe:ns:meta/", "rdf": RDF.strip("{}"), "dc": _DC}
_WHOLE = {"xmpRights": "http://ns.adobe.com/xap/1.0/rights/", "cc": "http://creativecommons.org/ns#"}
_PARTS = frozenset(f"{{{_DC}}}{name}" for name in ("rights", "creator", "contributor", "publisher"))
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
    found = tree(xmp)
    if found is None:
        return None
    try:
        packet = _packet(found[0])
    except RecursionError:
        return None
    if packet is None or len(packet) >= _LARGEST:
        return None
    return packet if tree(packet) is not None else None  # names can't be references, and those that are no ASCII are


def iptc_rights(block: bytes | None) -> bytes | None:
    """Return the datasets of IIM that name the author, the credit and the copyright, with their character set.

    Args:
        block: as it stands in a JPEG or in a TIFF.
    """
    rows = list(iptc.datasets(iptc.bare(block) or b""))
    kept = [row.data for row in rows if row.number in _RIGHTS]
    if not kept:
        return None
    character_set = [row.data for row in rows if row.number == iptc.CHARACTER_SET][:1]
    data = b"".join(character_set + kept)
    return data if len(data) < _LARGEST else None


def _packet(root: Element) -> bytes | None:
    meta = Element(f"{{{_NAMES['x']}}}xmpmeta")
    packet = SubElement(meta, f"{RDF}RDF")
    for node in next(root.iter(f"{RDF}RDF"), ()):  # a packet has one; one inside another would be written twice
        if node.tag == f"{RDF}Description":
            kept = Element(node.tag, {f"{RDF}about": node.get(f"{RDF}about", "")})
            kept.attrib |= {name: text for name, text in node.attrib.items() if _told(name)}
            kept.extend(child for child in node if _told(child.tag))
            packet.extend([kept] if len(kept) or len(kept.attrib) > 1 else [])
        elif _told(node.tag):
            packet.append(node)
    return _HEAD + tostring(meta) + _TAIL if len(packet) else None


def _told(name: str) -> bool:
    """Whether an element or an attribute tells of rights."""
    return name in _PARTS or name.startswith(tuple(f"{{{space}}}" for space in _WHOLE.values()))
