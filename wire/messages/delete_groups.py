"""DeleteGroups (key 42)."""

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
