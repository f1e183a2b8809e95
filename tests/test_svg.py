"""Drawings: rasterised without a way out, and passed on without what could act or reach out."""

from __future__ import annotations

import base64
import re
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveola.codecs.vips import to_picture
from foveola.errors import ArgumentError, ImageError
from foveola.picture import Header, Limits
from foveola.transform.colour import standard
from foveola.transform.load import decode, header_of, load, read
from foveola.transform.svg import sanitise
from tests.clock import spent
from tests.drawn import picture

SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
SHAPE = '<rect x="2" y="3" width="20" height="10" fill="#c33"/>'


def svg(inside: str = SHAPE, attributes: str = 'width="40" height="30"', before: str = "") -> bytes:
    return f"{before}<svg {SPACES} {attributes}>{inside}</svg>".encode()


def pixels(data: bytes) -> Any:
    return to_picture(load(data)).frames[0]


def embedded(kind: str) -> str:
    from foveola.codecs import codec
    from foveola.settings import SETTINGS

    return base64.b64encode(codec(kind).encode(picture(8, 8), 80, SETTINGS[kind]())).decode()


PNG = embedded("png")


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="40" height="30"', (40, 30)),
        ('width="40px" height="30px"', (40, 30)),
        ('width="1in" height="72pt"', (96, 96)),
        ('width="25.4mm" height="6pc"', (96, 96)),
        ('viewBox="0 0 50 60"', (50, 60)),
        ('width="100%" height="100%" viewBox="0 0 50 60"', (50, 60)),
        ('width="25" viewBox="0 0 50 60"', (25, 30)),
    ],
)
def test_a_header_tells_the_size_of_a_drawing_at_96_dots_an_inch(attributes: str, size: tuple[int, int]) -> None:
    assert header_of(svg(attributes=attributes)) == Header("svg", *size, 4, True)


@pytest.mark.parametrize("shrink", [0.25, 0.5, 1, 2, 2.5, 4])
def test_a_drawing_is_rasterised_at_any_size(shrink: float) -> None:
    image = load(svg('<rect width="20" height="30" fill="#c33"/>'), shrink=shrink)
    frame = to_picture(standard(image)).frames[0]
    edge = round(20 / shrink)

    assert (image.width, image.height) == (round(40 / shrink), round(30 / shrink))
    assert (frame[1, : edge - 1] == (204, 51, 51, 255)).all(), "sharp, not scaled"
    assert frame[1, edge + 1 :, 3].max() == 0


@pytest.mark.parametrize("shrink", [0, -1, float("inf"), float("nan")])
def test_a_shrink_that_is_none_is_refused(shrink: float) -> None:
    with pytest.raises(ArgumentError, match="for shrink"):
        load(svg(), shrink=shrink)


def test_a_drawing_has_a_clear_ground_and_no_profile() -> None:
    shown = read(svg())

    assert shown.frames[0, 0, 0, 3] == 0
    assert shown.frames[0, 8, 12].tolist() == [204, 51, 51, 255]
    assert np.array_equal(decode(svg()).frames, shown.frames)


def test_a_drawing_over_the_limit_is_refused_by_its_header() -> None:
    with pytest.raises(ImageError, match="got 9000x9000"):
        read(svg(attributes='width="9000" height="9000"'), limits=Limits(pixels=50_000_000))


@pytest.mark.parametrize("reference", ["{}", "file://{}", "{name}", "//localhost{}"])
@pytest.mark.parametrize("element", ['<image width="40" height="30" {}="{}"/>', '<use {}="{}#a"/>'])
def test_a_rasterised_drawing_reads_no_other_file(tmp_path: Path, reference: str, element: str) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(base64.b64decode(PNG))
    (tmp_path / "other.svg").write_bytes(svg('<rect id="a" width="40" height="30"/>'))
    address = reference.format(other, name=other.name)

    for name in ("href", "xlink:href"):
        assert not pixels(svg(element.format(name, address)))[..., 3].any()


def test_a_rasterised_drawing_shows_no_text_of_another_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    doctype = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{secret}">]>'
    included = (
        f'<text y="20"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret}" parse="text"/></text>'
    )

    for data in (svg('<text y="20">&x;</text>', before=doctype), svg(included)):
        assert shown_or_refused(data) in ("nothing", "Broken or unsupported SVG image")


