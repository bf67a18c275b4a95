"""PushTelemetry: metrics of a client, in OpenTelemetry's form (KIP-714). What has come in can be read: see
`kbroker/telemetry`.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._telemetry import known
from wire.messages.push_telemetry import PushTelemetryRequest, PushTelemetryResponse


def push_telemetry(request: PushTelemetryRequest, ctx: Context) -> PushTelemetryResponse:
    ctx.cluster.telemetry.push(
        request.client_instance_id,
        known(ctx, request.client_instance_id),
        request.subscription_id,
        request.compression_type,
        request.metrics,
        request.terminating,
        ctx.cluster.world.time_ms(),
    )
    return PushTelemetryResponse(error_code=0)
