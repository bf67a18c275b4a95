"""`kbroker trace`: what goes over the wire of a running broker, live; or what a recording holds.

kbroker serve --control --http 127.0.0.1:9090            the broker remembers and tells
kbroker trace 127.0.0.1:9090 --api Produce --hex
kbroker trace --from seen.jsonl --failed --full          what `--record` has kept
"""

from __future__ import annotations

import json
from base64 import b64decode
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

TAP = "requests.tap"


@click.command("trace")
@click.argument("door", metavar="[HOST:PORT]", default=DEFAULT)
@click.option("--from", "path", metavar="FILE", help="Show what this recording holds.")
@click.option("--token", envvar="KBROKER_HTTP_TOKEN", help="What the HTTP door wants to know.")
@click.option("--max", "-n", "most", type=int, help="Look at so many requests, and no more.")
@looking
def trace(door: str, path: str | None, token: str | None, most: int | None, **options: Any) -> None:
    """Show requests with their answers as they come. DOOR is the broker's HTTP door (serve --control)."""
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
    """What the broker tells from now on, until it ends."""
    answer = opened(door, token, TAP)
    for line in answer:
        if line.startswith(b"data: "):
            told = json.loads(line[6:])
            yield Exchange(
                number=told["number"],
                at_ms=told["at_ms"],
                took_ms=told["took_ms"],
                connection=f"#{told['connection']}",
                broker=door,
                request=b64decode(told["request"]),
                reply=None if told["reply"] is None else b64decode(told["reply"]),
            )