def shown_or_refused(data: bytes) -> str:
    try:
        return "something" if pixels(data)[..., 3].any() else "nothing"
    except ImageError as error:
        return error.public


@pytest.mark.parametrize(
    "data",
    [
        b"<svg",
        svg()[:-8],
        svg("<g>"),
        svg('<use xlink:href="#a"/>').replace(b"xmlns:xlink", b"xmlns:other"),
        svg(attributes='width="0" height="0"'),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_a_broken_drawing_is_refused_with_imgproxys_words(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"^Expected a (whole svg file|picture)") as caught:
        read(data + b" ")

    assert caught.value.status == 422


def test_a_compressed_drawing_is_refused_clearly() -> None:
    import gzip

    with pytest.raises(ImageError, match="got gzip data, as a compressed SVG drawing is"):
        read(gzip.compress(svg()))


def bomb(side: int = 20_000) -> bytes:
    """Return a PNG of black and white pixels, 8 bytes for each thousand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BOMB = base64.b64encode(bomb()).decode()
IMAGE = '<image width="40" height="30" href="data:image/png;base64,{}"/>'
NESTED = base64.b64encode(svg(IMAGE.format(BOMB))).decode()


@pytest.mark.parametrize(
    "data",
    [
        svg(IMAGE.format(BOMB)),
        svg(IMAGE.format(BOMB).replace("href", "xlink:href")),
        svg(IMAGE.format(BOMB).replace("data:", "&#100;ata:")),
        svg(IMAGE.format(BOMB).replace(",", ",\n ")),
        svg(IMAGE.format("".join(f"%{ord(letter):02x}" for letter in BOMB))),
        svg(IMAGE.format(BOMB)).decode().encode("utf-16"),
        svg('<filter id="f"><feImage href="data:image/png;base64,' + BOMB + '"/></filter><rect filter="url(#f)"/>'),
        svg('<s:image xmlns:s="http://www.w3.org/2000/svg" href="data:image/png;base64,' + BOMB + '"/>'),
        svg(IMAGE.format(base64.b64encode(bomb(5000)).decode()) * 3),
        svg(IMAGE.format(BOMB), attributes=""),
    ],
)
@pytest.mark.parametrize("open", [header_of, load, decode])
def test_pictures_in_a_drawing_are_judged_before_they_are_decoded(data: bytes, open: Callable[[bytes], Any]) -> None:
    began = time.process_time()
    with pytest.raises(ImageError, match="Expected pictures of at most 50000000 pixels in a drawing") as caught:
        open(data)

    assert caught.value.public == "Invalid source image"
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "data",
    [
        svg(IMAGE.format(NESTED).replace("png", "svg+xml")),
        svg(IMAGE.format(NESTED)),
        svg(f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="data:image/svg+xml;base64,{NESTED}"/>'),
        svg(IMAGE.format("no base64")),
        svg(IMAGE.format(base64.b64encode(b"no picture").decode())),
    ],
)
def test_what_is_no_picture_inside_of_a_drawing_is_not_shown(data: bytes) -> None:
    assert not pixels(data)[..., 3].any()


def test_a_picture_that_entities_hide_is_refused() -> None:
    hidden = f"<!DOCTYPE svg [<!ENTITY a '&#60;&#105;mage href=\"data:image/png;base64,{BOMB}\"/>'>]>"
    with pytest.raises(ImageError, match="no entity but short texts"):
        load(svg("&a;", before=hidden))


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_pictures_in_a_drawing_are_shown(kind: str) -> None:
    """Others are not: the librsvg of libvips' wheel decodes these two only."""
    whole = svg(IMAGE.format(embedded(kind)).replace("png", kind))
    shown = pixels(whole)

    assert shown[15, 20, 3] == 255
    assert np.array_equal(shown, pixels(whole.replace(b",", b",\n  ", 1)))
    assert len(np.unique(shown[..., :3].reshape(-1, 3), axis=0)) > 10


def test_unlimited_is_unlimited() -> None:
    data = svg(IMAGE.format(base64.b64encode(bomb(7100)).decode()))
    with pytest.raises(ImageError, match="at most 50000000 pixels"):
        load(data)

    assert load(data, unlimited=True).width == header_of(data, unlimited=True).width == 40


X = "http://www.w3.org/1999/xhtml"
HOSTILE: dict[str, str] = {
    "script": "<script>evil()</script>",
    "script with an address": '<script href="https://evil/a.js"/>',
    "script in CDATA": "<script><![CDATA[evil()]]></script>",
    "script in capitals": "<SCRIPT>evil()</SCRIPT>",
    "script by a prefix": '<s:script xmlns:s="http://www.w3.org/2000/svg">evil()</s:script>',
    "script of XHTML": f'<h:script xmlns:h="{X}">evil()</h:script>',
    "script in a group": "<g><g><script>evil()</script></g></g>",
    "a handler": '<rect onclick="evil()"/>',
    "a handler in capitals": '<rect ONLOAD="evil()"/>',
    "a handler with a prefix": '<rect xlink:onload="evil()"/>',
    "a handler on an animation": '<animate attributeName="x" onbegin="evil()"/>',
    "a handler of SVG Tiny": '<handler type="application/ecmascript">evil()</handler>',
    "a listener": '<e:listener xmlns:e="http://www.w3.org/2001/xml-events" handler="#evil"/>',
    "a foreign object": f'<foreignObject><body xmlns="{X}"><p>evil</p></body></foreignObject>',
    "an iframe": '<iframe src="https://evil"/>',
    "an iframe of XHTML": f'<iframe xmlns="{X}" srcdoc="&lt;script&gt;evil()&lt;/script&gt;"/>',
    "a form": '<form action="https://evil"><input name="a"/></form>',
    "an object": '<object data="https://evil"/>',
    "an embedded document": '<embed src="https://evil"/>',
    "a picture of XHTML": f'<h:img xmlns:h="{X}" src="https://evil"/>',
    "a link to a style sheet": f'<h:link xmlns:h="{X}" rel="stylesheet" href="https://evil"/>',
    "a base": f'<h:base xmlns:h="{X}" href="https://evil"/>',
    "a refresh": f'<h:meta xmlns:h="{X}" http-equiv="refresh" content="0;https://evil"/>',
    "a video": f'<video xmlns="{X}" src="https://evil" autoplay="1"/>',
    "a link that acts": '<a href="javascript:evil()"><text>x</text></a>',
    "a link that acts, spaced": '<a href=" &#10;java&#9;script:evil()"><text>x</text></a>',
    "a link that acts, in capitals": '<a xlink:href="JaVaScRiPt:evil()"><text>x</text></a>',
    "a link with other letters": '<a href="&#x6A;avascript:evil()"><text>x</text></a>',
    "a link to data": '<a href="data:text/html,evil"><text>x</text></a>',
    "a link of VBScript": '<a href="vbscript:evil"><text>x</text></a>',
    "a base of addresses": '<g xml:base="https://evil/"><use href="#a"/></g>',
    "a drawing from elsewhere": '<use href="https://evil/a.svg#x"/>',
    "a drawing in an address": '<use href="data:image/svg+xml;base64,evil#x"/>',
    "a drawing from beside": '<use xlink:href="evil.svg#x"/>',
    "a picture from elsewhere": '<image href="https://evil/a.png"/>',
    "a picture without a scheme": '<image xlink:href="//evil/a.png"/>',
    "a drawing as a picture": '<image href="data:image/svg+xml,evil"/>',
    "a page as a picture": '<image href="data:text/html;base64,evil"/>',
    "a filter's picture": '<filter id="f"><feImage href="https://evil/a.png"/></filter>',
    "a fill from elsewhere": '<rect fill="url(https://evil/a.svg#x)"/>',
    "a fill in quotes": "<rect fill=\"url('https://evil/a.svg#x')\"/>",
    "a filter from elsewhere": '<rect filter="url(evil.svg#x)"/>',
    "a fill after a fill": '<rect fill="url(#a) url(https://evil)"/>',
    "a fill in escapes": r'<rect fill="\75 rl(https://evil)"/>',
    "a style from elsewhere": '<rect style="fill:url(https://evil/a.svg#x)"/>',
    "a style in capitals": '<rect style="fill:URL( HTTPS://evil )"/>',
    "a style in escapes": r'<rect style="fill:u\72 l(https://evil)"/>',
    "a style behind a comment": "<rect style=\"x:'/*';fill:url(https://evil);y:'*/'\"/>",
    "a sheet from elsewhere": '<style>@import url("https://evil/a.css");</style>',
    "a sheet from elsewhere, short": "<style>@import 'https://evil/a.css'</style>",
    "a sheet in escapes": r"<style>@\69mport 'https://evil/a.css';</style>",
    "a sheet in pieces": "<style>@imp<g/>ort 'https://evil/a.css';</style>",
    "a sheet inside a sheet": "<style>@imp@import;ort 'https://evil/a.css';</style>",
    "a sheet in CDATA": "<style><![CDATA[a{background:url(//evil)}]]></style>",
    "a set of pictures": '<style>a{background:image-set("https://evil" 1x)}</style>',
    "a source": '<style>@font-face{font-family:a;src:src("https://evil")}</style>',
    "a font from elsewhere": "<style>@font-face{font-family:a;src:url(https://evil)}</style>",
    "a binding": "<style>a{-moz-binding:url(#evil)}</style>",
    "a behaviour": "<style>a{behavior:url(#evil)}</style>",
    "an expression": "<style>a{width:expression(evil())}</style>",
    "an animation of an address": '<a><set attributeName="href" to="https://evil"/></a>',
    "an animation of an address, spaced": '<a><set attributeName=" xlink:href " to="https://evil"/></a>',
    "an animation that acts": '<a><animate attributeName="y" values="javascript:evil()"/></a>',
    "an animation of a handler": '<set attributeName="onclick" to="evil()"/>',
    "an inclusion": '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="evil"/>',
    "a transformation": '<x:t xmlns:x="http://www.w3.org/1999/XSL/Transform">evil</x:t>',
    "a comment": "<!-- <script>evil()</script> -->",
    "an instruction": '<?xml-stylesheet href="https://evil"?>',
}
EVIL = re.compile(
    rb"evil|script|javascript|\son\w+=|url\((?!#)|@import|https?://(?!www\.w3\.org)|<!|<\?", re.IGNORECASE
)


def test_the_table_is_long_enough() -> None:
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("inside", HOSTILE.values(), ids=HOSTILE)
def test_what_acts_or_reaches_out_is_gone_and_the_rest_stays(inside: str) -> None:
    clean = sanitise(svg(SHAPE + inside + SHAPE.replace('"2"', '"9"')))

    assert not EVIL.search(clean)
    ElementTree.fromstring(clean)
    assert clean.count(b"<rect x=") == 2
    assert sanitise(clean) == clean


@pytest.mark.parametrize(
    "before",
    [
        '<?xml-stylesheet href="https://evil"?>',
        '<!DOCTYPE svg SYSTEM "https://evil/a.dtd">',
        '<!DOCTYPE svg [<!ATTLIST svg onload CDATA "evil()">]>',
        '<!DOCTYPE svg [<!ATTLIST rect href CDATA "javascript:evil()">]>',
        "<!-- evil -->",
    ],
)
def test_what_stands_before_the_drawing_is_gone_too(before: str) -> None:
    clean = sanitise(svg(before=before))

    assert clean.startswith(b"<svg ")
    assert not EVIL.search(clean)
    assert np.array_equal(pixels(clean), pixels(svg()))


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a PUBLIC "x" "https://evil">',
        '<!ENTITY % a SYSTEM "https://evil"> %a;',
        '<!ENTITY % a "b">',
        '<!ENTITY b "x"><!ENTITY a "&b;&b;">',
        "<!ENTITY a '<script>evil()</script>'>",
        "<!ENTITY a '&#60;script>evil()&#60;/script>'>",
        f"<!ENTITY a '{'x' * 1001}'>",
    ],
)
def test_entities_that_are_more_than_short_texts_are_refused(entities: str) -> None:
    with pytest.raises(ImageError, match="Expected no entity but short texts") as caught:
        sanitise(svg("<text>&a;</text>", before=f"<!DOCTYPE svg [{entities}]>"))

    assert (caught.value.status, caught.value.public) == (422, "Broken or unsupported SVG image")


