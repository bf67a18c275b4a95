"""What is at which path of a proxy: of control what faults and requests are (`proxy/desk.py`).

GET /healthz    200 while the process answers                 /control/faults/...      as on a broker
GET /readyz     the same                                      /control/requests/...
GET /frames/tap                                           what `kbroker trace` reads
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from kbroker.control.table import every
from kbroker.http.control import only_looks, verb_routes
from kbroker.http.openapi import document
from kbroker.http.tapping import BYTES, tapped
from kbroker.proxy.desk import NOUNS

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.proxy.desk import Desk


def app(desk: Desk) -> Starlette:
    """The paths of one proxy."""
    verbs = [verb for verb in every() if verb.name.partition(".")[0] in NOUNS]
    here: Any = desk  # these verbs ask for nothing else that Control has

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def openapi(request: Request) -> Response:
        return JSONResponse(document(verbs, only_looks))

    async def tap(request: Request) -> Response:
        return StreamingResponse(tapped(desk.recorded.follow(), desk.cluster.world), media_type=BYTES)

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/readyz", health),
            Route("/openapi.json", openapi),
            Route("/frames/tap", tap),
            *verb_routes(lambda request: here, verbs),
        ]
    )
