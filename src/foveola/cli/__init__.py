"""The command line: thin commands over the library, one file each.

Data goes to stdout and words to stderr, so that every command can stand in a pipe; nothing is said by colour alone.
Heavy imports wait inside the commands: `foveola --help` loads no codec. Source: https://clig.dev
"""

from __future__ import annotations

import click

from foveola import __version__
from foveola.cli.compare import compare
from foveola.cli.config import config
from foveola.cli.curve import curve
from foveola.cli.doctor import doctor
from foveola.cli.encode import encode
from foveola.cli.explain import explain
from foveola.cli.health import health
from foveola.cli.info import info
from foveola.cli.samples import samples
from foveola.cli.serve import serve
from foveola.cli.show import tolerant
from foveola.cli.sign import sign
from foveola.cli.torture import torture
from foveola.cli.train import train
from foveola.cli.url import url
from foveola.cli.version import version

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="foveola")
def main() -> None:
    """Find the encoder quality at which a picture just meets a DSSIM or a byte target."""
    tolerant()


COMMANDS = (
    encode,
    compare,
    curve,
    info,
    serve,
    url,
    sign,
    explain,
    config,
    health,
    doctor,
    samples,
    torture,
    train,
    version,
)
for command in COMMANDS:
    main.add_command(command)
