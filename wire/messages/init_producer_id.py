"""InitProducerId (key 22)."""

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
