"""XMP as plain values: the properties of each namespace, by the prefix that the packet gives it.

It is looked at up to a depth only. A bag or a sequence becomes a list, alternatives become the text for everyone, and a
structure a dictionary.
Source: https://github.com/adobe/xmp-docs/blob/master/XMPSpecifications/XMPSpecificationPart1.pdf
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from foveola.codecs.xmp import RDF, tree

_DEEPEST = 8
_XML = "{http://www.w3.org/XML/1998/namespace}"
_LISTS = (f"{RDF}Bag", f"{RDF}Seq")
_ALTERNATIVES = f"{RDF}Alt"


def xmp(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the properties of a packet by prefix and name; nothing where it can't be read.

    Args:
        data: the packet, XML in UTF-8 or UTF-16.
    """
    packet = tree(data)
    if packet is None:
        return {}
    root, prefixes = packet
    found: dict[str, dict[str, Any]] = {}
    for description in _descriptions(root):
        for namespace, name, value in _properties(description, _DEEPEST):
            if prefix := prefixes.get(namespace):
                found.setdefault(prefix, {}).setdefault(name, value)
    return found


def _descriptions(root: Element) -> Iterator[Element]:
    """Yield the descriptions of the picture; those further in are structures."""
    for packet in root.iter(f"{RDF}RDF"):
        yield from packet.iterfind(f"{RDF}Description")


def _properties(element: Element, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield namespace, name and value of what an element says of its subject, in attributes and in elements."""
    for key, text in element.attrib.items():
        if not key.startswith((RDF, _XML)):
            yield *_split(key), text
    for child in element:
        if not child.tag.startswith(RDF) and (value := _value(child, depth)) not in (None, "", [], {}):
            yield *_split(child.tag), value


def _value(element: Element, depth: int) -> Any:
    """Return what an element holds: text, a list, or a dictionary."""
    if depth == 0:
        return None
    resource = element.get(f"{RDF}resource")
    if resource is not None:
        return resource
    for child in element:
        if child.tag in _LISTS:
            return [value for item in child if (value := _value(item, depth - 1)) not in (None, "", {}, [])]
        if child.tag == _ALTERNATIVES:
            return _for_everyone(child, depth - 1)
        if child.tag == f"{RDF}Description":
            return _structure(child, depth - 1)
    structured = element.get(f"{RDF}parseType") == "Resource" or len(element) or _own(element)
    return _structure(element, depth - 1) if structured else (element.text or "").strip()


def _structure(element: Element, depth: int) -> dict[str, Any]:
    return {name: value for _, name, value in _properties(element, depth)} if depth else {}


def _for_everyone(alternatives: Element, depth: int) -> Any:
    """Return the alternative in the default language, else the first."""
    items = list(alternatives)
    default = [item for item in items if item.get(f"{_XML}lang") == "x-default"]
    return next((_value(item, depth) for item in default + items), None) if depth else None


def _own(element: Element) -> bool:
    return any(not key.startswith((RDF, _XML)) for key in element.attrib)


def _split(tag: str) -> tuple[str, str]:
    namespace, brace, name = tag.removeprefix("{").partition("}")
    return (namespace, name) if brace else ("", tag)
