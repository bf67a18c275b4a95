"""Who leads partitions, which replicas they have, who of them is in sync, and who lags."""

from __future__ import annotations

from random import Random

from kbroker.catalog.moves import PREFERRED, UNCLEAN
from kbroker.control.control import Control
from kbroker.control.shapes import Partition
from kbroker.control.table import ControlError, verb
from kbroker.control.views import partition_of
from wire.errors import ErrorCode, KafkaError

NOBODY = -1


@verb
async def get(control: Control, topic: str, partition: int) -> Partition:
    """One partition: leader, epoch, replicas, in-sync replicas, offsets."""
    return await _told(control, topic, partition)


@verb
async def move(control: Control, topic: str, partition: int, leader: int | None = None) -> Partition:
    """Let another in-sync replica lead, in a new epoch; null leaves the partition without a leader."""
    await control.cluster.catalog.move_leader(topic, partition, NOBODY if leader is None else leader)
    return await _told(control, topic, partition)


@verb
async def shuffle(control: Control, seed: int = 0, topic: str | None = None, internal: bool = True) -> int:
    """Give every partition another leader among its in-sync replicas, by chance: the same seed, the same moves. How
    many have moved. The partitions of the internal topics are coordinators: they move too, unless told not to."""
    catalog, chance, moved = control.cluster.catalog, Random(seed), 0
    for found in list(catalog.topics()):
        if (topic is not None and found.name != topic) or (found.internal and not internal):
            continue
        for index, state in enumerate(list(found.partitions)):
            others = [each for each in state.isr if each != state.leader and each in catalog.nodes]
            if others:
                await catalog.move_leader(found.name, index, chance.choice(sorted(others)))
                moved += 1
    return moved


@verb
async def elect(control: Control, topic: str | None = None, partition: int | None = None, unclean: bool = False) -> int:
    """Hold elections, of all partitions or of some: the preferred replica leads again; with unclean=True any live
    replica leads where nobody does, and what it has not copied is lost. How many leaders changed; ControlError where a
    leader is wanted and cannot be had."""
    catalog = control.cluster.catalog
    wanted = [
        (found.name, index)
        for found in catalog.topics()
        for index in range(len(found.partitions))
        if topic in (None, found.name) and partition in (None, index)
    ]
    if not wanted:
        raise ControlError("missing", f"there is no partition {partition} of topic {topic}")
    outcomes = await catalog.elect(wanted, UNCLEAN if unclean else PREFERRED)
    errors = [error for error in outcomes if error is not None and error.code is not ErrorCode.ELECTION_NOT_NEEDED]
    if errors and topic is not None:
        raise errors[0]
    control.watch.tell()
    return outcomes.count(None)


@verb
async def in_sync(control: Control, topic: str, partition: int, isr: list[int]) -> Partition:
    """Let these replicas be the in-sync ones; the leader is always one of them. Who was held and is in sync again
    catches up."""
    opened = await control.partition(topic, partition)
    before = set(opened.replicas.in_sync)
    await control.cluster.catalog.set_in_sync(topic, partition, isr)
    for node_id in set(isr) - before:
        opened.release(node_id)
    return await _told(control, topic, partition)


@verb
async def assign(control: Control, topic: str, partition: int, replicas: list[int]) -> Partition:
    """Let these brokers hold the partition; the first is the preferred leader."""
    (error,) = await control.cluster.catalog.reassign([(topic, partition, replicas)])
    if error is not None:
        raise error
    return await _told(control, topic, partition)


@verb
async def hold(control: Control, topic: str, partition: int, node: int) -> Partition:
    """Let a follower copy nothing more. As long as it is in sync, acks=all waits for it and consumers see nothing new;
    if it is made the leader, the log is cut to what it has."""
    opened = await control.partition(topic, partition)
    _must_follow(opened.replicas.assigned, opened.replicas.leader, node)
    opened.replicas.hold(node)
    return await _told(control, topic, partition)


@verb
async def release(control: Control, topic: str, partition: int, node: int) -> Partition:
    """Let a follower that was held catch up."""
    (await control.partition(topic, partition)).release(node)
    return await _told(control, topic, partition)


def _must_follow(replicas: tuple[int, ...], leader: int, node: int) -> None:
    if node not in replicas or node == leader:
        what = "leads the partition" if node == leader else "is no replica"
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Broker {node} {what}; followers can be held.")


async def _told(control: Control, name: str, index: int) -> Partition:
    await control.partition(name, index)
    control.watch.tell()
    topic = control.cluster.catalog.topic(name)
    assert topic is not None
    return partition_of(control.cluster, topic, index)
