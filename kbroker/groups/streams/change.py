"""What one step makes of a streams group: reads as the group will be, and writes the records that make it so.

The group itself changes when its records are applied. Until then a step that changes two things must see the first when
it does the second: so everything that may change in a step is held here, shared with the group until it does.

Records go out in Kafka's order; what is as it was is not written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.streams.member import Member
from kbroker.groups.streams.reconcile import NEW, Current
from kbroker.groups.streams.tasks import NOTHING, Task, Tasks, by_subtopology
from kbroker.groups.streams.topology import Topology
from kbroker.groups.turn import Turn
from kbroker.machine import Record
from wire.durable.streams import (
    CurrentTaskIds,
    LastAssignmentConfig,
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberValue,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
    TargetTaskIds,
)
from wire.schema import Key, Value

V = TypeVar("V")


class Change:
    __slots__ = (
        "currents",
        "delayed",
        "epoch",
        "group",
        "members",
        "target_epoch",
        "target_ms",
        "targets",
        "topology",
        "turn",
    )

    def __init__(self, group: StreamsGroup, turn: Turn, delayed: set[str]) -> None:
        """`delayed` are the groups whose first assignment waits for company."""
        self.group = group
        self.turn = turn
        self.delayed = delayed
        self.epoch = group.epoch
        self.target_epoch = group.target_epoch
        self.target_ms = group.target_ms
        self.members: Mapping[str, Member] = group.members
        self.targets: Mapping[str, Tasks] = group.targets
        self.currents: Mapping[str, Current] = group.currents
        self.topology = group.topology

    @property
    def id(self) -> str:
        return self.group.id

    def target(self, member_id: str) -> Tasks:
        return self.targets.get(member_id, NOTHING)

    def current(self, member_id: str) -> Current:
        return self.currents.get(member_id, NEW)

    def _write(self, key: Key, value: Value | None) -> None:
        self.turn.records.append(Record(key, value))

    # --- members ----------------------------------------------------------------------------------------------------

    def put_member(self, member: Member) -> None:
        self.members = {**self.members, member.id: member}
        self._write(StreamsGroupMemberMetadataKey(group_id=self.id, member_id=member.id), member.value())

    def remove_member(self, member_id: str) -> None:
        """With all that it has: whatever it had is free."""
        if member_id in self.currents:
            self.currents = _without(self.currents, member_id)
            self._write(StreamsGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), None)
        if member_id in self.targets:
            self.targets = _without(self.targets, member_id)
            self._write(StreamsGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), None)
        if member_id in self.members:
            self.members = _without(self.members, member_id)
            self._write(StreamsGroupMemberMetadataKey(group_id=self.id, member_id=member_id), None)

    # --- topology, epochs and assignments ---------------------------------------------------------------------------

    def put_topology(self, topology: Topology) -> None:
        self.topology = topology
        self._write(StreamsGroupTopologyKey(group_id=self.id), topology.value())

    def put_epoch(self, fingerprint: int, validated_epoch: int, configs: Mapping[str, str]) -> None:
        """The next one."""
        self.epoch += 1
        value = StreamsGroupMetadataValue(
            epoch=self.epoch,
            metadata_hash=fingerprint,
            validated_topology_epoch=validated_epoch,
            last_assignment_configs=[
                LastAssignmentConfig(key=key, value=each) for key, each in sorted(configs.items())
            ],
        )
        self._write(StreamsGroupMetadataKey(group_id=self.id), value)

    def put_targets(self, targets: Mapping[str, Tasks]) -> None:
        """The members' targets that have changed."""
        self.targets = {**self.targets, **targets}
        for member_id, target in targets.items():
            value = StreamsGroupTargetAssignmentMemberValue(
                active_tasks=_target(target.active),
                standby_tasks=_target(target.standby),
                warmup_tasks=_target(target.warmup),
            )
            self._write(StreamsGroupTargetAssignmentMemberKey(group_id=self.id, member_id=member_id), value)

    def put_target_epoch(self, epoch: int, at_ms: int) -> None:
        self.target_epoch, self.target_ms = epoch, at_ms
        value = StreamsGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=at_ms)
        self._write(StreamsGroupTargetAssignmentMetadataKey(group_id=self.id), value)

    def put_current(self, member_id: str, current: Current) -> None:
        self.currents = {**self.currents, member_id: current}
        assigned, revoking = current.assigned, current.revoking
        value = StreamsGroupCurrentMemberAssignmentValue(
            member_epoch=current.epoch,
            previous_member_epoch=current.previous_epoch,
            state=current.state,
            active_tasks=_active(assigned.active),
            standby_tasks=_copies(assigned.standby),
            warmup_tasks=_copies(assigned.warmup),
            active_tasks_pending_revocation=_active(revoking.active),
            standby_tasks_pending_revocation=_copies(revoking.standby),
            warmup_tasks_pending_revocation=_copies(revoking.warmup),
        )
        self._write(StreamsGroupCurrentMemberAssignmentKey(group_id=self.id, member_id=member_id), value)

    def forget(self) -> None:
        """The group is gone, or becomes one of another type."""
        for member_id in list(dict.fromkeys([*self.members, *self.targets, *self.currents])):
            self.remove_member(member_id)
        if self.group.has_target:
            self._write(StreamsGroupTargetAssignmentMetadataKey(group_id=self.id), None)
        self._write(StreamsGroupMetadataKey(group_id=self.id), None)
        self._write(StreamsGroupTopologyKey(group_id=self.id), None)


def _without(items: Mapping[str, V], key: str) -> dict[str, V]:
    return {each: value for each, value in items.items() if each != key}


def _target(tasks: Iterable[Task]) -> list[TargetTaskIds]:
    return [TargetTaskIds(subtopology_id=name, partitions=indexes) for name, indexes in by_subtopology(tasks).items()]


def _copies(tasks: Iterable[Task]) -> list[CurrentTaskIds]:
    return [
        CurrentTaskIds(subtopology_id=name, partitions=indexes, assignment_epochs=None)
        for name, indexes in by_subtopology(tasks).items()
    ]


def _active(tasks: Mapping[Task, int]) -> list[CurrentTaskIds]:
    return [
        CurrentTaskIds(
            subtopology_id=name, partitions=indexes, assignment_epochs=[tasks[name, index] for index in indexes]
        )
        for name, indexes in by_subtopology(tasks).items()
    ]
