"""BrokerHeartbeat (key 63): a broker tells the controller that it lives, and asks to be unfenced or to shut down
(KIP-631, v1: KIP-858, v2: KIP-1066).
"""

from ..schema import Request, Response, array, boolean, int16, int32, int64, uuid


class BrokerHeartbeatRequest(Request, key=63, versions="0-2", flexible="0+"):
    broker_id: int = int32(entity="brokerId")
    broker_epoch: int = int64(default=-1)
    current_metadata_offset: int = int64()
    want_fence: bool = boolean()
    want_shut_down: bool = boolean()
    offline_log_dirs: list[bytes] = array(uuid, versions="1+", tag=0)
    cordoned_log_dirs: list[bytes] | None = array(uuid, versions="2+", nullable="2+", tag=1, default=None)


class BrokerHeartbeatResponse(Response, key=63, versions="0-2", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    is_caught_up: bool = boolean(default=False)
    is_fenced: bool = boolean(default=True)
    should_shut_down: bool = boolean()
