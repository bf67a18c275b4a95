"""ListGroups (key 16): the groups that this broker coordinates.

A client asks every broker and puts the lists together. Empty filters let everything pass.

v1 throttle_time_ms   v2 the client waits it out itself (KIP-219)   v3 flexible
v4 states_filter and group_state (KIP-518)
v5 types_filter and group_type: classic, consumer, share, streams (KIP-848)

Errors: COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR.
"""

from ..schema import Request, Response, Struct, array, int16, int32, string


class ListGroupsRequest(Request, key=16, versions="0-5", flexible="3+"):
    states_filter: list[str] = array(string, versions="4+")
    types_filter: list[str] = array(string, versions="5+")


class ListedGroup(Struct):
    group_id: str = string(entity="groupId")
    protocol_type: str = string()
    group_state: str = string(versions="4+", ignorable=True)
    group_type: str = string(versions="5+", ignorable=True)


class ListGroupsResponse(Response, key=16, versions="0-5", flexible="3+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    error_code: int = int16()
    groups: list[ListedGroup] = array(ListedGroup)
