"""Heartbeat (key 12): a member says that it is alive, and hears whether it has to rejoin.

v1 throttle_time_ms   v2 the client waits it out itself (KIP-219)   v3 group_instance_id (KIP-345)   v4 flexible

Errors: REBALANCE_IN_PROGRESS is how a member learns of a rebalance. UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION and
FENCED_INSTANCE_ID say that the group goes on without it. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE,
GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, int16, int32, string


class HeartbeatRequest(Request, key=12, versions="0-4", flexible="4+"):
    group_id: str = string(entity="groupId")
    generation_id: int = int32()
    member_id: str = string()
    group_instance_id: str | None = string(versions="3+", nullable="3+", default=None)


class HeartbeatResponse(Response, key=12, versions="0-4", flexible="4+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    error_code: int = int16()
