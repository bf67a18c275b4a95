"""The join phase, from the reason for a rebalance to the new generation, and what else changes who is in the group.

rebalance()  --> Empty: wait for company (group.initial.rebalance.delay.ms), longer while it keeps coming
             --> else: until all have joined again, at most for the largest rebalance timeout; then members
                 that have not are dropped. Static members stay: they are only restarting
complete()   --> a generation: its number, protocol and leader; everyone is answered, the leader with all metadata
             --> or nobody is left: Empty, written to the log
"""

from __future__ import annotations

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.member import Member
from kbroker.groups.classic.states import STATES, State
from kbroker.groups.events import InitialDelayOver, JoinPhaseOver, SessionExpired, SyncPhaseOver
from kbroker.groups.history import What, listed
from kbroker.groups.records import write_group
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages.join_group import JoinGroupResponse, JoinGroupResponseMember
from wire.messages.sync_group import SyncGroupResponse


def rebalance(group: ClassicGroup, turn: Turn) -> None:
    """Something has changed: begin a rebalance, or see whether the one under way is complete."""
    if State.PREPARING_REBALANCE not in STATES[group.state].next:
        complete_if_all_joined(group, turn)
        return
    if group.state is State.COMPLETING_REBALANCE:
        for member in group.members.values():
            member.assignment = b""
            if member.sync_ticket is not None:
                refuse_sync(member, ErrorCode.REBALANCE_IN_PROGRESS, turn)
                touch(group, member, turn)
    turn.cancel_timer(("sync", group.id))
    initial = group.state is State.EMPTY
    group.move(State.PREPARING_REBALANCE, turn.now)
    group.last_to_join = ""
    if not initial:
        missing = [member.id for member in group.members.values() if member.join_ticket is None]
        if missing:
            turn.tell(group.id, What.REBALANCE, f"waits for {listed(missing)} to join again")
        turn.set_timer(("join", group.id), turn.now + group.rebalance_timeout_ms, JoinPhaseOver(group.id))
        complete_if_all_joined(group, turn)
        return
    delay = turn.settings.initial_rebalance_delay_ms
    if delay:
        remaining = max(group.rebalance_timeout_ms - delay, 0)
        turn.set_timer(("join", group.id), turn.now + delay, InitialDelayOver(group.id, delay, remaining))
    else:
        complete(group, turn)


def initial_delay_over(group: ClassicGroup, event: InitialDelayOver, turn: Turn) -> None:
    if group.state is not State.PREPARING_REBALANCE:
        return
    if group.has_newcomer and event.remaining_ms:
        group.has_newcomer = False
        delay = min(turn.settings.initial_rebalance_delay_ms, event.remaining_ms)
        again = InitialDelayOver(group.id, delay, max(event.remaining_ms - event.delay_ms, 0))
        turn.set_timer(("join", group.id), turn.now + delay, again)
    else:
        complete(group, turn)


def complete_if_all_joined(group: ClassicGroup, turn: Turn) -> None:
    """Does nothing during the initial delay, whose end is a matter of time alone."""
    if group.state is not State.PREPARING_REBALANCE or group.came_from is State.EMPTY:
        return
    if group.all_joined:
        complete(group, turn)


def complete(group: ClassicGroup, turn: Turn) -> None:
    """The join phase is over: who has not joined is not in the generation."""
    if group.state is not State.PREPARING_REBALANCE:
        return
    for member in list(group.members.values()):
        if member.join_ticket is None and member.instance_id is None:
            drop(group, member, turn)
            turn.tell(group.id, What.REMOVED, f"has not joined again within {turn.now - group.since_ms} ms", member.id)
    if group.members and not group.elect_leader():
        # Only static members, and all of them away: their sessions decide.
        turn.set_timer(("join", group.id), turn.now + group.rebalance_timeout_ms, JoinPhaseOver(group.id))
        return
    turn.cancel_timer(("join", group.id))
    waited_ms, last = turn.now - group.since_ms, group.last_to_join
    group.begin_generation(turn.now)
    _tell_generation(group, waited_ms, last, turn)
    if not group.members:
        write_group(group, turn)
        return
    for member in group.members.values():
        ticket = group.release(member)
        if ticket is not None:
            turn.answer(ticket, joined(group, member))
        touch(group, member, turn)
        member.is_new = False
        group.unsynced.add(member.id)
    turn.set_timer(("sync", group.id), turn.now + group.rebalance_timeout_ms, SyncPhaseOver(group.id, group.generation))


