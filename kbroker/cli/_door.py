"""A broker's HTTP door, asked with the standard library: the control verbs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kbroker.client.errors import ClientError, Unreachable

ANSWER_S = 10
DEFAULT = "127.0.0.1:9090"


def ask(door: str, token: str | None, verb: str, **arguments: Any) -> Any:
    """What the verb answers."""
    with _answer(door, token, "GET", _path(verb, arguments), once=True) as answer:
        return json.load(answer)


def do(door: str, token: str | None, verb: str, **arguments: Any) -> Any:
    """What a verb that changes something answers."""
    with _answer(door, token, "POST", _path(verb), json.dumps(arguments), once=True) as answer:
        return json.load(answer)


def opened(door: str, token: str | None, path: str) -> http.client.HTTPResponse:
    """What is at a path, to be read; a stream goes on until the broker ends."""
    return _answer(door, token, "GET", path)


def _path(verb: str, arguments: Mapping[str, Any] | None = None) -> str:
    noun, _, word = verb.partition(".")
    query = urlencode({name: json.dumps(value) for name, value in (arguments or {}).items()}, quote_via=quote)
    return f"/control/{noun}/{word}" + (f"?{query}" if query else "")


def _answer(
    door: str, token: str | None, method: str, path: str, body: str | None = None, *, once: bool = False
) -> http.client.HTTPResponse:
    """`once`: the connection ends with the answer."""
    connection = http.client.HTTPConnection(door, timeout=ANSWER_S)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Connection": "close"} if once else {}
    headers |= {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Unreachable(f"no HTTP door at {door}: {why.lower()}") from None
    if answer.status != http.client.OK:
        raise ClientError(f"{door} says {answer.status}: {_sentence(answer)}")
    if connection.sock is not None:
        connection.sock.settimeout(None)
    return answer


def _sentence(answer: http.client.HTTPResponse) -> str:
    said = answer.read(1000).decode(errors="replace").strip()
    try:
        return str(json.loads(said)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{said}; the broker needs --control" if answer.status == http.client.NOT_FOUND else said
