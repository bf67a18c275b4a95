"""ConsumerGroupHeartbeat: a member joins, stays, changes its mind, or leaves. One request for all of it.

    epoch  0  join, or join again: whatever the member had it has no more
    epoch >0  the epoch that the member has reached. What it does not say has not changed
    epoch -1  leave    epoch -2  a static member stops for a while: its partitions wait for it

The answer has an assignment when it has changed, and when the member cannot know the one before: after it has joined,
and after a request in which it said everything, as it does when it has missed an answer.
"""

from __future__ import annotations

from kbroker.groups.consumer.assignment import NOTHING_HELD, Assignment, Held, of_wire
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.decisions import (
    check_epoch,
    check_room,
    fenced_instance,
    unknown_instance,
    unknown_member,
    unreleased_instance,
)
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.member import Member
from kbroker.groups.consumer.reconcile import NEW, Current
from kbroker.groups.consumer.states import MemberState
from kbroker.groups.consumer.update import advance, compile_pattern, follow, unwatch, watch_session
from kbroker.groups.events import ConsumerHeartbeat
from kbroker.groups.history import What
from kbroker.groups.turn import Turn
from wire.messages.consumer_group_heartbeat import (
    Assignment as AssignmentInResponse,
)
from wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    ResponseTopicPartitions,
)
from wire.schema import maker

_response = maker(ConsumerGroupHeartbeatResponse)

JOINING = 0
LEAVING = -1
LEAVING_FOR_A_WHILE = -2


def sign_of_life(group: ConsumerGroup, event: ConsumerHeartbeat, turn: Turn) -> ConsumerGroupHeartbeatResponse | None:
    """What nearly every heartbeat is: of a member that says nothing new and has all it is to have, in a group where
    nothing is to be decided. Its session goes on. None for any other, which `heartbeat` takes.
    """
    request = event.request
    member_id = request.member_id
    member, current = group.members.get(member_id), group.currents.get(member_id)
    if (
        member is None
        or current is None
        or _says_anything(request)
        or (request.instance_id is not None and group.instances.get(request.instance_id) != member_id)
        or not request.member_epoch == current.epoch == group.target_epoch == group.epoch
        or request.member_epoch == JOINING
        or current.state is not MemberState.STABLE
        or group.seen is not turn.metadata
        or member.client_id != event.client_id
        or member.client_host != event.client_host
        or member.classic is not None
    ):
        return None
    settings = turn.settings
    watch_session(group.id, member_id, settings.consumer_session_timeout_ms, turn)
    return _response(
        error_code=0,
        member_id=member_id,
        member_epoch=current.epoch,
        heartbeat_interval_ms=settings.consumer_heartbeat_interval_ms,
    )


def _says_anything(request: ConsumerGroupHeartbeatRequest) -> bool:
    return (
        request.topic_partitions is not None
        or request.subscribed_topic_names is not None
        or request.subscribed_topic_regex is not None
        or request.rebalance_timeout_ms >= 0
        or request.server_assignor is not None
        or request.rack_id is not None
    )


def heartbeat(change: Change, event: ConsumerHeartbeat) -> ConsumerGroupHeartbeatResponse:
    """Of somebody who is in the group or wants to be in it. Raises KafkaError, and then nothing has happened."""
    request, settings = event.request, change.turn.settings
    check_room(change.members, request.member_id, settings.consumer_max_size)
    owned = None if request.topic_partitions is None else of_wire(request.topic_partitions)
    before = _find(change, request, owned)
    after = _updated(before, event)
    if after.regex and after.regex not in change.regexes:
        compile_pattern(after.regex)
    is_new = before.id not in change.members
    current = change.currents.get(before.id, NEW)
    if after != before or is_new:
        change.put_member(after)
    changed = ""
    if is_new:
        change.turn.tell(change.id, What.JOINED, f"client {after.client_id} at {after.client_host}", after.id)
        changed = f"{after.id} has joined"
    elif after.wishes != before.wishes:
        changed = f"{after.id} subscribes to something else"
    follow(change, changed)
    reached = advance(change, after.id, owned)
    watch_session(change.id, after.id, settings.consumer_session_timeout_ms, change.turn)
    response = ConsumerGroupHeartbeatResponse(
        error_code=0,
        member_id=after.id,
        member_epoch=reached.epoch,
        heartbeat_interval_ms=settings.consumer_heartbeat_interval_ms,
    )
    if request.member_epoch == JOINING or _says_everything(request) or not reached.has_same_partitions(current):
        response.assignment = _assignment(reached.assigned)
    return response


