"""Heartbeat: a member of a classic group says that it lives, and hears of a rebalance.

    v1  throttle time    v3  group instance id (KIP-345)    v4  flexible

0 in CompletingRebalance and Stable; REBALANCE_IN_PROGRESS (27) when a rebalance is being prepared, which the member
answers with JoinGroup. UNKNOWN_MEMBER_ID (25) also for a group that is not there, ILLEGAL_GENERATION (22),
FENCED_INSTANCE_ID (82).
"""

from __future__ import annotations

from kbroker.context import Context, Later
from kbroker.groups.events import Heartbeat
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError
from wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


def heartbeat(request: HeartbeatRequest, ctx: Context) -> HeartbeatResponse | Later:
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    answer: HeartbeatResponse | Later = ctx.cluster.groups.serve(ctx, request.group_id, Heartbeat(Ticket(ctx), request))
    return answer
