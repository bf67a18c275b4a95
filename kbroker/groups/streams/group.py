"""A streams group as the log knows it: everything durable, changed by `apply` alone.

    epoch, validated_epoch, configs    counts what has changed; the topology epoch for which all topics were found in
                                       order, or -1; the configs that the target was computed with   (record type 17)
    members                            who they are                                                  (19)
    target_epoch, target_ms            the epoch that the target assignment was computed for         (20)
    targets                            which tasks each member is to have                            (21)
    currents                           where each member stands, and which tasks it has              (22)
    topology                           what the application is made of                               (23)

Derived from these and kept along: who holds which task (or is still to give it up), `instances`, `reconciled`,
`readers`. Nothing of it is written.

Not durable, as in Apache Kafka: `seen` and `configured`, the picture of the topics last looked at and what it means for
the topology; `offsets` and `end_offsets`, how far the members say their copies of states are; `endpoint_epoch`, which
counts changes of where tasks can be asked; `shutdown_by`, who has asked all others to stop; and `waits`, since when
members wait for whom, which is told when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.streams.configure import Configured
from kbroker.groups.streams.member import Member
from kbroker.groups.streams.reconcile import NEW, Current
from kbroker.groups.streams.states import GroupState, MemberState, state_of
from kbroker.groups.streams.tasks import NOTHING, Held, Task, Tasks, of_wire
from kbroker.groups.streams.topology import Topology
from kbroker.machine import Record
from wire.durable.streams import (
    CurrentTaskIds,
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMemberMetadataValue,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberValue,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
    StreamsGroupTopologyValue,
)

TYPE = "streams"
FIRST_EPOCH = 1
"""Of a group that is made; the first member that joins makes it the next."""

NOT_VALIDATED = -1

KEYS = (
    StreamsGroupMetadataKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupTopologyKey,
)

Offsets = Mapping[Task, int]


class StreamsGroup:
    __slots__ = (
        "configs",
        "configured",
        "currents",
        "end_offsets",
        "endpoint_epoch",
        "epoch",
        "exists",
        "fingerprint",
        "has_target",
        "holders",
        "id",
        "instances",
        "members",
        "offsets",
        "readers",
        "reconciled",
        "seen",
        "shutdown_by",
        "since_ms",
        "target_epoch",
        "target_ms",
        "targets",
        "topology",
        "validated_epoch",
        "waits",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.exists = False  # the log has its epoch, without which the rest is a remainder
        self.epoch = FIRST_EPOCH
        self.fingerprint = 0
        self.validated_epoch = NOT_VALIDATED
        self.configs: Mapping[str, str] = {}
        self.since_ms = -1  # when the epoch was written
        self.members: dict[str, Member] = {}
        self.has_target = False  # the log has its epoch
        self.target_epoch = FIRST_EPOCH
        self.target_ms = 0
        self.targets: dict[str, Tasks] = {}
        self.currents: dict[str, Current] = {}
        self.topology: Topology | None = None
        self.readers: Mapping[str, str] = {}
        self.instances: dict[str, str] = {}
        self.holders = TaskHolders(self.members)
        self.reconciled: set[str] = set()
        self.seen: Metadata | None = None
        self.configured: Configured | None = None
        self.offsets: dict[str, Offsets] = {}
        self.end_offsets: dict[str, Offsets] = {}
        self.endpoint_epoch = 0
        self.shutdown_by: str | None = None
        self.waits: dict[str, tuple[int, str]] = {}

    @property
    def state(self) -> GroupState:
        is_ready = self.topology is not None and self.topology.epoch == self.validated_epoch
        return state_of(self.epoch, self.target_epoch, is_ready, len(self.members), len(self.reconciled))

    @property
    def is_vacant(self) -> bool:
        return not self.members

    @property
    def is_forgotten(self) -> bool:
        """Nothing of it is in the log any more."""
        return not (self.exists or self.members or self.targets or self.currents or self.topology or self.has_target)

    def target(self, member_id: str) -> Tasks:
        return self.targets.get(member_id, NOTHING)

    def is_subscribed(self, topic: str) -> bool:
        return bool(self.members) and topic in self.readers

    def is_classic(self, member_id: str) -> bool:
        return False

    def is_member(self, member_id: str, epoch: int) -> bool:
        return member_id in self.members and self.currents.get(member_id, NEW).epoch == epoch

    def may_commit(self, member_id: str, epoch: int, topic: str, topic_id: bytes, index: int) -> bool:
        """A member commits in its epoch; or in an earlier one, if it has had the task that reads the partition since
        then. So a commit that crosses a heartbeat on its way is not lost.
        """
        current = self.currents.get(member_id, NEW)
        if epoch == current.epoch:
            return True
        task = (self.readers.get(topic, ""), index)
        given = current.assigned.active.get(task, current.revoking.active.get(task))
        return given is not None and given <= epoch < current.epoch

    # --- the only writer --------------------------------------------------------------------------------------------

    def apply(self, record: Record, timestamp_ms: int) -> None:
        key, value = record.key, record.value
        if isinstance(key, StreamsGroupMetadataKey):
            assert value is None or isinstance(value, StreamsGroupMetadataValue)
            self._apply_epoch(value, timestamp_ms)
        elif isinstance(key, StreamsGroupMemberMetadataKey):
            assert value is None or isinstance(value, StreamsGroupMemberMetadataValue)
            self._apply_member(key.member_id, value)
        elif isinstance(key, StreamsGroupTargetAssignmentMetadataKey):
            assert value is None or isinstance(value, StreamsGroupTargetAssignmentMetadataValue)
            self._apply_target_epoch(value)
        elif isinstance(key, StreamsGroupTargetAssignmentMemberKey):
            assert value is None or isinstance(value, StreamsGroupTargetAssignmentMemberValue)
            if value is None:
                self.targets.pop(key.member_id, None)
            else:
                self.targets[key.member_id] = Tasks(
                    of_wire(value.active_tasks), of_wire(value.standby_tasks), of_wire(value.warmup_tasks)
                )
        elif isinstance(key, StreamsGroupCurrentMemberAssignmentKey):
            assert value is None or isinstance(value, StreamsGroupCurrentMemberAssignmentValue)
            self._apply_current(key.member_id, value)
        elif isinstance(key, StreamsGroupTopologyKey):
            assert value is None or isinstance(value, StreamsGroupTopologyValue)
            self.topology = None if value is None else Topology.of_wire(value)
            self.readers = {} if self.topology is None else self.topology.readers()

    def _apply_epoch(self, value: StreamsGroupMetadataValue | None, timestamp_ms: int) -> None:
        self.exists = value is not None
        self.epoch = FIRST_EPOCH if value is None else value.epoch
        self.fingerprint = 0 if value is None else value.metadata_hash
        self.validated_epoch = NOT_VALIDATED if value is None else value.validated_topology_epoch
        configs = None if value is None else value.last_assignment_configs
        self.configs = {each.key: each.value for each in configs or ()}
        self.since_ms = timestamp_ms

    def _apply_target_epoch(self, value: StreamsGroupTargetAssignmentMetadataValue | None) -> None:
        self.has_target = value is not None
        self.target_epoch = FIRST_EPOCH if value is None else value.assignment_epoch
        self.target_ms = 0 if value is None else value.assignment_timestamp
        self.reconciled = {each for each in self.currents if self._is_reconciled(each)}

    def _apply_member(self, member_id: str, value: StreamsGroupMemberMetadataValue | None) -> None:
        before = self.members.get(member_id)
        instance_id = None if before is None else before.instance_id
        if instance_id is not None and self.instances.get(instance_id) == member_id:
            del self.instances[instance_id]
        if value is None:
            self.members.pop(member_id, None)
            self.reconciled.discard(member_id)
            self.offsets.pop(member_id, None)
            self.end_offsets.pop(member_id, None)
            if not self.members:
                self.shutdown_by = None
            return
        member = self.members[member_id] = Member.of(member_id, value)
        if member.instance_id is not None:
            self.instances[member.instance_id] = member_id
        if self._is_reconciled(member_id):
            self.reconciled.add(member_id)

    def _apply_current(self, member_id: str, value: StreamsGroupCurrentMemberAssignmentValue | None) -> None:
        before = self.currents.pop(member_id, None)
        if before is not None:
            self.holders.let_go(member_id, before)
        if value is not None:
            current = self.currents[member_id] = _current(value)
            self.holders.take(member_id, current)
        if self._is_reconciled(member_id):
            self.reconciled.add(member_id)
        else:
            self.reconciled.discard(member_id)

    def _is_reconciled(self, member_id: str) -> bool:
        current = self.currents.get(member_id)
        return member_id in self.members and current is not None and current.is_at(self.target_epoch)


class TaskHolders:
    """Which member has each task, or is still to give it up, by role; and so which process (reconcile.Holders)."""

    __slots__ = ("_members", "by_role")

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._members = members
        self.by_role: tuple[dict[Task, set[str]], dict[Task, set[str]], dict[Task, set[str]]] = ({}, {}, {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskHolders) and self.by_role == other.by_role

    def active(self, task: Task) -> str | None:
        return next(iter(self._processes(0, task)), None)

    def standby(self, task: Task) -> Set[str]:
        return self._processes(1, task)

    def warmup(self, task: Task) -> Set[str]:
        return self._processes(2, task)

    def of_active(self, tasks: Iterable[Task]) -> set[str]:
        """The members that run any of these."""
        return {member_id for task in tasks for member_id in self.by_role[0].get(task, ())}

    def _processes(self, role: int, task: Task) -> Set[str]:
        holders = self.by_role[role].get(task, ())
        return {self._members[each].process_id if each in self._members else "" for each in holders}

    def take(self, member_id: str, current: Current) -> None:
        for holders, task in self._places(current):
            holders.setdefault(task, set()).add(member_id)

    def let_go(self, member_id: str, current: Current) -> None:
        for holders, task in self._places(current):
            there = holders.get(task)
            if there is not None:
                there.discard(member_id)
                if not there:
                    del holders[task]

    def _places(self, current: Current) -> Iterator[tuple[dict[Task, set[str]], Task]]:
        for held in (current.assigned, current.revoking):
            for holders, tasks in zip(self.by_role, held, strict=True):
                for task in tasks:
                    yield holders, task


def _current(value: StreamsGroupCurrentMemberAssignmentValue) -> Current:
    return Current(
        value.member_epoch,
        value.previous_member_epoch,
        MemberState(value.state),
        Held(_since(value.active_tasks, value.member_epoch), of_wire(value.standby_tasks), of_wire(value.warmup_tasks)),
        Held(
            _since(value.active_tasks_pending_revocation, value.member_epoch),
            of_wire(value.standby_tasks_pending_revocation),
            of_wire(value.warmup_tasks_pending_revocation),
        ),
    )


def _since(lists: list[CurrentTaskIds], epoch: int) -> Mapping[Task, int]:
    """Records of older brokers do not say since when; then it is since the member's own epoch."""
    since: dict[Task, int] = {}
    for each in lists:
        epochs = each.assignment_epochs or [epoch] * len(each.partitions)
        for index, given in zip(each.partitions, epochs, strict=True):
            since[each.subtopology_id, index] = given
    return since
