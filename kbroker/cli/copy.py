"""`kbroker copy`: records of one cluster's topic into another cluster, or into another topic.

Keys, values, headers and timestamps stay; offsets are new. With as many partitions on both sides each record keeps
its partition, otherwise it goes where its key belongs. A topic that is not there is made with the partitions and
configs of the first one.
"""

from __future__ import annotations

import sys

import click

from kbroker.cli._asking import DEFAULT, sentences
from kbroker.cli._tables import Output
from kbroker.cli.consume import starts, with_progress
from kbroker.client.cluster import Client
from kbroker.client.configs import KINDS, described
from kbroker.client.offsets import Place, ranges
from kbroker.client.reading import read_all
from kbroker.client.settings import properties, settings
from kbroker.client.topics import create_topics
from kbroker.client.writing import Writer
from wire.errors import ErrorCode
from wire.records import Record

OF_THE_TOPIC = 1


@click.command("copy")
@click.argument("topic")
@click.option("--from", "source", required=True, metavar="HOST:PORT", help="The cluster to read.")
@click.option("--to", "target", default=DEFAULT, metavar="HOST:PORT", show_default=True, help="The cluster to write.")
@click.option("--from-config", metavar="FILE", help="Properties for the cluster to read.")
@click.option("--to-config", metavar="FILE", help="Properties for the cluster to write.")
@click.option("--as", "name", metavar="TOPIC", help="The topic to write.  [the same]")
@click.option("--last", type=int, metavar="N", help="Only the last N records of each partition.")
@click.option("--since", metavar="TIME", help="Only from this time on, or from so long ago (2h).")
@click.option("--dry-run", is_flag=True, help="Only say how much there is to copy.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def copy(
    topic: str,
    source: str,
    target: str,
    from_config: str | None,
    to_config: str | None,
    name: str | None,
    last: int | None,
    since: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Copy a topic's records to another cluster or topic."""
    if last is not None and since is not None:
        raise click.UsageError("--last and --since contradict each other.")
    with sentences():
        readings = settings(source, properties(from_config) if from_config is not None else {})
        writings = settings(target, properties(to_config) if to_config is not None else {})
        if name in (None, topic) and readings.bootstrap == writings.bootstrap:
            raise click.UsageError("That would copy the topic onto itself; say --as TOPIC.")
        with Client(readings) as reader, Client(writings) as writer:
            places = [(topic, at) for at in sorted(reader.leaders(topic))]
            where = f"-{last}" if last is not None else since or "earliest"
            start = starts(reader, places, where)
            ends = {place: end for place, (_, end) in ranges(reader, places).items()}
            counts = {place: max(ends[place] - at, 0) for place, at in start.items()}
            if not dry_run:
                _copy(reader, writer, topic, name or topic, start, ends)
        Output(as_json).rows(
            {"topic": place[0], "partition": place[1], "from": start[place], "to": ends[place], "offsets": count}
            for place, count in counts.items()
        )
        if dry_run:
            click.echo("nothing was copied", err=True)


def _copy(
    reader: Client, client: Client, topic: str, name: str, start: dict[Place, int], ends: dict[Place, int]
) -> None:
    _made_like(reader, client, topic, name, len(start))
    same = len(client.leaders(name)) == len(start)
    writer = Writer(client)
    for read in with_progress(read_all(reader, start, ends), start, ends):
        record = Record(read.key, read.value, read.headers, read.timestamp)
        writer.add(name, record, read.partition if same else None)
    writer.flush()
    click.echo(f"{sum(one.records for one in writer.written)} records copied to {name}", err=True)
    sys.stderr.flush()


def _made_like(reader: Client, client: Client, topic: str, name: str, partitions: int) -> None:
    """Make the topic if it is not there."""
    configs = {
        one.name: one.value
        for one in described(reader, KINDS["topic"], topic)
        if one.config_source == OF_THE_TOPIC and one.value is not None
    }
    error = create_topics(client, (name,), partitions, configs=configs)[name]
    if error is not None and error.code != ErrorCode.TOPIC_ALREADY_EXISTS:
        raise error
