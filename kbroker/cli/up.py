"""`kbroker up`: a broker that goes on in the background. `status`, `logs` and `down` look after it.

Everything after the options of `up` itself goes to `kbroker serve`: `kbroker up -d --memory --topic orders:3`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click

from kbroker.cli import _background
from kbroker.cli._asking import sentences
from kbroker.client.errors import ClientError

READY = re.compile(r"kbroker \S+ ready on (\S+) data=(.+) pid=(\d+)")
SAID_BYTES = 2000


@click.command("up", context_settings={"ignore_unknown_options": True})
@click.option("-d", "--detach", is_flag=True, help="Go on in the background; without, this is kbroker serve.")
@click.option("--name", default="default", show_default=True, help="What status, logs and down call it.")
@click.argument("serve_options", nargs=-1, type=click.UNPROCESSED)
def up(detach: bool, name: str, serve_options: tuple[str, ...]) -> None:
    """Start a broker; its options are those of serve."""
    if not detach:
        from kbroker.cli.serve import serve

        serve.main(list(serve_options), prog_name="kbroker up")
        return
    with sentences():
        _start(name, serve_options)


def _start(name: str, serve_options: tuple[str, ...]) -> None:
    noted = _background.look(name)
    if noted is not None and noted.alive:
        raise ClientError(f"{name} is up already on {noted.bootstrap}; --name NAME starts another one")
    directory = _background.folder(name)
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / _background.LOG
    with log.open("ab") as said:
        before = said.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "kbroker", "serve", *serve_options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    ready = READY.match(line)
    if ready is None:
        status = process.wait()
        reason = log.read_bytes()[before:][-SAID_BYTES:].decode(errors="replace").strip()
        click.echo(reason, err=True)
        raise SystemExit(status or 1)
    noted = _background.note(name, int(ready[3]), ready[1], ready[2])
    click.echo(line.rstrip())
    process.stdout.close()
    process.returncode = 0  # it goes on without us
