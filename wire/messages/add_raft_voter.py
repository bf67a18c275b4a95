"""AddRaftVoter (key 80): take a controller into the voters of the metadata log (KIP-853).

v1 ack_when_committed: answer before or after the change is committed (KIP-1186)

Errors: INCONSISTENT_CLUSTER_ID, DUPLICATE_VOTER, INVALID_REQUEST, UNSUPPORTED_VERSION, NOT_LEADER_OR_FOLLOWER,
REQUEST_TIMED_OUT, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, string, uint16, uuid


class Listener(Struct):
    name: str = string(map_key=True)
    host: str = string()
    port: int = uint16()


class AddRaftVoterRequest(Request, key=80, versions="0-1", flexible="0+"):
    cluster_id: str | None = string(nullable="0+")
    timeout_ms: int = int32()
    voter_id: int = int32()
    voter_directory_id: bytes = uuid()
    listeners: list[Listener] = array(Listener)
    ack_when_committed: bool = boolean(versions="1+", default=True)


class AddRaftVoterResponse(Response, key=80, versions="0-1", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", ignorable=True)
