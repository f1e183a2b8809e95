"""`foveola serve`: the image server, configured by `IMGPROXY_*` and `FOVEOLA_*` variables.

The one command that reaches another interface, and only when it runs.
"""

from __future__ import annotations

import os

import click

from foveola.cli.show import Command


class Configured(Command):
    """A command whose help ends with the table of settings."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write each setting with its default and its sentence."""
        from foveola.config import SETTINGS

        with formatter.section("Environment"):
            formatter.write_dl([(row.name, f"{row.doc}  [{row.kind.what}]") for row in SETTINGS])


@click.command(cls=Configured)
def serve() -> None:
    """Start the image server, whose URLs and settings are imgproxy's.

    It reads its settings from the environment, listens on IMGPROXY_BIND, reads its settings anew on SIGHUP and stops
    on SIGINT and SIGTERM when what is under way is done.
    """
    from foveola.config import Settings, environment
    from foveola.server.main import serve as start

    environ = dict(os.environ)  # without the file, which is read anew on SIGHUP
    environment.load(os.environ)
    start(*Settings.read(os.environ), environ)
