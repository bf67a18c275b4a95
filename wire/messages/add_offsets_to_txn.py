"""AddOffsetsToTxn (key 25)."""

from ..schema import Request, Response, int16, int32, int64, string


class AddOffsetsToTxnRequest(Request, key=25, versions="0-4", flexible="3+"):
    transactional_id: str = string(entity="transactionalId")
    producer_id: int = int64(entity="producerId")
    producer_epoch: int = int16()
    group_id: str = string(entity="groupId")


class AddOffsetsToTxnResponse(Response, key=25, versions="0-4", flexible="3+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
