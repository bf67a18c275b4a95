"""What is at which path.

GET /healthz    200 while the process answers                 GET /metrics        Prometheus
GET /readyz     200 while clients are accepted, else 503      GET /openapi.json   these paths for machines
/frames/...     the wire, seen: frames.py
/records/...    records, searched, written, copied: records.py
/console/       the web console: console.py                   POST /kafka/{api}   any Kafka request: kafka.py
/control/...    the control verbs, where control is on: control.py
GET /telemetry  what clients have pushed: telemetry.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kbroker.http.console import console_paths, console_routes
from kbroker.http.exposition import page
from kbroker.http.frames import ROWS as FRAMES
from kbroker.http.frames import frames_paths, frames_routes
from kbroker.http.kafka import kafka_paths, kafka_routes, visitor_of
from kbroker.http.records import ROWS
from kbroker.http.rows import routes_of
from kbroker.http.telemetry import telemetry_paths, telemetry_routes
from kbroker.http.visiting import Visit

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

    async def openapi(request: Request) -> Response:
        return JSONResponse(_document(broker, control))

    routes: list[BaseRoute] = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics_page),
        Route("/openapi.json", openapi),
        *console_routes(broker, has_control=control is not None),
        *kafka_routes(broker),
        *frames_routes(broker, control),
        *routes_of(ROWS, lambda request: Visit(broker, visitor_of(request))),
        *telemetry_routes(broker),
    ]
    if control is not None:
        from kbroker.http.control import control_routes

        routes += control_routes(control)
    return Starlette(routes=routes)


def _document(broker: Broker, control: Control | None) -> dict[str, Any]:
    """All paths that are here, as OpenAPI has them."""
    from kbroker.control.table import every
    from kbroker.http.control import only_looks
    from kbroker.http.openapi import document

    others = {
        **_plain_paths(),
        **console_paths(),
        **kafka_paths(broker.cluster.apis),
        **frames_paths(),
        **telemetry_paths(),
    }
    return document(every() if control is not None else [], only_looks, others, (*ROWS, *FRAMES))


def _plain_paths() -> dict[str, Any]:
    summaries = {
        "/healthz": "200 while the process answers.",
        "/readyz": "200 while clients are accepted, else 503.",
        "/metrics": "The metrics page, in Prometheus' format.",
    }
    text = {"200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    return {
        path: {"get": {"operationId": path[1:], "summary": summary, "responses": text}}
        for path, summary in summaries.items()
    }
