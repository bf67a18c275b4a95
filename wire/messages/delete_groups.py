"""DeleteGroups (key 42): forget groups and their committed offsets; a group with members stays (KIP-229).

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 flexible   v3 error_message, GROUP_DELETION_FAILED

Errors: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, INVALID_GROUP_ID, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
COORDINATOR_NOT_AVAILABLE, GROUP_DELETION_FAILED, GROUP_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int16, int32, string


class DeleteGroupsRequest(Request, key=42, versions="0-3", flexible="2+"):
    groups_names: list[str] = array(string, entity="groupId")


class DeletableGroupResult(Struct):
    group_id: str = string(map_key=True, entity="groupId")
    error_code: int = int16()
    error_message: str | None = string(versions="3+", nullable="3+", default=None, ignorable=True)


class DeleteGroupsResponse(Response, key=42, versions="0-3", flexible="2+"):
    throttle_time_ms: int = int32(default=0)
    results: list[DeletableGroupResult] = array(DeletableGroupResult)
