"""JoinGroup (key 11): a consumer enters its group, or comes back to it in a rebalance.

The coordinator holds the answer until all members have joined or the rebalance timeout is over, then all get the new
generation. Each member lists the assignors that it supports; one that all support is chosen. The leader alone gets
the list of members, works out who reads what, and sends it with SyncGroup.

v1 rebalance_timeout_ms, apart from the session timeout (KIP-62)   v2 throttle_time_ms
v3 the client waits it out itself (KIP-219)
v4 the first join without a member id gets MEMBER_ID_REQUIRED and an id to join with (KIP-394)
v5 static members (KIP-345)
v6 flexible   v7 protocol_type comes back, protocol_name may be null (KIP-559)   v8 reason (KIP-800)
v9 skip_assignment: a static leader that came back leads on without assigning (KIP-814)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, MEMBER_ID_REQUIRED,
UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, INCONSISTENT_GROUP_PROTOCOL, INVALID_SESSION_TIMEOUT, INVALID_GROUP_ID,
GROUP_MAX_SIZE_REACHED, REBALANCE_IN_PROGRESS, GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, bytes_, int16, int32, string


class JoinGroupRequestProtocol(Struct):
    name: str = string(map_key=True)
    metadata: bytes = bytes_()


class JoinGroupRequest(Request, key=11, versions="0-9", flexible="6+"):
    group_id: str = string(entity="groupId")
    session_timeout_ms: int = int32()
    rebalance_timeout_ms: int = int32(versions="1+", default=-1, ignorable=True)
    member_id: str = string()
    group_instance_id: str | None = string(versions="5+", nullable="5+", default=None)
    protocol_type: str = string()
    protocols: list[JoinGroupRequestProtocol] = array(JoinGroupRequestProtocol)
    reason: str | None = string(versions="8+", nullable="8+", default=None, ignorable=True)


class JoinGroupResponseMember(Struct):
    member_id: str = string()
    group_instance_id: str | None = string(versions="5+", nullable="5+", default=None, ignorable=True)
    metadata: bytes = bytes_()


class JoinGroupResponse(Response, key=11, versions="0-9", flexible="6+"):
    throttle_time_ms: int = int32(versions="2+", default=0, ignorable=True)
    error_code: int = int16()
    generation_id: int = int32(default=-1)
    protocol_type: str | None = string(versions="7+", nullable="7+", default=None, ignorable=True)
    protocol_name: str | None = string(nullable="7+")
    leader: str = string()
    skip_assignment: bool = boolean(versions="9+", default=False)
    member_id: str = string()
    members: list[JoinGroupResponseMember] = array(JoinGroupResponseMember)
