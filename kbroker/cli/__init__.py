"""The `kbroker` command: one file per subcommand, imported when it is the one that is run.

`kbroker` alone, and options without a subcommand, mean `kbroker serve`.
"""

from __future__ import annotations

from importlib import import_module
from os import listdir
from typing import cast

import click

from kbroker.version import VERSION

_DEFAULT = "serve"


class Commands(click.Group):
    """Finds a subcommand by its file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = {name.removesuffix(".py") for path in __path__ for name in listdir(path) if name.endswith(".py")}
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        return cast(click.Command, getattr(import_module(f"kbroker.cli.{name}"), name))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args.insert(0, _DEFAULT)
        return super().parse_args(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="kbroker", message="%(prog)s %(version)s")
def cli() -> None:
    """A Kafka-compatible broker: for development, for tests, and to learn the wire protocol.

    Without a subcommand it serves: see "kbroker serve --help".
    """
