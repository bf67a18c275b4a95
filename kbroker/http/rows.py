"""Typed functions as paths: what is not Kafka's own request and no control verb, but checked and told as they are.

A row is a path, a method and a verb (`control/table.py`) whose first argument is the visit: who asks, on which broker.
A GET has its arguments in the query: strings as they are, a list as often as it has items, all else as JSON. What an
async generator gives is server-sent events; a row whose `media` is JSON lines is a file to keep.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kbroker.control.plain import to_plain
from kbroker.control.table import ControlError, Verb
from kbroker.http.bodies import object_of, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

EVENTS, LINES, JSON = "text/event-stream", "application/x-ndjson", "application/json"
LONGEST_BODY = 64 << 20


class Row(NamedTuple):
    path: str
    method: str
    verb: Verb
    media: str = JSON


def routes_of(rows: Collection[Row], visit: Callable[[Request], Any]) -> list[BaseRoute]:
    """One route for each row; `visit` makes the first argument."""
    return [_route(row, visit) for row in rows]


def _route(row: Row, visit: Callable[[Request], Any]) -> BaseRoute:
    async def asked(request: Request) -> Response:
        try:
            if row.method == "GET":
                arguments = of_query(row.verb, request.query_params)
            else:
                arguments = await object_of(request, LONGEST_BODY)
            bound = row.verb.bind(arguments)
            if row.verb.streams:
                return await _streamed(row, row.verb.run(visit(request), **bound), str(bound.get("topic")))
            answer = row.verb.run(visit(request), **bound)
            return JSONResponse(to_plain(await answer if isawaitable(answer) else answer))
        except Exception as error:
            return refusal(error)

    return Route(row.path, asked, methods=[row.method])


def of_query(verb: Verb, query: Any) -> dict[str, Any]:
    """The arguments as their types want them. ControlError where one is no JSON."""
    found: dict[str, Any] = {}
    for name, text in query.multi_items():
        argument = verb.arguments.get(name)
        types = () if argument is None else (argument.type, *get_args(argument.type))
        if list[str] in types:
            found.setdefault(name, []).append(text)
        elif str in types:
            found[name] = text
        else:
            try:
                found[name] = json.loads(text)
            except (ValueError, RecursionError):
                raise ControlError("argument", f"{name} of {verb.name} is no JSON: {text[:40]}") from None
    return found


async def _streamed(row: Row, items: AsyncGenerator[Any, None], name: str) -> Response:
    """The first item is waited for: what is refused is a refusal, and no stream."""
    try:
        first = await anext(items)
    except StopAsyncIteration:
        return Response(b"", headers=_headers(row, name), media_type=row.media)
    written = _events(first, items) if row.media == EVENTS else _lines(first, items)
    return StreamingResponse(written, headers=_headers(row, name), media_type=row.media)


def _headers(row: Row, name: str) -> Mapping[str, str]:
    if row.media != LINES:
        return {"Cache-Control": "no-store"}
    safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in name)
    return {"Content-Disposition": f'attachment; filename="{safe}.jsonl"'}


async def _events(first: Any, items: AsyncGenerator[Any, None]) -> AsyncIterator[bytes]:
    async with aclosing(items):
        try:
            yield _event(first)
            async for item in items:
                yield _event(item)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            yield b"event: error\ndata: " + bytes(refusal(error).body) + b"\n\n"


async def _lines(first: Any, items: AsyncGenerator[Any, None]) -> AsyncIterator[bytes]:
    """An error cuts the file off: its end is then missing, and the client knows."""
    async with aclosing(items):
        yield _line(first)
        async for item in items:
            yield _line(item)


def _event(item: Any) -> bytes:
    return b"data: " + json.dumps(to_plain(item), separators=(",", ":")).encode() + b"\n\n"


def _line(item: Any) -> bytes:
    return json.dumps(to_plain(item), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
