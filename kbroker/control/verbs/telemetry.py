"""Telemetry (KIP-714): which metrics clients are asked to push, and what they have pushed."""

from __future__ import annotations

from kbroker.catalog.state import CLIENT_METRICS
from kbroker.control.control import Control, accept
from kbroker.control.shapes import Metric, Push
from kbroker.control.table import verb
from wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

SET, DELETE = 0, 1
NAME = "kbroker-control"


@verb
async def request(
    control: Control, metrics: list[str] | None = None, interval_ms: int = 1000, match: str = "", name: str = NAME
) -> None:
    """Ask clients for metrics whose names begin so, "*" for all, in this interval; `match` is Kafka's
    (client_id=app.*). Clients ask what is wanted when they connect, and again every five minutes or interval; without
    metrics the question is taken back."""
    wanted = {"metrics": ",".join(metrics), "interval.ms": str(interval_ms), "match": match} if metrics else {}
    changes = [
        AlterableConfig(name=each, config_operation=SET if wanted.get(each) else DELETE, value=wanted.get(each) or None)
        for each in ("metrics", "interval.ms", "match")
    ]
    resource = AlterConfigsResource(resource_type=CLIENT_METRICS, resource_name=name, configs=changes)
    (result,) = (await control.ask(IncrementalAlterConfigsRequest(resources=[resource], validate_only=False))).responses
    accept(result.error_code, result.error_message)


@verb
def list_(control: Control, client_id: str | None = None) -> list[Push]:
    """The latest pushes, the oldest first."""
    return [
        Push(
            dict(each.client),
            each.time_ms,
            each.terminating,
            [Metric(one.name, one.kind, one.value, one.unit, one.attributes) for one in each.metrics],
        )
        for each in control.cluster.telemetry.received
        if client_id in (None, each.client.get("client_id"))
    ]
