"""JoinGroup: somebody wants to be in the next generation.

    no member id     static   a new instance is a member at once. A known one has restarted, and takes its old place
                              under a new member id (KIP-345)
                     dynamic  gets a member id and comes back with it (KIP-394); older clients are members at once
    member id        given out and not used yet: a member
                     of a member: what its state's row in `states.py` says
                     of nobody: UNKNOWN_MEMBER_ID, and the client starts afresh

Whoever is in the join phase is parked until it ends.
"""

from __future__ import annotations

from kbroker.groups.classic.decisions import has_room
from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.member import Member
from kbroker.groups.classic.rebalance import (
    complete_if_all_joined,
    drop,
    joined,
    not_joined,
    rebalance,
    refuse_join,
    refuse_sync,
    touch,
)
from kbroker.groups.classic.states import STATES, Rejoin, State
from kbroker.groups.events import Join, SessionExpired
from kbroker.groups.history import What, because
from kbroker.groups.records import write_group
from kbroker.groups.settings import NEW_MEMBER_JOIN_TIMEOUT_MS
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode


def join(group: ClassicGroup, event: Join, turn: Turn) -> None:
    request = event.request
    member = group.members.get(request.member_id)
    has_joined = member is not None and member.join_ticket is not None
    size, most = len(group.members), turn.settings.max_size
    if not has_room(group.state, size, len(group.parked), member is not None, has_joined, most):
        turn.answer(event.ticket, not_joined("", ErrorCode.GROUP_MAX_SIZE_REACHED))
        _turn_away(group, request.member_id, turn)
    elif not group.fits(request.protocol_type, [protocol.name for protocol in request.protocols]):
        turn.answer(event.ticket, not_joined(request.member_id, ErrorCode.INCONSISTENT_GROUP_PROTOCOL))
    elif request.member_id:
        _join_known(group, event, turn)
    elif request.group_instance_id is not None:
        _join_static(group, event, turn)
    else:
        _join_dynamic(group, event, turn)


def _turn_away(group: ClassicGroup, member_id: str, turn: Turn) -> None:
    """The group is full. Whoever was in it (it has become smaller) or was on the way in is so no more."""
    member = group.members.get(member_id)
    if member is not None:
        drop(group, member, turn)
        turn.tell(group.id, What.REMOVED, f"the group has room for {turn.settings.max_size} members", member_id)
    elif member_id in group.pending:
        turn.cancel_timer(("session", group.id, member_id))
        group.remove(member_id)
    complete_if_all_joined(group, turn)


def _join_dynamic(group: ClassicGroup, event: Join, turn: Turn) -> None:
    member_id = f"{event.client_id}-{turn.uuid_text()}"
    if not event.requires_known_member_id:
        _add(group, event, member_id, turn)
        return
    group.pending.add(member_id)
    expires = turn.now + event.request.session_timeout_ms
    turn.set_timer(("session", group.id, member_id), expires, SessionExpired(group.id, member_id))
    turn.answer(event.ticket, not_joined(member_id, ErrorCode.MEMBER_ID_REQUIRED))


def _join_static(group: ClassicGroup, event: Join, turn: Turn) -> None:
    instance_id = event.request.group_instance_id
    assert instance_id is not None
    member_id = f"{instance_id}-{turn.uuid_text()}"
    holder = group.instances.get(instance_id)
    if holder is None:
        _add(group, event, member_id, turn)
    else:
        _return_static(group, event, group.members[holder], member_id, turn)


