"""`foveola samples`: pictures to try things on."""

from __future__ import annotations

from pathlib import Path

import click

from foveola.cli.show import Command


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def samples(folder: Path) -> None:
    """Write four sample pictures, made by code, into DIR.

    A landscape, a user interface, flat colours and a gradient with transparency: PNG, one to two megapixels each.
    """
    from foveola.samples import write_samples

    for path in write_samples(folder):
        click.echo(path)
