"""A share group as the log knows it: everything durable, changed by `apply` alone.

    epoch                       counts what has changed: members, subscriptions, topics       (record type 11)
    members                     who they are and what they subscribe to                       (10)
    target_epoch, targets       what each member is to have, and for which epoch              (12, 13)
    currents                    where each member stands, and what it has                     (14)
    initializing, initialized   partitions whose state the share coordinator is to keep, and keeps; by topic id (15)

Not durable is `seen`, the picture of the topics that the epoch was last compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from kbroker.groups.consumer.assignment import NOTHING, Assignment, of_wire
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.share.states import GroupState, state_of
from kbroker.machine import Record
from wire.durable.share import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey,
    ShareGroupMemberMetadataValue,
    ShareGroupMetadataKey,
    ShareGroupMetadataValue,
    ShareGroupStatePartitionMetadataKey,
    ShareGroupStatePartitionMetadataValue,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
    TopicPartitionsInfo,
)

T = TypeVar("T")

TYPE = "share"
ASSIGNOR = "simple"
FIRST_EPOCH = 1
"""Of a group that is made; the first member that joins makes it the next."""

KEYS = (
    ShareGroupMetadataKey,
    ShareGroupMemberMetadataKey,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupStatePartitionMetadataKey,
)


class Member(NamedTuple):
    id: str
    rack_id: str | None
    client_id: str
    client_host: str
    topics: tuple[str, ...] = ()

    @property
    def wishes(self) -> tuple[object, ...]:
        """What the assignment depends on."""
        return self.topics, self.rack_id


class Current(NamedTuple):
    """Where a member stands: its epoch and the one before (an answer may have been lost), and what it has."""

    epoch: int
    previous_epoch: int
    assigned: Assignment


NEW = Current(0, 0, NOTHING)


class Kept(NamedTuple):
    """Partitions of one topic whose state is kept."""

    name: str
    partitions: frozenset[int]


class ShareGroup:
    __slots__ = (
        "currents",
        "epoch",
        "exists",
        "fingerprint",
        "id",
        "initialized",
        "initializing",
        "members",
        "seen",
        "target_epoch",
        "target_ms",
        "targets",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.exists = False  # the log has its epoch, without which the rest is a remainder
        self.epoch = FIRST_EPOCH
        self.fingerprint = 0
        self.members: dict[str, Member] = {}
        self.target_epoch = 0
        self.target_ms = 0
        self.targets: dict[str, Assignment] = {}
        self.currents: dict[str, Current] = {}
        self.initializing: dict[bytes, Kept] = {}
        self.initialized: dict[bytes, Kept] = {}
        self.seen: Metadata | None = None

    @property
    def state(self) -> GroupState:
        return state_of(len(self.members))

    @property
    def is_forgotten(self) -> bool:
        """Nothing of it is in the log any more."""
        kept = self.initializing or self.initialized
        return not (self.exists or self.members or self.targets or self.currents or self.target_epoch or kept)

    # --- the only writer --------------------------------------------------------------------------------------------

    def apply(self, record: Record, timestamp_ms: int) -> None:
        key, value = record.key, record.value
        if isinstance(key, ShareGroupMetadataKey):
            assert value is None or isinstance(value, ShareGroupMetadataValue)
            self.exists = value is not None
            self.epoch = FIRST_EPOCH if value is None else value.epoch
            self.fingerprint = 0 if value is None else value.metadata_hash
        elif isinstance(key, ShareGroupMemberMetadataKey):
            assert value is None or isinstance(value, ShareGroupMemberMetadataValue)
            _put(self.members, key.member_id, None if value is None else _member(key.member_id, value))
        elif isinstance(key, ShareGroupTargetAssignmentMetadataKey):
            assert value is None or isinstance(value, ShareGroupTargetAssignmentMetadataValue)
            self.target_epoch = 0 if value is None else value.assignment_epoch
            self.target_ms = 0 if value is None else value.assignment_timestamp
        elif isinstance(key, ShareGroupTargetAssignmentMemberKey):
            assert value is None or isinstance(value, ShareGroupTargetAssignmentMemberValue)
            _put(self.targets, key.member_id, None if value is None else of_wire(value.topic_partitions))
        elif isinstance(key, ShareGroupCurrentMemberAssignmentKey):
            assert value is None or isinstance(value, ShareGroupCurrentMemberAssignmentValue)
            _put(self.currents, key.member_id, None if value is None else _current(value))
        elif isinstance(key, ShareGroupStatePartitionMetadataKey):
            assert value is None or isinstance(value, ShareGroupStatePartitionMetadataValue)
            self.initializing = {} if value is None else kept_of(value.initializing_topics)
            self.initialized = {} if value is None else kept_of(value.initialized_topics)

    def target(self, member_id: str) -> Assignment:
        return self.targets.get(member_id, NOTHING)


def _put(items: dict[str, T], key: str, value: T | None) -> None:
    if value is None:
        items.pop(key, None)
    else:
        items[key] = value


def _member(member_id: str, value: ShareGroupMemberMetadataValue) -> Member:
    return Member(
        member_id, value.rack_id, value.client_id, value.client_host, tuple(value.subscribed_topic_names)
    )


def _current(value: ShareGroupCurrentMemberAssignmentValue) -> Current:
    return Current(value.member_epoch, value.previous_member_epoch, of_wire(value.assigned_partitions))


def kept_of(topics: Iterable[TopicPartitionsInfo]) -> dict[bytes, Kept]:
    return {topic.topic_id: Kept(topic.topic_name, frozenset(topic.partitions)) for topic in topics}


def kept_value(
    initializing: Mapping[bytes, Kept], initialized: Mapping[bytes, Kept]
) -> ShareGroupStatePartitionMetadataValue:
    return ShareGroupStatePartitionMetadataValue(
        initializing_topics=_infos(initializing), initialized_topics=_infos(initialized), deleting_topics=[]
    )


def _infos(topics: Mapping[bytes, Kept]) -> list[TopicPartitionsInfo]:
    return [
        TopicPartitionsInfo(topic_id=topic_id, topic_name=kept.name, partitions=sorted(kept.partitions))
        for topic_id, kept in topics.items()
    ]


def joined(one: Mapping[bytes, Kept], other: Mapping[bytes, Kept]) -> dict[bytes, Kept]:
    """The partitions of both."""
    both = dict(one)
    for topic_id, kept in other.items():
        known = both.get(topic_id)
        both[topic_id] = kept if known is None else Kept(kept.name, known.partitions | kept.partitions)
    return both


def without(one: Mapping[bytes, Kept], other: Mapping[bytes, Kept]) -> dict[bytes, Kept]:
    """The partitions of `one` that are not among those of `other`."""
    left = {}
    for topic_id, kept in one.items():
        gone = other.get(topic_id)
        rest = kept.partitions if gone is None else kept.partitions - gone.partitions
        if rest:
            left[topic_id] = Kept(kept.name, rest)
    return left
