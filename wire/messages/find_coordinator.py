"""FindCoordinator (key 10): which broker looks after this group, transactional id or share partition?

key_type 0 asks for a group, 1 for a transactional id, 2 for a share partition ("group:topic id:partition"). The
coordinator leads the partition of `__consumer_offsets`, `__transaction_state` or `__share_group_state` that the hash
of the key falls on.

v1 key_type (KIP-98)   v2 the client waits out throttle_time_ms itself (KIP-219)   v3 flexible
v4 several keys in one request, each with its own error (KIP-699)   v5 TRANSACTION_ABORTABLE (KIP-890)
v6 share partitions (KIP-932)

Errors: COORDINATOR_NOT_AVAILABLE, INVALID_REQUEST, INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int8, int16, int32, string


class FindCoordinatorRequest(Request, key=10, versions="0-6", flexible="3+"):
    key: str = string(versions="0-3")
    key_type: int = int8(versions="1+", default=0)
    coordinator_keys: list[str] = array(string, versions="4+")


class Coordinator(Struct):
    key: str = string(versions="4+")
    node_id: int = int32(versions="4+", entity="brokerId")
    host: str = string(versions="4+")
    port: int = int32(versions="4+")
    error_code: int = int16(versions="4+")
    error_message: str | None = string(versions="4+", nullable="4+", ignorable=True)


class FindCoordinatorResponse(Response, key=10, versions="0-6", flexible="3+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    error_code: int = int16(versions="0-3", default=0)
    error_message: str | None = string(versions="1-3", nullable="1-3", default="", ignorable=True)
    node_id: int = int32(versions="0-3", default=0, entity="brokerId")
    host: str = string(versions="0-3", default="")
    port: int = int32(versions="0-3", default=0)
    coordinators: list[Coordinator] = array(Coordinator, versions="4+")
