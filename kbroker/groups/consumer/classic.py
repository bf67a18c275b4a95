"""Members of the classic protocol in a consumer group, while a fleet is being moved from one protocol to the other.

They speak JoinGroup, SyncGroup and Heartbeat as ever, and are led like the others: the epoch is their generation. The
coordinator assigns, so nobody leads, and nobody waits: every request is answered at once.

    Heartbeat    REBALANCE_IN_PROGRESS when there is something for the member to do, and then the rebalance timeout runs
    JoinGroup    with what it owns: one step towards the target. The answer names the epoch that it has reached
    SyncGroup    its assignment, as the blob that consumers understand
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kbroker.groups.consumer.assignment import Assignment, collect
from kbroker.groups.consumer.change import Change
from kbroker.groups.consumer.decisions import check_room, fenced_instance, unknown_instance, unknown_member
from kbroker.groups.consumer.group import ConsumerGroup
from kbroker.groups.consumer.heartbeat import replace
from kbroker.groups.consumer.member import Classic, Member
from kbroker.groups.consumer.metadata import Metadata
from kbroker.groups.consumer.reconcile import NEW, Current
from kbroker.groups.consumer.states import MemberState
from kbroker.groups.consumer.update import advance, follow, watch_session
from kbroker.groups.events import Join, RebalanceExpired
from kbroker.groups.history import What, because
from kbroker.groups.subscription import CONSUMER, read_subscription, version_of, write_assignment
from kbroker.groups.turn import Turn
from wire.durable.assignment import ConsumerProtocolSubscription
from wire.errors import ErrorCode, KafkaError
from wire.messages.heartbeat import HeartbeatRequest
from wire.messages.join_group import JoinGroupRequest, JoinGroupResponse
from wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse

# --- JoinGroup ------------------------------------------------------------------------------------------------------


def join(change: Change, event: Join) -> JoinGroupResponse:
    """Raises KafkaError, and then nothing has happened."""
    request = event.request
    check_room(change.members, request.member_id, change.turn.settings.consumer_max_size)
    subscription = _check_protocols(change, request)
    if not request.member_id and request.group_instance_id is None and event.requires_known_member_id:
        return JoinGroupResponse(
            error_code=ErrorCode.MEMBER_ID_REQUIRED,
            protocol_name=None,
            leader="",
            member_id=change.turn.short_uuid(),
            members=[],
        )
    before = _find(change, request)
    after = Member(
        before.id,
        request.group_instance_id,
        subscription.rack_id,
        event.client_id,
        event.client_host,
        tuple(sorted(set(subscription.topics))),
        "",
        request.rebalance_timeout_ms,
        None,
        Classic(
            request.session_timeout_ms,
            tuple([(protocol.name, protocol.metadata) for protocol in request.protocols]),
        ),
    )
    is_new = before.id not in change.members
    if after != before or is_new:
        change.put_member(after)
    changed = ""
    if is_new:
        change.turn.tell(change.id, What.JOINED, f"with the classic protocol: {because(request.reason)}", after.id)
        changed = f"{after.id} has joined"
    elif after.wishes != before.wishes:
        changed = f"{after.id} subscribes to something else"
    follow(change, changed)
    owned = _owned(subscription, change.currents.get(after.id, NEW), change.turn.metadata)
    reached = advance(change, after.id, owned)
    change.turn.cancel_timer(("rejoin", change.id, after.id))
    change.group.called.discard(after.id)
    watch_session(change.id, after.id, request.session_timeout_ms, change.turn)
    at = change.turn.now + request.rebalance_timeout_ms
    change.turn.set_timer(("sync", change.id, after.id), at, RebalanceExpired(change.id, after.id, reached.epoch))
    return JoinGroupResponse(
        error_code=ErrorCode.NONE,
        generation_id=reached.epoch,
        protocol_type=CONSUMER,
        protocol_name=request.protocols[0].name,
        leader="",
        member_id=after.id,
        members=[],
    )


def _check_protocols(change: Change, request: JoinGroupRequest) -> ConsumerProtocolSubscription:
    """It must be a consumer, and have a protocol in common with the other members of the classic protocol."""
    names = {protocol.name for protocol in request.protocols}
    for member in change.members.values():
        if member.classic is not None and member.id != request.member_id:
            names &= {name for name, _ in member.classic.protocols}
    subscription = read_subscription(request.protocols[0].metadata) if request.protocols else None
    if request.protocol_type != CONSUMER or not names or subscription is None:
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return subscription


def _find(change: Change, request: JoinGroupRequest) -> Member:
    instance_id = request.group_instance_id
    if instance_id is None:
        member_id = request.member_id or change.turn.short_uuid()
        return change.members.get(member_id) or Member(member_id, None, None, "", "")
    holder = change.group.instances.get(instance_id)
    if request.member_id:
        if holder is None:
            raise unknown_instance(instance_id)
        if holder != request.member_id:
            raise fenced_instance(request.member_id, instance_id, holder)
        return change.members[holder]
    member_id = change.turn.short_uuid()
    if holder is None:
        return Member(member_id, None, None, "", "")
    return replace(change, change.members[holder], member_id)


def _owned(subscription: ConsumerProtocolSubscription, current: Current, metadata: Metadata) -> Assignment:
    """What the member says that it has. In another generation than its own it has nothing any more."""
    if subscription.generation_id not in (-1, current.epoch):
        return {}
    return by_id([(each.topic, each.partitions) for each in subscription.owned_partitions], metadata)


def by_id(topics: list[tuple[str, list[int]]], metadata: Metadata) -> dict[bytes, frozenset[int]]:
    """Classic members know topics by name. One that has gone is left out."""
    return collect(
        [
            (metadata.by_name[name].id, index)
            for name, indexes in topics
            if name in metadata.by_name
            for index in indexes
        ]
    )


# --- SyncGroup and Heartbeat ----------------------------------------------------------------------------------------


def sync(group: ConsumerGroup, request: SyncGroupRequest, turn: Turn) -> SyncGroupResponse:
    member = _member(group, request.member_id, request.group_instance_id)
    current = group.currents.get(member.id, NEW)
    classic = member.classic
    protocol = None if classic is None else classic.protocols[0][0]
    if (
        classic is None
        or request.protocol_type not in (None, CONSUMER)
        or request.protocol_name not in (None, protocol)
    ):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if request.generation_id != current.epoch:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    if current.epoch < group.epoch and current.state is not MemberState.UNREVOKED_PARTITIONS:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    turn.cancel_timer(("sync", group.id, member.id))
    watch_session(group.id, member.id, classic.session_timeout_ms, turn)
    return SyncGroupResponse(
        error_code=ErrorCode.NONE,
        protocol_type=CONSUMER,
        protocol_name=protocol,
        assignment=serialize(current.assigned, version_of(classic.protocols[0][1]), turn.metadata),
    )


def heartbeat(group: ConsumerGroup, request: HeartbeatRequest, turn: Turn) -> ErrorCode:
    member = _member(group, request.member_id, request.group_instance_id)
    if member.classic is None:
        raise unknown_member(member.id, group.id)
    current = group.currents.get(member.id, NEW)
    if request.generation_id != current.epoch:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    watch_session(group.id, member.id, member.classic.session_timeout_ms, turn)
    if not _is_called(group, member, current):
        return ErrorCode.NONE
    if member.id not in group.called:
        group.called.add(member.id)
        at = turn.now + member.rebalance_timeout_ms
        turn.set_timer(("rejoin", group.id, member.id), at, RebalanceExpired(group.id, member.id, current.epoch))
    return ErrorCode.REBALANCE_IN_PROGRESS


def _is_called(group: ConsumerGroup, member: Member, current: Current) -> bool:
    """Is there something that the member learns, or is waited for to do, by joining again?"""
    if current.epoch < group.epoch or current.state is MemberState.UNREVOKED_PARTITIONS:
        return True
    if current.state is MemberState.STABLE:
        return False
    return all(
        index in current.assigned.get(topic_id, ()) or group.is_free(topic_id, index)
        for topic_id, indexes in group.target(member.id).items()
        for index in indexes
    )


def _member(group: ConsumerGroup, member_id: str, instance_id: str | None) -> Member:
    if instance_id is not None:
        holder = group.instances.get(instance_id)
        if holder is None:
            raise unknown_instance(instance_id)
        if holder != member_id:
            raise fenced_instance(member_id, instance_id, holder)
    if member_id not in group.members:
        raise unknown_member(member_id, group.id)
    return group.members[member_id]


def serialize(assignment: Mapping[bytes, Iterable[int]], version: int, metadata: Metadata) -> bytes:
    """The blob that tells a consumer what it has. A topic that has gone has no name to be told by."""
    return write_assignment(
        [
            (metadata.by_id[topic_id].name, sorted(indexes))
            for topic_id, indexes in assignment.items()
            if topic_id in metadata.by_id
        ],
        version,
    )
