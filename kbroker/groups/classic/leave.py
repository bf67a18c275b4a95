"""LeaveGroup: members go, or an administrator removes them (by instance id alone, without a member id: KIP-345).

Each of them has its own answer. Those that stay notice one rebalance, however many have left.
"""

from __future__ import annotations

from kbroker.groups.classic.group import ClassicGroup
from kbroker.groups.classic.rebalance import drop, rebalance
from kbroker.groups.classic.states import State
from kbroker.groups.history import What, because
from kbroker.groups.turn import Turn
from wire.errors import ErrorCode
from wire.messages.leave_group import LeaveGroupResponse, MemberIdentity, MemberResponse


def leave(group: ClassicGroup, leaving: list[MemberIdentity], turn: Turn) -> LeaveGroupResponse:
    answers = [answer(member, _leave_one(group, member, turn)) for member in leaving]
    if group.state is not State.EMPTY and any(each.error_code == ErrorCode.NONE for each in answers):
        rebalance(group, turn)
    return LeaveGroupResponse(error_code=ErrorCode.NONE, members=answers)


def answer(member: MemberIdentity, code: ErrorCode) -> MemberResponse:
    return MemberResponse(member_id=member.member_id, group_instance_id=member.group_instance_id, error_code=code)


def _leave_one(group: ClassicGroup, leaving: MemberIdentity, turn: Turn) -> ErrorCode:
    member_id = leaving.member_id
    if not member_id:
        member_id = group.instances.get(leaving.group_instance_id or "", "")
    elif member_id in group.pending:
        turn.cancel_timer(("session", group.id, member_id))
        group.remove(member_id)
        return ErrorCode.NONE
    code = group.identify(member_id, leaving.group_instance_id)
    if code is ErrorCode.NONE:
        drop(group, group.members[member_id], turn)
        turn.tell(group.id, What.LEFT, because(leaving.reason), member_id)
    return code
