"""SVG: references to the outside, entities, deep nesting, huge filters, and circles.

Source: https://www.w3.org/TR/SVG2/
"""

from __future__ import annotations

import base64
import gzip
from random import Random

from foveola.torture import png
from foveola.torture.kind import Kind, Made
from foveola.torture.seeds import any_sound

_OPEN = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' {}>"
LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY l0 'ha'>"
    + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    + "]>"
).encode()
"""Entities that say a thousand million words."""
_PLACES = (
    "file:///etc/passwd",
    "/etc/passwd",
    "http://127.0.0.1:1/a.png",
    "http://169.254.169.254/",
    "//[::1]/a",
    "cat.svg#a",
    "data:,",
)


def drawing(inside: str, size: str = "width='64' height='48'") -> bytes:
    """Return a drawing."""
    return (_OPEN.format(size) + inside + "</svg>").encode()


def outside(random: Random) -> Made:
    """Refer to files and addresses in every way there is."""
    place = random.choice(_PLACES) + random.choice(("", "?a", "#b", "%00"))
    return "outside.svg", drawing(
        random.choice(
            (
                f"<image href='{place}' width='9' height='9'/>",
                f"<image xlink:href='{place}' width='9' height='9'/>",
                f"<use href='{place}'/>",
                f"<style>@import url('{place}'); rect {{ fill: url({place}) }}</style><rect width='9' height='9'/>",
                f"<script href='{place}'>1</script><rect width='9' height='9' fill='url({place}#a)'/>",
                f"<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='{place}'/></foreignObject>",
                f"<filter id='f'><feImage href='{place}'/></filter><rect width='9' height='9' filter='url(#f)'/>",
                f"<font-face><font-face-src><font-face-uri href='{place}'/></font-face-src></font-face>",
            )
        )
    )


def entities(random: Random) -> Made:
    """Expand entities, from the outside or without end."""
    place = random.choice(_PLACES)
    name = "".join(random.choices("abcdefgh", k=6))
    body = drawing(f"<text id='{name}' y='9'>&l{random.randrange(3, 10)};</text>")
    outer = f"<!DOCTYPE svg [<!ENTITY e SYSTEM '{place}'><!ENTITY % p SYSTEM '{place}'> %p;]>".encode()
    twice = b"<!DOCTYPE svg [<!ENTITY a '&b;'><!ENTITY b '&a;'>]>"
    long = f"<!DOCTYPE svg [<!ENTITY l '{'x' * 50_000}'>]>".encode()
    return "entities.svg", random.choice(
        (
            LAUGHS + body,
            outer + drawing(f"<text id='{name}'>&e;</text>"),
            twice + drawing(f"<text id='{name}'>&a;</text>"),
            long + drawing(f"<text id='{name}'>{'&l;' * 3000}</text>"),
        )
    )


def nested(random: Random) -> Made:
    """Nest, repeat and refer in circles."""
    depth = random.choice((100, 900, 3000, 30_000, 100_000))
    tag = random.choice(("g", "svg", "a", "text", "defs", "clipPath", "mask", "switch"))
    users = ("<g id='a{}'>" + "<use href='#a{}'/>" * 10 + "</g>" for _ in range(11))
    uses = "<g id='a0'><rect width='1' height='1'/></g>"
    uses += "".join(user.format(n, *[n - 1] * 10) for n, user in enumerate(users, 1))
    circle = "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>"
    masked = "<rect width='9' height='9' mask='url(#m)'/>"
    masks = f"<mask id='m' mask='url(#m)'>{masked}</mask>{masked}"
    pattern = "<pattern id='p{}' width='.01' height='.01' viewBox='0 0 9 9'>{}</pattern>"
    grown = "".join(pattern.format(n, f"<rect width='9' height='9' fill='url(#p{n - 1})'/>") for n in range(12))
    return f"nested-{tag}-{depth}.svg", drawing(
        random.choice(
            (
                f"<{tag}>" * depth + f"</{tag}>" * depth,
                f"<{tag}>" * depth,
                uses, circle, masks,
                grown + "<rect width='64' height='48' fill='url(#p11)'/>",
                "<rect width='64' height='48' opacity='.5'/>" * min(depth, 30_000),
                f"<g {tag}='{'x' * depth}'/>",
                "<g " + " ".join(f"a{n}='{tag}'" for n in range(depth)) + "/>",
            )
        )
    )  # fmt: skip


def filters(random: Random) -> Made:
    """Filter with huge radii, areas and chains."""
    size = random.choice((1e2, 1e4, 1e9, -1.0))
    step = random.choice(
        (
            f"<feGaussianBlur stdDeviation='{size}'/>",
            f"<feMorphology operator='dilate' radius='{size}'/>",
            f"<feTurbulence baseFrequency='.01' numOctaves='{int(size)}'/>",
            f"<feConvolveMatrix order='{int(size)}' kernelMatrix='1'/>",
            f"<feOffset dx='{size}'/><feTile/>",
            f"<feDisplacementMap scale='{size}' in2='SourceGraphic'/>",
        )
    )
    count = random.choice((1, 10, 500))
    area = random.choice(
        ("", "x='-1000%' y='-1000%' width='3000%' height='3000%'", "x='0' y='0' width='1e9' height='1e9'")
    )
    view = random.choice(("width='64' height='48'", "width='3000' height='3000'", "width='7000' height='7000'"))
    return "filters.svg", drawing(
        f"<filter id='f' {area}>{step * count}</filter><rect width='100%' height='100%' filter='url(#f)'/>", view
    )


def sized(random: Random) -> Made:
    """Be of no size, of a huge one, of none that can be."""
    sides = ("0", "1e9", "1e-9", "-5", "NaN", "inf", "30000", "7000", "1e400", "100%", "1000000mm", "")
    view = " ".join(random.choices(("0", "1", "-1", "1e9", "1e-30", "x"), k=4))
    size = f"width='{random.choice(sides)}' height='{random.choice(sides)}' viewBox='{view}'"
    wide, dash = random.choice((1, 1e9)), random.choice(("1", "1e-5"))
    path = "M" + " ".join(
        f"{random.randint(-(10**9), 10**9)} {random.random()}" for _ in range(random.choice((2, 300, 5000)))
    )
    return "sized.svg", drawing(
        f"<path d='{path}' stroke='red' stroke-width='{wide}' stroke-dasharray='{dash}'/>", size
    )


def inside(random: Random) -> Made:
    """Carry pictures inside: bombs, drawings in drawings, broken ones; packed at times."""
    suffix, data = random.choice(
        (any_sound(random), ("png", png.bomb(random)[1]), ("svg+xml", drawing("<g/>")), ("png", b"x"))
    )
    uri = f"data:image/{suffix};base64,{base64.b64encode(data).decode()}"
    image = f"<image href='{uri}' width='60' height='40'/>"
    body = drawing(image * random.choice((1, 3)) + f"<text>{random.random()}</text>")
    packed = gzip.compress(body + b" " * random.choice((0, 30 << 20)), mtime=0)
    return random.choice((("inside.svg", body), ("inside.svg", body), ("inside.svgz", packed)))


SVG = (
    Kind("svg-outside", "references to files and addresses", outside),
    Kind("svg-entities", "entities from outside and without end", entities),
    Kind("svg-nested", "deep nesting, thousands of elements, circles", nested),
    Kind("svg-filters", "filters of huge radii, areas and chains", filters),
    Kind("svg-sizes", "sizes and paths that can't be", sized),
    Kind("svg-inside", "pictures inside, bombs too; packed drawings", inside),
)
