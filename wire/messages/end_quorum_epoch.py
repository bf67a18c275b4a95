"""EndQuorumEpoch (key 54): the leader of the controllers resigns and says who might follow (KIP-595, v1: KIP-853)."""

from ..schema import Request, Response, Struct, array, int16, int32, string, uint16, uuid


class ReplicaInfo(Struct):
    candidate_id: int = int32(versions="1+", entity="brokerId")
    candidate_directory_id: bytes = uuid(versions="1+")


class RequestPartitionData(Struct):
    partition_index: int = int32()
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32()
    preferred_successors: list[int] = array(int32, versions="0", ignorable=True)
    preferred_candidates: list[ReplicaInfo] = array(ReplicaInfo, versions="1+", ignorable=True)


class RequestTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[RequestPartitionData] = array(RequestPartitionData)


class LeaderEndpoint(Struct):
    name: str = string(versions="1+", map_key=True)
    host: str = string(versions="1+")
    port: int = uint16(versions="1+")


class EndQuorumEpochRequest(Request, key=54, versions="0-1", flexible="1+"):
    cluster_id: str | None = string(nullable="0+", default=None)
    topics: list[RequestTopicData] = array(RequestTopicData)
    leader_endpoints: list[LeaderEndpoint] = array(LeaderEndpoint, versions="1+", ignorable=True)


class ResponsePartitionData(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32()


class ResponseTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[ResponsePartitionData] = array(ResponsePartitionData)


class NodeEndpoint(Struct):
    node_id: int = int32(versions="1+", map_key=True, entity="brokerId")
    host: str = string(versions="1+")
    port: int = uint16(versions="1+")


class EndQuorumEpochResponse(Response, key=54, versions="0-1", flexible="1+"):
    error_code: int = int16()
    topics: list[ResponseTopicData] = array(ResponseTopicData)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, versions="1+", tag=0, default=...)
