"""GetTelemetrySubscriptions: which metrics this client is to push, and how often (KIP-714).

It is advertised only while there is a subscription: a broker of Kafka's without a receiver of metrics has neither of
the two requests, and clients then leave it alone.
"""

from __future__ import annotations

from kbroker.context import Context
from kbroker.handlers._telemetry import known
from kbroker.telemetry import ACCEPTED, RESERVED
from wire.messages.get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
)


def get_telemetry_subscriptions(
    request: GetTelemetrySubscriptionsRequest, ctx: Context
) -> GetTelemetrySubscriptionsResponse:
    telemetry, world = ctx.cluster.telemetry, ctx.cluster.world
    instance_id = request.client_instance_id
    if instance_id in RESERVED:
        instance_id = world.uuid()
    found = telemetry.subscribe(instance_id, known(ctx, instance_id), world.time_ms())
    return GetTelemetrySubscriptionsResponse(
        error_code=0,
        client_instance_id=instance_id,
        subscription_id=found.id,
        accepted_compression_types=list(ACCEPTED),
        push_interval_ms=found.interval_ms,
        telemetry_max_bytes=telemetry.max_bytes,
        delta_temporality=True,
        requested_metrics=list(found.metrics),
    )
