"""`foveola torture`: hostile files to try a server on."""

from __future__ import annotations

import errno
from pathlib import Path

import click

from foveola.cli.show import Command, say


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1), default=2000, show_default=True, help="How many files.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another number makes other files.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
def torture(folder: Path, count: int, seed: int, force: bool) -> None:
    """Write hostile picture files, made by code, into DIR.

    Cut, lying, huge, cyclic, two things at once: nothing that a server should fall over. The same seed makes the same
    files. They are to be asked for at your own server; some stop other programs that open them.
    """
    from foveola.torture import write_tortures

    if not force and folder.exists() and any(folder.iterdir()):
        raise FileExistsError(errno.EEXIST, "Expected an empty folder, or --force", str(folder))
    size = sum(path.stat().st_size for path in write_tortures(folder, count, seed))
    say(f"{count} files of {size / 1e6:.1f} MB in {folder}")
