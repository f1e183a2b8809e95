"""What several commands print: a table, one line of JSON, an error as one sentence."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import click

from foveola.errors import ArgumentError, ConfigError, FoveolaError

_SURROGATE = re.compile("[\ud800-\udfff]")


class Command(click.Command):
    """A command that may raise our errors: they end as a line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; 2 for an argument that can't be used, 1 for all that goes wrong later."""
        try:
            return super().invoke(ctx)
        except ArgumentError as error:
            raise click.UsageError(printable(str(error)), ctx) from error
        except KeyboardInterrupt:
            raise Interrupted from None
        except BrokenPipeError:
            raise  # the reader has seen enough: click ends without a word
        except (FoveolaError, OSError) as error:
            raise Failure(error) from error


class Failure(click.ClickException):
    """Something went wrong after the arguments were read: one line on stderr, exit code 1."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error) if isinstance(error, ConfigError) else sentence(error))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print `foveola: …`; settings have a line for each problem."""
        for line in self.message.splitlines():
            click.echo(f"foveola: {printable(line)}", file=file, err=file is None)


class Interrupted(click.ClickException):
    """Somebody pressed Ctrl-C: one line on stderr, the exit code of shells for it.

    Args:
        done: what was done until then.
    """

    exit_code = 130

    def __init__(self, done: str | None = None) -> None:
        super().__init__(f"interrupted: {done}" if done else "interrupted")

    show = Failure.show


def sentence(error: Exception) -> str:
    """Return what an error says, in one line; a failed system call without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) if isinstance(error, FoveolaError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def tolerant() -> None:
    """Let stdout and stderr escape what their encoding lacks, so that no name of a file is an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str, err: bool = False) -> None:
    """Print a line for people on stdout or stderr, in the encoding of the terminal."""
    click.echo(printable(text), err=err)


def json_line(row: Mapping[str, Any]) -> None:
    """Print a row as one line of JSON on stdout, in UTF-8 whatever the terminal speaks."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")
    say(json.dumps(row, ensure_ascii=False, allow_nan=False))


def printable(text: str) -> str:
    """Return a text that is valid UTF-8: bytes of a file name that could not be decoded become U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: bool = True) -> None:
    """Print rows of text in columns on stdout, never cut to the width of a terminal.

    Args:
        heads: the word above each column.
        rows: the cells, as many as heads.
        right: whether the columns after the first are set flush right, as numbers are.
    """
    lines = [heads, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    for number, line in enumerate(lines):
        cells = (
            cell.rjust(width) if right and place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def size(count: int | None) -> str:
    """Return a number of bytes for people, in decimal units: `312 kB`."""
    if count is None:
        return "?"
    if count < 1000:
        return f"{count} B"
    value, unit = (count / 1e3, "kB") if count < 999_500 else (count / 1e6, "MB")
    return f"{value:.3g} {unit}" if value < 999.5 else f"{value:.0f} {unit}"
