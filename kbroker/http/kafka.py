"""Any Kafka request as JSON, run by our own handler: what the console shows and does is asked here.

    POST /kafka/Metadata            {"topics": null}          the response as JSON, in the newest version
    POST /kafka/Metadata?version=9  {"topics": null}          in that version
    POST /kafka/DescribeLogDirs?node=2  {}                    as that broker of the cluster answers
    GET  /kafka                                               which APIs there are, and the names of error codes
    POST /decode/ConsumerProtocolAssignment  {"blobs": [...]} bytes inside of responses (base64), as JSON; null
                                                              where they are no such message

The JSON is what `kbroker call` and `kbroker encode` take and give: Kafka's names, base64 for bytes; what a request
leaves out has Kafka's defaults. What a handler refuses is a response with Kafka's error code in it, with status 200, as
a client gets it. Who asks is `User:console`, and with an authorizer may do what its access rules say.

Refused are requests that belong to a connection (logins, the sessions of fetches) or wait for others.
"""

from __future__ import annotations

import asyncio
from binascii import a2b_base64
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kbroker.control.asking import Asking
from kbroker.control.table import ControlError
from kbroker.http.bodies import object_of, refusal
from kbroker.server.errors import error_response
from wire.durable.codec import decode_blob
from wire.errors import ErrorCode, KafkaError, ProtocolError
from wire.registry import find, message
from wire.schema import Data

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.broker import Broker
    from kbroker.context import LocalNode
    from kbroker.security.login import Login
    from kbroker.server.apis import Apis
    from wire.registry import Api

PRINCIPAL = "User:console"
CLIENT_ID = "kbroker-console"
LONGEST_BODY = 64 << 20
LONGEST_WAIT_S = 60

OF_A_CONNECTION = frozenset(
    ("JoinGroup", "SyncGroup", "SaslHandshake", "SaslAuthenticate", "ShareFetch", "ShareAcknowledge")
)


class Visitor:
    """The connection of somebody who came in by HTTP (see `context.Peer`)."""

    id = 0
    principal = PRINCIPAL
    login: Login | None = None
    software_name = CLIENT_ID
    software_version = ""

    def __init__(self, host: str, port: int, local_host: str) -> None:
        self.host = host
        self.port = port
        self.local_host = local_host


def kafka_routes(broker: Broker) -> list[BaseRoute]:
    """The one path, for every API that the broker has."""

    async def asked(request: Request) -> Response:
        try:
            api = _api(broker.cluster.apis, request.path_params["api"])
            version = _number(request, "version", api.max_version)
            body = await object_of(request, LONGEST_BODY)
            node = _node(broker, _number(request, "node", broker.nodes[0].id))
            return JSONResponse(await answer(broker, node, api, version, body, visitor_of(request)))
        except Exception as error:
            return refusal(error)

    async def vocabulary(request: Request) -> Response:
        return JSONResponse(_vocabulary(broker.cluster.apis))

    async def unfolded(request: Request) -> Response:
        try:
            blobs = (await object_of(request, LONGEST_BODY)).get("blobs")
            return JSONResponse(_unfolded(request.path_params["message"], blobs))
        except Exception as error:
            return refusal(error)

    return [
        Route("/kafka/{api}", asked, methods=["POST"]),
        Route("/kafka", vocabulary),
        Route("/decode/{message}", unfolded, methods=["POST"]),
    ]


def _vocabulary(apis: Apis) -> dict[str, Any]:
    """The words that answers are written in: what can be asked, and the names of error codes."""
    rows = [apis.row(key) for key in apis.all_keys()]
    named = [{"key": one.key, "name": one.kafka_name, "min": one.min_version, "max": one.max_version} for one in rows]
    return {"apis": named, "errors": {str(int(code)): code.name for code in ErrorCode}}


async def answer(broker: Broker, node: LocalNode, api: Api, version: int, body: Any, visitor: Visitor) -> Any:
    """The response as JSON; None where Kafka sends none (Produce with acks=0)."""
    request = _request(api, version, body)
    try:
        response = await ask(broker, node, api, version, request, visitor)
    except KafkaError as error:
        response = error_response(api.response_class(), request, version, error.code, error.message)
    return None if response is None else response.to_json(version)


