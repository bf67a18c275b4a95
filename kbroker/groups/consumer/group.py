"""A consumer group as the log knows it: everything durable, changed by `apply` alone.

    epoch             counts what has changed: members, subscriptions, topics        (record type 3)
    members           who they are and what they subscribe to                        (5)
    target_epoch      the epoch that the target assignment was computed for          (6)
    targets           what each member is to have                                    (7)
    currents          where each member stands, and what it has                      (8)
    regexes           which topics each pattern stands for                           (16)

Derived from these and kept along: `holders` (which member has a partition, or is still to give it up), `instances`,
`reconciled`. Nothing of it is written.

Three things are not durable: `seen`, the picture of the topics that the epoch was last compared with, `called`, the
members of the classic protocol that have been told to join again, and `waits`, since when members wait for whom, which
is told when it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kbroker.groups.consumer.assignment import NOTHING, Assignment, Held, of_wire
from kbroker.groups.consumer.decisions import may_commit
from kbroker.groups.consumer.member import Member
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.consumer.reconcile import NEW, Current
from kbroker.groups.consumer.states import GroupState, MemberState, state_of
from kbroker.machine import Record
from wire.durable.groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
    TopicPartitions,
)

TYPE = "consumer"
FIRST_EPOCH = 1
"""Of a group that is made; the first member that joins makes it the next."""

KEYS = (
    ConsumerGroupMetadataKey,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupRegularExpressionKey,
)


class Resolved(NamedTuple):
    """The topics that a pattern stood for at a time."""

    topics: frozenset[str]
    version: int
    timestamp_ms: int


class ConsumerGroup:
    __slots__ = (
        "called",
        "currents",
        "epoch",
        "exists",
        "fingerprint",
        "holders",
        "id",
        "instances",
        "members",
        "reconciled",
        "regexes",
        "seen",
        "since_ms",
        "target_epoch",
        "target_ms",
        "targets",
        "waits",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.exists = False  # the log has its epoch, without which the rest is a remainder
        self.epoch = FIRST_EPOCH
        self.fingerprint = 0
        self.since_ms = -1  # when the epoch was written
        self.members: dict[str, Member] = {}
        self.target_epoch = 0
        self.target_ms = 0
        self.targets: dict[str, Assignment] = {}
        self.currents: dict[str, Current] = {}
        self.regexes: dict[str, Resolved] = {}
        self.instances: dict[str, str] = {}
        self.holders: dict[bytes, dict[int, str]] = {}
        self.reconciled: set[str] = set()
        self.seen: Metadata | None = None
        self.called: set[str] = set()
        self.waits: dict[str, tuple[int, str]] = {}

    @property
    def state(self) -> GroupState:
        return state_of(self.epoch, self.target_epoch, len(self.members), len(self.reconciled))

    @property
    def is_vacant(self) -> bool:
        return not self.members

    @property
    def is_forgotten(self) -> bool:
        """Nothing of it is in the log any more."""
        return not (self.exists or self.members or self.targets or self.currents or self.regexes or self.target_epoch)

    def is_free(self, topic_id: bytes, index: int) -> bool:
        return index not in self.holders.get(topic_id, ())

    def subscriptions(self, member: Member) -> frozenset[str]:
        """The names of the topics that the member reads, those of its pattern included."""
        resolved = self.regexes.get(member.regex)
        return frozenset(member.topics) if resolved is None else resolved.topics.union(member.topics)

    def is_classic(self, member_id: str) -> bool:
        """Does this member speak the classic protocol?"""
        member = self.members.get(member_id)
        return member is not None and member.classic is not None

    def is_member(self, member_id: str, epoch: int) -> bool:
        return member_id in self.members and self.currents.get(member_id, NEW).epoch == epoch

    def may_commit(self, member_id: str, epoch: int, topic: str, topic_id: bytes, index: int) -> bool:
        return may_commit(self.currents.get(member_id, NEW), epoch, topic_id, index)

    def is_subscribed(self, topic: str) -> bool:
        return any(topic in self.subscriptions(member) for member in self.members.values())

    # --- the only writer --------------------------------------------------------------------------------------------

    def apply(self, record: Record, timestamp_ms: int) -> None:
        key, value = record.key, record.value
        if isinstance(key, ConsumerGroupMetadataKey):
            assert value is None or isinstance(value, ConsumerGroupMetadataValue)
            self._apply_epoch(value, timestamp_ms)
        elif isinstance(key, ConsumerGroupMemberMetadataKey):
            assert value is None or isinstance(value, ConsumerGroupMemberMetadataValue)
            self._apply_member(key.member_id, value)
        elif isinstance(key, ConsumerGroupTargetAssignmentMetadataKey):
            assert value is None or isinstance(value, ConsumerGroupTargetAssignmentMetadataValue)
            self._apply_target_epoch(value)
        elif isinstance(key, ConsumerGroupTargetAssignmentMemberKey):
            if value is None:
                self.targets.pop(key.member_id, None)
            else:
                assert isinstance(value, ConsumerGroupTargetAssignmentMemberValue)
                self.targets[key.member_id] = of_wire(value.topic_partitions)
        elif isinstance(key, ConsumerGroupCurrentMemberAssignmentKey):
            assert value is None or isinstance(value, ConsumerGroupCurrentMemberAssignmentValue)
            self._apply_current(key.member_id, value)
        elif isinstance(key, ConsumerGroupRegularExpressionKey):
            if value is None:
                self.regexes.pop(key.regular_expression, None)
            else:
                assert isinstance(value, ConsumerGroupRegularExpressionValue)
                resolved = Resolved(frozenset(value.topics), value.version, value.timestamp)
                self.regexes[key.regular_expression] = resolved

    def _apply_epoch(self, value: ConsumerGroupMetadataValue | None, timestamp_ms: int) -> None:
        self.exists = value is not None
        self.epoch = FIRST_EPOCH if value is None else value.epoch
        self.fingerprint = 0 if value is None else value.metadata_hash
        self.since_ms = timestamp_ms

    def _apply_target_epoch(self, value: ConsumerGroupTargetAssignmentMetadataValue | None) -> None:
        self.target_epoch = 0 if value is None else value.assignment_epoch
        self.target_ms = 0 if value is None else value.assignment_timestamp
        self.reconciled = {each for each in self.currents if self._is_reconciled(each)}

    def _apply_member(self, member_id: str, value: ConsumerGroupMemberMetadataValue | None) -> None:
        before = self.members.get(member_id)
        instance_id = None if before is None else before.instance_id
        if instance_id is not None and self.instances.get(instance_id) == member_id:
            del self.instances[instance_id]
        if value is None:
            self.members.pop(member_id, None)
            self.reconciled.discard(member_id)
            return
        member = self.members[member_id] = Member.of(member_id, value)
        if member.instance_id is not None:
            self.instances[member.instance_id] = member_id
        if self._is_reconciled(member_id):
            self.reconciled.add(member_id)

    def _apply_current(self, member_id: str, value: ConsumerGroupCurrentMemberAssignmentValue | None) -> None:
        before = self.currents.pop(member_id, None)
        if before is not None:
            for topic_id, index in _places(before):
                indexes = self.holders[topic_id]
                if indexes.get(index) == member_id:
                    del indexes[index]
                    if not indexes:
                        del self.holders[topic_id]
        if value is not None:
            current = self.currents[member_id] = _current(value)
            for topic_id, index in _places(current):
                self.holders.setdefault(topic_id, {})[index] = member_id
        if self._is_reconciled(member_id):
            self.reconciled.add(member_id)
        else:
            self.reconciled.discard(member_id)

    def _is_reconciled(self, member_id: str) -> bool:
        current = self.currents.get(member_id)
        return member_id in self.members and current is not None and current.is_at(self.target_epoch)

    def target(self, member_id: str) -> Assignment:
        return self.targets.get(member_id, NOTHING)


def _places(current: Current) -> Iterator[tuple[bytes, int]]:
    for held in (current.assigned, current.revoking):
        for topic_id, indexes in held.items():
            for index in indexes:
                yield topic_id, index


def _current(value: ConsumerGroupCurrentMemberAssignmentValue) -> Current:
    return Current(
        value.member_epoch,
        value.previous_member_epoch,
        MemberState(value.state),
        _held(value.assigned_partitions, value.member_epoch),
        _held(value.partitions_pending_revocation, value.member_epoch),
    )


def _held(topics: list[TopicPartitions], epoch: int) -> Held:
    """Records of older brokers do not say since when; then it is since the member's own epoch."""
    held: dict[bytes, Mapping[int, int]] = {}
    for topic in topics:
        epochs = topic.assignment_epochs or [epoch] * len(topic.partitions)
        if topic.partitions:
            held[topic.topic_id] = dict(zip(topic.partitions, epochs, strict=True))
    return held
