"""SVG: drawings of a few hundred bytes that would take minutes to draw, or gigabytes, each by another way.

Source: https://www.w3.org/TR/SVG2/; https://www.w3.org/TR/filter-effects-1/
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from foveola.torture.kind import Kind, Made
from foveola.torture.svg import drawing

_Inside = Callable[[Random], str]
_ALL = "<rect width='100%' height='100%' {}/>"
_LARGE = "width='3000' height='2900'"


def _filter(steps: str, said: str = "") -> str:
    return f"<filter id='f' {said}>{steps}</filter>" + _ALL.format("filter='url(#f)'")


def _nested(count: int, twice: str, inner: str) -> str:
    """Return elements that each hold the one before several times."""
    return inner.format(0) + "".join(twice.format(n, n - 1) for n in range(1, count))


def _path(random: Random, count: int, side: int, command: str = "L") -> str:
    points = 3 if command == "C" else 1
    return "M0 0" + "".join(
        command + " ".join(str(random.randint(0, side)) for _ in range(2 * points)) for _ in range(count)
    )


def _text(random: Random) -> str:
    letters = random.choice(("abc def ", "漢字", "aא漢ก"))
    return f"<text y='20'>{letters * (40_000 // len(letters))}</text>"


def _uses(random: Random) -> str:
    many = random.randint(8, 12)
    ten = "<g id='a{0}'>" + "<use href='#a{1}'/>" * many + "</g>"
    return "<defs>" + _nested(9, ten, "<g id='a0'><path d='M0 0h1v1z'/></g>") + "</defs><use href='#a8'/>"


def _masks(random: Random) -> str:
    rect = "<rect width='{}%' height='100%' fill='#fff' mask='url(#m{{1}})'/>"
    two = "<mask id='m{0}'>" + rect.format(100) + rect.format(random.randint(30, 60)) + "</mask>"
    return _nested(20, two, "<mask id='m0'><path d='M0 0h9v9z'/></mask>") + _ALL.format("mask='url(#m19)'")


def _clips(random: Random) -> str:
    rect = "<rect width='{}%' height='100%' clip-path='url(#c{{1}})'/>"
    two = "<clipPath id='c{0}'>" + rect.format(100) + rect.format(random.randint(30, 60)) + "</clipPath>"
    return _nested(24, two, "<clipPath id='c0'><path d='M0 0h9v9z'/></clipPath>") + _ALL.format("clip-path='url(#c23)'")


def _patterns(random: Random) -> str:
    side = random.randint(1000, 3000)
    size = f"width='{side}' height='{side}' patternUnits='userSpaceOnUse'"
    many = "<rect width='2e3' height='2e3' fill='url(#p{1})'/>" * 12
    nested = _nested(7, f"<pattern id='p{{0}}' {size}>{many}</pattern>", f"<pattern id='p{{}}' {size}/>")
    return nested + _ALL.format("fill='url(#p6)'")


def _markers(random: Random) -> str:
    path = f"M0 0{'L9 9L1 1' * random.randint(300, 400)}"
    inner = (
        f"<marker id='n'><path d='M0 0h9v9z'/></marker><marker id='m'><path marker-mid='url(#n)' d='{path}'/></marker>"
    )
    return f"{inner}<path marker-mid='url(#m)' d='{path}'/>"


def _stops(random: Random) -> str:
    count = random.randint(9000, 10_000)
    kind = random.choice(("radial", "linear"))
    stops = "".join(f"<stop offset='{n / count:.4f}' stop-color='#{n % 4096:03x}'/>" for n in range(count))
    shown = _ALL.format("fill='url(#g)'") * (300 if kind == "linear" else 20)
    return f"<{kind}Gradient id='g'>{stops}</{kind}Gradient>{shown}"


def _chain(random: Random) -> str:
    count = random.randint(1500, 2500)
    links = "".join(f"<linearGradient id='g{n}' href='#g{n - 1}'/>" for n in range(count))
    return links + "".join(_ALL.format(f"fill='url(#g{n})'") for n in range(count // 2, count))


def _matching(random: Random) -> str:
    rules = "".join(f"g g g g g g g g g g x{n} rect{{fill:red}}" for n in range(random.randint(2000, 3000)))
    return f"<style>{rules}</style>" + "<g>" * 100 + "<rect width='1' height='1'/>" * 300 + "</g>" * 100


def _chained(step: str, low: int, high: int) -> _Inside:
    """Return what filters everything by one step again and again."""
    return lambda random: _filter(step * random.randint(low, high))


def _said(step: str, low: int, high: int) -> _Inside:
    """Return what filters everything by one step that says a number."""
    return lambda random: _filter(step.format(random.randint(low, high)))


def _filtered(random: Random) -> str:
    inner = _ALL.format(f"rx='{random.randint(1, 99)}'")
    return _BLUR + "<g filter='url(#f)'>" * 40 + inner + "</g>" * 40


def _sheet(random: Random) -> str:
    steps = "<feGaussianBlur stdDeviation='5'/>" * random.randint(9, 99)
    return f"<style>.a{{filter:url(#f)}}</style><filter id='f'>{steps}</filter>" + _ALL.format("class='a'")


def _elements_in_filter(random: Random) -> str:
    drawn = "<filter id='f'><feImage href='#e'/></filter><g id='e'>" + "<path d='M0 0h9v9z'/>" * 3000
    return drawn + "</g>" + "<rect width='40' height='40' filter='url(#f)'/>" * random.randint(900, 1500)


def _groups(random: Random) -> str:
    return "<g opacity='.5'>" * 250 + _ALL.format(f"rx='{random.randint(1, 99)}'") + "</g>" * 250


def _stroke(random: Random) -> str:
    width = random.randint(1, 99)
    return f"<path fill='none' stroke='red' stroke-width='{width}' d='{_path(random, 9000, 3000)}'/>"


def _grown(random: Random) -> str:
    return f"<path transform='scale({random.randint(500, 2000)})' d='{_path(random, 9000, 3)}'/>"


def _dashes(random: Random) -> str:
    dash, left = random.randint(1, 9), random.randint(6, 8)
    return f"<path fill='none' stroke='red' stroke-dasharray='.0{dash}' d='M-9e{left} -5H9e6'/>"


_BLUR = "<filter id='f'><feGaussianBlur stdDeviation='2'/></filter>"
_LIGHT = "<feSpecularLighting><feSpotLight x='1' y='1' z='9'/></feSpecularLighting>"
_MOVED = "<feTurbulence baseFrequency='.1'/><feDisplacementMap scale='{0}'/><feDisplacementMap scale='9'/>"
_MATRIX = f"<feConvolveMatrix order='19' kernelMatrix='{'{0} ' * 361}'/>"
_BOMBS: tuple[tuple[str, str, _Inside, bool], ...] = (
    ("blur", "a chain of blurs of a large area", _chained("<feGaussianBlur stdDeviation='9'/>", 4, 90), True),
    ("blur-list", "a list of functions", lambda r: _ALL.format(f"filter='{'blur(2px) ' * r.randint(9, 99)}'"), True),
    ("shadow", "shadows of shadows", _chained("<feDropShadow dx='3' stdDeviation='5'/>", 3, 50), True),
    ("dilate", "a large radius", _said("<feMorphology operator='dilate' radius='{}'/>", 20, 900), True),
    ("turbulence", "octaves", _said("<feTurbulence baseFrequency='.01' numOctaves='{}'/>", 9, 10**9), True),
    ("convolve", "a large matrix", _said(_MATRIX, 1, 99), True),
    ("displace", "displacement by turbulence", _said(_MOVED, 9, 99), True),
    (
        "merge",
        "a merge of thousands",
        lambda r: _filter(f"<feMerge>{'<feMergeNode/>' * r.randint(2000, 9000)}</feMerge>"),
        True,
    ),
    ("lighting", "lights on lights", _chained(_LIGHT, 9, 50), True),
    ("filtered", "filters in filtered groups", _filtered, True),
    (
        "filtered-many",
        "hundreds of filtered shapes",
        lambda r: _BLUR + _ALL.format("filter='url(#f)'") * r.randint(200, 900),
        True,
    ),
    ("filter-sheet", "a filter that a style sheet names", _sheet, True),
    ("feimage", "a filter that draws elements", _elements_in_filter, False),
    ("uses", "references to references", _uses, False),
    ("masks", "masks in masks", _masks, False),
    ("clips", "clips in clips", _clips, False),
    ("patterns", "patterns in patterns", _patterns, True),
    ("markers", "markers with markers", _markers, False),
    ("groups", "transparent groups in each other", _groups, True),
    ("stops", "gradients of thousands of stops", _stops, True),
    ("chain", "gradients that lead to gradients", _chain, False),
    ("lines", "a path that crosses itself", lambda r: f"<path d='{_path(r, 9000, 3000)}'/>", True),
    ("curves", "curves that cross each other", lambda r: f"<path d='{_path(r, 4000, 3000, 'C')}'/>", True),
    ("stroke", "an outline that crosses itself", _stroke, True),
    ("hidden", "a path not seen", lambda r: f"<path transform='translate(9e4)' d='{_path(r, 40_000, 300)}'/>", False),
    ("grown", "a small path made large", _grown, True),
    ("dashes", "tiny dashes on a long line", _dashes, False),
    ("text", "tens of thousands of letters in a line", lambda r: _text(r) + f"<g id='{r.random()}'/>", False),
    ("texts", "thousands of texts", lambda r: "<text y='20'>abc</text>" * r.randint(50_000, 60_000), False),
    ("matching", "style sheets that are long to match", _matching, False),
    (
        "elements",
        "hundreds of thousands of elements",
        lambda r: "<path d='M0 0h1v1z'/>" * r.randint(110_000, 120_000),
        False,
    ),
)


def _made(name: str, inside: _Inside, large: bool) -> Callable[[Random], Made]:
    def make(random: Random) -> Made:
        number = f"<desc>{random.getrandbits(32)}</desc>"  # so that all differ
        return f"{name}.svg", drawing(number + inside(random), _LARGE if large else "width='64' height='48'")

    return make


SVG_BOMBS = tuple(Kind(f"svg-bomb-{name}", doc, _made(name, inside, large)) for name, doc, inside, large in _BOMBS)
