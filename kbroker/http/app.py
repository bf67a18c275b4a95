"""What is at which path.

GET /healthz    200 while the process answers                 GET /metrics    Prometheus
GET /readyz     200 while clients are accepted, else 503      /control/...    see control.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kbroker.http.exposition import page

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.broker import Broker
    from kbroker.control.control import Control
    from kbroker.metrics import Metrics

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def app(broker: Broker, metrics: Metrics, control: Control | None) -> Starlette:
    """The paths of one broker; those of control where it is on."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if broker.is_serving:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("stopping\n", 503)

    async def metrics_page(request: Request) -> Response:
        return StreamingResponse(page(broker, metrics), media_type=PROMETHEUS)

    routes: list[BaseRoute] = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics_page),
    ]
    if control is not None:
        from kbroker.http.control import control_routes

        routes += control_routes(control)
    return Starlette(routes=routes)
