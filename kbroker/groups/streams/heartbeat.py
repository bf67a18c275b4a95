"""StreamsGroupHeartbeat: a member joins, stays, tells how far it is, or leaves. One request for all of it.

    epoch  0  join, or join again: brings the topology, and has no tasks
    epoch >0  the epoch that the member has reached. What it does not say has not changed
    epoch -1  leave    epoch -2  a static member stops for a while: its tasks wait for it

The answer has tasks when they have changed, for who joins, and for who says that it has others: it may have missed an
answer. And it warns of what stands in the way (states.STATUSES).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kbroker.groups.consumer.decisions import fenced_instance, unknown_instance, unknown_member, unreleased_instance
from kbroker.groups.events import StreamsHeartbeat
from kbroker.groups.history import What
from kbroker.groups.streams.change import Change
from kbroker.groups.streams.decisions import check_epoch, check_room, check_tasks, choose_topology
from kbroker.groups.streams.endpoints import partitions_by_endpoint
from kbroker.groups.streams.group import StreamsGroup
from kbroker.groups.streams.member import Endpoint, Member
from kbroker.groups.streams.reconcile import Current
from kbroker.groups.streams.settings import StreamsSettings
from kbroker.groups.streams.states import MemberState, Status
from kbroker.groups.streams.tasks import NOTHING_HELD, Held, Task, Tasks, TaskSet, by_subtopology, of_wire
from kbroker.groups.streams.topology import InternalTopic, Topology
from kbroker.groups.streams.update import advance, follow, look, unwatch, watch_session
from wire.errors import ErrorCode, KafkaError
from wire.messages import streams_group_heartbeat as messages
from wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse

JOINING = 0
LEAVING_FOR_A_WHILE = -2


class Beat(NamedTuple):
    """The answer, and the internal topics that are missing: whoever asked may have to be asked whether it may have them
    made.
    """

    response: StreamsGroupHeartbeatResponse
    missing: tuple[InternalTopic, ...] = ()


def heartbeat(change: Change, event: StreamsHeartbeat, settings: StreamsSettings) -> Beat:
    """Of somebody who is in the group or wants to be in it. Raises KafkaError, and then nothing has happened."""
    request, group = event.request, change.group
    owned = _owned(request)
    offsets, end_offsets = _offsets(request.task_offsets), _offsets(request.task_end_offsets)
    joins = request.member_epoch == JOINING
    if joins and (request.instance_id is None or request.instance_id not in group.instances):
        check_room(change.members, request.member_id, settings.max_size)
    before = _find(change, request, owned)
    after = _updated(before, event)
    known = change.topology
    topology = choose_topology(known, None if request.topology is None else Topology.of_wire(request.topology))
    found = look(change, topology)
    check_tasks(owned, found.configured)
    if after != before:
        change.put_member(after)
    if known is None:
        change.put_topology(topology)
    if offsets is not None:
        group.offsets[after.id] = offsets
    if end_offsets is not None:
        group.end_offsets[after.id] = end_offsets
    had = change.current(after.id).assigned
    delayed = follow(change, found, settings, _changed(change, before, after))
    reached = advance(change, after.id, owned)
    watch_session(change.id, after.id, settings.session_timeout_ms, change.turn)
    if request.shutdown_application:
        group.shutdown_by = group.shutdown_by or after.id
    response = StreamsGroupHeartbeatResponse(
        error_code=0,
        member_id=after.id,
        member_epoch=reached.epoch,
        heartbeat_interval_ms=settings.heartbeat_interval_ms,
        acceptable_recovery_lag=settings.acceptable_recovery_lag,
        task_offset_interval_ms=settings.task_offset_interval_ms,
        endpoint_information_epoch=0,
        status=[],
    )
    has_other_tasks = reached.assigned != had
    has_missed_an_answer = owned is not None and owned != reached.assigned.without_epochs()
    if joins or has_other_tasks or has_missed_an_answer:
        _tell_tasks(response, reached.assigned)
    _tell_endpoints(response, change, before, after, has_other_tasks, request.endpoint_information_epoch)
    if known is not None and after.topology_epoch < known.epoch:
        text = f"The member's topology epoch {after.topology_epoch} is behind the group's topology epoch {known.epoch}."
        _warn(response, Status.STALE_TOPOLOGY, text)
    if delayed is not None:
        _warn(response, Status.ASSIGNMENT_DELAYED, delayed)
    if found.configured.problem is not None:
        _warn(response, *found.configured.problem)
    if group.shutdown_by is not None:
        _warn(response, Status.SHUTDOWN_APPLICATION, _shutdown(group.shutdown_by))
    missing_tags = [tag for tag in settings.rack_aware_tags if tag not in after.tags]
    if event.knows_tags and missing_tags:
        _warn(response, Status.MISSING_CLIENT_TAGS, _untagged(missing_tags))
    return Beat(response, found.configured.missing)


# --- who it is ------------------------------------------------------------------------------------------------------


def _find(change: Change, request: StreamsGroupHeartbeatRequest, owned: Tasks | None) -> Member:
    """The member that this is, perhaps one that begins now, or one that comes back under another id."""
    joins = request.member_epoch == JOINING
    known = change.members.get(request.member_id)
    if request.instance_id is not None:
        holder = change.group.instances.get(request.instance_id)
        if holder is None and not joins:
            raise unknown_instance(request.instance_id)
        if holder is not None and joins:
            if change.current(holder).epoch != LEAVING_FOR_A_WHILE:
                raise unreleased_instance(request.member_id, request.instance_id, holder)
            return _replace(change, change.members[holder], request.member_id)
        if holder is not None and holder != request.member_id:
            raise fenced_instance(request.member_id, request.instance_id, holder)
    if known is None:
        if not joins:
            raise unknown_member(request.member_id, change.id)
        return Member(request.member_id)
    if not joins:
        check_epoch(change.current(known.id), request.member_epoch, owned)
    return known


def _replace(change: Change, old: Member, member_id: str) -> Member:
    """A static member is back under another id: it takes the place, the target and the tasks of its old self."""
    target, current = change.target(old.id), change.current(old.id)
    unwatch(change, old.id)
    change.remove_member(old.id)
    member = old._replace(id=member_id)
    change.put_member(member)
    change.turn.tell(change.id, What.JOINED, f"again, as instance {old.instance_id}, which was {old.id}", member_id)
    change.put_targets({member_id: target})
    change.put_current(member_id, Current(0, 0, MemberState.STABLE, current.assigned, NOTHING_HELD))
    return member


def _changed(change: Change, before: Member, after: Member) -> str:
    """What of the member makes a new group epoch, if anything. Of a static one only what the assignment depends on."""
    if before.topology_epoch < 0:
        change.turn.tell(change.id, What.JOINED, f"client {after.client_id} at {after.client_host}", after.id)
        return f"{after.id} has joined"
    matters = after != before if after.instance_id is None else after.wishes != before.wishes
    return f"{after.id} says something else of itself" if matters else ""


def _updated(member: Member, event: StreamsHeartbeat) -> Member:
    request = event.request
    endpoint = (
        None if request.user_endpoint is None else Endpoint(request.user_endpoint.host, request.user_endpoint.port)
    )
    is_silent = endpoint is None and request.member_epoch != JOINING
    tags = request.client_tags
    return Member(
        member.id,
        member.instance_id if request.instance_id is None else request.instance_id,
        member.rack_id if request.rack_id is None else request.rack_id,
        event.client_id,
        event.client_host,
        member.rebalance_timeout_ms if request.rebalance_timeout_ms < 0 else request.rebalance_timeout_ms,
        member.topology_epoch if request.topology is None else request.topology.epoch,
        member.process_id if request.process_id is None else request.process_id,
        member.endpoint if is_silent else endpoint,
        member.tags if tags is None else {tag.key: tag.value for tag in tags},
    )


def _owned(request: StreamsGroupHeartbeatRequest) -> Tasks | None:
    """What the member says that it has: all three kinds, or nothing."""
    if request.active_tasks is None or request.standby_tasks is None or request.warmup_tasks is None:
        return None
    return Tasks(of_wire(request.active_tasks), of_wire(request.standby_tasks), of_wire(request.warmup_tasks))


def _offsets(said: Iterable[Any] | None) -> Mapping[Task, int] | None:
    if said is None:
        return None
    offsets: dict[Task, int] = {}
    for each in said:
        task = (each.subtopology_id, each.partition)
        if task in offsets:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"Task offsets contain a duplicate entry for subtopology {task[0]} and partition {task[1]}.",
            )
        offsets[task] = each.offset
    return offsets


# --- what it hears --------------------------------------------------------------------------------------------------


def _tell_tasks(response: StreamsGroupHeartbeatResponse, assigned: Held) -> None:
    response.active_tasks = _task_ids(frozenset(assigned.active))
    response.standby_tasks = _task_ids(assigned.standby)
    response.warmup_tasks = _task_ids(assigned.warmup)


def _task_ids(tasks: TaskSet) -> list[messages.ResponseTaskIds]:
    return [
        messages.ResponseTaskIds(subtopology_id=name, partitions=indexes)
        for name, indexes in by_subtopology(tasks).items()
    ]


def _tell_endpoints(
    response: StreamsGroupHeartbeatResponse,
    change: Change,
    before: Member,
    after: Member,
    has_other_tasks: bool,
    known_epoch: int,
) -> None:
    """Where every task can be asked, for who has an older picture of it."""
    group = change.group
    if after.endpoint != before.endpoint or (has_other_tasks and after.endpoint is not None):
        group.endpoint_epoch += 1
    if group.endpoint_epoch != known_epoch:
        response.partitions_by_user_endpoint = partitions_by_endpoint(change, after.id)
    if group.exists:
        response.endpoint_information_epoch = group.endpoint_epoch


def _warn(response: StreamsGroupHeartbeatResponse, status: Status, text: str) -> None:
    assert response.status is not None
    response.status.append(messages.Status(status_code=status, status_detail=text))


def _shutdown(member_id: str) -> str:
    return (
        f"Streams group member {member_id} encountered a fatal error and requested a shutdown for the entire "
        "application."
    )


def _untagged(tags: list[str]) -> str:
    return (
        f"Missing required client tags for rack-aware standby assignment: [{', '.join(tags)}]. Configure them via "
        "'client.tag.<tagKey>' in your Streams config."
    )


# --- leaving --------------------------------------------------------------------------------------------------------


def leaver(group: StreamsGroup, request: StreamsGroupHeartbeatRequest) -> str:
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
    current = change.current(member_id)
    assigned = current.assigned._replace(active=dict.fromkeys(current.assigned.active, 0))
    change.put_current(
        member_id, Current(LEAVING_FOR_A_WHILE, current.previous_epoch, MemberState.STABLE, assigned, NOTHING_HELD)
    )
    change.turn.cancel_timer(("rebalance", change.id, member_id))


def left(member_id: str, epoch: int) -> Beat:
    return Beat(
        StreamsGroupHeartbeatResponse(
            error_code=0,
            member_id=member_id,
            member_epoch=epoch,
            heartbeat_interval_ms=0,
            task_offset_interval_ms=0,
            endpoint_information_epoch=0,
            status=[],
        )
    )
