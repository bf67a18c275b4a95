"""What one step makes of a share group: reads as the group will be, and writes the records that make it so.

The group itself changes when its records are applied. Until then a step that changes two things must see the first
when it does the second: so everything that may change in a step is held here. Records go out in Kafka's order; what is
as it was is not written again.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbroker.groups.consumer.assignment import NOTHING, Assignment
from kbroker.groups.share.group import Current, Kept, Member, ShareGroup, kept_value
from kbroker.groups.turn import Turn
from kbroker.machine import Record
from wire.durable.share import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey,
    ShareGroupMemberMetadataValue,
    ShareGroupMetadataKey,
    ShareGroupMetadataValue,
    ShareGroupStatePartitionMetadataKey,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
    TopicPartition,
    TopicPartitions,
)
from wire.schema import Key, Value

STABLE = 0
"""The only state of a member that is written: Kafka's byte, shared with consumer groups."""


class Change:
    __slots__ = (
        "currents",
        "epoch",
        "fingerprint",
        "group",
        "initialized",
        "initializing",
        "members",
        "target_epoch",
        "target_ms",
        "targets",
        "turn",
    )

    def __init__(self, group: ShareGroup, turn: Turn) -> None:
        self.group = group
        self.turn = turn
        self.epoch = group.epoch
        self.fingerprint = group.fingerprint
        self.target_epoch = group.target_epoch
        self.target_ms = group.target_ms
        self.members: dict[str, Member] = dict(group.members)
        self.targets: dict[str, Assignment] = dict(group.targets)
        self.currents: dict[str, Current] = dict(group.currents)
        self.initializing: Mapping[bytes, Kept] = group.initializing
        self.initialized: Mapping[bytes, Kept] = group.initialized

    @property
    def id(self) -> str:
        return self.group.id

    def target(self, member_id: str) -> Assignment:
        return self.targets.get(member_id, NOTHING)

    def _write(self, key: Key, value: Value | None) -> None:
        self.turn.records.append(Record(key, value))

    def put_member(self, member: Member) -> None:
        self.members[member.id] = member
        value = ShareGroupMemberMetadataValue(
            rack_id=member.rack_id,
            client_id=member.client_id,
            client_host=member.client_host,
            subscribed_topic_names=list(member.topics),
        )
        self._write(ShareGroupMemberMetadataKey(group_id=self.id, member_id=member.id), value)

    def remove_member(self, member_id: str) -> None:
        if self.currents.pop(member_id, None) is not None:
            self._write(ShareGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), None)
        if self.targets.pop(member_id, None) is not None:
            self._write(ShareGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), None)
        if self.members.pop(member_id, None) is not None:
            self._write(ShareGroupMemberMetadataKey(group_id=self.id, member_id=member_id), None)

    def put_epoch(self, epoch: int, fingerprint: int) -> None:
        self.epoch, self.fingerprint = epoch, fingerprint
        value = ShareGroupMetadataValue(epoch=epoch, metadata_hash=fingerprint)
        self._write(ShareGroupMetadataKey(group_id=self.id), value)

    def put_targets(self, targets: Mapping[str, Assignment]) -> None:
        """The members' targets, of which only those that have changed are written."""
        for member_id, target in targets.items():
            if self.targets.get(member_id) == target:
                continue
            self.targets[member_id] = target
            value = ShareGroupTargetAssignmentMemberValue(
                topic_partitions=[
                    TopicPartition(topic_id=topic_id, partitions=sorted(partitions))
                    for topic_id, partitions in target.items()
                ]
            )
            self._write(ShareGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), value)

    def put_target_epoch(self, epoch: int, at_ms: int) -> None:
        self.target_epoch, self.target_ms = epoch, at_ms
        value = ShareGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=at_ms)
        self._write(ShareGroupTargetAssignmentMetadataKey(group_id=self.id), value)

    def put_current(self, member_id: str, current: Current) -> None:
        self.currents[member_id] = current
        value = ShareGroupCurrentMemberAssignmentValue(
            member_epoch=current.epoch,
            previous_member_epoch=current.previous_epoch,
            state=STABLE,
            assigned_partitions=[
                TopicPartitions(topic_id=topic_id, partitions=sorted(partitions))
                for topic_id, partitions in current.assigned.items()
            ],
        )
        self._write(ShareGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), value)

    def put_kept(self, initializing: Mapping[bytes, Kept], initialized: Mapping[bytes, Kept]) -> None:
        self.initializing, self.initialized = initializing, initialized
        value = kept_value(initializing, initialized)
        self._write(ShareGroupStatePartitionMetadataKey(group_id=self.id), value)

    def forget(self) -> None:
        """The group is gone."""
        for member_id in list(dict.fromkeys([*self.members, *self.targets, *self.currents])):
            self.remove_member(member_id)
        if self.target_epoch:
            self._write(ShareGroupTargetAssignmentMetadataKey(group_id=self.id), None)
        if self.initializing or self.initialized:
            self._write(ShareGroupStatePartitionMetadataKey(group_id=self.id), None)
        self._write(ShareGroupMetadataKey(group_id=self.id), None)
