"""RemoveRaftVoter (key 81): take a controller out of the voters of the metadata log (KIP-853).

Errors: INCONSISTENT_CLUSTER_ID, VOTER_NOT_FOUND, INVALID_REQUEST, UNSUPPORTED_VERSION, NOT_LEADER_OR_FOLLOWER,
REQUEST_TIMED_OUT, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, int16, int32, string, uuid


class RemoveRaftVoterRequest(Request, key=81, versions="0", flexible="0+"):
    cluster_id: str | None = string(nullable="0+")
    voter_id: int = int32()
    voter_directory_id: bytes = uuid()


class RemoveRaftVoterResponse(Response, key=81, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", ignorable=True)
