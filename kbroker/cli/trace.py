"""`kbroker trace`: what goes over the wire of a running broker, live; or what a recording holds.

kbroker serve --http 127.0.0.1:9090                      the broker tells who asks
kbroker trace 127.0.0.1:9090 --api Produce --hex
kbroker trace --from seen.jsonl --failed --full          what `--record` has kept
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import click

from kbroker.cli._asking import sentences
from kbroker.cli._door import DEFAULT, opened
from kbroker.cli._looking import Show, looking
from kbroker.client.errors import ClientError
from kbroker.trace.exchange import Exchange
from kbroker.trace.recording import NotARecording, recorded
from kbroker.trace.stream import Missed, NoStream, exchanges

TAP = "/frames/tap"


@click.command("trace")
@click.argument("door", metavar="[HOST:PORT]", default=DEFAULT)
@click.option("--from", "path", metavar="FILE", help="Show what this recording holds.")
@click.option("--token", envvar="KBROKER_HTTP_TOKEN", help="What the HTTP door wants to know.")
@click.option("--max", "-n", "most", type=int, help="Look at so many requests, and no more.")
@looking
def trace(door: str, path: str | None, token: str | None, most: int | None, **options: Any) -> None:
    """Show requests with their answers as they come. DOOR is the broker's HTTP door (serve --http)."""
    with sentences(), ExitStack() as stack:
        show = Show(stack, options)
        for number, exchange in enumerate(_recorded(path) if path is not None else tapped(door, token), 1):
            show(exchange)
            if number == most:
                break


def _recorded(path: str) -> Iterator[Exchange]:
    try:
        with open(path) as file:
            yield from recorded(file)
    except OSError as error:
        raise ClientError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except NotARecording as error:
        raise ClientError(f"{path}: {error}") from None


def tapped(door: str, token: str | None) -> Iterator[Exchange]:
    """What the broker tells from now on, until it ends. It drops what comes faster than it is taken."""
    try:
        for told in exchanges(opened(door, token, TAP), door):
            if isinstance(told, Missed):
                click.echo(f"... {told.exchanges:,} came too fast and are not here", err=True)
            else:
                yield told
    except NoStream as error:
        raise ClientError(f"{door}: {error}") from None
