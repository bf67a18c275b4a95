"""FetchSnapshot (key 59): a controller or broker copies a snapshot of the metadata log, piece by piece (KIP-630, v1:
KIP-853).
"""

from ..schema import (
    Records,
    Request,
    Response,
    Struct,
    array,
    int16,
    int32,
    int64,
    records,
    string,
    struct,
    uint16,
    uuid,
)


class SnapshotId(Struct):
    end_offset: int = int64()
    epoch: int = int32()


class RequestPartitionSnapshot(Struct):
    partition: int = int32()
    current_leader_epoch: int = int32()
    snapshot_id: SnapshotId = struct(SnapshotId)
    position: int = int64()
    replica_directory_id: bytes = uuid(versions="1+", tag=0, ignorable=True)


class RequestTopicSnapshot(Struct):
    name: str = string(entity="topicName")
    partitions: list[RequestPartitionSnapshot] = array(RequestPartitionSnapshot)


class FetchSnapshotRequest(Request, key=59, versions="0-1", flexible="0+"):
    cluster_id: str | None = string(nullable="0+", tag=0, default=None)
    replica_id: int = int32(default=-1, entity="brokerId")
    max_bytes: int = int32(default=2**31 - 1)
    topics: list[RequestTopicSnapshot] = array(RequestTopicSnapshot)


class LeaderIdAndEpoch(Struct):
    leader_id: int = int32(entity="brokerId")
    leader_epoch: int = int32()


class ResponsePartitionSnapshot(Struct):
    index: int = int32()
    error_code: int = int16()
    snapshot_id: SnapshotId = struct(SnapshotId)
    current_leader: LeaderIdAndEpoch = struct(LeaderIdAndEpoch, tag=0, default=...)
    size: int = int64()
    position: int = int64()
    unaligned_records: Records = records()


class ResponseTopicSnapshot(Struct):
    name: str = string(entity="topicName")
    partitions: list[ResponsePartitionSnapshot] = array(ResponsePartitionSnapshot)


class NodeEndpoint(Struct):
    node_id: int = int32(versions="1+", map_key=True, entity="brokerId")
    host: str = string(versions="1+")
    port: int = uint16(versions="1+")


class FetchSnapshotResponse(Response, key=59, versions="0-1", flexible="0+"):
    throttle_time_ms: int = int32(default=0, ignorable=True)
    error_code: int = int16()
    topics: list[ResponseTopicSnapshot] = array(ResponseTopicSnapshot)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, versions="1+", tag=0, default=...)
