"""A drawing that is passed on loses what could act or reach out: scripts, handlers, foreign documents, addresses.

The XML is read by a real parser (expat, of Python's own library, which bounds entities too) and written anew while it
is walked, so what is checked is what is sent: no second reading can see it in another way. Prefixes, namespaces, text
and styles stay as they were; comments, instructions and the document type are left out, since a browser acts on some of
them. lxml would be a second parser of C in the worker, and ElementTree renames all prefixes.
Source: https://docs.imgproxy.net/configuration/options (IMGPROXY_SANITIZE_SVG); https://www.w3.org/TR/svg-integration
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from foveola.errors import ImageError
from foveola.picture import sniff
from foveola.transform.svgabout import SVG, About

MOST_BYTES = 32 << 20
MOST_ELEMENTS = 1_000_000
MOST_PIXELS = 50_000_000
"""Of the pictures in a drawing."""
DEEPEST = 256
"""Elements inside of each other."""
PUBLIC = "Broken or unsupported SVG image"


def sanitise(data: bytes, *, unlimited: bool = False, about: About | None = None) -> bytes:
    """Return a drawing without what could act or reach out, as UTF-8.

    Args:
        data: an SVG file.
        unlimited: take more than 32 MiB and a million elements.
        about: says what else is left out, being about the drawing only; None leaves nothing out.

    Raises:
        ImageError: no XML, no drawing, too large or too deep, or with entities from elsewhere.
    """
    if len(data) > MOST_BYTES and not unlimited:
        raise refused(f"a drawing of at most {MOST_BYTES} bytes", len(data))
    return _walked(data, _Walk(8 * len(data) + 4096, 0 if unlimited else MOST_ELEMENTS, about=about))


def drawable(data: bytes, area: Callable[[bytes], int], *, unlimited: bool = False) -> bytes:
    """Return a drawing that may be rasterised: the pictures in it were judged by their headers.

    A file of 65 kB can hold a PNG of 400 megapixels, which librsvg decodes into 3.5 GB. What can hold no picture is
    returned as it is.

    Args:
        data: an SVG file.
        area: returns the pixels of a picture; raises ImageError where it is none.
        unlimited: the pictures may have any size.

    Raises:
        ImageError: the pictures are too large together; or, of a drawing with pictures, what `sanitise` raises.
    """
    if unlimited or _without_pictures(data):
        return data
    left = MOST_PIXELS

    def judged(address: str) -> str | None:
        nonlocal left
        try:
            picture = decoded(address)
            left -= area(picture)
        except (ImageError, ValueError):
            return None
        if left < 0:
            raise ImageError(f"Expected pictures of at most {MOST_PIXELS} pixels in a drawing", public=_TOO_LARGE)
        return f"data:image/{sniff(picture)};base64,{b64encode(picture).decode()}"

    return _walked(data, _Walk(most=8 * len(data) + 4096, elements=MOST_ELEMENTS, judged=judged))


def _without_pictures(data: bytes) -> bool:
    """Return whether no picture can be in a drawing, in whatever way it is written."""
    return readable(data) and not any(word in data for word in (b"mage", b"nclude", b"<!ENTITY"))


def readable(data: bytes) -> bool:
    """Return whether the tags of a drawing can be found by their bytes."""
    said = _ENCODING.match(data)
    return b"\0" not in data[:64] and (said is None or said[1].lower() in _ENCODINGS)


def decoded(address: str) -> bytes:
    """Return the bytes of an address with data; raises ValueError where they can't be read."""
    kind, _, text = address.partition(",")
    raw = unquote_to_bytes("".join(text.split()))
    return b64decode(raw, validate=True) if kind.lower().endswith(";base64") else raw


class Reader(Protocol):
    """Takes in a document as it is parsed: its elements and its texts."""

    @property
    def start(self) -> Callable[[str, Any], None]:
        """Take in that an element begins, with its attributes."""
        ...

    def end(self, name: str, /) -> None:
        """Take in that it ends."""
        ...

    def text(self, data: str, /) -> None:
        """Take in a text."""
        ...


