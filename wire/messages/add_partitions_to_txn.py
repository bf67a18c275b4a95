"""AddPartitionsToTxn (key 24): a transaction is going to write to these partitions.

The coordinator writes them down first, so that it knows where to send markers when the transaction ends. If one
partition of a producer's request fails, none is added and the others get OPERATION_NOT_ATTEMPTED (KIP-98). From
transaction.version 2 on producers no longer send it: the partition's leader adds the partition when the first batch
comes.

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 PRODUCER_FENCED (KIP-588)   v3 flexible
v4 for brokers: several transactions in one request, and verify_only, which asks whether a partition is in the
   transaction (KIP-890)
v5 TRANSACTION_ABORTABLE (KIP-890)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, CONCURRENT_TRANSACTIONS, INVALID_PRODUCER_ID_MAPPING,
PRODUCER_FENCED, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_ABORTABLE, UNKNOWN_TOPIC_OR_PARTITION,
OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, Struct, array, boolean, int16, int32, int64, string


class AddPartitionsToTxnTopic(Struct):
    name: str = string(map_key=True, entity="topicName")
    partitions: list[int] = array(int32)


class AddPartitionsToTxnTransaction(Struct):
    transactional_id: str = string(versions="4+", map_key=True, entity="transactionalId")
    producer_id: int = int64(versions="4+", entity="producerId")
    producer_epoch: int = int16(versions="4+")
    verify_only: bool = boolean(versions="4+", default=False)
    topics: list[AddPartitionsToTxnTopic] = array(AddPartitionsToTxnTopic, versions="4+")


class AddPartitionsToTxnRequest(Request, key=24, versions="0-5", flexible="3+"):
    transactions: list[AddPartitionsToTxnTransaction] = array(AddPartitionsToTxnTransaction, versions="4+")
    v3_and_below_transactional_id: str = string(versions="0-3", entity="transactionalId")
    v3_and_below_producer_id: int = int64(versions="0-3", entity="producerId")
    v3_and_below_producer_epoch: int = int16(versions="0-3")
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = array(AddPartitionsToTxnTopic, versions="0-3")


class AddPartitionsToTxnPartitionResult(Struct):
    partition_index: int = int32(map_key=True)
    partition_error_code: int = int16()


class AddPartitionsToTxnTopicResult(Struct):
    name: str = string(map_key=True, entity="topicName")
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = array(AddPartitionsToTxnPartitionResult)


class AddPartitionsToTxnResult(Struct):
    transactional_id: str = string(versions="4+", map_key=True, entity="transactionalId")
    topic_results: list[AddPartitionsToTxnTopicResult] = array(AddPartitionsToTxnTopicResult, versions="4+")


class AddPartitionsToTxnResponse(Response, key=24, versions="0-5", flexible="3+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16(versions="4+", ignorable=True)
    results_by_transaction: list[AddPartitionsToTxnResult] = array(AddPartitionsToTxnResult, versions="4+")
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = array(
        AddPartitionsToTxnTopicResult, versions="0-3", default=...
    )
