"""Produce (key 0): a producer appends one record batch to each of some partitions.

acks says when the answer comes: 0 never (a failure closes the connection), 1 when the leader has the batch, -1 when
all in-sync replicas have it. Each partition fails or succeeds alone. The batch must be of magic 2 and start at offset
0; the answer's base offset says where it landed. A batch that was sent twice is written once and gets its old offset
(KIP-98: producer id, epoch and sequence stand in the batch header).

v3 transactional_id; magic 2 only (lower versions left in 4.0, yet the broker advertises 0, see registry.py)
v4 KAFKA_STORAGE_ERROR may be answered
v5 log_start_offset   v6 the client waits out throttle_time_ms itself (KIP-219)   v7 zstd (KIP-110)
v8 record_errors and error_message say which records are at fault (KIP-467)
v9 flexible   v10 the new leader is named when this is not it (KIP-951)   v11 TRANSACTION_ABORTABLE (KIP-890)
v12 a transactional batch adds its partition to the transaction by itself (KIP-890, transaction.version 2)
v13 topics by id instead of by name (KIP-516)

Errors of a partition: NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION or UNKNOWN_TOPIC_ID, CORRUPT_MESSAGE,
INVALID_RECORD, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, INVALID_REQUIRED_ACKS,
NOT_ENOUGH_REPLICAS (and _AFTER_APPEND), REQUEST_TIMED_OUT, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
INVALID_TXN_STATE, UNSUPPORTED_COMPRESSION_TYPE, INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KAFKA_STORAGE_ERROR.
"""

from ..primitives import Buffer
from ..schema import Request, Response, Struct, array, int16, int32, int64, records, string, struct, uuid


class PartitionProduceData(Struct):
    index: int = int32()
    records: Buffer | None = records(nullable="0+")


class TopicProduceData(Struct):
    name: str = string(versions="0-12", ignorable=True, map_key=True, entity="topicName")
    topic_id: bytes = uuid(versions="13+", ignorable=True, map_key=True)
    partition_data: list[PartitionProduceData] = array(PartitionProduceData)


class ProduceRequest(Request, key=0, versions="3-13", flexible="9+"):
    transactional_id: str | None = string(versions="3+", nullable="3+", default=None, entity="transactionalId")
    acks: int = int16()
    timeout_ms: int = int32()
    topic_data: list[TopicProduceData] = array(TopicProduceData)


class BatchIndexAndErrorMessage(Struct):
    batch_index: int = int32(versions="8+")
    batch_index_error_message: str | None = string(versions="8+", nullable="8+", default=None)


class LeaderIdAndEpoch(Struct):
    leader_id: int = int32(versions="10+", default=-1, entity="brokerId")
    leader_epoch: int = int32(versions="10+", default=-1)


class PartitionProduceResponse(Struct):
    index: int = int32()
    error_code: int = int16()
    base_offset: int = int64()
    log_append_time_ms: int = int64(versions="2+", default=-1, ignorable=True)
    log_start_offset: int = int64(versions="5+", default=-1, ignorable=True)
    record_errors: list[BatchIndexAndErrorMessage] = array(BatchIndexAndErrorMessage, versions="8+", ignorable=True)
    error_message: str | None = string(versions="8+", nullable="8+", default=None, ignorable=True)
    current_leader: LeaderIdAndEpoch = struct(LeaderIdAndEpoch, versions="10+", tag=0, default=...)


class TopicProduceResponse(Struct):
    name: str = string(versions="0-12", default="", ignorable=True, map_key=True, entity="topicName")
    topic_id: bytes = uuid(versions="13+", ignorable=True, map_key=True)
    partition_responses: list[PartitionProduceResponse] = array(PartitionProduceResponse)


class NodeEndpoint(Struct):
    node_id: int = int32(versions="10+", map_key=True, entity="brokerId")
    host: str = string(versions="10+")
    port: int = int32(versions="10+")
    rack: str | None = string(versions="10+", nullable="10+", default=None)


class ProduceResponse(Response, key=0, versions="3-13", flexible="9+"):
    responses: list[TopicProduceResponse] = array(TopicProduceResponse)
    throttle_time_ms: int = int32(versions="1+", default=0, ignorable=True)
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, versions="10+", tag=0, default=...)
