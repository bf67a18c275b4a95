"""AddOffsetsToTxn (key 25): a transaction is going to commit offsets of this group.

The coordinator adds the group's partition of `__consumer_offsets` to the transaction; TxnOffsetCommit then brings the
offsets themselves to the group coordinator (KIP-98).

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 PRODUCER_FENCED (KIP-588)   v3 flexible
v4 TRANSACTION_ABORTABLE (KIP-890)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, CONCURRENT_TRANSACTIONS,
INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, GROUP_AUTHORIZATION_FAILED,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, int16, int32, int64, string


class AddOffsetsToTxnRequest(Request, key=25, versions="0-4", flexible="3+"):
    transactional_id: str = string(entity="transactionalId")
    producer_id: int = int64(entity="producerId")
    producer_epoch: int = int16()
    group_id: str = string(entity="groupId")


class AddOffsetsToTxnResponse(Response, key=25, versions="0-4", flexible="3+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
