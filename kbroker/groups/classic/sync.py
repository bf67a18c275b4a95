"""SyncGroup: a member of the new generation asks for its assignment, and the leader brings everyone's.

With the leader's the group is Stable and goes to the log. A member that the leader left out gets no bytes; an
assignment for somebody unknown is dropped. Who asks later, in Stable, gets the stored one.
"""

from __future__ import annotations

from kbroker.groups.classic.decisions import check_sync
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.member import Member
from kbroker.groups.classic.rebalance import refuse_sync, synced, touch
from kbroker.groups.classic.states import STATES, State, Syncing
from kbroker.groups.events import Sync
from kbroker.groups.history import What
from kbroker.groups.records import write_group
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse

_REFUSALS = {
    Syncing.REFUSED: ErrorCode.UNKNOWN_MEMBER_ID,
    Syncing.TOO_LATE: ErrorCode.REBALANCE_IN_PROGRESS,
}


def sync(group: ClassicGroup, event: Sync, turn: Turn) -> None:
    request = event.request
    code = check_sync(
        group.identify(request.member_id, request.group_instance_id),
        (request.generation_id, group.generation),
        (request.protocol_type, group.protocol_type),
        (request.protocol_name, group.protocol),
    )
    syncing = STATES[group.state].sync
    if code is ErrorCode.NONE:
        code = _REFUSALS.get(syncing, ErrorCode.NONE)
    if code is not ErrorCode.NONE:
        turn.answer(event.ticket, SyncGroupResponse(error_code=code, assignment=b""))
        return
    member = group.members[request.member_id]
    synced(group, member.id, turn)
    touch(group, member, turn)
    if syncing is Syncing.ANSWERED:
        turn.answer(event.ticket, _assigned(group, member))
        return
    refuse_sync(member, ErrorCode.REBALANCE_IN_PROGRESS, turn)  # it asked before, on another connection
    member.sync_ticket = event.ticket
    if group.leader == member.id:
        _distribute(group, request, turn)


def _distribute(group: ClassicGroup, request: SyncGroupRequest, turn: Turn) -> None:
    assignments = group.forced or {each.member_id: each.assignment for each in request.assignments}
    group.forced = {}
    text = f"generation {group.generation}, by the leader after {turn.now - group.since_ms} ms"
    turn.tell(group.id, What.ASSIGNED, text, request.member_id)
    group.move(State.STABLE, turn.now)
    for member in group.members.values():
        member.assignment = assignments.get(member.id, b"")
        if member.sync_ticket is not None:
            turn.answer(member.sync_ticket, _assigned(group, member))
            member.sync_ticket = None
            touch(group, member, turn)
    write_group(group, turn)


def _assigned(group: ClassicGroup, member: Member) -> SyncGroupResponse:
    return SyncGroupResponse(
        error_code=ErrorCode.NONE,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        assignment=member.assignment,
    )
