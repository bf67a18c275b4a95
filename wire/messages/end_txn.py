"""EndTxn (key 26)."""

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