def parse(data: bytes, reader: Reader, *, ordered: bool = False) -> None:
    """Parse a drawing.

    Args:
        data: the file.
        reader: is told of what is in it.
        ordered: whether attributes are a list of names and values, as they were written, and not a dictionary.

    Raises:
        ImageError: no XML, entities but for short texts, or what the reader refuses.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.ordered_attributes = ordered
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = check_entity
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise refused("well-formed XML", str(error)) from error


def _walked(data: bytes, walk: _Walk) -> bytes:
    """Read a drawing and return what the walk writes of it."""
    parse(data, walk, ordered=True)
    return "".join(walk.out).encode()


@dataclass
class _Walk:
    """The way through the document: what was written so far, and where we stand.

    Args:
        most: characters that may be written; entities can't swell a file beyond.
        elements: how many there may be; 0 for any number.
        judged: returns what stands for a picture in the drawing, None where it is left out.
        about: see `sanitise`.
    """

    most: int
    elements: int
    judged: Callable[[str], str | None] | None = None
    about: About | None = None
    out: list[str] = field(default_factory=list)
    _scopes: list[list[str]] = field(default_factory=list)
    _spaces: dict[str, list[str]] = field(default_factory=dict)
    _count: int = 0
    _dropped: int = 0
    _style: list[str] | None = None
    _open: bool = False

    def start(self, name: str, attributes: list[str]) -> None:
        """Write the start of an element, or begin to leave it out."""
        self._count += 1
        if 0 < self.elements < self._count or len(self._scopes) > DEEPEST:
            raise refused(f"at most {self.elements} elements, {DEEPEST} deep", f"{self._count}, {len(self._scopes)}")
        if not _NO_LETTERS.isdisjoint("".join((name, *attributes[::2]))):
            raise refused("names of XML", name)
        pairs = [(key.strip(), value) for key, value in zip(attributes[::2], attributes[1::2], strict=True)]
        local, space = self._named(name, pairs)
        if len(self._scopes) == 1 and (local != "svg" or space not in ("", SVG)):
            raise refused("an element svg", name)
        if self._dropped or self._style is not None or _acts(local, space, pairs):
            self._dropped += 1
            return
        if self.about is not None:
            if self.about.begins(local, space):
                self._dropped = 1
                return
            pairs = [(key, value) for key, value in pairs if self.about.shown(self._space(key))]
        self._write(
            f"<{name}" + "".join(f' {key}="{_quoted(value)}"' for key, value in _kept(local, pairs, self.judged))
        )
        self._open = True
        if local == "style":
            self._style = []

    def _named(self, name: str, pairs: list[tuple[str, str]]) -> tuple[str, str]:
        """Return the local name of an element and its namespace, once it has declared its own."""
        declared = [(key[6:], value.strip()) for key, value in pairs if key == "xmlns" or key.startswith("xmlns:")]
        for prefix, space in declared:
            self._spaces.setdefault(prefix, []).append(space)
        self._scopes.append([prefix for prefix, _ in declared])
        prefix, _, local = name.rpartition(":")
        return local.lower(), (self._spaces.get(prefix) or [""])[-1]

    def _space(self, key: str) -> str:
        """Return the namespace of an attribute, empty where it has none or declares one."""
        prefix, colon, _ = key.partition(":")
        return (self._spaces.get(prefix) or [""])[-1] if colon and prefix != "xmlns" else ""

    def end(self, name: str) -> None:
        """Write the end of an element, if it was begun."""
        for prefix in self._scopes.pop():
            self._spaces[prefix].pop()
        if self._dropped:
            self._dropped -= 1
            return
        if self._style is not None:
            sheet, self._style = _sheet("".join(self._style)), None
            self.text(sheet)
        if self._open:
            self.out.append("/>")
            self._open = False
        else:
            self._write(f"</{name}>")
        if self.about is not None:
            self.about.ends()

    def text(self, text: str) -> None:
        """Write text; that of a style sheet is looked at as a whole, when it ends."""
        if self._dropped or not text or (self.about is not None and self.about.silent):
            return
        if self._style is not None:
            self._style.append(text)
            return
        self._write(_escaped(text))

    def _write(self, text: str) -> None:
        if self._open:
            self.out.append(">")
            self._open = False
        self.out.append(text)
        self.most -= len(text)
        if self.most < 0:
            raise refused("a drawing that stays small", "entities that swell it")


def check_entity(
    name: str,
    parameter: bool,
    value: str | None,
    base: str | None,
    system: str | None,
    public: str | None,
    of: str | None,
) -> None:
    """Refuse entities but for short texts, which old drawings have for their namespaces."""
    if (
        parameter
        or value is None
        or system
        or public
        or base
        or of
        or len(value) > 1000
        or set(value) & {"<", "&", "%"}
    ):
        raise refused("no entity but short texts", name)


def _acts(local: str, space: str, pairs: list[tuple[str, str]]) -> bool:
    """Return whether an element is left out with all that is in it."""
    if local in _ELEMENTS or space in _SPACES:
        return True
    if not local.startswith(_ANIMATIONS):
        return False
    names = (value.rpartition(":")[2].strip().lower() for key, value in pairs if key.lower() == "attributename")
    return any(name in (*_ADDRESSES, "style", "base") or name.startswith("on") for name in names)


def _kept(
    element: str, pairs: list[tuple[str, str]], judged: Callable[[str], str | None] | None
) -> Iterator[tuple[str, str]]:
    """Yield the attributes that stay, styles without what reaches out."""
    for key, value in pairs:
        local = key.rpartition(":")[2].lower()
        if key == "xmlns" or key.startswith("xmlns:") or local in _SHAPES:
            yield key, value
        elif local.startswith("on") or local in _NEVER:
            continue
        elif local in _ADDRESSES:
            picture = judged(value.strip()) if judged and element in _PICTURES and ":" in value else value
            if picture is not None and _leads(element, picture):
                yield key, picture
        elif local == "style":
            yield key, _sheet(value)
        elif not _reaches(value):
            yield key, value


def _leads(element: str, address: str) -> bool:
    """Return whether an element may have an address: a place in the drawing, pixels in it, or a link to click on."""
    address = _UNSEEN.sub("", address)
    if address.startswith("#"):
        return True
    if element in _PICTURES:
        return _PIXELS.match(address) is not None
    return element == "a" and _LINK.match(address) is not None


def _sheet(text: str) -> str:
    """Return a style without imports and without addresses outside; nothing where they may be hidden."""
    if _reaches(text):
        text = _URL.sub(lambda found: found[0] if _INSIDE.match(found[0]) else "url(#)", _IMPORT.sub("", text))
    return "" if _reaches(text) else text


def _reaches(text: str) -> bool:
    """Return whether a value, or what a browser makes of its escapes, may reach out or act."""
    if not _SUSPECT.search(text):
        return False
    for seen in {text, unescaped(text)}:
        if _OUTSIDE.search(seen) or len(_ADDRESS.findall(seen)) != len(_INSIDE.findall(seen)):
            return True
    return False


def unescaped(text: str) -> str:
    """Return a style without CSS's escapes."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code, other = found.groups()
    if code is None:
        return other or ""
    return chr(int(code, 16)) if 0 < int(code, 16) < 0x110000 else "\ufffd"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;").replace("\r", "&#13;")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def refused(what: str, got: object) -> ImageError:
    """Return the error for a drawing that is not taken."""
    return ImageError(f"Expected {what}, got {got}", public=PUBLIC)


