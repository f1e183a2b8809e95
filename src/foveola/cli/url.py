"""`foveola url`: a URL that a server of these settings would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from foveola.cli.show import Command, say
from foveola.cli.sign import keys, placed, settings, signing

if TYPE_CHECKING:
    from foveola.urls import Form, Grammar


@click.command(cls=Command)
@click.argument("source")
@click.option(
    "-o",
    "--option",
    "said",
    multiple=True,
    metavar="NAME:ARG:…",
    help="An option, as in URLs: rs:fill:300:200; - chains.",
)
@click.option("-f", "--format", "extension", default="", help="The format of the result: webp, avif, jpg, …")
@click.option(
    "--form",
    type=click.Choice(["plain", "base64", "enc"]),
    default="plain",
    show_default=True,
    help="How SOURCE is written; enc takes IMGPROXY_SOURCE_URL_ENCRYPTION_KEY.",
)
@signing
def url(
    source: str,
    said: tuple[str, ...],
    extension: str,
    form: Form,
    key: str | None,
    salt: str | None,
    size: int | None,
    base: str,
) -> None:
    """Print the signed URL of SOURCE, which a server with these settings would answer.

    Options are checked with the presets and the rules of the settings and stand in the URL in their order. Their
    arguments are separated by colons here, whatever IMGPROXY_ARGUMENTS_SEPARATOR is in URLs. Without keys the URL is
    not signed and begins with /unsafe.
    """
    from foveola import urls

    found = settings()
    pairs, grammar = keys(found, key, salt, size), found.grammar
    segments = [_segment(text, grammar) for text in said]
    path = "/".join([*segments, urls.write_source(source, extension, grammar, form)])
    urls.parse(path, grammar)
    say(placed(urls.signed(path, pairs), found, base))
    if not pairs.pairs:
        say("foveola: not signed: there are neither --key and --salt nor IMGPROXY_KEY and IMGPROXY_SALT", err=True)


def _segment(text: str, grammar: Grammar) -> str:
    """Return an option as it stands in a URL; without arguments it would be taken for the source."""
    from foveola.errors import ArgumentError, expected
    from foveola.urls import checked

    if ":" not in text and text != "-" and not grammar.only_presets:
        raise ArgumentError(expected("NAME:ARGUMENT", "-o", text))
    return grammar.separator.join(checked(part, grammar.separator) for part in text.split(":"))
