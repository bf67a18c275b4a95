"""What one step makes of a group: reads as the group will be, and writes the records that make it so.

The group itself changes when its records are applied. Until then a step that changes two things must see the first when
it does the second: so everything that may change in a step is held here, shared with the group until it does.

Records go out in Kafka's order; what is as it was is not written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kbroker.groups.consumer.assignment import NOTHING, Assignment, Held
from kbroker.groups.consumer.group import ConsumerGroup, Resolved
from kbroker.groups.consumer.member import Member
from kbroker.groups.consumer.reconcile import Current
from kbroker.groups.turn import Turn
from kbroker.machine import Record
from wire.durable.groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
    TopicPartition,
    TopicPartitions,
)
from wire.schema import Key, Value

V = TypeVar("V")


class Change:
    __slots__ = (
        "currents",
        "epoch",
        "fingerprint",
        "group",
        "members",
        "regexes",
        "target_epoch",
        "target_ms",
        "targets",
        "turn",
    )

    def __init__(self, group: ConsumerGroup, turn: Turn) -> None:
        self.group = group
        self.turn = turn
        self.epoch = group.epoch
        self.fingerprint = group.fingerprint
        self.target_epoch = group.target_epoch
        self.target_ms = group.target_ms
        self.members: Mapping[str, Member] = group.members
        self.targets: Mapping[str, Assignment] = group.targets
        self.currents: Mapping[str, Current] = group.currents
        self.regexes: Mapping[str, Resolved] = group.regexes

    @property
    def id(self) -> str:
        return self.group.id

    def subscriptions(self, member: Member) -> frozenset[str]:
        resolved = self.regexes.get(member.regex)
        return frozenset(member.topics) if resolved is None else resolved.topics.union(member.topics)

    def target(self, member_id: str) -> Assignment:
        return self.targets.get(member_id, NOTHING)

    def _write(self, key: Key, value: Value | None) -> None:
        self.turn.records.append(Record(key, value))

    # --- members ----------------------------------------------------------------------------------------------------

    def put_member(self, member: Member) -> None:
        self.members = {**self.members, member.id: member}
        self._write(ConsumerGroupMemberMetadataKey(group_id=self.id, member_id=member.id), member.value())

    def remove_member(self, member_id: str) -> None:
        """With all that it has: whatever it owned is free."""
        if member_id in self.currents:
            self.currents = _without(self.currents, member_id)
            self._write(ConsumerGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), None)
        if member_id in self.targets:
            self.targets = _without(self.targets, member_id)
            self._write(ConsumerGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), None)
        if member_id in self.members:
            self.members = _without(self.members, member_id)
            self._write(ConsumerGroupMemberMetadataKey(group_id=self.id, member_id=member_id), None)

    # --- epochs and assignments -------------------------------------------------------------------------------------

    def put_epoch(self, epoch: int, fingerprint: int) -> None:
        self.epoch, self.fingerprint = epoch, fingerprint
        value = ConsumerGroupMetadataValue(epoch=epoch, metadata_hash=fingerprint)
        self._write(ConsumerGroupMetadataKey(group_id=self.id), value)

    def put_targets(self, targets: Mapping[str, Assignment]) -> None:
        """The members' targets that have changed."""
        self.targets = {**self.targets, **targets}
        for member_id, target in targets.items():
            value = ConsumerGroupTargetAssignmentMemberValue(
                topic_partitions=[
                    TopicPartition(topic_id=topic_id, partitions=sorted(partitions))
                    for topic_id, partitions in target.items()
                ]
            )
            self._write(ConsumerGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), value)

    def put_target_epoch(self, epoch: int, at_ms: int) -> None:
        self.target_epoch, self.target_ms = epoch, at_ms
        value = ConsumerGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=at_ms)
        self._write(ConsumerGroupTargetAssignmentMetadataKey(group_id=self.id), value)

    def put_current(self, member_id: str, current: Current) -> None:
        self.currents = {**self.currents, member_id: current}
        value = ConsumerGroupCurrentMemberAssignmentValue(
            member_epoch=current.epoch,
            previous_member_epoch=current.previous_epoch,
            state=current.state,
            assigned_partitions=_of_held(current.assigned),
            partitions_pending_revocation=_of_held(current.revoking),
        )
        self._write(ConsumerGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), value)

    # --- patterns ---------------------------------------------------------------------------------------------------

    def put_regex(self, regex: str, resolved: Resolved) -> None:
        self.regexes = {**self.regexes, regex: resolved}
        value = ConsumerGroupRegularExpressionValue(
            topics=sorted(resolved.topics), version=resolved.version, timestamp=resolved.timestamp_ms
        )
        self._write(ConsumerGroupRegularExpressionKey(group_id=self.id, regular_expression=regex), value)

    def drop_unused_regexes(self) -> None:
        used = {member.regex for member in self.members.values()}
        for regex in [regex for regex in self.regexes if regex not in used]:
            self.regexes = _without(self.regexes, regex)
            self._write(ConsumerGroupRegularExpressionKey(group_id=self.id, regular_expression=regex), None)

    def forget(self) -> None:
        """The group is gone, or becomes one of another type."""
        for member_id in list(dict.fromkeys([*self.members, *self.targets, *self.currents])):
            self.remove_member(member_id)
        self.drop_unused_regexes()
        if self.target_epoch:
            self._write(ConsumerGroupTargetAssignmentMetadataKey(group_id=self.id), None)
        self._write(ConsumerGroupMetadataKey(group_id=self.id), None)


def _without(items: Mapping[str, V], key: str) -> dict[str, V]:
    return {each: value for each, value in items.items() if each != key}


def _of_held(held: Held) -> list[TopicPartitions]:
    return [
        TopicPartitions(
            topic_id=topic_id, partitions=sorted(epochs), assignment_epochs=[epochs[index] for index in sorted(epochs)]
        )
        for topic_id, epochs in held.items()
    ]
