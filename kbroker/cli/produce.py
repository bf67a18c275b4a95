"""`kbroker produce`: lines of standard input, or of a file, become records. acks=all, idempotent.

What has come is sent as soon as nothing more waits at the input, so `tail -f log | kbroker produce` loses no time.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import click

from kbroker.cli._asking import Work, asking, pairs
from kbroker.client.errors import ClientError
from kbroker.client.writing import Writer
from kbroker.partitioner import PARTITIONERS
from kbroker.records.lines import from_json
from wire.compression import NAMES
from wire.records import Record

CHUNK_BYTES = 1 << 16


@click.command("produce")
@click.argument("topic")
@click.option("--file", "path", type=click.Path(dir_okay=False), help="Lines of this file.  [standard input]")
@click.option("--key", help="The key of all records.")
@click.option("--key-separator", metavar="TEXT", help="What stands before it in a line is the key.")
@click.option("--null", "absent", metavar="TEXT", help="A key or value that is this text is null (a tombstone).")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header of all records.")
@click.option("--partition", type=int, help="Where to.  [by the key, or in turns]")
@click.option("--partitioner", type=click.Choice(list(PARTITIONERS)), default="murmur2", show_default=True)
@click.option("--compression", type=click.Choice(list(NAMES)), default="none", show_default=True)
@asking
def produce(
    work: Work,
    topic: str,
    path: str | None,
    key: str | None,
    key_separator: str | None,
    absent: str | None,
    headers: tuple[str, ...],
    partition: int | None,
    partitioner: str,
    compression: str,
) -> None:
    """Write lines as records; with --json a JSON object in each line, as consume --json prints them."""
    writer = Writer(work.client, partitioner=partitioner, compression=NAMES.index(compression))
    fixed = [(name, value.encode()) for name, value in pairs(headers, "--header").items()]

    def record_of(line: bytes) -> tuple[Record, int | None]:
        now_ms = int(time.time() * 1000)
        if work.out.as_json:
            record, where = from_json(line.decode())
            timestamp = record.timestamp if record.timestamp >= 0 else now_ms
            return record._replace(timestamp=timestamp, headers=[*record.headers, *fixed]), where
        own, value = key.encode() if key is not None else None, line
        if key_separator is not None:
            before, found, after = line.partition(key_separator.encode())
            if not found:
                raise ClientError(f"a line has no {key_separator!r}: {line[:80].decode(errors='replace')}")
            own, value = before, after
        null = None if absent is None else absent.encode()
        return Record(None if own == null else own, None if value == null else value, fixed, now_ms), None

    for line in _lines(path, writer):
        record, where = record_of(line)
        writer.add(topic, record, partition if where is None else where)
    writer.flush()
    if not work.out.as_json:
        click.echo(f"{sum(one.records for one in writer.written)} records written to {topic}", err=True)


def _lines(path: str | None, writer: Writer) -> Iterator[bytes]:
    """Lines without their ends. Of standard input, what has come is flushed before waiting for more."""
    if path is not None:
        try:
            with open(path, "rb") as file:
                yield from (line.rstrip(b"\r\n") for line in file)
        except OSError as error:
            raise ClientError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
        return
    rest = b""
    for chunk in _chunks(sys.stdin.buffer, writer):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.rstrip(b"\r") for line in whole)
    if rest:
        yield rest


def _chunks(source: BinaryIO, writer: Writer) -> Iterator[bytes]:
    try:
        descriptor = source.fileno()
    except io.UnsupportedOperation:
        yield source.read()
        return
    while True:
        if os.name != "nt" and not select.select([descriptor], [], [], 0)[0]:
            writer.flush()
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
