"""A server on its own: a cluster of nothing, handlers that a test answers by hand, a transport that only remembers."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from kbroker.cluster import Cluster
from kbroker.config import Config
from kbroker.context import Listener, LocalNode
from kbroker.server.apis import Apis
from kbroker.server.connection import Connection
from kbroker.server.server import Server
from kbroker.world import RealWorld, World
from wire.header import decode_response_header, encode_request_header, response_header_version
from wire.registry import APIS
from wire.schema import Request, Response

HEARTBEAT, PRODUCE, FETCH, JOIN_GROUP, METADATA, API_VERSIONS = 12, 0, 1, 11, 3, 18


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 20))


async def turns(count: int = 5) -> None:
    """Let the loop do what is due."""
    for _ in range(count):
        await asyncio.sleep(0)


def frame(request: Request, version: int, correlation_id: int = 1, client_id: str | None = "tester") -> bytes:
    """The bytes of a request as they lie on the wire."""
    body = encode_request_header(request.__api_key__, version, correlation_id, client_id) + request.encode(version)
    return struct.pack(">i", len(body)) + body


class Transport:
    """Takes writes, and a test sees what was sent. A `protocol` is told of large ones as of what cannot be sent yet."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.paused = self.closed = self.aborted = False
        self.buffered = 0
        self.protocol: Any = None

    def get_extra_info(self, name: str) -> Any:
        return {"peername": ("10.0.0.7", 5000), "sockname": ("10.0.0.1", 9092)}.get(name)

    def write(self, data: Any) -> None:
        self.writelines([data])

    def writelines(self, parts: Iterable[Any]) -> None:
        self.writes.append(b"".join(parts))
        if self.protocol is not None and len(self.writes[-1]) > 64 * 1024:
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


class Client:
    """The other end of one connection."""

    def __init__(self, server: Server, node: LocalNode, listener: Listener, gate: Any = None) -> None:
        self.transport = Transport()
        self.connection: Connection = server.connection(node, listener, gate)()
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def send(self, data: bytes, piece: int = 1 << 30) -> None:
        """Receive these bytes at the broker's end, so many at a time."""
        for at in range(0, len(data), piece):
            rest = data[at : at + piece]
            while rest and not self.transport.closed:
                room = self.connection.get_buffer(-1)
                count = min(len(room), len(rest))
                room[:count] = rest[:count]
                rest = rest[count:]
                self.connection.buffer_updated(count)

    def lose(self) -> None:
        self.connection.connection_lost(None)

    @property
    def replies(self) -> list[bytes]:
        """The frames sent so far, without their sizes."""
        stream, found = b"".join(self.transport.writes), []
        while stream:
            (size,) = struct.unpack_from(">i", stream)
            found.append(stream[4 : 4 + size])
            stream = stream[4 + size :]
        return found

    @property
    def correlation_ids(self) -> list[int]:
        return [struct.unpack_from(">i", reply)[0] for reply in self.replies]


def read(reply: bytes, key: int, version: int) -> tuple[int, Any]:
    """Correlation id and response."""
    correlation_id, offset = decode_response_header(reply, response_header_version(key, version))
    return correlation_id, APIS[key].response_class().decode(reply[offset:], version)


class Surroundings:
    """A server whose handlers a test takes over."""

    def __init__(self, world: World | None = None, **texts: str) -> None:
        settings = {name.replace("_", "."): text for name, text in texts.items()}
        self.config = Config({"kbroker.debug.fill.buffers": "true"} | settings)
        cluster = Cluster()
        cluster.config = self.config
        cluster.world = self.world = world or RealWorld(asyncio.get_running_loop())
        cluster.apis = Apis()
        self.apis = cluster.apis
        self.cluster = cluster
        self.server = Server(cluster)
        self.node = LocalNode(1)
        self.listener = Listener("PLAINTEXT", "PLAINTEXT", "0.0.0.0", 9092, "", 9092)

    def client(self) -> Client:
        return Client(self.server, self.node, self.listener)

    def answer(self, key: int, handler: Callable[[Any, Any], Any]) -> None:
        """Put a handler in the place of the broker's."""
        api = APIS[key]
        self.apis._apis[key] = api
        from kbroker.server.apis import Entry

        self.apis._entries[key] = Entry(api, handler, api.request_class(), api.response_class())

    def answer_later(self, key: int) -> list["asyncio.Future[Response]"]:
        """A handler whose futures, one per request, the test resolves."""
        futures: list[asyncio.Future[Response]] = []

        def handler(request: Any, ctx: Any) -> "asyncio.Future[Response]":
            futures.append(asyncio.get_running_loop().create_future())
            return futures[-1]

        self.answer(key, handler)
        return futures
