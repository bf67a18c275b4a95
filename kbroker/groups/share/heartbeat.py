"""ShareGroupHeartbeat: a member joins, stays, changes its mind, or leaves. One request for all of it.

    epoch  0  join, or join again
    epoch >0  the epoch that the member has reached, or the one before if an answer was lost. What it does not say has
              not changed
    epoch -1  leave

The answer has an assignment when it has changed, after joining, and after a request that says what the member
subscribes to, as it does when it has missed an answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from kbroker.groups.consumer.assignment import Assignment
from kbroker.groups.consumer.decisions import unknown_member
from kbroker.groups.events import SessionExpired, ShareHeartbeat
from kbroker.groups.history import What
from kbroker.groups.share.assignor import assign
from kbroker.groups.share.change import Change
from kbroker.groups.share.group import NEW, Current, Kept, Member, joined, without
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode, KafkaError
from wire.messages.share_group_heartbeat import Assignment as AssignmentInResponse
from wire.messages.share_group_heartbeat import ShareGroupHeartbeatResponse, TopicPartitions

JOINING, LEAVING = 0, -1


def enter(change: Change, event: ShareHeartbeat) -> Member:
    """The member as it is from now on, and what follows from that for the group. Raises KafkaError, and then nothing
    has happened.
    """
    request = event.request
    known = change.members.get(request.member_id)
    most = change.turn.settings.share_max_size
    if known is None:
        if request.member_epoch != JOINING:
            raise unknown_member(request.member_id, change.id)
        if len(change.members) >= most:
            text = f"The share group has reached its maximum capacity of {most} members."
            raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, text)
        before = Member(request.member_id, None, "", "")
    else:
        before = known
        if request.member_epoch != JOINING:
            check_epoch(change.currents.get(known.id, NEW), request.member_epoch)
    names = request.subscribed_topic_names
    after = Member(
        before.id,
        before.rack_id if request.rack_id is None else request.rack_id,
        event.client_id,
        event.client_host,
        before.topics if names is None else tuple(sorted(set(names))),
    )
    if after != before or known is None:
        change.put_member(after)
    follow(change, _changed(change, known, after))
    watch_session(change.id, after.id, change.turn)
    return after


def _changed(change: Change, known: Member | None, after: Member) -> str:
    """What of the member makes a new group epoch, if anything."""
    if known is None:
        change.turn.tell(change.id, What.JOINED, f"client {after.client_id} at {after.client_host}", after.id)
        return f"{after.id} has joined"
    return f"{after.id} subscribes to something else" if after.wishes != known.wishes else ""


def check_epoch(current: Current, epoch: int) -> None:
    if epoch > current.epoch:
        raise _fenced(f"greater member epoch ({epoch}) than the one known by the group coordinator ({current.epoch})")
    if epoch < current.epoch and epoch != current.previous_epoch:
        raise _fenced(
            f"smaller member epoch ({epoch}) than the one known by the group coordinator ({current.epoch}), and it "
            f"does not match the previous member epoch ({current.previous_epoch})"
        )


def _fenced(what: str) -> KafkaError:
    text = f"The share group member has a {what}. The member must abandon all its partitions and rejoin."
    return KafkaError(ErrorCode.FENCED_MEMBER_EPOCH, text)


# --- what follows ---------------------------------------------------------------------------------------------------


def follow(change: Change, changed: str) -> None:
    """A new group epoch if anything has changed: who reads what (`changed` says so), or the topics that are read. New
    partitions are to be initialized before anybody gets them.
    """
    group, metadata = change.group, change.turn.metadata
    if changed or group.seen is not metadata:
        names = {name for member in change.members.values() for name in member.topics}
        fingerprint = metadata.fingerprint(names)
        if fingerprint != change.fingerprint:
            changed = changed or metadata.difference(group.seen, names)
        if changed:
            change.put_epoch(change.epoch + 1, fingerprint)
            change.turn.tell(change.id, What.EPOCH, f"{change.epoch}: {changed}")
        group.seen = metadata
        read = [metadata.by_name[name] for name in sorted(names) if name in metadata.by_name]
        wanted = {topic.id: Kept(topic.name, frozenset(range(topic.partitions))) for topic in read}
        missing = without(wanted, joined(change.initialized, change.initializing))
        if missing:
            change.put_kept(joined(change.initializing, missing), change.initialized)


def retarget(change: Change) -> None:
    """A target assignment for the newest epoch, unless there is one or the last is too young."""
    now, settings = change.turn.now, change.turn.settings
    if change.epoch == change.target_epoch or now < change.target_ms + settings.share_assignment_interval_ms:
        return
    by_name = change.turn.metadata.by_name
    subscriptions = {
        member.id: frozenset([by_name[name].id for name in member.topics if name in by_name])
        for member in change.members.values()
    }
    partitions = {topic_id: kept.partitions for topic_id, kept in change.initialized.items()}
    change.put_targets(assign(subscriptions, change.targets, partitions))
    change.put_target_epoch(change.epoch, now)
    change.turn.tell(change.id, What.ASSIGNED, f"epoch {change.epoch}, to {len(subscriptions)} members")


def answer(change: Change, member_id: str, says_everything: bool) -> ShareGroupHeartbeatResponse:
    """The member goes to the target, and hears of it."""
    before = change.currents.get(member_id, NEW)
    after = before
    if before.epoch != change.target_epoch:
        after = Current(change.target_epoch, before.epoch, change.target(member_id))
        change.put_current(member_id, after)
    response = ShareGroupHeartbeatResponse(
        error_code=ErrorCode.NONE,
        member_id=member_id,
        member_epoch=after.epoch,
        heartbeat_interval_ms=change.turn.settings.share_heartbeat_interval_ms,
    )
    if says_everything or after.assigned != before.assigned:
        response.assignment = _assignment(after.assigned)
    return response


def left(member_id: str) -> ShareGroupHeartbeatResponse:
    return ShareGroupHeartbeatResponse(
        error_code=ErrorCode.NONE, member_id=member_id, member_epoch=LEAVING, heartbeat_interval_ms=0
    )


def _assignment(assigned: Assignment) -> AssignmentInResponse:
    return AssignmentInResponse(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in assigned.items()
        ]
    )


# --- members that go ------------------------------------------------------------------------------------------------


def remove(change: Change, member_ids: Iterable[str]) -> None:
    """Members are gone for good. Who gets their partitions is decided at the next heartbeat."""
    for member_id in member_ids:
        change.turn.cancel_timer(("session", change.id, member_id))
        change.remove_member(member_id)
    names = {name for member in change.members.values() for name in member.topics}
    change.put_epoch(change.epoch + 1, change.turn.metadata.fingerprint(names))
    change.turn.tell(change.id, What.EPOCH, f"{change.epoch}: {len(change.members)} members are left")
    if not change.members:
        change.put_target_epoch(change.epoch, 0)


def watch_session(group_id: str, member_id: str, turn: Turn) -> None:
    timeout_ms = turn.settings.share_session_timeout_ms
    event = SessionExpired(group_id, member_id, timeout_ms)
    turn.set_timer(("session", group_id, member_id), turn.now + timeout_ms, event)
