"""Fetch (key 1): a consumer or a follower reads batches from some partitions, and waits for them if it likes.

The broker answers when min_bytes are there, when max_wait_ms is over, or at once if a partition fails. Data begins
with the batch that contains the fetch offset (the client skips what comes before) and ends at the high watermark, for
isolation level 1 at the last stable offset. The first batch comes whole, however large it is, so that a reader always
gets on (KIP-74). With a session (KIP-227) a client names only what changed, and gets only what changed.

v4 isolation_level, aborted_transactions: the reader drops their records itself (KIP-98)
v5 log_start_offset (KIP-107)
v7 sessions (KIP-227)   v8 the client waits out throttle_time_ms itself (KIP-219)   v9 current_leader_epoch (KIP-320)
v10 zstd (KIP-110)   v11 rack_id, preferred_read_replica: reading from a near follower (KIP-392)
v12 flexible; diverging_epoch tells a follower where its log went astray (KIP-595)   v13 topic ids (KIP-516)
v14 OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405)   v15 replica_state takes the place of replica_id (KIP-903)
v16 node_endpoints: where the new leader is (KIP-951)   v17 replica_directory_id (KIP-853)
v18 a follower tells its high_watermark (KIP-1166)

Errors of the whole: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR. Errors of
a partition: OFFSET_OUT_OF_RANGE, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID, UNSUPPORTED_COMPRESSION_TYPE,
TOPIC_AUTHORIZATION_FAILED, KAFKA_STORAGE_ERROR.
"""

from ..schema import Records, Request, Response, Struct, array, int8, int16, int32, int64, records, string, struct, uuid


class ReplicaState(Struct):
    replica_id: int = int32(versions="15+", default=-1, entity="brokerId")
    replica_epoch: int = int64(versions="15+", default=-1)


class FetchPartition(Struct):
    partition: int = int32()
    current_leader_epoch: int = int32(versions="9+", default=-1, ignorable=True)
    fetch_offset: int = int64()
    last_fetched_epoch: int = int32(versions="12+", default=-1)
    log_start_offset: int = int64(versions="5+", default=-1, ignorable=True)
    partition_max_bytes: int = int32()
    replica_directory_id: bytes = uuid(versions="17+", tag=0, ignorable=True)
    high_watermark: int = int64(versions="18+", tag=1, default=2**63 - 1, ignorable=True)


class FetchTopic(Struct):
    topic: str = string(versions="0-12", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="13+", ignorable=True)
    partitions: list[FetchPartition] = array(FetchPartition)


class ForgottenTopic(Struct):
    topic: str = string(versions="7-12", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="13+", ignorable=True)
    partitions: list[int] = array(int32, versions="7+")


class FetchRequest(Request, key=1, versions="4-18", flexible="12+"):
    cluster_id: str | None = string(versions="12+", nullable="12+", tag=0, default=None, ignorable=True)
    replica_id: int = int32(versions="0-14", default=-1, entity="brokerId")
    replica_state: ReplicaState = struct(ReplicaState, versions="15+", tag=1)
    max_wait_ms: int = int32()
    min_bytes: int = int32()
    max_bytes: int = int32(versions="3+", default=2**31 - 1, ignorable=True)
    isolation_level: int = int8(versions="4+", default=0, ignorable=True)
    session_id: int = int32(versions="7+", default=0, ignorable=True)
    session_epoch: int = int32(versions="7+", default=-1, ignorable=True)
    topics: list[FetchTopic] = array(FetchTopic)
    forgotten_topics_data: list[ForgottenTopic] = array(ForgottenTopic, versions="7+")
    rack_id: str = string(versions="11+", default="", ignorable=True)


class EpochEndOffset(Struct):
    epoch: int = int32(versions="12+", default=-1)
    end_offset: int = int64(versions="12+", default=-1)


class LeaderIdAndEpoch(Struct):
    leader_id: int = int32(versions="12+", default=-1, entity="brokerId")
    leader_epoch: int = int32(versions="12+", default=-1)


class SnapshotId(Struct):
    end_offset: int = int64(default=-1)
    epoch: int = int32(default=-1)


class AbortedTransaction(Struct):
    producer_id: int = int64(versions="4+", entity="producerId")
    first_offset: int = int64(versions="4+")


class PartitionData(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    high_watermark: int = int64()
    last_stable_offset: int = int64(versions="4+", default=-1, ignorable=True)
    log_start_offset: int = int64(versions="5+", default=-1, ignorable=True)
    diverging_epoch: EpochEndOffset = struct(EpochEndOffset, versions="12+", tag=0, default=...)
    current_leader: LeaderIdAndEpoch = struct(LeaderIdAndEpoch, versions="12+", tag=1, default=...)
    snapshot_id: SnapshotId = struct(SnapshotId, versions="12+", tag=2, default=...)
    aborted_transactions: list[AbortedTransaction] | None = array(
        AbortedTransaction, versions="4+", nullable="4+", ignorable=True
    )
    preferred_read_replica: int = int32(versions="11+", default=-1, entity="brokerId")
    records: Records | None = records(nullable="0+")


class FetchableTopicResponse(Struct):
    topic: str = string(versions="0-12", default="", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="13+", ignorable=True)
    partitions: list[PartitionData] = array(PartitionData)


class NodeEndpoint(Struct):
    node_id: int = int32(versions="16+", map_key=True, entity="brokerId")
    host: str = string(versions="16+")
    port: int = int32(versions="16+")
    rack: str | None = string(versions="16+", nullable="16+", default=None)


class FetchResponse(Response, key=1, versions="4-18", flexible="12+"):
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    error_code: int = int16(versions="7+", ignorable=True)
    session_id: int = int32(versions="7+", default=0)
    responses: list[FetchableTopicResponse] = array(FetchableTopicResponse)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, versions="16+", tag=0, default=...)
