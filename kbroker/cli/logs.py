"""`kbroker logs`: what a broker in the background has said."""

from __future__ import annotations

import time

import click

from kbroker.cli import _background
from kbroker.cli._asking import sentences

PAUSE_S = 0.2


@click.command("logs")
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The same, as with kbroker up.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the broker is gone.")
@click.option("-n", "--lines", type=int, default=100, show_default=True, help="So many lines from the end.")
def logs(name: str | None, named: str | None, follow: bool, lines: int) -> None:
    """Show the log of a broker in the background."""
    with sentences():
        noted = _background.the_one(named or name)
        with noted.log.open(encoding="utf-8", errors="replace") as log:
            for line in log.readlines()[-lines:]:
                click.echo(line, nl=False)
            while follow:
                alive = noted.alive
                while line := log.readline():
                    click.echo(line, nl=False)
                if not alive:
                    return
                time.sleep(PAUSE_S)
