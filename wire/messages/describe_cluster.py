"""DescribeCluster (key 60): cluster id, controller and brokers, for administrators (KIP-700).

v1 endpoint_type: 1 brokers, 2 controllers (KIP-919)
v2 brokers that are registered but fenced, if asked for (KIP-1073)

Errors: MISMATCHED_ENDPOINT_TYPE (controllers asked of a broker), UNSUPPORTED_ENDPOINT_TYPE.
"""

from ..schema import Request, Response, Struct, array, boolean, int8, int16, int32, string


class DescribeClusterRequest(Request, key=60, versions="0-2", flexible="0+"):
    include_cluster_authorized_operations: bool = boolean()
    endpoint_type: int = int8(versions="1+", default=1)
    include_fenced_brokers: bool = boolean(versions="2+")


class DescribeClusterBroker(Struct):
    broker_id: int = int32(map_key=True, entity="brokerId")
    host: str = string()
    port: int = int32()
    rack: str | None = string(nullable="0+", default=None)
    is_fenced: bool = boolean(versions="2+")


class DescribeClusterResponse(Response, key=60, versions="0-2", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)
    endpoint_type: int = int8(versions="1+", default=1)
    cluster_id: str = string()
    controller_id: int = int32(default=-1, entity="brokerId")
    brokers: list[DescribeClusterBroker] = array(DescribeClusterBroker)
    cluster_authorized_operations: int = int32(default=-(2**31))