async def ask(broker: Broker, node: LocalNode, api: Api, version: int, request: Any, visitor: Visitor) -> Any:
    """What the handler answers; KafkaError where it refuses the whole request."""
    cluster = broker.cluster
    handler = getattr(import_module(f"kbroker.handlers.{api.name}"), api.name)
    listener = next(iter(node.listeners.values()))
    now = cluster.world.loop_time()
    ctx = Asking(cluster, node, listener, visitor, CLIENT_ID, api.key, version, 0, now)
    try:
        return await asyncio.wait_for(ctx.ask(handler, request), LONGEST_WAIT_S)
    except TimeoutError:
        raise ControlError("timeout", f"{api.kafka_name} was not answered within {LONGEST_WAIT_S} s") from None
    finally:
        if ctx.when_gone is not None:
            ctx.when_gone()


def _unfolded(name: str, blobs: Any) -> list[Any]:
    """Each of the blobs as JSON, in the version that stands in front of it."""
    try:
        cls = message(name)
    except KeyError:
        cls = None
    if cls is None or not issubclass(cls, Data):
        raise ControlError("missing", f"there are no blobs {name}")
    if not isinstance(blobs, list) or not all(isinstance(blob, str) for blob in blobs):
        raise ControlError("argument", "blobs is a list of base64 texts")
    found: list[Any] = []
    for blob in blobs:
        try:
            found.append(decode_blob(cls, a2b_base64(blob, strict_mode=True)).to_json(cls.__versions__.high))
        except (ProtocolError, ValueError):
            found.append(None)
    return found


def _api(apis: Apis, name: str) -> Api:
    api = find(name)
    if api is None or api.key not in apis:
        raise ControlError("missing", f"this broker has no API {name}")
    if api.kafka_name in OF_A_CONNECTION:
        raise ControlError("argument", f"{api.kafka_name} belongs to a connection of its own: ask with a Kafka client")
    return api


def _request(api: Api, version: int, body: dict[str, Any]) -> Any:
    if not api.min_version <= version <= api.max_version:
        versions = f"{api.min_version} to {api.max_version}"
        raise ControlError("argument", f"{api.kafka_name} has versions {versions}, not {version}")
    try:
        request = api.request_class().from_json(body, version)
    except ProtocolError as error:
        raise ControlError("argument", str(error)) from None
    if getattr(request, "max_wait_ms", 0) > 0:
        raise ControlError("argument", f"{api.kafka_name} does not wait here: leave out maxWaitMs")
    return request


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise ControlError("argument", f"{name} is a number, not {text!r}") from None


def _node(broker: Broker, node_id: int) -> LocalNode:
    for node in broker.nodes:
        if node.id == node_id:
            return node
    raise ControlError(
        "missing", f"there is no broker {node_id}; there are {', '.join(str(n.id) for n in broker.nodes)}"
    )


def host_of(request: Request) -> str:
    """The address that somebody came in from."""
    return request.client.host if request.client else "127.0.0.1"


def visitor_of(request: Request) -> Visitor:
    server = request.scope.get("server")
    return Visitor(host_of(request), request.client.port if request.client else 0, server[0] if server else "127.0.0.1")


_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_ANSWERS = {
    "200": {"description": "done", "content": _OBJECT},
    "default": {
        "description": "not asked",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    },
}


def kafka_paths(apis: Apis) -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    names = [api.kafka_name for api in map(apis.row, apis.all_keys()) if api.kafka_name not in OF_A_CONNECTION]
    integer = {"type": "integer"}
    parameters = [
        {"name": "api", "in": "path", "required": True, "schema": {"type": "string", "enum": names}},
        {"name": "version", "in": "query", "description": "the newest, if left out", "schema": integer},
        {"name": "node", "in": "query", "description": "which broker of the cluster answers", "schema": integer},
    ]
    asked = {
        "operationId": "kafka",
        "summary": "Any Kafka request as JSON, and its response; error codes are in the response, as Kafka has them.",
        "tags": ["kafka"],
        "parameters": parameters,
        "requestBody": {"required": False, "content": _OBJECT},
        "responses": _ANSWERS,
    }
    words = {
        "operationId": "vocabulary",
        "summary": "Which APIs there are, in which versions, and the names of error codes.",
        "tags": ["kafka"],
        "responses": _ANSWERS,
    }
    blobs = {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}}
    schema = {"type": "object", "properties": {"blobs": blobs}, "required": ["blobs"]}
    unfolded = {
        "operationId": "decode",
        "summary": "Bytes with a schema of their own (ConsumerProtocolAssignment, ...), each as JSON or null.",
        "tags": ["kafka"],
        "parameters": [{"name": "message", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _ANSWERS,
    }
    return {"/kafka/{api}": {"post": asked}, "/kafka": {"get": words}, "/decode/{message}": {"post": unfolded}}