_TOO_LARGE = "Invalid source image"
_NO_LETTERS = frozenset("\u00aa\u00b5\u00ba")
"""What expat takes for letters of names in ISO 8859-1, and in UTF-8 does not."""
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_ENCODINGS = (b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252")
"""In which letters are ASCII."""
_SPACES = frozenset(
    {
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/1999/XSL/Transform",
        "http://www.w3.org/2001/XInclude",
        "http://www.w3.org/2001/xml-events",
        "http://www.w3.org/2002/xforms",
        "http://www.mozilla.org/xbl",
        "http://www.mozilla.org/keymaster/gatekeeper/there.is.only.xul",
    }
)
"""Namespaces whose elements browsers act on, also inside of a drawing."""
_ELEMENTS = frozenset(
    {
        *("script", "handler", "listener", "foreignobject", "iframe", "frame", "frameset", "object", "embed", "applet"),
        *("form", "input", "button", "textarea", "select", "audio", "video", "source", "track", "canvas", "img"),
        *("html", "head", "body", "meta", "link", "base", "marquee", "template", "slot"),
    }
)
_ANIMATIONS = ("animate", "set")
_ADDRESSES = ("href", "src")
_PICTURES = ("image", "feimage")
_NEVER = ("base", "srcset", "srcdoc", "action", "formaction", "ping")
_SHAPES = ("d", "points")
"""Attributes that may be long and have no addresses."""
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")
_RASTER = r"image/(?:png|jpe?g|gif|webp|avif|bmp)"
_PIXELS = re.compile(rf"data:{_RASTER}[;,]", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_SUSPECT = re.compile(r"url\(|image|src\(|script:|expression|binding|behavior|@import|\\", re.IGNORECASE)
_OUTSIDE = re.compile(
    r"@import|(?:image-set|image|src|expression)\(|(?:java|vb|live)script:|-moz-binding|behavior\s*:", re.IGNORECASE
)
_ADDRESS = re.compile(r"url\(", re.IGNORECASE)
_INSIDE = re.compile(
    rf"url\(\s*+[\"']?\s*+(?:#|data:(?:{_RASTER}|font/[\w.+-]+|application/(?:x-)?font[\w.+-]*)[;,])", re.IGNORECASE
)
_URL = re.compile(r"url\(\s*+(?:\"[^\"]*+\"|'[^']*+'|[^()\"']*+)\s*+\)", re.IGNORECASE)
_IMPORT = re.compile(r"@import\s*(?:\"[^\"]*\"|'[^']*'|url\([^)]*+\)?)?[^;{}]*;?", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|\r?\n|(.))")
