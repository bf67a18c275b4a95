"""AllocateProducerIds (key 67): a broker gets a block of producer ids from the controller (KIP-730)."""

from ..schema import Request, Response, int16, int32, int64


class AllocateProducerIdsRequest(Request, key=67, versions="0", flexible="0+"):
    broker_id: int = int32(entity="brokerId")
    broker_epoch: int = int64(default=-1)


class AllocateProducerIdsResponse(Response, key=67, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
    producer_id_start: int = int64(entity="producerId")
    producer_id_len: int = int32()
