"""`kbroker encode`: the frame of a request, as hex; `kbroker explain` is the way back.

kbroker encode Metadata -v 12 '{"topics": null}' | kbroker explain -
"""

from __future__ import annotations

import sys

import click

from kbroker.cli._frames import api_of, frame_of, request_of


@click.command("encode")
@click.argument("api")
@click.argument("text", metavar="[JSON]", default="{}")
@click.option("-v", "--version", type=int, help="Version of the API.  [the newest]")
@click.option("--correlation-id", type=int, default=0, show_default=True)
@click.option("--client-id", default="kbroker", show_default=True)
@click.option("--binary", is_flag=True, help="The bytes themselves.")
def encode(api: str, text: str, version: int | None, correlation_id: int, client_id: str, binary: bool) -> None:
    """Write a request as the bytes that go over the wire.

    The fields are Kafka's names in JSON; what is left out has its default.
    """
    row = api_of(api)
    wanted = row.max_version if version is None else version
    frame = frame_of(request_of(row, wanted, text), wanted, correlation_id, client_id)
    if binary:
        sys.stdout.buffer.write(frame)
    else:
        click.echo(frame.hex(" "))
