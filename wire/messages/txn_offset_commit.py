"""TxnOffsetCommit (key 28): a transaction commits the offsets of its input, so that reading and writing succeed
together.

The group coordinator keeps them pending until the transaction's marker comes (KIP-98).

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 committed_leader_epoch (KIP-320)
v3 flexible; member and generation are checked as in OffsetCommit, which fences a consumer that lost its partitions
   (KIP-447)
v4 TRANSACTION_ABORTABLE (KIP-890)   v5 adds the group to the transaction by itself (KIP-890)   v6 topic ids

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, UNKNOWN_MEMBER_ID,
ILLEGAL_GENERATION, FENCED_INSTANCE_ID, STALE_MEMBER_EPOCH, INVALID_PRODUCER_EPOCH, OFFSET_METADATA_TOO_LARGE,
UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, TRANSACTION_ABORTABLE, GROUP_AUTHORIZATION_FAILED,
TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, int16, int32, int64, string, uuid


class TxnOffsetCommitRequestPartition(Struct):
    partition_index: int = int32()
    committed_offset: int = int64()
    committed_leader_epoch: int = int32(versions="2+", default=-1, ignorable=True)
    committed_metadata: str | None = string(nullable="0+")


class TxnOffsetCommitRequestTopic(Struct):
    name: str = string(versions="0-5", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="6+", ignorable=True)
    partitions: list[TxnOffsetCommitRequestPartition] = array(TxnOffsetCommitRequestPartition)


class TxnOffsetCommitRequest(Request, key=28, versions="0-6", flexible="3+"):
    transactional_id: str = string(entity="transactionalId")
    group_id: str = string(entity="groupId")
    producer_id: int = int64(entity="producerId")
    producer_epoch: int = int16()
    generation_id_or_member_epoch: int = int32(versions="3+", default=-1)
    member_id: str = string(versions="3+", default="")
    group_instance_id: str | None = string(versions="3+", nullable="3+", default=None)
    topics: list[TxnOffsetCommitRequestTopic] = array(TxnOffsetCommitRequestTopic)


class TxnOffsetCommitResponsePartition(Struct):
    partition_index: int = int32()
    error_code: int = int16()


class TxnOffsetCommitResponseTopic(Struct):
    name: str = string(versions="0-5", default="", ignorable=True, entity="topicName")
    topic_id: bytes = uuid(versions="6+", ignorable=True)
    partitions: list[TxnOffsetCommitResponsePartition] = array(TxnOffsetCommitResponsePartition)


class TxnOffsetCommitResponse(Response, key=28, versions="0-6", flexible="3+"):
    throttle_time_ms: int = int32(default=0)
    topics: list[TxnOffsetCommitResponseTopic] = array(TxnOffsetCommitResponseTopic)
