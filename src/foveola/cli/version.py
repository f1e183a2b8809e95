"""`foveola version`: the same as `foveola --version`, because imgproxy has it as a command."""

from __future__ import annotations

import click

from foveola import __version__
from foveola.cli.show import Command, say


@click.command(cls=Command)
def version() -> None:
    """Print the version of foveola, and nothing else."""
    say(__version__)
