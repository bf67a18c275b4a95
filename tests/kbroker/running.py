"""A whole broker in memory on a real socket, and a client that says exactly what a test wants to say."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from kbroker.broker import Broker
from kbroker.config import Config
from kbroker.world import World
from wire.header import decode_response_header, encode_request_header, response_header_version
from wire.registry import APIS
from wire.schema import Request

# On in all tests: buffers are overwritten when they come back, and every record of a batch is looked at.
STRICT = {
    "kbroker.memory": "true",
    "listeners": "PLAINTEXT://127.0.0.1:0",
    "kbroker.debug.fill.buffers": "true",
    "kbroker.validate.records": "true",
}


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 60))


class Client:
    """One connection. Requests may be pipelined: `send` some, then `receive` as many."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.asked: list[tuple[int, int, int]] = []
        self.last_id = 0

    def send(self, request: Request, version: int, client_id: str | None = "tester") -> None:
        self.last_id += 1
        head = encode_request_header(request.__api_key__, version, self.last_id, client_id)
        body = head + request.encode(version)
        self.asked.append((self.last_id, request.__api_key__, version))
        self.writer.write(struct.pack(">i", len(body)) + body)

    async def receive(self) -> Any:
        (size,) = struct.unpack(">i", await self.reader.readexactly(4))
        reply = await self.reader.readexactly(size)
        expected_id, key, version = self.asked.pop(0)
        correlation_id, offset = decode_response_header(reply, response_header_version(key, version))
        assert correlation_id == expected_id
        return APIS[key].response_class().decode(reply[offset:], version)

    async def ask(self, request: Request, version: int) -> Any:
        self.send(request, version)
        return await self.receive()

    async def is_closed(self) -> bool:
        """Whether the broker has ended the connection; waits for it."""
        return await self.reader.read(1) == b""

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


async def connect(broker: Broker, place: int = 0) -> Client:
    host, _, port = broker.bound[place].rpartition(":")
    return Client(*await asyncio.open_connection(host.strip("[]"), int(port)))


@asynccontextmanager
async def serving(nodes: int | None = None, world: World | None = None, **texts: str) -> AsyncIterator[Broker]:
    """A broker that runs until the block ends; config names are written with underscores."""
    settings = {name.replace("_", "."): text for name, text in texts.items()}
    broker = Broker(Config(STRICT | settings), nodes=nodes, world=world)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
