"""DescribeGroups (key 15): state, protocol and members of classic groups.

The states are PreparingRebalance, CompletingRebalance, Stable, Empty and Dead. protocol_data is filled in the Stable
state only; a member's metadata and assignment are the bytes that the clients sent. Groups of the new protocol are not
found here (ConsumerGroupDescribe knows them).

v1 throttle_time_ms   v2 the client waits it out itself (KIP-219)   v3 authorized operations (KIP-430)
v4 group_instance_id of members (KIP-345)   v5 flexible
v6 GROUP_ID_NOT_FOUND and error_message; before, an unknown group is Dead without error (KIP-1043)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, INVALID_GROUP_ID,
GROUP_ID_NOT_FOUND, GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, bytes_, int16, int32, string


class DescribeGroupsRequest(Request, key=15, versions="0-6", flexible="5+"):
    groups: list[str] = array(string, entity="groupId")
    include_authorized_operations: bool = boolean(versions="3+")


class DescribedGroupMember(Struct):
    member_id: str = string()
    group_instance_id: str | None = string(versions="4+", nullable="4+", default=None, ignorable=True)
    client_id: str = string()
    client_host: str = string()
    member_metadata: bytes = bytes_()
    member_assignment: bytes = bytes_()


class DescribedGroup(Struct):
    error_code: int = int16()
    error_message: str | None = string(versions="6+", nullable="6+", default=None)
    group_id: str = string(entity="groupId")
    group_state: str = string()
    protocol_type: str = string()
    protocol_data: str = string()
    members: list[DescribedGroupMember] = array(DescribedGroupMember)
    authorized_operations: int = int32(versions="3+", default=-(2**31))


class DescribeGroupsResponse(Response, key=15, versions="0-6", flexible="5+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    groups: list[DescribedGroup] = array(DescribedGroup)