def test_short_entities_are_written_out() -> None:
    """As in drawings of old versions of Illustrator."""
    data = svg('<g xmlns:i="&ns;"/>', before='<!DOCTYPE svg [<!ENTITY ns "http://ns.adobe.com/AI/10.0/">]>')

    assert b'<g xmlns:i="http://ns.adobe.com/AI/10.0/"/>' in sanitise(data)


def test_short_entities_can_not_swell_a_drawing() -> None:
    data = svg("<text>" + "&a;" * 5000 + "</text>", before=f"<!DOCTYPE svg [<!ENTITY a '{'x' * 1000}'>]>")

    with pytest.raises(ImageError, match="a drawing that stays small"):
        sanitise(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "well-formed XML"),
        (b"<svg", "well-formed XML"),
        (svg()[:-1], "well-formed XML"),
        (svg("&nothing;"), "well-formed XML"),
        (svg('<rect x="1" x="2"/>'), "well-formed XML"),
        (b"<html/>", "an element svg"),
        (b"<svg xmlns='http://www.w3.org/1999/xhtml'/>", "an element svg"),
        (svg("<g>" * 300 + "</g>" * 300), "256 deep"),
        (svg("<g>" * 50_000), "256 deep"),
        (svg().replace(b"<rect", b'<?xml version="1.0" encoding="nonsense"?><rect'), "well-formed XML"),
        (b'<?xml version="1.0" encoding="nonsense"?>' + svg(), "well-formed XML"),
    ],
)
def test_what_is_no_drawing_or_too_deep_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(ImageError, match=what) as caught:
        sanitise(data)

    assert caught.value.public == "Broken or unsupported SVG image"


