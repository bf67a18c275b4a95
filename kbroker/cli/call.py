"""`kbroker call`: one request to any Kafka, and its answer, both byte by byte: curl for the protocol.

    kbroker call Metadata -v 12 '{"topics": null}'
    kbroker call ApiVersions --corrupt byte=7             what does a broker do with that?

Exit status: 0 answered, 1 not answered or not reached, 2 the command line is wrong.
"""

from __future__ import annotations

import json
import socket

import click

from kbroker.cli._asking import Work, asking
from kbroker.cli._frames import SIZE_BYTES, api_of, corrupted, frame_of, request_of, show
from kbroker.client.errors import ClientError, Unreachable
from wire.header import decode_response_header, response_header_version
from wire.registry import Api

CORRELATION_ID = 0x4B42  # not a number that would be guessed


@click.command("call")
@click.argument("api")
@click.argument("text", metavar="[JSON]", default="{}")
@click.option("-v", "--version", type=int, help="Version of the API.  [the newest that both have]")
@click.option("--node", type=int, help="Ask this broker of the cluster.  [the first that answers]")
@click.option("--corrupt", metavar="byte=N[=VALUE]", help="Spoil one byte of the frame before it is sent.")
@click.option("--quiet", is_flag=True, help="Only the answer, as JSON.")
@asking
def call(
    work: Work, api: str, text: str, version: int | None, node: int | None, corrupt: str | None, quiet: bool
) -> None:
    """Send one request and show both frames. The fields are Kafka's names in JSON."""
    row = api_of(api)
    connection = work.client.any() if node is None else work.client.node(node)
    wanted = connection.version_of(row.key) if version is None else version
    frame = frame_of(request_of(row, wanted, text), wanted, CORRELATION_ID, work.client.settings.client_id)
    if corrupt is not None:
        frame = corrupted(frame, corrupt)
    words = not (quiet or work.out.as_json)
    if words:
        click.echo(f"--> {connection.place}, {len(frame)} bytes")
        show(frame)
    answer = exchange(connection.raw, frame, connection.place, work.client.settings.timeout)
    if words:
        click.echo(f"\n<-- {connection.place}, {len(answer)} bytes")
        show(answer, api=row.key, version=wanted, response=True)
    else:
        click.echo(json.dumps(decoded(row, wanted, answer), ensure_ascii=False))


def exchange(sock: socket.socket, frame: bytes, place: str, timeout: float) -> bytes:
    """Send these bytes as they are and take one frame, its size first."""
    sock.settimeout(timeout)
    got = b""
    wanted = SIZE_BYTES
    try:
        sock.sendall(frame)
        while len(got) < wanted:
            data = sock.recv(1 << 16)
            if not data:
                when = "in the middle of its answer" if got else "without an answer"
                raise Unreachable(f"{place} closed the connection {when}")
            got += data
            if len(got) >= SIZE_BYTES:
                wanted = SIZE_BYTES + int.from_bytes(got[:SIZE_BYTES], "big")
    except TimeoutError:
        raise Unreachable(f"{place} did not answer within {timeout:g} s") from None
    except OSError as error:
        raise Unreachable(f"{place} closed the connection: {(error.strerror or str(error)).lower()}") from None
    return got[:wanted]


def decoded(api: Api, version: int, frame: bytes) -> object:
    """The answer's body as JSON."""
    body = frame[SIZE_BYTES:]
    correlation_id, at = decode_response_header(body, response_header_version(api.key, version))
    if correlation_id != CORRELATION_ID:
        raise ClientError(f"the answer has correlation id {correlation_id}, and was asked for as {CORRELATION_ID}")
    return api.response_class().decode(body[at:], version).to_json(version)
