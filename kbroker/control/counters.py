"""What must never go back although the data does: the highest that clients have been told, and the records that say so.

Pure: what is noted is read from the broker's parts, what is written is records for their logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kbroker.control import views
from kbroker.control.settling import made
from kbroker.groups.streams.group import NOT_VALIDATED
from kbroker.machine import Record
from kbroker.transactions.states import State
from kbroker.transactions.transaction import LAST_EPOCH, Transaction, record_of
from wire.durable.catalog import (
    CatalogFeature,
    CatalogFeaturesKey,
    CatalogFeaturesValue,
    CatalogNodeKey,
    CatalogNodeValue,
    CatalogProducerIdsKey,
    CatalogProducerIdsValue,
)
from wire.durable.groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMetadataKey,
    GroupMetadataKey,
    GroupMetadataValue,
)
from wire.durable.share import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupMemberMetadataKey,
    ShareGroupMetadataKey,
    ShareGroupMetadataValue,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMetadataKey,
)
from wire.durable.streams import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
)

if TYPE_CHECKING:
    from kbroker.catalog.machine import CatalogMachine
    from kbroker.cluster import Cluster
    from kbroker.groups.machine import GroupsMachine

GROUP_METADATA_VERSION = 3


class Counters:
    """The highest of everything, over all lives of a broker."""

    def __init__(self) -> None:
        self.leader_epoch = 0
        self.producer_id = 0
        self.features = 0
        self.generations: dict[str, int] = {}
        self.transactions: dict[str, Transaction] = {}

    def note(self, cluster: Cluster) -> None:
        """What it has come to."""
        catalog = cluster.catalog
        epochs = [partition.leader_epoch for topic in catalog.topics() for partition in topic.partitions]
        self.leader_epoch = max(self.leader_epoch + 1, *epochs, 0)
        self.producer_id = max(self.producer_id, catalog.producer_ids_end)
        self.features = max(self.features, catalog.features.epoch)
        if made(cluster, "groups") is not None:
            for group in views.groups(cluster):
                self.generations[group.id] = max(self.generations.get(group.id, 0), group.epoch)
        transactions = made(cluster, "transactions")
        if transactions is not None:
            for runtime in transactions.coordinators.serving():
                self.transactions.update(runtime.machine.ids)

    def record_of(self, transactional_id: str, now: int) -> Record:
        """The producer is where it was, in no transaction."""
        return record_of(transactional_id, _idle(self.transactions[transactional_id], now))


def _idle(known: Transaction, now: int) -> Transaction:
    return known._replace(
        state=State.EMPTY,
        partitions=frozenset(),
        started_ms=-1,
        updated_ms=now,
        previous_producer_id=known.producer_id,
        next_producer_id=-1,
    )


def catalog_records(catalog: CatalogMachine, counters: Counters) -> Iterator[Record]:
    """For a catalog that has come back. Leader epochs rise with the unclean stops of the nodes that lead."""
    for node_id, node in catalog.nodes.items():
        value = CatalogNodeValue(
            running=False,
            starts=node.starts,
            unclean_stops=node.unclean_stops + counters.leader_epoch + 1,
            rack=node.rack,
            registered=node.registered,
        )
        yield Record(CatalogNodeKey(node_id=node_id), value)
    if counters.producer_id:
        value_ = CatalogProducerIdsValue(next_producer_id=counters.producer_id)
        yield Record(CatalogProducerIdsKey(), value_)
    offered = catalog.registers.offered
    found = [
        CatalogFeature(name=name, level=level, offered=offered.get(name, -1))
        for name, level in sorted(catalog.features.levels.items())
    ]
    yield Record(CatalogFeaturesKey(), CatalogFeaturesValue(epoch=counters.features + 1, features=found))


def group_records(machine: GroupsMachine, counters: Counters, now: int) -> Iterator[Record]:
    """Nobody is in the groups that have come back, and the next generation is one that nobody has been in."""
    for group_id, value in machine.store.groups.items():
        generation = max(value.generation, counters.generations.get(group_id, 0)) + 1
        empty = GroupMetadataValue(
            protocol_type=value.protocol_type,
            generation=generation,
            protocol=None,
            leader=None,
            current_state_timestamp=now,
            members=[],
        )
        yield Record(GroupMetadataKey(group=group_id), empty, GROUP_METADATA_VERSION)
    for group_id, group in machine.store.consumers.items():
        for member_id in group.members:
            yield Record(ConsumerGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member_id), None)
            yield Record(ConsumerGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), None)
            yield Record(ConsumerGroupMemberMetadataKey(group_id=group_id, member_id=member_id), None)
        for pattern in group.regexes:
            yield Record(ConsumerGroupRegularExpressionKey(group_id=group_id, regular_expression=pattern), None)
        yield Record(ConsumerGroupTargetAssignmentMetadataKey(group_id=group_id), None)
        epoch = max(group.epoch, counters.generations.get(group_id, 0)) + 1
        yield Record(ConsumerGroupMetadataKey(group_id=group_id), ConsumerGroupMetadataValue(epoch=epoch))
    for group_id, shares in machine.store.shares.items():
        for member_id in shares.members:
            yield Record(ShareGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member_id), None)
            yield Record(ShareGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), None)
            yield Record(ShareGroupMemberMetadataKey(group_id=group_id, member_id=member_id), None)
        yield Record(ShareGroupTargetAssignmentMetadataKey(group_id=group_id), None)
        epoch = max(shares.epoch, counters.generations.get(group_id, 0)) + 1
        yield Record(ShareGroupMetadataKey(group_id=group_id), ShareGroupMetadataValue(epoch=epoch, metadata_hash=0))
    for group_id, streams in machine.store.streams.items():
        for member_id in streams.members:
            yield Record(StreamsGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member_id), None)
            yield Record(StreamsGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), None)
            yield Record(StreamsGroupMemberMetadataKey(group_id=group_id, member_id=member_id), None)
        yield Record(StreamsGroupTargetAssignmentMetadataKey(group_id=group_id), None)
        epoch = max(streams.epoch, counters.generations.get(group_id, 0)) + 1
        value_ = StreamsGroupMetadataValue(
            epoch=epoch, metadata_hash=0, validated_topology_epoch=NOT_VALIDATED, last_assignment_configs=[]
        )
        yield Record(StreamsGroupMetadataKey(group_id=group_id), value_)


def transaction_records(found: Mapping[str, Transaction], counters: Counters, now: int) -> Iterator[Record]:
    """Of the transactional ids that have come back: what was open is to be aborted; who was idle is where its producer
    is now."""
    for name, known in found.items():
        live = counters.transactions.get(name, known)
        if known.state in (State.ONGOING, State.PREPARE_COMMIT, State.PREPARE_ABORT):
            epoch = max(known.epoch, live.epoch if live.producer_id == known.producer_id else 0) + 1
            aborting = known._replace(state=State.PREPARE_ABORT, epoch=min(epoch, LAST_EPOCH), updated_ms=now)
            yield record_of(name, aborting)
        else:
            yield record_of(name, _idle(live, now))
