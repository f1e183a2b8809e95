"""What a row of the table of options is, and how most rows are read and written.

A row says the words of one option, its arguments and the fields that it sets. `read` lays the texts of a URL over
options and `write` is its inverse, so that the parser, the builder of URLs and the documentation have one source.
Source: https://docs.imgproxy.net/usage/processing
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from foveola.errors import ArgumentError, UrlError, expected
from foveola.kinds import LENIENT_BOOLEAN, Kind
from foveola.options.values import STAGE, ProcessingOptions, changed
from foveola.settings import BOOLEANS

_log = logging.getLogger("foveola.options")

Reader = Callable[[ProcessingOptions, Sequence[str]], ProcessingOptions]
Writer = Callable[[ProcessingOptions], list[str]]
Group = Literal["Size", "Crop", "Canvas", "Turning", "Colour", "Filters", "Watermark", "Metadata", "Quality", "Format"]
GroupOfRequest = Literal["Request", "Limits"]
BLANK = ProcessingOptions()


@dataclass(frozen=True)
class Argument:
    """One argument of an option.

    Args:
        name: a word for refusals and the documentation.
        kind: how it is read and written.
        doc: one sentence for the documentation.
        default: the text that says what holds where it is left out; empty for what the settings say, or nothing.
        needed: whether an empty text is read like any other, and mostly refused; otherwise it keeps what was said.
    """

    name: str
    kind: Kind[Any]
    doc: str
    default: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Args:
        name: imgproxy's long name.
        aliases: its other names, the usual one first.
        arguments: what may follow the name, in order.
        doc: one sentence for the documentation.
        group: under which heading it is documented.
        fields: the fields of `ProcessingOptions` that it sets.
        read: lays the texts of the arguments, one at least, over options.
        write: the texts that make these options, none where nothing has to be said.
        edition: the edition of imgproxy that has it.
        most: how many arguments may be given; None for any number.
        security: whether the server has to allow it.
        meta: a shorthand for other options: read, never written.
    """

    name: str
    aliases: tuple[str, ...]
    arguments: tuple[Argument, ...]
    doc: str
    group: Group | GroupOfRequest
    fields: tuple[str, ...]
    read: Reader
    write: Writer
    edition: Literal["oss", "pro"] = "oss"
    most: int | None = 1
    security: bool = False
    meta: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The names it goes by."""
        return (self.name, *self.aliases)

    @property
    def scope(self) -> Literal["pipeline", "request"]:
        """Whether each of chained pipelines has it for itself, or the whole request has one."""
        return "pipeline" if STAGE.issuperset(self.fields) else "request"


class Row(Protocol):
    """What the rows of all tables of options have."""

    @property
    def name(self) -> str:
        """Its long name, which is imgproxy's."""
        ...

    @property
    def most(self) -> int | None:
        """How many arguments may be given; None for any number."""
        ...

    @property
    def security(self) -> bool:
        """Whether the server has to allow it."""
        ...


def check(row: Row, word: str, texts: Sequence[str], *, security: bool) -> None:
    """Refuse an option that may not be used, or has too many arguments.

    Args:
        row: of the option.
        word: by which it was called.
        texts: its arguments.
        security: whether the limits of the server may be changed.

    Raises:
        UrlError: 403 for the first.
        ArgumentError: there is no text, not even an empty one.
    """
    if not texts:
        raise ArgumentError(expected("at least one text", word, texts))
    if row.security and not security:
        raise UrlError(f"Security option {row.name} is not allowed", status=403)
    if row.most is not None and len(texts) > row.most:
        several = "s" if row.most > 1 else ""
        raise UrlError(expected(f"at most {row.most} argument{several}", word, ":".join(texts)))


def read_value(argument: Argument, text: str) -> Any:
    """Return what `text` says for `argument`.

    Raises:
        UrlError: it says nothing that is expected.
    """
    if argument.kind is LENIENT_BOOLEAN and text not in BOOLEANS:
        _log.warning("%s: %r is neither true nor false, so it is read as false", argument.name, text)
    try:
        return argument.kind.read(text)
    except UrlError:
        raise
    except ValueError:
        raise UrlError(expected(argument.kind.what, argument.name, text)) from None


def read_given(arguments: Iterable[Argument], texts: Iterable[str]) -> dict[int, Any]:
    """Return the values of the arguments that are given, by their places."""
    pairs = enumerate(zip(arguments, texts, strict=False))
    return {place: read_value(argument, text) for place, (argument, text) in pairs if text or argument.needed}


def put(options: ProcessingOptions, field: str, value: Any) -> ProcessingOptions:
    """Return options with another value in the field of a name."""
    return changed(options, **{field: value})


def trimmed(texts: Iterable[str]) -> list[str]:
    """Return texts without the empty ones at the end."""
    found = list(texts)
    while found and not found[-1]:
        found.pop()
    return found


def one(
    name: str,
    aliases: tuple[str, ...],
    kind: Kind[Any],
    doc: str,
    group: Group | GroupOfRequest,
    *,
    default: str = "",
    says: str | None = None,
    **row: Any,
) -> Option:
    """Return the row of an option that is one argument and sets one field, named as the option is.

    Args:
        name: imgproxy's long name; a hyphen stands for the underscore of the field.
        aliases: its other names.
        kind: of the argument.
        doc: of the option.
        group: under which heading it is documented.
        default: the text of the field's default.
        says: what is documented of the argument; that of the option when None.
        row: further fields of `Option`.
    """
    place = name.replace("-", "_")
    argument = Argument(place, kind, says or doc, default, needed=True)

    def read(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
        return put(options, place, read_value(argument, texts[0]))

    def write(options: ProcessingOptions) -> list[str]:
        value = getattr(options, place)
        return [] if value == getattr(BLANK, place) else [kind.write(value)]

    return Option(name, aliases, (argument,), doc, group, (place,), read, write, **row)


def several(
    name: str, aliases: tuple[str, ...], arguments: tuple[Argument, ...], doc: str, group: Group, **row: Any
) -> Option:
    """Return the row of an option whose arguments are the parts of one field: of a dataclass, by name, or a tuple.

    Args:
        name: imgproxy's long name, and the field's.
        aliases: its other names.
        arguments: the parts, in order; for a dataclass, named as its fields are.
        doc: of the option.
        group: under which heading it is documented.
        row: further fields of `Option`.
    """

    def read(options: ProcessingOptions, texts: Sequence[str]) -> ProcessingOptions:
        said, given = getattr(options, name), read_given(arguments, texts)
        if isinstance(said, tuple):
            return put(options, name, tuple(given.get(place, part) for place, part in enumerate(said)))
        parts = {arguments[place].name: value for place, value in given.items()}
        return put(options, name, replace(said, **parts))

    def write(options: ProcessingOptions) -> list[str]:
        value, blank = getattr(options, name), getattr(BLANK, name)
        return [] if value == blank else trimmed(map(_written, arguments, _parts(value), _parts(blank)))

    def _parts(value: Any) -> list[Any]:
        return list(value) if isinstance(value, tuple) else [getattr(value, a.name) for a in arguments]

    return Option(name, aliases, arguments, doc, group, (name,), read, write, **{"most": len(arguments), **row})


def _written(argument: Argument, value: Any, blank: Any) -> str:
    return "" if value == blank and not argument.needed else str(argument.kind.write(value))


def nothing(options: ProcessingOptions) -> list[str]:  # noqa: ARG001  # a writer
    """Write what is a shorthand: other rows write it."""
    return []
