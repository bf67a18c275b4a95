"""DescribeTopicPartitions (key 75): topics with their partitions, page by page (KIP-966).

Topics come sorted by name; no topics mean all. The cursor is where the page begins; next_cursor is the first
partition that no longer fitted, or null. Beside the in-sync replicas stand those that may become leader without loss
although they fell out (eligible_leader_replicas).

Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED. A cursor with a
negative partition: INVALID_REQUEST.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, string, struct, uuid


class TopicRequest(Struct):
    name: str = string(entity="topicName")


class Cursor(Struct):
    topic_name: str = string(entity="topicName")
    partition_index: int = int32()


class DescribeTopicPartitionsRequest(Request, key=75, versions="0", flexible="0+"):
    topics: list[TopicRequest] = array(TopicRequest)
    response_partition_limit: int = int32(default=2000)
    cursor: Cursor | None = struct(Cursor, nullable="0+", default=None)


class DescribeTopicPartitionsResponsePartition(Struct):
    error_code: int = int16()
    partition_index: int = int32()
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32(default=-1, ignorable=True)
    replica_nodes: list[int] = array(int32, entity="brokerId")
    isr_nodes: list[int] = array(int32, entity="brokerId")
    eligible_leader_replicas: list[int] | None = array(int32, nullable="0+", default=None, entity="brokerId")
    last_known_elr: list[int] | None = array(int32, nullable="0+", default=None, entity="brokerId")
    offline_replicas: list[int] = array(int32, ignorable=True, entity="brokerId")


class DescribeTopicPartitionsResponseTopic(Struct):
    error_code: int = int16()
    name: str | None = string(nullable="0+", map_key=True, entity="topicName")
    topic_id: bytes = uuid(ignorable=True)
    is_internal: bool = boolean(default=False, ignorable=True)
    partitions: list[DescribeTopicPartitionsResponsePartition] = array(DescribeTopicPartitionsResponsePartition)
    topic_authorized_operations: int = int32(default=-(2**31))


class DescribeTopicPartitionsResponse(Response, key=75, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0, ignorable=True)
    topics: list[DescribeTopicPartitionsResponseTopic] = array(DescribeTopicPartitionsResponseTopic)
    next_cursor: Cursor | None = struct(Cursor, nullable="0+", default=None)
