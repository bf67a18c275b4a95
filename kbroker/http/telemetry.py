"""GET /telemetry: the metrics that clients have pushed lately (KIP-714), the oldest push first.

No Kafka request tells them: a broker has its own way with what it is pushed. Who may describe the subscriptions
(DESCRIBE_CONFIGS on the cluster) may see them.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kbroker.acls import CLUSTER_NAME
from kbroker.control.table import ControlError
from kbroker.http.bodies import refusal
from kbroker.http.kafka import PRINCIPAL, host_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.broker import Broker
    from kbroker.telemetry import Push


def telemetry_routes(broker: Broker) -> list[BaseRoute]:
    async def pushed(request: Request) -> Response:
        cluster = broker.cluster
        authorizer = cluster.authorizer
        if authorizer is not None:
            (allowed,) = authorizer.may(PRINCIPAL, host_of(request), "DESCRIBE_CONFIGS", "CLUSTER", [CLUSTER_NAME])
            if not allowed:
                return refusal(ControlError("refused", f"CLUSTER_AUTHORIZATION_FAILED: {PRINCIPAL} may not see it"))
        return JSONResponse({"pushes": [_plain(push) for push in cluster.telemetry.received]})

    return [Route("/telemetry", pushed)]


def _plain(push: Push) -> dict[str, Any]:
    """JSON has no NaN and no infinity, which clients push for what they have not measured yet."""
    metrics = [{**one._asdict(), "value": one.value if isfinite(one.value) else None} for one in push.metrics]
    return {**push._asdict(), "client": dict(push.client), "metrics": metrics}


def telemetry_paths() -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    answer = {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation = {
        "operationId": "telemetry",
        "summary": "The metrics that clients have pushed lately, the oldest push first.",
        "responses": {"200": answer},
    }
    return {"/telemetry": {"get": operation}}
