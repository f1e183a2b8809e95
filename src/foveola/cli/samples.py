"""`foveola samples`: pictures to try things on."""

from __future__ import annotations

import errno
from pathlib import Path

import click

from foveola.cli.show import Command, say


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite files of the same names.")
def samples(folder: Path, force: bool) -> None:
    """Write four sample pictures, made by code, into DIR.

    A landscape, a user interface, flat colours and a gradient with transparency: PNG, one to two megapixels each.
    """
    from foveola.samples import SAMPLES, write_samples

    taken = (path for path in (folder / f"{name}.png" for name in SAMPLES) if path.exists())
    if not force and (path := next(taken, None)):
        raise FileExistsError(errno.EEXIST, "Expected --force to overwrite a file", str(path))
    for path in write_samples(folder):
        say(str(path))
