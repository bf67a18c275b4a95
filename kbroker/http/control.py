"""The second door to the control verbs: every row of the table (`control/table.py`) by HTTP, with the same words.

    POST /control/topics/create   {"name": "orders", "partitions": 3}      the answer as JSON
    GET  /control/groups/list                                               verbs that only look, arguments in the query
    GET  /control/requests/follow?api=Produce                               streams: server-sent events, one JSON each
    GET  /control                                                           all of it for people

    POST   /brokers               one more isolated broker in this process (the verb brokers.create): where it is, and
                                  in `http` HOST:PORT/brokers/N, below which it has a /control of its own
    GET    /brokers               all of them           DELETE /brokers/N    it ends, and its port refuses

How a refusal is said: `bodies.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from html import escape
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kbroker.control.house import House
from kbroker.control.plain import name_of, to_plain
from kbroker.control.table import ControlError, Verb, every, find
from kbroker.http.bodies import object_of, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from kbroker.control.control import Control

LOOKS = (
    "connections",
    "disconnects",
    "check",
    "frames",
    "get",
    "held",
    "history",
    "info",
    "list",
    "log",
    "read",
    "state",
    "wait",
    "wrong",
)
"""Verbs that only look begin with one of these."""


def only_looks(verb: Verb) -> bool:
    return verb.streams or verb.name.partition(".")[2].startswith(LOOKS)


def verb_routes(
    control_of: Callable[[Request], Control], verbs: Sequence[Verb], prefixes: Sequence[str] = ("",)
) -> list[BaseRoute]:
    """The paths of these verbs, and the page that shows them. `control_of` says what a request's verb acts on."""
    known = {verb.name: verb for verb in verbs}

    async def asked(request: Request) -> Response:
        try:
            name = f"{request.path_params['noun']}.{request.path_params['verb']}"
            verb = known.get(name) or find(name)
            if verb.name not in known:
                raise ControlError("unknown", f"{verb.name} is for a broker, and this is none")
            if request.method == "GET" and not only_looks(verb):
                raise ControlError("argument", f"{verb.name} changes something: POST it")
            arguments = _of_query(request) if request.method == "GET" else await object_of(request)
            return await _carried_out(verb, control_of(request), arguments)
        except Exception as error:
            return refusal(error)

    async def people(request: Request) -> Response:
        return HTMLResponse(_page(verbs))

    paths = [f"{prefix}/control/{{noun}}/{{verb}}" for prefix in prefixes]
    return [*(Route(path, asked, methods=["GET", "POST"]) for path in paths), Route("/control", people)]


def control_routes(control: Control) -> list[BaseRoute]:
    """The paths of all verbs, for each broker of the process."""

    def chosen(request: Request) -> Control:
        """The broker that the path names; the first one where it names none."""
        number = request.path_params.get("number")
        return control if number is None else (control.house or House(control)).find(number)

    async def brokers(request: Request) -> Response:
        try:
            if request.method == "GET":
                return await _carried_out(find("brokers.list"), control, {})
            return await _carried_out(find("brokers.create"), control, await object_of(request))
        except Exception as error:
            return refusal(error)

    async def broker(request: Request) -> Response:
        try:
            return await _carried_out(find("brokers.drop"), control, {"broker": request.path_params["number"]})
        except Exception as error:
            return refusal(error)

    return [
        *verb_routes(chosen, every(), ("", "/brokers/{number:int}")),
        Route("/brokers", brokers, methods=["GET", "POST"]),
        Route("/brokers/{number:int}", broker, methods=["DELETE"]),
    ]


async def _carried_out(verb: Verb, control: Control, arguments: dict[str, Any]) -> Response:
    bound = verb.bind(arguments)
    if verb.streams:
        return StreamingResponse(_events(verb, control, bound), media_type="text/event-stream")
    answer = verb.run(control, **bound)
    return JSONResponse(to_plain(await answer if isawaitable(answer) else answer))


def _of_query(request: Request) -> dict[str, Any]:
    """Numbers, true, false and null mean themselves; what is no JSON is a string."""
    found = {}
    for name, text in request.query_params.items():
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


async def _events(verb: Verb, control: Control, bound: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b": listening\n\n"
    try:
        async for event in verb.run(control, **bound):
            yield b"data: " + json.dumps(to_plain(event), separators=(",", ":")).encode() + b"\n\n"
    except asyncio.CancelledError:
        raise
    except Exception as error:
        yield b"event: error\ndata: " + refusal(error).body + b"\n\n"


def _page(verbs: Sequence[Verb]) -> str:
    """The table for people."""
    rows = []
    for verb in verbs:
        arguments = ", ".join(
            escape(f"{name}: {name_of(one.type)}" + ("" if one.required else f" = {one.default!r}"))
            for name, one in verb.arguments.items()
        )
        noun, _, word = verb.name.partition(".")
        method = "GET" if only_looks(verb) else "POST"
        rows.append(
            f"<tr><td><code>{method} /control/{noun}/{word}</code></td><td>{arguments}</td>"
            f"<td>{escape(name_of(verb.answer))}{' (events)' if verb.streams else ''}</td>"
            f"<td>{escape(verb.doc)}</td></tr>"
        )
    return (
        "<!doctype html><meta charset=utf-8><title>kbroker control</title>"
        "<style>body{font:14px system-ui;margin:2em}td,th{padding:.3em .8em;text-align:left;vertical-align:top}"
        "tr:nth-child(even){background:#8881}</style><h1>kbroker control</h1>"
        "<p>Machines read <a href=/openapi.json>/openapi.json</a>.</p>"
        "<table><tr><th>verb<th>arguments<th>answer<th>what it does</tr>" + "".join(rows) + "</table>"
    )
