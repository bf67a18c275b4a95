"""LeaveGroup: members leave a classic group, or are removed from it.

    v1  throttle time    v3  several members at once, also by group instance id alone (KIP-345)    v4  flexible
    v5  reason (KIP-800)

From v3 on each member has an error of its own: UNKNOWN_MEMBER_ID (25), FENCED_INSTANCE_ID (82). Before, there is one
member, and its error stands at the top.
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.groups.answers import then
from kbroker.groups.events import Leave
from wire.errors import ErrorCode, KafkaError
from wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity


def leave_group(request: LeaveGroupRequest, ctx: Context) -> LeaveGroupResponse | Awaitable[LeaveGroupResponse]:
    names_several = ctx.version >= 3  # KIP-345
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    if not names_several:
        request.members = [MemberIdentity(member_id=request.member_id)]
    left = ctx.cluster.groups.ask(ctx, request.group_id, lambda ticket: Leave(ticket, request))
    return left if names_several else then(ctx.cluster.world, left, _for_one)


def _for_one(response: LeaveGroupResponse) -> LeaveGroupResponse:
    return LeaveGroupResponse(error_code=response.error_code or response.members[0].error_code, members=[])
