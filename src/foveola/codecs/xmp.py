"""A packet of XMP as a tree of XML, read as strangers have written it: no entities, no more than a megabyte.

Packets are padded with blanks, by some programs with zeros, and those in UTF-16 mostly begin without a mark of their
byte order, since what stands for one is said inside.
Source: https://github.com/adobe/xmp-docs/tree/master/XMPSpecifications
"""

from __future__ import annotations

import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
"""What the names of RDF begin with in a tree."""
LONGEST = 1_000_000
"""Bytes of a packet that is read; a segment of a JPEG holds 65 kB."""
_UTF16 = {BOM_UTF16_LE: "utf-16-le", BOM_UTF16_BE: "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_PADDING = "\0 \r\n\t\ufeff"


def tree(packet: bytes | None) -> tuple[Element, Mapping[str, str]] | None:
    """Return the root of a packet, and the prefix of each namespace in it; None where it can't be read.

    Args:
        packet: in UTF-8, UTF-16 or what it declares.
    """
    if not packet or len(packet) > LONGEST:
        return None
    prefixes: dict[str, str] = {}
    root: Element | None = None
    try:
        for event, value in iterparse(_opened(packet), events=("start-ns", "start"), forbid_dtd=True):
            if event == "start-ns":
                prefixes.setdefault(value[1], value[0])
            elif root is None:
                root = value
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return None if root is None else (root, prefixes)


def _opened(packet: bytes) -> io.IOBase:
    """Return a packet without its padding, as text where its encoding can be seen."""
    if encoding := _UTF16.get(packet[:2]):
        return io.StringIO(packet.decode(encoding, "ignore").strip(_PADDING))
    return io.BytesIO(packet.strip(_PADDING[:-1].encode()))
