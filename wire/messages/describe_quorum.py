"""DescribeQuorum (key 55): leader, voters and observers of the metadata log, and how far each has come (KIP-595).

Only partition 0 of `__cluster_metadata` may be asked for.

v1 when each replica last fetched and last had everything (KIP-836)
v2 error messages, directory ids and the addresses of the voters (KIP-853)

Errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST, NOT_LEADER_OR_FOLLOWER, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int16, int32, int64, string, uint16, uuid


class RequestPartitionData(Struct):
    partition_index: int = int32()


class RequestTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[RequestPartitionData] = array(RequestPartitionData)


class DescribeQuorumRequest(Request, key=55, versions="0-2", flexible="0+"):
    topics: list[RequestTopicData] = array(RequestTopicData)


class ReplicaState(Struct):
    replica_id: int = int32(entity="brokerId")
    replica_directory_id: bytes = uuid(versions="2+")
    log_end_offset: int = int64()
    last_fetch_timestamp: int = int64(versions="1+", default=-1, ignorable=True)
    last_caught_up_timestamp: int = int64(versions="1+", default=-1, ignorable=True)


class ResponsePartitionData(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    error_message: str | None = string(versions="2+", nullable="2+", ignorable=True)
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32()
    high_watermark: int = int64()
    current_voters: list[ReplicaState] = array(ReplicaState)
    observers: list[ReplicaState] = array(ReplicaState)


class ResponseTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[ResponsePartitionData] = array(ResponsePartitionData)


class Listener(Struct):
    name: str = string(versions="2+", map_key=True)
    host: str = string(versions="2+")
    port: int = uint16(versions="2+")


class Node(Struct):
    node_id: int = int32(versions="2+", map_key=True, entity="brokerId")
    listeners: list[Listener] = array(Listener, versions="2+")


class DescribeQuorumResponse(Response, key=55, versions="0-2", flexible="0+"):
    error_code: int = int16()
    error_message: str | None = string(versions="2+", nullable="2+", ignorable=True)
    topics: list[ResponseTopicData] = array(ResponseTopicData)
    nodes: list[Node] = array(Node, versions="2+")
