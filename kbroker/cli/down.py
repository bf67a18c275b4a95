"""`kbroker down`: end a broker in the background, in good order; with --wipe its data goes, too."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import click

from kbroker.cli import _background
from kbroker.cli._asking import sentences, sure
from kbroker.client.errors import ClientError

PATIENCE_S = 20.0
PAUSE_S = 0.02
MARK = "format.json"
"""What every data directory of ours has, and nobody else's."""


@click.command("down")
@click.argument("name", required=False)
@click.option("--name", "named", metavar="NAME", help="The same, as with kbroker up.")
@click.option("--wipe", is_flag=True, help="Delete its data directory, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def down(name: str | None, named: str | None, wipe: bool, yes: bool) -> None:
    """Stop a broker that runs in the background."""
    with sentences():
        noted = _background.the_one(named or name)
        data = _data(noted) if wipe else None
        if data is not None:
            sure(f"Delete {data} with everything in it?", yes)
        if noted.alive:
            _end(noted)
        _background.forget(noted.name)
        click.echo(f"{noted.name} is down")
        if data is not None:
            shutil.rmtree(data)
            click.echo(f"{data} is deleted")


def _data(noted: _background.Noted) -> Path | None:
    if noted.data == "memory":
        return None
    data = Path(noted.data)
    if not (data / MARK).is_file():
        raise ClientError(f"{data} does not look like a data directory of kbroker: it has no {MARK}")
    return data


def _end(noted: _background.Noted) -> None:
    os.kill(noted.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while noted.alive:
        if time.monotonic() > deadline:
            raise ClientError(
                f"process {noted.pid} does not end; kill -9 {noted.pid} loses nothing that was acknowledged"
            )
        time.sleep(PAUSE_S)
