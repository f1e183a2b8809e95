"""XMP as plain values: the properties of each namespace, by the prefix that the packet gives it.

XMP is XML that strangers write, so it is read by a parser that refuses entities, and up to a size and a depth only. A
bag or a sequence becomes a list, alternatives become the text for everyone, and a structure a dictionary.
Source: https://github.com/adobe/xmp-docs/blob/master/XMPSpecifications/XMPSpecificationPart1.pdf
"""

from __future__ import annotations

import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

LONGEST = 1_000_000
"""Bytes of a packet that is read; a JPEG's has 65 kB at most."""
_DEEPEST = 8
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_LISTS = (f"{_RDF}Bag", f"{_RDF}Seq")
_ALTERNATIVES = f"{_RDF}Alt"


def xmp(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the properties of a packet by prefix and name; nothing where it can't be read.

    Args:
        data: the packet, XML in UTF-8 or UTF-16.
    """
    if len(data) > LONGEST:
        return {}
    if data[:2] not in (BOM_UTF16_BE, BOM_UTF16_LE):
        data = data.strip(b"\0 \r\n\t")  # some programs pad packets with zeros
    prefixes: dict[str, str] = {}
    root: Element | None = None
    try:
        for event, value in iterparse(io.BytesIO(data), events=("start-ns", "start")):
            if event == "start-ns":
                prefixes.setdefault(value[1], value[0])
            elif root is None:
                root = value
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for description in () if root is None else _descriptions(root):
        for namespace, name, value in _properties(description, _DEEPEST):
            if prefix := prefixes.get(namespace):
                found.setdefault(prefix, {}).setdefault(name, value)
    return found


def _descriptions(root: Element) -> Iterator[Element]:
    """Yield the descriptions of the picture; those further in are structures."""
    for packet in root.iter(f"{_RDF}RDF"):
        yield from packet.iterfind(f"{_RDF}Description")


def _properties(element: Element, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield namespace, name and value of what an element says of its subject, in attributes and in elements."""
    for key, text in element.attrib.items():
        if not key.startswith((_RDF, _XML)):
            yield *_split(key), text
    for child in element:
        if not child.tag.startswith(_RDF) and (value := _value(child, depth)) not in (None, "", [], {}):
            yield *_split(child.tag), value


def _value(element: Element, depth: int) -> Any:
    """Return what an element holds: text, a list, or a dictionary."""
    if depth == 0:
        return None
    resource = element.get(f"{_RDF}resource")
    if resource is not None:
        return resource
    for child in element:
        if child.tag in _LISTS:
            return [value for item in child if (value := _value(item, depth - 1)) not in (None, "", {}, [])]
        if child.tag == _ALTERNATIVES:
            return _for_everyone(child, depth - 1)
        if child.tag == f"{_RDF}Description":
            return _structure(child, depth - 1)
    structured = element.get(f"{_RDF}parseType") == "Resource" or len(element) or _own(element)
    return _structure(element, depth - 1) if structured else (element.text or "").strip()


def _structure(element: Element, depth: int) -> dict[str, Any]:
    return {name: value for _, name, value in _properties(element, depth)} if depth else {}


def _for_everyone(alternatives: Element, depth: int) -> Any:
    """Return the alternative in the default language, else the first."""
    items = list(alternatives)
    default = [item for item in items if item.get(f"{_XML}lang") == "x-default"]
    return next((_value(item, depth) for item in default + items), None) if depth else None


def _own(element: Element) -> bool:
    return any(not key.startswith((_RDF, _XML)) for key in element.attrib)


def _split(tag: str) -> tuple[str, str]:
    namespace, brace, name = tag.removeprefix("{").partition("}")
    return (namespace, name) if brace else ("", tag)
