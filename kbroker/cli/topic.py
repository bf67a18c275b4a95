"""`kbroker topic`: topics of any Kafka cluster.

What the cluster says no to is said with its own words; `create --if-absent` and `delete --if-present` take what is
already so for done.
"""

from __future__ import annotations

import click

from kbroker.cli._asking import Work, asking, pairs, sure
from kbroker.client.configs import KINDS, described
from kbroker.client.configs import alter as alter_configs
from kbroker.client.offsets import ranges
from kbroker.client.topics import create_topics, delete_records, delete_topics, grow_topic, sizes
from wire.errors import ErrorCode, KafkaError
from wire.primitives import uuid_text


@click.group("topic")
def topic() -> None:
    """List, describe, create, alter, empty and delete topics."""


@topic.command("list")
@click.option("--internal", is_flag=True, help="Those that brokers keep for themselves, too.")
@asking
def list_(work: Work, internal: bool) -> None:
    """All topics, with their partitions."""
    topics = [one for one in work.client.metadata(None).topics if internal or not one.is_internal]
    work.out.rows(
        (
            {
                "name": one.name,
                "partitions": len(one.partitions),
                "replicas": max((len(partition.replica_nodes) for partition in one.partitions), default=0),
                "internal": one.is_internal,
            }
            for one in sorted(topics, key=lambda one: one.name or "")
        ),
        empty="there are no topics",
    )


@topic.command("describe")
@click.argument("names", nargs=-1, required=True)
@asking
def describe(work: Work, names: tuple[str, ...]) -> None:
    """Partitions with leaders, replicas, offsets and sizes, and the configs that are not the default."""
    client = work.client
    answers = []
    for name in names:
        found = client.topic(name)
        places = [(name, one.partition_index) for one in found.partitions]
        held = ranges(client, places)
        size = sizes(client, places)
        partitions = [
            {
                "partition": one.partition_index,
                "leader": one.leader_id,
                "epoch": one.leader_epoch,
                "replicas": list(one.replica_nodes),
                "in_sync": list(one.isr_nodes),
                "first_offset": held[name, one.partition_index][0],
                "next_offset": held[name, one.partition_index][1],
                "bytes": size.get((name, one.partition_index)),
            }
            for one in sorted(found.partitions, key=lambda one: one.partition_index)
        ]
        configs = {one.name: one.value for one in described(client, KINDS["topic"], name) if one.config_source == 1}
        answers.append({"name": name, "id": uuid_text(found.topic_id), "configs": configs, "partitions": partitions})
        work.out.say(f"{name}  id {uuid_text(found.topic_id)}")
        for config, value in configs.items():
            work.out.say(f"  {config}={value}")
        if not work.out.as_json:
            work.out.rows(partitions)
    if work.out.as_json:
        work.out.json(answers)


@topic.command("create")
@click.argument("names", nargs=-1, required=True)
@click.option("--partitions", type=int, default=-1, help="How many.  [default: the cluster's num.partitions]")
@click.option("--replication-factor", type=int, default=-1, help="How many replicas.  [default: the cluster's]")
@click.option("--config", "configs", multiple=True, metavar="NAME=VALUE", help="A topic config.")
@click.option("--if-absent", is_flag=True, help="A topic that is already there is no mistake.")
@click.option("--dry-run", is_flag=True, help="Only say whether it would work.")
@asking
def create(
    work: Work,
    names: tuple[str, ...],
    partitions: int,
    replication_factor: int,
    configs: tuple[str, ...],
    if_absent: bool,
    dry_run: bool,
) -> None:
    """Create topics."""
    results = create_topics(
        work.client, names, partitions, replication_factor, pairs(configs, "--config"), validate_only=dry_run
    )
    for name, error in results.items():
        if error is not None and not (if_absent and error.code == ErrorCode.TOPIC_ALREADY_EXISTS):
            raise error
        done = "could be created" if dry_run else "created" if error is None else "is already there"
        work.out.say(f"{name} {done}")


@topic.command("alter")
@click.argument("name")
@click.option(
    "--partitions", type=int, help="More partitions than before; keys then go elsewhere. Fewer there cannot be."
)
@click.option("--config", "configs", multiple=True, metavar="NAME=VALUE", help="Set a topic config.")
@click.option("--delete-config", "deleted", multiple=True, metavar="NAME", help="Go back to a config's default.")
@click.option("--dry-run", is_flag=True, help="Only say whether it would work.")
@asking
def alter(
    work: Work, name: str, partitions: int | None, configs: tuple[str, ...], deleted: tuple[str, ...], dry_run: bool
) -> None:
    """Give a topic more partitions or other configs."""
    if partitions is None and not configs and not deleted:
        raise click.UsageError("Nothing to alter: say --partitions, --config or --delete-config.")
    if configs or deleted:
        put = pairs(configs, "--config")
        alter_configs(work.client, KINDS["topic"], name, put=put, delete=deleted, validate_only=dry_run)
    if partitions is not None:
        grow_topic(work.client, name, partitions, validate_only=dry_run)
    work.out.say(f"{name} could be altered" if dry_run else f"{name} altered")


@topic.command("empty")
@click.argument("name")
@click.option("--before", type=int, help="Delete the records before this offset of each partition.  [default: all]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def empty(work: Work, name: str, before: int | None, yes: bool) -> None:
    """Delete the records of a topic (DeleteRecords); offsets go on where they were."""
    places = [(name, at) for at in work.client.leaders(name)]
    held = ranges(work.client, places)
    until = {place: end if before is None else min(before, end) for place, (_, end) in held.items()}
    lost = sum(max(until[place] - first, 0) for place, (first, _) in held.items())
    sure(f"Delete up to {lost} records of {name}?", yes)
    low = delete_records(work.client, until)
    work.out.rows({"topic": place[0], "partition": place[1], "first_offset": at} for place, at in sorted(low.items()))


@topic.command("delete")
@click.argument("names", nargs=-1, required=True)
@click.option("--if-present", is_flag=True, help="A topic that is not there is no mistake.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asking
def delete(work: Work, names: tuple[str, ...], if_present: bool, yes: bool) -> None:
    """Delete topics with everything in them."""
    sure(f"Delete {', '.join(names)} and all records in there?", yes)
    failed: list[KafkaError] = []
    for name, error in delete_topics(work.client, names).items():
        if error is None:
            work.out.say(f"{name} deleted")
        elif not (if_present and error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION):
            failed.append(KafkaError(error.code, f"{name}: {error.message or error.code.message}"))
    if failed:
        raise failed[0]
