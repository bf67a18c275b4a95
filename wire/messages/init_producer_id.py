"""InitProducerId (key 22): a producer gets its id and epoch.

Without a transactional id any broker answers with a fresh id and epoch 0: that is all that an idempotent producer
needs. With one, the transaction coordinator ends what an earlier producer of the same name left open and raises the
epoch, which fences it (KIP-98).

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 flexible
v3 the producer may name its id and epoch, to raise the epoch after an error and go on (KIP-360)
v4 PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH (KIP-588)
v5 TRANSACTION_ABORTABLE (KIP-890)
v6 two-phase commit: keep a prepared transaction (KIP-939); unstable, no broker shows it

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, CONCURRENT_TRANSACTIONS,
PRODUCER_FENCED, INVALID_PRODUCER_EPOCH, INVALID_TRANSACTION_TIMEOUT, INVALID_REQUEST,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, boolean, int16, int32, int64, string


class InitProducerIdRequest(Request, key=22, versions="0-6", flexible="2+"):
    transactional_id: str | None = string(nullable="0+", entity="transactionalId")
    transaction_timeout_ms: int = int32()
    producer_id: int = int64(versions="3+", default=-1, entity="producerId")
    producer_epoch: int = int16(versions="3+", default=-1)
    enable2_pc: bool = boolean(versions="6+", default=False)
    keep_prepared_txn: bool = boolean(versions="6+", default=False)


class InitProducerIdResponse(Response, key=22, versions="0-6", flexible="2+"):
    throttle_time_ms: int = int32(default=0, ignorable=True)
    error_code: int = int16()
    producer_id: int = int64(default=-1, entity="producerId")
    producer_epoch: int = int16()
    ongoing_txn_producer_id: int = int64(versions="6+", default=-1, entity="producerId")
    ongoing_txn_producer_epoch: int = int16(versions="6+", default=-1)
