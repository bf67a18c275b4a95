"""The web console's files: `kbroker/console/`, as they lie there. `/` leads to `/console/`.

A page of the console loads and asks nothing but this door: that is what its Content-Security-Policy says, and it holds
no inline script. What is served is found by a walk through the folder when the door opens, so no path leads out of it.
A browser asks again each time and is told 304 while the file is the same (ETag).
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kbroker.version import VERSION

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.broker import Broker

FOLDER = Path(__file__).resolve().parent.parent / "console"
START = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}


def console_routes(broker: Broker, *, has_control: bool) -> list[BaseRoute]:
    """The files, and what the console must know before it asks anything else."""
    files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.suffix in TYPES}

    async def start(request: Request) -> Response:
        return RedirectResponse("/console/")

    async def file(request: Request) -> Response:
        path = files.get(request.path_params["path"] or START)
        if path is None:
            return Response("there is no such file\n", 404, HEADERS, "text/plain")
        content = path.read_bytes()
        tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
        headers = {**HEADERS, "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=TYPES[path.suffix])

    async def about(request: Request) -> Response:
        return JSONResponse(
            {
                "version": VERSION,
                "control": has_control,
                "bootstrap": broker.bound,
                "nodes": [node.id for node in broker.nodes],
                "data": broker.data,
            }
        )

    return [
        Route("/", start),
        Route("/console", start),
        Route("/console/{path:path}", file),
        Route("/about", about),
    ]


def console_paths() -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    strings = {"type": "array", "items": {"type": "string"}}
    properties = {
        "version": {"type": "string"},
        "control": {"type": "boolean", "description": "whether /control/... is there"},
        "bootstrap": {**strings, "description": "where Kafka clients connect"},
        "nodes": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "string", "description": "the directory, or memory"},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    answer = {"description": "done", "content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "about", "summary": "What runs here.", "responses": {"200": answer}}
    return {"/about": {"get": operation}}
