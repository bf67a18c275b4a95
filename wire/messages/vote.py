"""Vote (key 52): a candidate asks the other controllers for their votes (KIP-595; v2 asks beforehand, KIP-996)."""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, int64, string, uint16, uuid


class RequestPartitionData(Struct):
    partition_index: int = int32()
    replica_epoch: int = int32()
    replica_id: int = int32(entity="brokerId")
    replica_directory_id: bytes = uuid(versions="1+", ignorable=True)
    voter_directory_id: bytes = uuid(versions="1+", ignorable=True)
    last_offset_epoch: int = int32()
    last_offset: int = int64()
    pre_vote: bool = boolean(versions="2+")


class RequestTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[RequestPartitionData] = array(RequestPartitionData)


class VoteRequest(Request, key=52, versions="0-2", flexible="0+"):
    cluster_id: str | None = string(nullable="0+", default=None)
    voter_id: int = int32(versions="1+", default=-1, ignorable=True, entity="brokerId")
    topics: list[RequestTopicData] = array(RequestTopicData)


class ResponsePartitionData(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32()
    vote_granted: bool = boolean()


class ResponseTopicData(Struct):
    topic_name: str = string(entity="topicName")
    partitions: list[ResponsePartitionData] = array(ResponsePartitionData)


class NodeEndpoint(Struct):
    node_id: int = int32(versions="1+", map_key=True, entity="brokerId")
    host: str = string(versions="1+")
    port: int = uint16(versions="1+")


class VoteResponse(Response, key=52, versions="0-2", flexible="0+"):
    error_code: int = int16()
    topics: list[ResponseTopicData] = array(ResponseTopicData)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, versions="1+", tag=0, default=...)
