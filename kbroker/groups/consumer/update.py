"""What follows when something has changed: the group epoch, the target assignment, and one member's next step.

    a member comes, goes, or subscribes to something else  -.
    a topic that is read comes, grows or goes               |-> group epoch + 1 --> target assignment of that epoch
    a pattern stands for other topics                      -'
                                                                each member's heartbeat: reconcile.py, one step

Topics are looked at when a member's heartbeat brings another picture of them than the one before.
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.groups.consumer.assignment import Assignment
from kbroker.groups.consumer.assignors import ASSIGNORS, Subscriber
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.group import Resolved
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.consumer.reconcile import NEW, Current, reconcile
from kbroker.groups.consumer.states import MemberState
from kbroker.groups.events import RebalanceExpired, SessionExpired
from kbroker.groups.history import What, listed
from kbroker.groups.turn import Turn
from kbroker.pattern_syntax import InvalidPattern
from kbroker.patterns import Pattern
from wire.errors import ErrorCode, KafkaError


def compile_pattern(regex: str) -> Pattern:
    try:
        return Pattern(regex)
    except InvalidPattern as error:
        raise KafkaError(
            ErrorCode.INVALID_REGULAR_EXPRESSION,
            f"SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}.",
        ) from None


def follow(change: Change, changed: str) -> None:
    """A new group epoch if anything has changed, and the target assignment for it. `changed` says what, if anything.

    The group is compared with the topics when that is called for, not with every heartbeat: `changed`, or another
    picture of the topics than the group has seen.
    """
    group, metadata = change.group, change.turn.metadata
    if changed or group.seen is not metadata:
        if _resolve(change, metadata):
            changed = changed or "a pattern stands for other topics"
        names = {name for member in change.members.values() for name in change.subscriptions(member)}
        fingerprint = metadata.fingerprint(names)
        if fingerprint != change.fingerprint:
            changed = changed or metadata.difference(group.seen, names)
        if changed:
            change.put_epoch(change.epoch + 1, fingerprint)
            change.turn.tell(change.id, What.EPOCH, f"{change.epoch}: {changed}")
        group.seen = metadata
    now = change.turn.now
    if change.epoch > change.target_epoch and now >= change.target_ms + change.turn.settings.assignment_interval_ms:
        _retarget(change, metadata)


def _resolve(change: Change, metadata: Metadata) -> bool:
    """Which topics do the members' patterns stand for? True if one of them stands for others than before."""
    change.drop_unused_regexes()
    has_changed = False
    for regex in dict.fromkeys([member.regex for member in change.members.values() if member.regex]):
        known = change.regexes.get(regex)
        if known is not None and change.group.seen is metadata:
            continue
        pattern = compile_pattern(regex)
        topics = frozenset([name for name in metadata.by_name if pattern.matches(name)])
        if known is None or known.topics != topics:
            change.put_regex(regex, Resolved(topics, change.epoch, change.turn.now))
            has_changed = True
    return has_changed


def assignor_of(change: Change) -> str:
    """The one that most members ask for; without a wish the first of the config."""
    wishes: dict[str, int] = {}
    for member in change.members.values():
        if member.assignor is not None:
            wishes[member.assignor] = wishes.get(member.assignor, 0) + 1
    return max(wishes, key=wishes.__getitem__, default=change.turn.settings.assignors[0])


def _retarget(change: Change, metadata: Metadata) -> None:
    subscribers = {
        member.id: Subscriber(
            frozenset([metadata.by_name[name].id for name in change.subscriptions(member) if name in metadata.by_name]),
            change.target(member.id),
            member.instance_id,
        )
        for member in change.members.values()
    }
    counts = {topic.id: topic.partitions for topic in metadata.by_id.values()}
    targets = ASSIGNORS[assignor_of(change)](subscribers, counts)
    change.put_targets(
        {
            member_id: target
            for member_id, target in targets.items()
            if member_id not in change.targets or change.targets[member_id] != target
        }
    )
    change.put_target_epoch(change.epoch, change.turn.now)
    change.turn.tell(change.id, What.ASSIGNED, f"epoch {change.epoch}, to {len(targets)} members")


def advance(change: Change, member_id: str, owned: Assignment | None) -> Current:
    """The member's next step towards its target. While it is told to give partitions up, the rebalance timeout runs."""
    before = change.currents.get(member_id, NEW)
    after = reconcile(before, change.target_epoch, change.target(member_id), owned, change.group.is_free)
    if after != before:
        change.put_current(member_id, after)
        watch_revocation(change, member_id, after)
        tell_step(change, member_id, before, after)
    return after


def tell_step(change: Change, member_id: str, before: Current, after: Current) -> None:
    """What the member has to give up, and for whom it has waited."""
    group, turn = change.group, change.turn
    if after.revoking and after.revoking != before.revoking:
        count = sum([len(indexes) for indexes in after.revoking.values()])
        turn.tell(change.id, What.REVOKES, f"{count} partitions, for epoch {change.target_epoch}", member_id)
    if after.state is MemberState.UNRELEASED_PARTITIONS:
        holders = {
            group.holders[topic_id][index]
            for topic_id, indexes in change.target(member_id).items()
            for index in indexes
            if not group.is_free(topic_id, index)
        } - {member_id}
        group.waits.setdefault(member_id, (turn.now, listed(holders)))
    elif member_id in group.waits:
        since, holders_then = group.waits.pop(member_id)
        turn.tell(change.id, What.WAITED, f"{turn.now - since} ms for {holders_then} to give up partitions", member_id)


def watch_revocation(change: Change, member_id: str, current: Current) -> None:
    key = ("rebalance", change.id, member_id)
    if current.state is MemberState.UNREVOKED_PARTITIONS:
        timeout_ms = change.members[member_id].rebalance_timeout_ms
        event = RebalanceExpired(change.id, member_id, current.epoch)
        change.turn.set_timer(key, change.turn.now + timeout_ms, event)
    else:
        change.turn.cancel_timer(key)


def watch_session(group_id: str, member_id: str, timeout_ms: int, turn: Turn) -> None:
    event = SessionExpired(group_id, member_id, timeout_ms)
    turn.set_timer(("session", group_id, member_id), turn.now + timeout_ms, event)


def unwatch(change: Change, member_id: str) -> None:
    for timer in ("session", "rebalance", "rejoin", "sync"):
        change.turn.cancel_timer((timer, change.id, member_id))
    change.group.waits.pop(member_id, None)
    change.group.called.discard(member_id)


def remove(change: Change, member_ids: Iterable[str]) -> None:
    """Members are gone for good. What they had is free at once; who gets it is decided at the next heartbeat."""
    for member_id in member_ids:
        unwatch(change, member_id)
        change.remove_member(member_id)
    change.drop_unused_regexes()
    change.turn.tell(change.id, What.EPOCH, f"{change.epoch + 1}: {len(change.members)} members are left")
    if change.members:
        change.put_epoch(change.epoch + 1, change.fingerprint)
    else:
        change.put_epoch(change.epoch + 1, 0)
        change.put_target_epoch(change.epoch, 0)