def _tell_generation(group: ClassicGroup, waited_ms: int, last: str, turn: Turn) -> None:
    """Who is in it, and who was waited for."""
    if waited_ms and last in group.members:
        turn.tell(group.id, What.WAITED, f"the others waited {waited_ms} ms for it to join", last)
    members = f"{len(group.members)} members" if len(group.members) != 1 else "1 member"
    leads = f", led by {group.leader}, with {group.protocol}" if group.members else ""
    turn.tell(group.id, What.GENERATION, f"{group.generation}: {members}{leads}")


def joined(group: ClassicGroup, member: Member, *, skip_assignment: bool = False) -> JoinGroupResponse:
    """The answer to a JoinGroup: this generation. The leader hears everyone's metadata, to assign by it."""
    return JoinGroupResponse(
        error_code=ErrorCode.NONE,
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=group.leader or "",
        skip_assignment=skip_assignment,
        member_id=member.id,
        members=roster(group) if group.leader == member.id else [],
    )


def roster(group: ClassicGroup) -> list[JoinGroupResponseMember]:
    return [
        JoinGroupResponseMember(
            member_id=member.id, group_instance_id=member.instance_id, metadata=member.metadata(group.protocol)
        )
        for member in group.members.values()
    ]


def not_joined(member_id: str, code: ErrorCode) -> JoinGroupResponse:
    return JoinGroupResponse(error_code=code, protocol_name=None, leader="", member_id=member_id, members=[])


# --- members come to an end -----------------------------------------------------------------------------------------


def refuse_join(group: ClassicGroup, member: Member, code: ErrorCode, turn: Turn, member_id: str = "") -> None:
    """Answer a parked JoinGroup, if there is one."""
    ticket = group.release(member)
    if ticket is not None:
        turn.answer(ticket, not_joined(member_id, code))


def refuse_sync(member: Member, code: ErrorCode, turn: Turn) -> None:
    """Answer a parked SyncGroup, if there is one."""
    if member.sync_ticket is not None:
        turn.answer(member.sync_ticket, SyncGroupResponse(error_code=code, assignment=b""))
        member.sync_ticket = None


def drop(group: ClassicGroup, member: Member, turn: Turn, code: ErrorCode = ErrorCode.UNKNOWN_MEMBER_ID) -> None:
    """The member is in the group no more. What it is parked on is answered, so that a client still there starts
    afresh.
    """
    refuse_join(group, member, code, turn)
    refuse_sync(member, code, turn)
    if member.armed_at is not None:
        turn.cancel_timer(("session", group.id, member.id))
    group.remove(member.id)


def synced(group: ClassicGroup, member_id: str, turn: Turn) -> None:
    """One more has asked for its assignment; when it was the last one, nobody's absence is waited for."""
    if member_id in group.unsynced:
        group.unsynced.discard(member_id)
        if not group.unsynced:
            turn.cancel_timer(("sync", group.id))


def sync_phase_over(group: ClassicGroup, event: SyncPhaseOver, turn: Turn) -> None:
    """Who joined a generation and never asked for its assignment holds the group up: it is dropped."""
    if event.generation != group.generation or not group.unsynced:
        return
    for member_id in [member_id for member_id in group.members if member_id in group.unsynced]:
        drop(group, group.members[member_id], turn)
        text = f"has not asked for its assignment within {turn.now - group.since_ms} ms"
        turn.tell(group.id, What.REMOVED, text, member_id)
    rebalance(group, turn)


# --- sessions -------------------------------------------------------------------------------------------------------


def touch(group: ClassicGroup, member: Member, turn: Turn, wait_ms: int | None = None) -> None:
    """A sign of life. The timer is only set when there is none, or when it would ring too late."""
    member.deadline = turn.now + (member.session_timeout_ms if wait_ms is None else wait_ms)
    if member.armed_at is None or member.deadline < member.armed_at:
        arm(group, member, turn)


def arm(group: ClassicGroup, member: Member, turn: Turn) -> None:
    member.armed_at = member.deadline
    turn.set_timer(("session", group.id, member.id), member.deadline, SessionExpired(group.id, member.id))


def session_expired(group: ClassicGroup, member_id: str, turn: Turn) -> None:
    if member_id in group.pending:
        group.remove(member_id)
        complete_if_all_joined(group, turn)
        return
    member = group.members.get(member_id)
    if member is None:
        return
    member.armed_at = None
    if not member.may_expire:
        return  # parked: the answer to that sets the session anew
    if member.deadline > turn.now:
        arm(group, member, turn)
        return
    drop(group, member, turn)
    turn.tell(group.id, What.EXPIRED, f"silent for {member.session_timeout_ms} ms", member_id)
    rebalance(group, turn)
