"""What a URL may ask of a picture, as one frozen value and one table.

`ProcessingOptions` is what the pipeline reads. `OPTIONS` is the only place that knows the words of URLs: names,
aliases, arguments, their kinds and which field each sets; the parser, the builder of URLs and the documentation read
it. A new option is a row (and a field). Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

from collections.abc import Sequence

from foveola.errors import UrlError
from foveola.options import words
from foveola.options.refused import REFUSED
from foveola.options.requests import REQUESTS
from foveola.options.rows import Argument, Option, check
from foveola.options.stages import STAGES
from foveola.options.values import RESIZING_TYPES, STAGE, ProcessingOptions, ResizingType

__all__ = [
    "OPTIONS",
    "REFUSED",
    "RESIZING_TYPES",
    "STAGE",
    "Argument",
    "Option",
    "ProcessingOptions",
    "ResizingType",
    "apply",
    "known",
    "write",
]

OPTIONS: tuple[Option, ...] = (*STAGES, *REQUESTS)
_BY_WORD = {word: option for option in OPTIONS for word in option.words}
_REFUSED = {word: refused.words[0] for refused in REFUSED for word in refused.words}


def known(word: str) -> Option:
    """Return the option of a name or an alias.

    Raises:
        UrlError: there is none, or foveola does without it.
    """
    if word in _REFUSED:
        raise words.refused(f"Option {_REFUSED[word]}")
    if word not in _BY_WORD:
        raise UrlError(f"Unknown processing option {word}")
    return _BY_WORD[word]


def apply(options: ProcessingOptions, name: str, texts: Sequence[str], *, security: bool = False) -> ProcessingOptions:
    """Lay one option of a URL over `options`.

    Args:
        options: what was said before.
        name: a name or an alias of the table.
        texts: its arguments, already split; one at least, which may be empty.
        security: whether the limits of the server may be changed.

    Raises:
        UrlError: there is no such option, or an argument can't be read; 403 where it may not be used.
        ArgumentError: `texts` is empty.
    """
    option = known(name)
    check(option, name, texts, security=security)
    return option.read(options, texts)


def write(options: ProcessingOptions) -> list[list[str]]:
    """Return the options of a URL that say `options`, each as its usual word and the texts of its arguments.

    What stands in `chained` is written after the segment `-`, which has no arguments.
    """
    said = _said(options, OPTIONS)
    for stage in options.chained:
        said += [["-"], *_said(stage, STAGES)]
    return said


def _said(options: ProcessingOptions, rows: Sequence[Option]) -> list[list[str]]:
    return [[row.words[bool(row.aliases)], *texts] for row in rows if (texts := row.write(options))]