def test_a_drawing_that_is_too_large_is_refused_unless_that_is_allowed() -> None:
    from foveola.transform.svg import MOST_BYTES

    data = svg(SHAPE + "<!--" + "x" * MOST_BYTES + "-->")
    with pytest.raises(ImageError, match="at most 33554432 bytes"):
        sanitise(data)

    assert sanitise(data, unlimited=True) == sanitise(svg())


GRADIENT = '<defs><linearGradient id="g"><stop offset="0" stop-color="#06c"/><stop offset="1"/></linearGradient></defs>'
HARMLESS: dict[str, str] = {
    "shapes": SHAPE + '<circle cx="20" cy="15" r="9" stroke="#000" fill="none"/><path d="M1 1l9 9z M5 5h20v3z"/>',
    "a gradient": GRADIENT + '<rect width="40" height="30" fill="url(#g)"/>',
    "a gradient in quotes": GRADIENT + "<rect width='40' height='30' fill='url( \"#g\" )'/>",
    "a style": GRADIENT + '<rect width="40" height="30" style="fill:url(#g);opacity:.5"/>',
    "a sheet": "<style>g > .a{fill:#093} rect{stroke:red}</style><g><rect class='a' width='9' height='9'/></g>",
    "a sheet in CDATA": (
        "<style type='text/css'><![CDATA[.a{fill:#093}]]></style><rect class='a' width='9' height='9'/>"
    ),
    "a sheet with a prefix": (
        '<s:style xmlns:s="http://www.w3.org/2000/svg">.a{fill:#093}</s:style><rect class="a" width="9" height="9"/>'
    ),
    "a use": '<defs><rect id="a" width="9" height="9"/></defs><use href="#a"/><use xlink:href="#a" x="20"/>',
    "pixels": f'<image width="20" height="20" xlink:href="data:image/png;base64,{PNG}"/>',
    "pixels in lines": f'<image width="20" height="20" href="data:image/png;base64,\n  {PNG[:40]}\n  {PNG[40:]}"/>',
    "pixels of JPEG": f'<image width="20" height="20" href="data:image/jpeg;base64,{embedded("jpeg")}"/>',
    "a filter": (
        '<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><rect filter="url(#f)" width="9" height="9"/>'
    ),
    "a mask": (
        '<mask id="m"><circle cx="9" cy="9" r="9" fill="#fff"/></mask><rect mask="url(#m)" width="20" height="9"/>'
    ),
    "a clip": '<clipPath id="c"><path d="M0 0h9v9z"/></clipPath><rect clip-path="url(#c)" width="20" height="9"/>',
    "a marker": '<marker id="m"><path d="M0 0h3v3z"/></marker><path marker-end="url(#m)" d="M0 0L20 20"/>',
    "a pattern": (
        '<pattern id="p" width="4" height="4" patternUnits="userSpaceOnUse"><path d="M0 0h2v2z"/></pattern>'
        '<rect width="40" height="30" fill="url(#p)"/>'
    ),
    "text": '<text x="2" y="20" font-size="14" xml:space="preserve">  A &amp; B &lt; Ü <tspan dy="2">x</tspan></text>',
    "a link": '<a href="https://example.com/"><rect width="9" height="9"/></a>',
    "a switch": '<switch><g systemLanguage="xx"><rect width="9" height="9"/></g><circle r="9"/></switch>',
    "other namespaces": (
        '<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:li>x</r:li></r:RDF></metadata>'
        '<g xmlns:i="http://www.inkscape.org/namespaces/inkscape" i:label="a"><rect width="9" height="9"/></g>'
    ),
    "escapes": r"<style>.\61{fill:#093}</style><rect class='a' width='9' height='9'/>",
    "a font inside": "<style>@font-face{font-family:q;src:url(data:font/woff2;base64,AAAA)}</style>" + SHAPE,
    "odd attributes": "<rect width='9' height='9' data-a='\"&lt;&#10;&#9;' aria-label=\"it's\"/>",
}


