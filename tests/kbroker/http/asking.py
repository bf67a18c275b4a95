"""A small HTTP client: one request, one answer."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from kbroker.broker import Broker


async def get(broker: Broker, path: str, method: str = "GET", body: str = "", **headers: str) -> tuple[int, str]:
    reader, writer = await _ask(broker, path, method, body, headers)
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if b"chunked" in head.lower():
        answer = b"".join(re.split(rb"(?:\r\n)?[0-9a-f]+\r\n", answer))
    return int(head.split()[1]), answer.decode()


async def post(broker: Broker, path: str, arguments: Any) -> tuple[int, Any]:
    status, answer = await get(broker, path, "POST", json.dumps(arguments), Content_Type="application/json")
    return status, json.loads(answer)


async def events(broker: Broker, path: str) -> AsyncIterator[Any]:
    """What a stream says, until whoever asks has enough. The first one given is None: it listens from here on."""
    reader, writer = await _ask(broker, path, "GET", "", {})
    try:
        while line := await reader.readline():
            if line.startswith(b": listening"):
                yield None
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
    finally:
        writer.close()


async def _ask(
    broker: Broker, path: str, method: str, body: str, headers: dict[str, str]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = broker.http.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{method} {path} HTTP/1.1", f"Host: {broker.http}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join([*lines, "", ""]) + body).encode())
    return reader, writer


async def head(broker: Broker, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """The status and the headers of the answer, their names in lower case."""
    reader, writer = await _ask(broker, path, "GET", "", headers)
    said, _, _ = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = said.decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}
