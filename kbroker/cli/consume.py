"""`kbroker consume`: read topics without a group. Nothing is committed; it ends at the end, or goes on with --follow.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from kbroker.cli._asking import Work, asking
from kbroker.cli._places import places_of
from kbroker.client.cluster import Client
from kbroker.client.offsets import EARLIEST, LATEST, NONE_FOUND, Place, offsets, ranges
from kbroker.client.reading import Reader, read_all
from kbroker.records.filters import Filter, containing, having, matching
from kbroker.records.lines import formatter, to_json
from kbroker.records.places import is_offset, milliseconds
from kbroker.records.read import NotUnderstood, Read

FOLLOW_WAIT_MS = 1000
WHERE = "earliest, latest, an offset, -N (the last N of each partition), a time, or so long ago (15m)."
LEVELS = {"read_uncommitted": False, "read_committed": True}


@click.command("consume")
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC[:0,2,4-6]...")
@click.option("--from", "start", default="earliest", metavar="WHERE", help=WHERE)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("--max", "-n", "most", type=int, help="So many records, and no more.")
@click.option("--format", "template", default=r"%v\n", metavar="TEXT", help=r"%t %p %o %T %D %k %v %h %n  [%v\n]")
@click.option(
    "--grep", "texts", multiple=True, help="Only records with this text; key:, value:, header.NAME: in front."
)
@click.option("--regex", "patterns", multiple=True, help="Only records that match.")
@click.option("--path", "paths", multiple=True, help="Only JSON that has this: .order.state=paid")
@click.option("--isolation-level", type=click.Choice(list(LEVELS)), default="read_uncommitted", show_default=True)
@click.option("--raw", is_flag=True, help="Records of __consumer_offsets and __transaction_state as plain bytes.")
@asking
def consume(
    work: Work,
    topics: tuple[str, ...],
    start: str,
    follow: bool,
    most: int | None,
    template: str,
    texts: tuple[str, ...],
    patterns: tuple[str, ...],
    paths: tuple[str, ...],
    isolation_level: str,
    raw: bool,
) -> None:
    """Print records, oldest first in each partition."""
    filters: list[Filter] = [*map(containing, texts), *map(matching, patterns), *map(having, paths)]
    form = formatter(template, raw=raw)
    places = places_of(work.client, topics)
    committed_only = LEVELS[isolation_level]
    number = 0
    for read in _records(work.client, starts(work.client, places, start), follow, committed_only):
        if not all(wanted(read) for wanted in filters):
            continue
        number += 1
        as_json = work.out.as_json or (not raw and template == r"%v\n" and read.topic.startswith("__"))
        text = json.dumps(to_json(read, raw=raw), ensure_ascii=False).encode() + b"\n" if as_json else None
        sys.stdout.buffer.write(text or form(read, number))
        if follow:
            sys.stdout.buffer.flush()
        if number == most:
            break
    sys.stdout.buffer.flush()


def starts(client: Client, places: list[Place], start: str) -> dict[Place, int]:
    """Where reading begins; what lies before a partition's first offset becomes the first."""
    if start in ("earliest", "latest"):
        return offsets(client, dict.fromkeys(places, EARLIEST if start == "earliest" else LATEST))
    held = ranges(client, places)
    if is_offset(start):
        return {place: min(max(int(start), first), end) for place, (first, end) in held.items()}
    if start.startswith("-") and start[1:].isdecimal():
        return {place: max(end - int(start[1:]), first) for place, (first, end) in held.items()}
    try:
        at = milliseconds(start, now=datetime.now(UTC))
    except NotUnderstood as error:
        raise click.BadParameter(str(error), param_hint="--from") from None
    found = offsets(client, dict.fromkeys(places, at))
    return {place: held[place][1] if offset == NONE_FOUND else offset for place, offset in found.items()}


def _records(client: Client, start: dict[Place, int], follow: bool, committed_only: bool) -> Iterator[Read]:
    if not follow:
        ends = {place: end for place, (_, end) in ranges(client, start, committed_only=committed_only).items()}
        records = read_all(client, start, ends, committed_only=committed_only)
        yield from records if sys.stdout.isatty() else with_progress(records, start, ends)
        return
    reader = Reader(client, start, committed_only=committed_only)
    while True:
        yield from reader.turn(FOLLOW_WAIT_MS)
        for (topic, index), wanted, went in reader.lost:
            click.echo(f"{topic}-{index}: offset {wanted} is gone, going on at {went}", err=True)
        reader.lost.clear()


def with_progress(records: Iterator[Read], start: dict[Place, int], ends: dict[Place, int]) -> Iterator[Read]:
    """A bar on the terminal, where standard error is one."""
    if not sys.stderr.isatty():
        yield from records
        return
    length = sum(max(ends[place] - at, 0) for place, at in start.items())
    with click.progressbar(length=length, file=sys.stderr, update_min_steps=1000) as bar:
        for read in records:
            bar.update(1)
            yield read