def _find(change: Change, request: ConsumerGroupHeartbeatRequest, owned: Assignment | None) -> Member:
    """The member that this is, perhaps one that begins now, or one that comes back under another id."""
    joins = request.member_epoch == JOINING
    known = change.members.get(request.member_id)
    if request.instance_id is not None:
        holder = change.group.instances.get(request.instance_id)
        if holder is not None and holder != request.member_id:
            if not joins:
                raise fenced_instance(request.member_id, request.instance_id, holder)
            if change.currents.get(holder, NEW).epoch != LEAVING_FOR_A_WHILE:
                raise unreleased_instance(request.member_id, request.instance_id, holder)
            return replace(change, change.members[holder], request.member_id)
        if holder is None and not joins:
            raise unknown_instance(request.instance_id)
    if known is None:
        if not joins:
            raise unknown_member(request.member_id, change.id)
        return Member(request.member_id, None, None, "", "")
    if not joins:
        check_epoch(change.currents.get(known.id, NEW), request.member_epoch, owned)
    return known


def replace(change: Change, old: Member, member_id: str) -> Member:
    """A static member is back under another id: it takes the place, the target and the partitions of its old self."""
    target, current = change.target(old.id), change.currents.get(old.id, NEW)
    unwatch(change, old.id)
    change.remove_member(old.id)
    member = old._replace(id=member_id)
    change.put_member(member)
    change.turn.tell(change.id, What.JOINED, f"again, as instance {old.instance_id}, which was {old.id}", member_id)
    change.put_targets({member_id: target})
    change.put_current(member_id, Current(0, 0, MemberState.STABLE, current.assigned, NOTHING_HELD))
    return member


def _updated(member: Member, event: ConsumerHeartbeat) -> Member:
    request = event.request
    topics = request.subscribed_topic_names
    return Member(
        member.id,
        member.instance_id if request.instance_id is None else request.instance_id,
        member.rack_id if request.rack_id is None else request.rack_id,
        event.client_id,
        event.client_host,
        member.topics if topics is None else tuple(sorted(set(topics))),
        member.regex if request.subscribed_topic_regex is None else request.subscribed_topic_regex,
        member.rebalance_timeout_ms if request.rebalance_timeout_ms < 0 else request.rebalance_timeout_ms,
        member.assignor if request.server_assignor is None else request.server_assignor,
    )


def _says_everything(request: ConsumerGroupHeartbeatRequest) -> bool:
    subscribes = request.subscribed_topic_names is not None or request.subscribed_topic_regex is not None
    return request.rebalance_timeout_ms != -1 and subscribes and request.topic_partitions is not None


def _assignment(assigned: Held) -> AssignmentInResponse:
    return AssignmentInResponse(
        topic_partitions=[
            ResponseTopicPartitions(topic_id=topic_id, partitions=sorted(epochs))
            for topic_id, epochs in assigned.items()
        ]
    )


# --- leaving --------------------------------------------------------------------------------------------------------


def leaver(group: ConsumerGroup, request: ConsumerGroupHeartbeatRequest) -> str:
    """Who leaves, for good or for a while. Raises KafkaError when it is not in the group."""
    if request.instance_id is None:
        if request.member_id not in group.members:
            raise unknown_member(request.member_id, group.id)
        return request.member_id
    holder = group.instances.get(request.instance_id)
    if holder is None:
        raise unknown_instance(request.instance_id)
    if holder != request.member_id:
        raise fenced_instance(request.member_id, request.instance_id, holder)
    return holder


def leave_for_a_while(change: Change, member_id: str) -> None:
    """What it was to give up it has given up; the rest waits for it as long as its session lasts.

    It keeps nothing of its epochs: what it will be given counts as given anew.
    """
    current = change.currents.get(member_id, NEW)
    assigned = {topic_id: dict.fromkeys(epochs, 0) for topic_id, epochs in current.assigned.items()}
    change.put_current(member_id, Current(LEAVING_FOR_A_WHILE, 0, MemberState.STABLE, assigned, NOTHING_HELD))
    change.turn.cancel_timer(("rebalance", change.id, member_id))


def left(member_id: str, epoch: int) -> ConsumerGroupHeartbeatResponse:
    return ConsumerGroupHeartbeatResponse(
        error_code=0, member_id=member_id, member_epoch=epoch, heartbeat_interval_ms=0
    )
