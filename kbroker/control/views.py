"""The broker's parts as values that people read: `shapes` of topics, groups, transactions and connections.

Everything is as it is in this moment; nothing is loaded or made for a look, but for the partitions of `topic_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kbroker.control.shapes import Committed, Connection, Group, Member, Partition, Topic, TopicPartition, Transaction
from kbroker.groups.classic.states import State as ClassicState
from kbroker.groups.subscription import read_assignment
from wire.primitives import uuid_text

if TYPE_CHECKING:
    from kbroker.catalog import Topic as CatalogTopic
    from kbroker.cluster import Cluster
    from kbroker.groups.classic.group import ClassicGroup
    from kbroker.groups.classic.member import Member as ClassicMember
    from kbroker.groups.consumer.group import ConsumerGroup
    from kbroker.groups.machine import GroupsMachine
    from kbroker.groups.share.group import ShareGroup
    from kbroker.groups.streams.group import StreamsGroup
    from kbroker.partitions.partition import Partition as OpenPartition
    from kbroker.server.connection import Connection as LiveConnection

_CONSUMER = "consumer"


def topic_of(cluster: Cluster, topic: CatalogTopic) -> Topic:
    partitions = [partition_of(cluster, topic, index) for index in range(len(topic.partitions))]
    return Topic(topic.name, uuid_text(topic.id), topic.internal, dict(topic.overrides), partitions)


def partition_of(cluster: Cluster, topic: CatalogTopic, index: int) -> Partition:
    state, opened = topic.partitions[index], cluster.partitions.open(topic, index)
    extents = cluster.engine.extents(opened.log) if opened.is_open else []
    return Partition(
        topic=topic.name,
        partition=index,
        leader=cluster.catalog.leader(topic, index)[0],
        leader_epoch=state.leader_epoch,
        replicas=list(state.replicas),
        isr=list(state.isr),
        start_offset=opened.log_start,
        high_watermark=opened.high_watermark,
        last_stable_offset=opened.last_stable_offset,
        end_offset=opened.end,
        size_bytes=sum(extent.size for extent in extents),
        records=max(0, opened.high_watermark - opened.log_start),
        producers=len(opened.producers.table),
        open_transactions=len(opened.undecided.open),
    )


# --- groups -----------------------------------------------------------------------------------------------------------


def groups(cluster: Cluster) -> list[Group]:
    """All groups whose coordinators have read their logs, by id."""
    found = [each for runtime in cluster.groups.coordinators.serving() for each in _groups_of(cluster, runtime.machine)]
    return sorted(found, key=lambda group: group.id)


def group(cluster: Cluster, group_id: str) -> Group | None:
    return next((each for each in groups(cluster) if each.id == group_id), None)


def _groups_of(cluster: Cluster, machine: GroupsMachine) -> Iterator[Group]:
    for classic in machine.groups.values():
        yield _classic(cluster, machine, classic)
    for consumers in machine.store.consumers.values():
        yield _consumers(cluster, machine, consumers)
    for streams in machine.store.streams.values():
        yield _streams(cluster, machine, streams)
    for shares in machine.store.shares.values():
        yield _shares(cluster, shares)


def _classic(cluster: Cluster, machine: GroupsMachine, group: ClassicGroup) -> Group:
    members = [_classic_member(group, member) for member in group.members.values()]
    return Group(
        id=group.id,
        type="classic",
        state=group.state.value,
        epoch=group.generation,
        protocol=group.protocol or "",
        coordinator=coordinator_of(cluster, "__consumer_offsets", cluster.groups.coordinator(group.id)),
        members=members,
        offsets=_offsets(cluster, machine, group.id),
    )


def _classic_member(group: ClassicGroup, member: ClassicMember) -> Member:
    is_consumer = group.protocol_type == _CONSUMER
    # Between the join and the sync a member still has what the generation before gave it, which counts no more.
    given = read_assignment(member.assignment) if is_consumer and group.state is ClassicState.STABLE else []
    return Member(
        id=member.id,
        client_id=member.client_id,
        host=member.client_host,
        instance_id=member.instance_id,
        epoch=group.generation,
        topics=sorted(group.subscribed or ()),
        assigned=_sorted((topic, index) for topic, indexes in given or () for index in indexes),
        revoking=[],
    )


def _consumers(cluster: Cluster, machine: GroupsMachine, group: ConsumerGroup) -> Group:
    members = []
    for member in group.members.values():
        current = group.currents.get(member.id)
        members.append(
            Member(
                id=member.id,
                client_id=member.client_id,
                host=member.client_host,
                instance_id=member.instance_id,
                epoch=0 if current is None else current.epoch,
                topics=sorted(group.subscriptions(member)),
                assigned=[] if current is None else _named(cluster, current.assigned),
                revoking=[] if current is None else _named(cluster, current.revoking),
            )
        )
    return Group(
        id=group.id,
        type=_CONSUMER,
        state=group.state.value,
        epoch=group.epoch,
        protocol=next((member.assignor for member in group.members.values() if member.assignor), ""),
        coordinator=coordinator_of(cluster, "__consumer_offsets", cluster.groups.coordinator(group.id)),
        members=members,
        offsets=_offsets(cluster, machine, group.id),
    )


def _shares(cluster: Cluster, group: ShareGroup) -> Group:
    """Several members may have one partition; offsets are not committed but kept record by record."""
    members = [
        Member(
            id=member.id,
            client_id=member.client_id,
            host=member.client_host,
            instance_id=None,
            epoch=0 if current is None else current.epoch,
            topics=sorted(member.topics),
            assigned=[] if current is None else _named(cluster, current.assigned),
            revoking=[],
        )
        for member in group.members.values()
        for current in [group.currents.get(member.id)]
    ]
    return Group(
        id=group.id,
        type="share",
        state=group.state.value,
        epoch=group.epoch,
        protocol="simple",
        coordinator=coordinator_of(cluster, "__consumer_offsets", cluster.groups.coordinator(group.id)),
        members=members,
        offsets=[],
    )


def _streams(cluster: Cluster, machine: GroupsMachine, group: StreamsGroup) -> Group:
    """Members have what their active tasks read."""
    members = []
    for member in group.members.values():
        current = group.currents.get(member.id)
        members.append(
            Member(
                id=member.id,
                client_id=member.client_id,
                host=member.client_host,
                instance_id=member.instance_id,
                epoch=0 if current is None else current.epoch,
                topics=sorted(group.readers),
                assigned=[] if current is None else _read(cluster, group, current.assigned.active),
                revoking=[] if current is None else _read(cluster, group, current.revoking.active),
            )
        )
    return Group(
        id=group.id,
        type="streams",
        state=group.state.value,
        epoch=group.epoch,
        protocol="sticky",
        coordinator=coordinator_of(cluster, "__consumer_offsets", cluster.groups.coordinator(group.id)),
        members=members,
        offsets=_offsets(cluster, machine, group.id),
    )


def _read(cluster: Cluster, group: StreamsGroup, tasks: Iterable[tuple[str, int]]) -> list[TopicPartition]:
    """A topic with fewer partitions than others of its subtopology is read by the first tasks only."""
    given = set(tasks)
    return _sorted(
        (name, index)
        for name, subtopology_id in group.readers.items()
        if (topic := cluster.catalog.topic(name)) is not None
        for index in range(len(topic.partitions))
        if (subtopology_id, index) in given
    )


def _named(cluster: Cluster, partitions: Mapping[bytes, Iterable[int]]) -> list[TopicPartition]:
    """By name; of topics that are gone nothing."""
    topics = ((cluster.catalog.topic_by_id(topic_id), indexes) for topic_id, indexes in partitions.items())
    return _sorted((topic.name, index) for topic, indexes in topics if topic is not None for index in indexes)


def _sorted(partitions: Iterable[tuple[str, int]]) -> list[TopicPartition]:
    return [TopicPartition(*each) for each in sorted(partitions)]


def _offsets(cluster: Cluster, machine: GroupsMachine, group_id: str) -> list[Committed]:
    found = []
    for (name, index), committed in sorted(machine.store.offsets.get(group_id, {}).items()):
        partition = opened(cluster, name, index)
        lag = -1 if partition is None else max(0, partition.high_watermark - committed.offset)
        found.append(Committed(name, index, committed.offset, committed.metadata, lag))
    return found


def opened(cluster: Cluster, name: str, index: int) -> OpenPartition | None:
    """The partition, if there is one."""
    topic = cluster.catalog.topic(name)
    if topic is None or not 0 <= index < len(topic.partitions):
        return None
    return cluster.partitions.open(topic, index)


def coordinator_of(cluster: Cluster, topic: str, index: int) -> int:
    return cluster.catalog.leader(topic, index)[0]


# --- transactions -----------------------------------------------------------------------------------------------------


def transactions(cluster: Cluster) -> list[Transaction]:
    """All transactional ids whose coordinators have read their logs, by id."""
    found = []
    for runtime in cluster.transactions.coordinators.serving():
        for name, known in runtime.machine.ids.items():
            index = cluster.transactions.coordinator(name)
            found.append(
                Transaction(
                    transactional_id=name,
                    state=known.state.title,
                    producer_id=known.producer_id,
                    epoch=known.epoch,
                    timeout_ms=known.timeout_ms,
                    started_ms=known.started_ms,
                    coordinator=coordinator_of(cluster, "__transaction_state", index),
                    partitions=_sorted(known.partitions),
                )
            )
    return sorted(found, key=lambda each: each.transactional_id)


# --- connections ------------------------------------------------------------------------------------------------------


def connection_of(connection: LiveConnection, ended: str = "", ended_ms: int = -1) -> Connection:
    software = f"{connection.software_name} {connection.software_version}".strip()
    return Connection(
        id=connection.id,
        host=connection.host,
        port=connection.port,
        listener=connection.listener.name,
        node=connection.node.id,
        principal=connection.principal,
        software=software,
        ended=ended,
        ended_ms=ended_ms,
    )
