"""ListOffsets (key 2): which offset belongs to a point in time?

A timestamp of 0 or more asks for the first record at or after it; -1 for the end (high watermark, or last stable
offset for isolation level 1), -2 for the start, -3 for the record with the largest timestamp, -4 for the start of
what lies on this broker, -5 for the last offset in tiered storage, -6 for the first that is not there yet. Nothing
found is no error: offset -1, timestamp -1.

v1 one offset, not a list of them   v2 isolation_level (KIP-98)
v3 the client waits out throttle_time_ms itself (KIP-219)
v4 current_leader_epoch, leader_epoch of the offset found (KIP-320)
v5 OFFSET_NOT_AVAILABLE while a new leader catches up (KIP-207)
v6 flexible   v7 -3 (KIP-734)   v8 -4 (KIP-405)   v9 -5 (KIP-1005)
v10 timeout_ms for reading tiered storage (KIP-1075)   v11 -6 (KIP-1023)

Errors: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE, INVALID_REQUEST (a partition named twice), UNSUPPORTED_VERSION (a special
timestamp that this version lacks), TOPIC_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int8, int16, int32, int64, string


class ListOffsetsPartition(Struct):
    partition_index: int = int32()
    current_leader_epoch: int = int32(versions="4+", default=-1, ignorable=True)
    timestamp: int = int64()


class ListOffsetsTopic(Struct):
    name: str = string(entity="topicName")
    partitions: list[ListOffsetsPartition] = array(ListOffsetsPartition)


class ListOffsetsRequest(Request, key=2, versions="1-11", flexible="6+"):
    replica_id: int = int32(entity="brokerId")
    isolation_level: int = int8(versions="2+")
    topics: list[ListOffsetsTopic] = array(ListOffsetsTopic)
    timeout_ms: int = int32(versions="10+", ignorable=True)


class ListOffsetsPartitionResponse(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    timestamp: int = int64(versions="1+", default=-1)
    offset: int = int64(versions="1+", default=-1)
    leader_epoch: int = int32(versions="4+", default=-1)


class ListOffsetsTopicResponse(Struct):
    name: str = string(entity="topicName")
    partitions: list[ListOffsetsPartitionResponse] = array(ListOffsetsPartitionResponse)


class ListOffsetsResponse(Response, key=2, versions="1-11", flexible="6+"):
    throttle_time_ms: int = int32(versions="2+", default=0, ignorable=True)
    topics: list[ListOffsetsTopicResponse] = array(ListOffsetsTopicResponse)
