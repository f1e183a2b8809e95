"""`foveola sign`: the signature that a server asks for, put before a path."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from foveola.cli.show import Command, say

if TYPE_CHECKING:
    from foveola.config import Settings
    from foveola.urls import Keys

_OPTIONS = (
    click.option("--key", metavar="HEX", help="The key, in hexadecimal; the first of IMGPROXY_KEY when left out."),
    click.option("--salt", metavar="HEX", help="Its salt; the first of IMGPROXY_SALT when left out."),
    click.option(
        "--size", type=click.IntRange(1, 32), help="Bytes of the signature; IMGPROXY_SIGNATURE_SIZE when left out."
    ),
    click.option("--base", metavar="URL", default="", help="What is put before the path: https://images.example.com"),
)


def signing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how URLs are signed."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings() -> Settings:
    """Return the settings that a server would have here."""
    from foveola.config import Settings

    return Settings.from_env(os.environ)


def keys(found: Settings, key: str | None, salt: str | None, size: int | None) -> Keys:
    """Return what is signed with: the options, else the settings.

    Raises:
        ArgumentError: one of key and salt is missing, or no hexadecimal.
    """
    from foveola.errors import ArgumentError, expected
    from foveola.urls import Keys

    configured = found.keys
    if key is None and salt is None:
        return Keys(configured.pairs, size or configured.size)
    if not key or not salt:
        raise ArgumentError("Expected --key and --salt together, or neither")
    try:
        return Keys(((bytes.fromhex(key), bytes.fromhex(salt)),), size or configured.size)
    except ValueError:
        raise ArgumentError(expected("hexadecimal digits", "--key and --salt", "…")) from None


def placed(path: str, found: Settings, base: str) -> str:
    """Return a signed path with what stands before it."""
    return base.rstrip("/") + found.urls.path_prefix.rstrip("/") + path


@click.command(cls=Command)
@click.argument("path")
@signing
def sign(path: str, key: str | None, salt: str | None, size: int | None, base: str) -> None:
    """Print PATH with its signature before it.

    PATH is what follows the signature, rs:fill:300:200/plain/https://example.com/cat.jpg@webp; for the info endpoint,
    what follows /info/ and the signature. It is signed as it is, and not read.
    """
    from foveola.errors import ArgumentError
    from foveola.urls import repair, signed

    found = settings()
    pairs = keys(found, key, salt, size)
    if not pairs.pairs:
        raise ArgumentError("Expected --key and --salt, or IMGPROXY_KEY and IMGPROXY_SALT")
    say(placed(signed(repair(path.removeprefix("/")), pairs), found, base))