@pytest.mark.parametrize("inside", HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize("before", ["", '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- x -->\n'])
def test_what_is_harmless_looks_as_before(inside: str, before: str) -> None:
    data = svg(inside, before=before)
    clean = sanitise(data)

    assert pixels(data)[..., 3].any()
    assert np.array_equal(pixels(clean), pixels(data))
    assert canonical(clean) == canonical(data)


def canonical(data: bytes) -> str:
    return ElementTree.canonicalize(data.decode(), with_comments=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "us-ascii"])
def test_any_encoding_becomes_utf_8(encoding: str) -> None:
    text = svg("<title>x</title>").decode().replace("x</", "caf&#233;</" if encoding == "us-ascii" else "café</")
    clean = sanitise(f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding))

    assert "café".encode() in clean


def test_a_style_loses_what_reaches_out_and_keeps_the_rest() -> None:
    clean = sanitise(svg("<style>@import 'a.css'; .a{fill:red;cursor:url(https://evil),auto}</style>"))

    assert b"<style> .a{fill:red;cursor:url(#),auto}</style>" in clean


@pytest.mark.parametrize(
    "inside",
    [
        "<style>" + "url(" * 100_000 + "</style>",
        "<style>url(" + " " * 200_000 + "</style>",
        "<style>" + "@import" * 100_000 + "</style>",
        "<style>" + "url('" * 100_000 + "</style>",
        "<style>" + "url(data:font/" * 50_000 + "</style>",
        "<style>" + "\\" * 300_001 + "</style>",
        '<g style="' + "behavior " * 50_000 + '"/>',
        "<g " + " ".join(f'xmlns:a{n}="u"' for n in range(20_000)) + ">" + "<g xmlns='u'/>" * 20_000 + "</g>",
        "<g>" * 250 + "<g xmlns='u'/>" * 20_000 + "</g>" * 250,
    ],
    ids=lambda inside: inside[:20],
)
def test_cleaning_takes_time_by_the_size(inside: str) -> None:
    assert spent(lambda: sanitise(svg(inside))) < 1


@given(st.text("<>/&;:=\"' \nasvgcriptxlinkhef#ur()@\\m![]-?", max_size=60))
def test_anything_inside_comes_out_clean_or_is_refused(inside: str) -> None:
    try:
        clean = sanitise(svg(inside))
    except ImageError:
        return
    ElementTree.fromstring(clean)
    assert sanitise(clean) == clean
    assert b"<script" not in clean