def _join_known(group: ClassicGroup, event: Join, turn: Turn) -> None:
    request = event.request
    if request.member_id in group.pending:
        turn.cancel_timer(("session", group.id, request.member_id))
        _add(group, event, request.member_id, turn)
        return
    code = group.identify(request.member_id, request.group_instance_id)
    rejoin = STATES[group.state].rejoin
    if code is ErrorCode.NONE and rejoin is Rejoin.REFUSED:
        code = ErrorCode.UNKNOWN_MEMBER_ID
    if code is not ErrorCode.NONE:
        turn.answer(event.ticket, not_joined(request.member_id, code))
        return
    member = group.members[request.member_id]
    leads = group.leader == member.id
    unchanged = member.protocols == _protocols(event)
    if rejoin is Rejoin.JOINS or not unchanged or (leads and rejoin is Rejoin.AGAIN_IF_CHANGED_OR_LEADER):
        if rejoin is not Rejoin.JOINS:
            why = "its metadata has changed" if not unchanged else "as the leader, for a new assignment"
            turn.tell(group.id, What.JOINED, f"again, {why}: {because(request.reason)}", member.id)
        _update(group, member, event, turn)
        group.last_to_join = member.id
        rebalance(group, turn)
    else:
        turn.answer(event.ticket, joined(group, member))


def _add(group: ClassicGroup, event: Join, member_id: str, turn: Turn) -> None:
    request = event.request
    member = Member(
        member_id,
        request.group_instance_id,
        event.client_id,
        event.client_host,
        request.rebalance_timeout_ms,
        request.session_timeout_ms,
        _protocols(event),
    )
    member.is_new = True
    if group.state is State.PREPARING_REBALANCE and group.came_from is State.EMPTY:
        group.has_newcomer = True
    if not group.members:
        group.protocol_type = request.protocol_type
    group.add(member)
    group.park(member, event.ticket)
    turn.tell(group.id, What.JOINED, because(request.reason), member_id)
    group.last_to_join = member_id
    touch(group, member, turn, NEW_MEMBER_JOIN_TIMEOUT_MS)
    rebalance(group, turn)


def _update(group: ClassicGroup, member: Member, event: Join, turn: Turn) -> None:
    """The member joins (again). If it still was parked, it asked on another connection: that one is not waited for any
    more.
    """
    refuse_join(group, member, ErrorCode.REBALANCE_IN_PROGRESS, turn, member.id)
    group.offer(member, _protocols(event))
    member.rebalance_timeout_ms = event.request.rebalance_timeout_ms
    member.session_timeout_ms = event.request.session_timeout_ms
    group.park(member, event.ticket)


def _return_static(group: ClassicGroup, event: Join, old: Member, member_id: str, turn: Turn) -> None:
    """A static member has restarted. Whoever still uses the old member id is fenced, also if it is parked.

    In a stable group nothing need be assigned anew, unless the choice of protocol would be another: the member gets
    its old place and assignment in the same generation. In any other state the old member id may be in the leader's
    hands already.
    """
    leader_before = group.leader or ""
    refuse_join(group, old, ErrorCode.FENCED_INSTANCE_ID, turn, old.id)
    refuse_sync(old, ErrorCode.FENCED_INSTANCE_ID, turn)
    if old.armed_at is not None:
        turn.cancel_timer(("session", group.id, old.id))
    member = group.replace(old, member_id)
    _update(group, member, event, turn)
    group.last_to_join = member_id
    turn.tell(group.id, What.JOINED, f"again, as instance {old.instance_id}, which was {old.id}", member_id)
    touch(group, member, turn)
    if group.state is State.STABLE and group.elects_same_protocol():
        response = joined(group, member, skip_assignment=group.leader == member_id)
        if not event.supports_skipping_assignment:
            # An older client that is told it leads would assign, and nobody would listen: its old self leads.
            response.skip_assignment = False
            response.leader = leader_before
            response.members = []
        turn.answer(event.ticket, response)
        group.release(member)
        write_group(group, turn)
    elif group.state is State.PREPARING_REBALANCE:
        complete_if_all_joined(group, turn)
    else:
        rebalance(group, turn)


def _protocols(event: Join) -> tuple[tuple[str, bytes], ...]:
    return tuple([(protocol.name, protocol.metadata) for protocol in event.request.protocols])
