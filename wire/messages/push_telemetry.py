"""PushTelemetry (key 72): a client pushes its metrics, in OpenTelemetry's form, compressed as agreed (KIP-714).

Errors: UNKNOWN_SUBSCRIPTION_ID (ask again), THROTTLING_QUOTA_EXCEEDED (too soon), TELEMETRY_TOO_LARGE,
UNSUPPORTED_COMPRESSION_TYPE, INVALID_REQUEST, INVALID_RECORD.
"""

from ..schema import Request, Response, boolean, bytes_, int8, int16, int32, uuid


class PushTelemetryRequest(Request, key=72, versions="0", flexible="0+"):
    client_instance_id: bytes = uuid()
    subscription_id: int = int32()
    terminating: bool = boolean()
    compression_type: int = int8()
    metrics: bytes = bytes_()


class PushTelemetryResponse(Response, key=72, versions="0", flexible="0+"):
    throttle_time_ms: int = int32(default=0)
    error_code: int = int16()
