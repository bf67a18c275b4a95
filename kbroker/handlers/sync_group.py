"""SyncGroup: a member of a new generation asks for its assignment; the leader brings everyone's. The second phase.

    v1  throttle time    v3  group instance id (KIP-345)    v4  flexible    v5  protocol type and name, which must be
    the group's (KIP-559)

The answer waits for the leader's. REBALANCE_IN_PROGRESS (27) when the next rebalance has begun instead,
ILLEGAL_GENERATION (22), UNKNOWN_MEMBER_ID (25), FENCED_INSTANCE_ID (82), INCONSISTENT_GROUP_PROTOCOL (23).
"""

from __future__ import annotations

from kbroker.context import Context, Later
from kbroker.groups.events import Sync
from kbroker.machine import Ticket
from wire.errors import ErrorCode, KafkaError
from wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse


def sync_group(request: SyncGroupRequest, ctx: Context) -> SyncGroupResponse | Later:
    names_protocol = ctx.version >= 5  # KIP-559
    if names_protocol and (request.protocol_type is None or request.protocol_name is None):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if not ctx.authorize("READ", "GROUP", (request.group_id,))[0]:
        raise KafkaError(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    answer: SyncGroupResponse | Later = ctx.cluster.groups.serve_with_topics(
        ctx, request.group_id, Sync(Ticket(ctx), request)
    )
    return answer
