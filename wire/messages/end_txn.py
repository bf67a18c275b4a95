"""EndTxn (key 26): the producer says how its transaction ends.

The coordinator writes the decision down, answers, and then has a marker written to every partition of the
transaction; until they all stand there, the next transaction gets CONCURRENT_TRANSACTIONS. The same decision may be
sent again; the other one gets INVALID_TXN_STATE (KIP-98).

v1 the client waits out throttle_time_ms itself (KIP-219)   v2 PRODUCER_FENCED may be answered (KIP-588)   v3 flexible
v4 TRANSACTION_ABORTABLE (KIP-890)
v5 the answer carries the epoch to go on with, raised by every transaction (KIP-890)

Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, CONCURRENT_TRANSACTIONS,
INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED,
TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
"""

from ..schema import Request, Response, boolean, int16, int32, int64, string


class EndTxnRequest(Request, key=26, versions="0-5", flexible="3+"):
    transactional_id: str = string(entity="transactionalId")
    producer_id: int = int64(entity="producerId")
    producer_epoch: int = int16()
    committed: bool = boolean()


class EndTxnResponse(Response, key=26, versions="0-5", flexible="3+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    producer_id: int = int64(versions="5+", default=-1, ignorable=True, entity="producerId")
    producer_epoch: int = int16(versions="5+", default=-1, ignorable=True)
