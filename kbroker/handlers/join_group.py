"""JoinGroup: a consumer, or another user of the protocol, wants to be in the next generation of a group. The first
phase.

    v1  rebalance timeout; before, the session timeout is meant    v2  throttle time
    v4  who has no member id gets one with MEMBER_ID_REQUIRED (79), and joins again with it (KIP-394)
    v5  group instance id (KIP-345)    v6  flexible    v7  protocol type; no protocol is null, before that ""
    v8  reason (KIP-800)               v9  a returning static leader may be told to skip the assignment (KIP-814)

The answer waits for the end of the join phase. Errors leave the generation at -1 and echo the member id:
INCONSISTENT_GROUP_PROTOCOL (23), INVALID_GROUP_ID (24), UNKNOWN_MEMBER_ID (25), INVALID_SESSION_TIMEOUT (26),
GROUP_MAX_SIZE_REACHED (81), FENCED_INSTANCE_ID (82).
"""

from __future__ import annotations

from collections.abc import Awaitable

from kbroker.context import Context
from kbroker.groups.answers import then
from kbroker.groups.events import Join
from wire.errors import ErrorCode
from wire.messages.join_group import JoinGroupRequest, JoinGroupResponse


def join_group(request: JoinGroupRequest, ctx: Context) -> JoinGroupResponse | Awaitable[JoinGroupResponse]:
    has_rebalance_timeout = ctx.version >= 1
    requires_known_member_id = ctx.version >= 4  # KIP-394
    says_no_protocol = ctx.version >= 7  # KIP-559
    supports_skipping_assignment = ctx.version >= 9  # KIP-814
    groups = ctx.cluster.groups
    code = _check(request, ctx)
    if code is not ErrorCode.NONE:
        response = JoinGroupResponse(
            error_code=code, protocol_name=None, leader="", member_id=request.member_id, members=[]
        )
        return response if says_no_protocol else _with_a_name(response)
    if not has_rebalance_timeout:
        request.rebalance_timeout_ms = request.session_timeout_ms
    joined = groups.ask_with_topics(
        ctx,
        request.group_id,
        lambda ticket: Join(
            ticket,
            request,
            ctx.client_id or "",
            f"/{ctx.connection.host}",  # as Java writes an address
            requires_known_member_id,
            supports_skipping_assignment,
        ),
    )
    return joined if says_no_protocol else then(ctx.cluster.world, joined, _with_a_name)


def _check(request: JoinGroupRequest, ctx: Context) -> ErrorCode:
    settings = ctx.cluster.groups.settings
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        return ErrorCode.GROUP_AUTHORIZATION_FAILED
    if not request.group_id:
        return ErrorCode.INVALID_GROUP_ID
    if not settings.min_session_timeout_ms <= request.session_timeout_ms <= settings.max_session_timeout_ms:
        return ErrorCode.INVALID_SESSION_TIMEOUT
    return ErrorCode.NONE


def _with_a_name(response: JoinGroupResponse) -> JoinGroupResponse:
    """Older versions cannot say that there is no protocol."""
    if response.protocol_name is None:
        response.protocol_name = ""
    return response
