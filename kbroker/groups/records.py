"""The records of groups, in Kafka's own format: key = int16 type and key struct, value = int16 version and fields.

A group is written when a generation's assignment is there, when it becomes empty, when a static member comes back
under a new member id, and when it is made. Offsets are written at each commit. A key without a value forgets: an
expired or deleted offset, a deleted group.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.turn import Turn
from kbroker.machine import Record
from wire.durable.groups import GroupMetadataKey, GroupMetadataValue, MemberMetadata
from wire.durable.offsets import OffsetCommitKey
from wire.schema import keep

GROUP_METADATA_VERSION = 3
"""What Apache Kafka 4.4 writes, although it reads 4 too."""

OFFSET_COMMIT_VERSION = 4
OFFSET_COMMIT_EXPIRING_VERSION = 1
"""Only the old version carries an expiry of its own (OffsetCommit with a retention time); it has no leader epoch."""


def write_group(group: ClassicGroup, turn: Turn) -> None:
    value = GroupMetadataValue(
        protocol_type=group.protocol_type or "",
        generation=group.generation,
        protocol=group.protocol,
        leader=group.leader,
        current_state_timestamp=group.since_ms,
        members=[
            MemberMetadata(
                member_id=member.id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.metadata(group.protocol),
                assignment=member.assignment,
            )
            for member in group.members.values()
        ],
    )
    turn.records.append(Record(GroupMetadataKey(group=group.id), value, GROUP_METADATA_VERSION))


def forget_group(group_id: str, turn: Turn) -> None:
    turn.records.append(Record(GroupMetadataKey(group=group_id), None))


@lru_cache(maxsize=4096)
def offset_key(group_id: str, topic: str, partition: int) -> OffsetCommitKey:
    """Consumers commit for the same partitions over and over: the key and its bytes are made once."""
    return keep(OffsetCommitKey(group=group_id, topic=topic, partition=partition))


def forget_offsets(group_id: str, partitions: Iterable[tuple[str, int]], turn: Turn) -> None:
    for topic, partition in partitions:
        turn.records.append(Record(OffsetCommitKey(group=group_id, topic=topic, partition=partition), None))
