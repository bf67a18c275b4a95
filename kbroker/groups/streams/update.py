"""What follows when something has changed: the group epoch, the target assignment, and one member's next step.

    a member comes, goes, or says something else about itself  -.
    a topic that the topology needs comes, grows or goes         |-> group epoch + 1 --> target assignment of that epoch
    the configs of the assignment are others                    -'
                                                                    each member's heartbeat: reconcile.py, one step

Topics are looked at when a member's heartbeat brings another picture of them than the one before. While the topology is
not in order, the target is that nobody has tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kbroker.groups.events import RebalanceExpired, SessionExpired, StreamsDelayOver
from kbroker.groups.history import What, listed
from kbroker.groups.streams.assignor import Subtopology, Worker, assign
from kbroker.groups.streams.change import Change
from kbroker.groups.streams.configure import Configured, configure
from kbroker.groups.streams.group import NOT_VALIDATED
from kbroker.groups.streams.reconcile import Current, reconcile
from kbroker.groups.streams.settings import STANDBY_REPLICAS, StreamsSettings
from kbroker.groups.streams.states import MemberState
from kbroker.groups.streams.tasks import NOTHING, Tasks
from kbroker.groups.streams.topology import Topology
from kbroker.groups.turn import Turn

DELAYED_AT_FIRST = "Assignment delayed due to the configured initial rebalance delay."
DELAYED_BY_INTERVAL = "Assignment delayed due to the configured assignment interval."


class Look(NamedTuple):
    """What the topics mean for a topology."""

    fingerprint: int
    configured: Configured

    @property
    def validated_epoch(self) -> int:
        return self.configured.epoch if self.configured.is_ready else NOT_VALIDATED


def look(change: Change, topology: Topology) -> Look:
    """The group is compared with the topics when that is called for, not with every heartbeat: when it has no picture
    of them yet, or another one than it has seen. Raises KafkaError(STREAMS_INVALID_TOPOLOGY).
    """
    group, metadata = change.group, change.turn.metadata
    is_same = group.topology is not None
    if is_same and group.configured is not None and group.seen is metadata:
        return Look(group.fingerprint, group.configured)
    fingerprint = metadata.fingerprint(topology.required_topics())
    if is_same and group.configured is not None and fingerprint == group.fingerprint:
        return Look(fingerprint, group.configured)
    return Look(fingerprint, configure(topology, metadata))


def follow(change: Change, found: Look, settings: StreamsSettings, changed: str) -> str | None:
    """A new group epoch if anything has changed, and the target assignment for it. `changed` says what, if anything.
    Says so when the assignment must wait.
    """
    group = change.group
    configs = settings.for_assignment()
    changed = changed or _what_else(change, found, configs)
    if changed:
        change.put_epoch(found.fingerprint, found.validated_epoch, configs)
        change.turn.tell(change.id, What.EPOCH, f"{change.epoch}: {changed}")
    group.seen, group.configured = change.turn.metadata, found.configured
    if group.is_vacant and settings.initial_rebalance_delay_ms > 0 and change.id not in change.delayed:
        at = change.turn.now + settings.initial_rebalance_delay_ms
        change.turn.set_timer(("delay", change.id), at, StreamsDelayOver(change.id))
        change.delayed.add(change.id)
    if change.id in change.delayed:
        return DELAYED_AT_FIRST
    if change.epoch <= change.target_epoch:
        return None
    if change.target_ms and change.turn.now < change.target_ms + settings.assignment_interval_ms:
        return DELAYED_BY_INTERVAL
    retarget(change, found.configured, configs)
    return None


def _what_else(change: Change, found: Look, configs: Mapping[str, str]) -> str:
    """What has changed that no member has brought."""
    group = change.group
    if found.fingerprint != group.fingerprint:
        topics = set() if change.topology is None else change.topology.required_topics()
        return change.turn.metadata.difference(group.seen, topics)
    if found.validated_epoch != group.validated_epoch:
        problem = found.configured.problem
        return "all topics are in order" if problem is None else problem.text
    return "" if configs == group.configs else f"the assignment is to have other configs: {configs}"


def retarget(change: Change, configured: Configured, configs: Mapping[str, str]) -> None:
    targets: dict[str, Tasks] = dict.fromkeys(change.members, NOTHING)
    if configured.is_ready:
        assert configured.subtopologies is not None
        targets = assign(
            {
                member.id: Worker(
                    member.process_id, change.current(member.id).assigned, change.group.offsets.get(member.id, {})
                )
                for member in change.members.values()
            },
            {name: Subtopology(each.tasks, bool(each.changelogs)) for name, each in configured.subtopologies.items()},
            int(configs[STANDBY_REPLICAS]),
        )
    change.put_targets(
        {
            member_id: target
            for member_id, target in targets.items()
            if member_id not in change.targets or change.targets[member_id] != target
        }
    )
    change.put_target_epoch(change.epoch, change.turn.now)
    change.turn.tell(change.id, What.ASSIGNED, f"epoch {change.epoch}, to {len(targets)} members")


def advance(change: Change, member_id: str, owned: Tasks | None) -> Current:
    """The member's next step towards its target. While it is told to give tasks up, the rebalance timeout runs. While
    the first assignment waits for company, nobody has a target.
    """
    before = change.current(member_id)
    target = NOTHING if change.id in change.delayed else change.target(member_id)
    process_id = change.members[member_id].process_id
    after = reconcile(before, change.target_epoch, target, owned, process_id, change.group.holders)
    if after != before:
        change.put_current(member_id, after)
        watch_revocation(change, member_id, after)
        _tell_step(change, member_id, before, after)
    return after


def _tell_step(change: Change, member_id: str, before: Current, after: Current) -> None:
    """What the member has to give up, and for whom it has waited."""
    group, turn = change.group, change.turn
    if after.revoking and after.revoking != before.revoking:
        count = sum([len(tasks) for tasks in after.revoking])
        turn.tell(change.id, What.REVOKES, f"{count} tasks, for epoch {change.target_epoch}", member_id)
    if after.state is MemberState.UNRELEASED_TASKS:
        missing = change.target(member_id).active - after.assigned.active.keys()
        group.waits.setdefault(member_id, (turn.now, listed(group.holders.of_active(missing) - {member_id})))
    elif member_id in group.waits:
        since, holders = group.waits.pop(member_id)
        text = f"{turn.now - since} ms for {holders or 'its own process'} to give up tasks"
        turn.tell(change.id, What.WAITED, text, member_id)


def watch_revocation(change: Change, member_id: str, current: Current) -> None:
    key = ("rebalance", change.id, member_id)
    if current.state is MemberState.UNREVOKED_TASKS:
        at = change.turn.now + change.members[member_id].rebalance_timeout_ms
        change.turn.set_timer(key, at, RebalanceExpired(change.id, member_id, current.epoch))
    else:
        change.turn.cancel_timer(key)


def watch_session(group_id: str, member_id: str, timeout_ms: int, turn: Turn) -> None:
    event = SessionExpired(group_id, member_id, timeout_ms)
    turn.set_timer(("session", group_id, member_id), turn.now + timeout_ms, event)


def unwatch(change: Change, member_id: str) -> None:
    for timer in ("session", "rebalance"):
        change.turn.cancel_timer((timer, change.id, member_id))
    change.group.waits.pop(member_id, None)


def remove(change: Change, member_ids: Iterable[str]) -> None:
    """Members are gone for good. What they had is free at once; who gets it is decided at the next heartbeat."""
    for member_id in member_ids:
        unwatch(change, member_id)
        change.remove_member(member_id)
    group = change.group
    change.put_epoch(group.fingerprint, group.validated_epoch, group.configs)
    change.turn.tell(change.id, What.EPOCH, f"{change.epoch}: {len(change.members)} members are left")
    if not change.members:
        change.put_target_epoch(change.epoch, 0)
