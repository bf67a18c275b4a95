"""Connections in memory, with the habits of TCP that matter: order within a direction, delay, pieces of any size, cuts.

A `Pipe` is one end of a connection and looks like an asyncio transport to the protocol that holds it. What is written
is copied at once (as the kernel does) and arrives at the other end's protocol after a delay drawn from the dice, never
before what was written earlier. `cut` loses everything that is under way, in both directions.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .loop import VirtualLoop

TICK = 1e-6
"""Seconds between two arrivals: a loop does not keep the order of timers that are due at the same moment."""


class Pipe(asyncio.Transport):
    def __init__(self, network: "Network", names: dict[str, Any]) -> None:
        super().__init__(names)
        self.network = network
        self.protocol: Any = None
        self.peer: Pipe
        self.arrives_at = 0.0
        self.waiting: list[bytes] = []
        self.paused = self.closing = self.lost = False

    # What the protocol of this end calls.
    def write(self, data: Any) -> None:
        if not (self.closing or self.lost):
            self.network.carry(self, bytes(data))

    def writelines(self, parts: Iterable[Any]) -> None:
        self.write(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def is_reading(self) -> bool:
        return not self.paused

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        self.network.loop.call_soon(self.hand_over)

    def get_protocol(self) -> Any:
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.network.loop.call_at(self.network.arrival(self), self.peer.lose, None)
            self.network.loop.call_soon(self.lose, None)

    def abort(self) -> None:
        self.network.cut(self)

    # What the network calls.
    def deliver(self, data: bytes) -> None:
        if not (self.lost or self.closing):
            self.waiting.append(data)
            self.hand_over()

    def hand_over(self) -> None:
        while self.waiting and not self.paused and not self.lost:
            data = self.waiting.pop(0)
            if isinstance(self.protocol, asyncio.BufferedProtocol):
                self._fill(memoryview(data))
            else:
                self.protocol.data_received(data)

    def _fill(self, data: memoryview) -> None:
        while data and not self.lost:
            room = memoryview(self.protocol.get_buffer(len(data))).cast("B")
            size = min(len(room), len(data))
            room[:size] = data[:size]
            self.protocol.buffer_updated(size)
            data = data[size:]

    def lose(self, error: Exception | None) -> None:
        if not self.lost:
            self.lost = self.closing = True
            self.network.pipes.discard(self)
            self.protocol.connection_lost(error)


class Listener:
    """What `create_server` gives: enough of asyncio.Server for a broker."""

    def __init__(self, network: "Network", address: tuple[str, int], factory: Callable[[], Any]) -> None:
        self.network, self.address, self.factory = network, address, factory
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return self.address

    def close(self) -> None:
        self.network.listeners.pop(self.address, None)

    def close_clients(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass

    async def start_serving(self) -> None:
        pass


class Network:
    def __init__(self, loop: VirtualLoop, dice: random.Random, *, slowest: float = 0.02) -> None:
        self.loop, self.dice, self.slowest = loop, dice, slowest
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.pipes: set[Pipe] = set()
        self.hits: Counter[str] = Counter()
        self.next_port = 40_000
        loop.network = self

    def listen(self, factory: Callable[[], Any], host: Any, port: Any, sock: Any = None) -> Listener:
        if sock is not None:
            host, port = sock.getsockname()[:2]
        if not port:
            self.next_port += 1
            port = self.next_port
        listener = Listener(self, (host, port), factory)
        if listener.address in self.listeners:
            raise OSError(98, "Address already in use")
        self.listeners[listener.address] = listener
        return listener

    def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Pipe, Any]:
        listener = self.listeners.get((host, port))
        if listener is None:
            raise ConnectionRefusedError(111, f"nobody listens on {host}:{port}")
        self.next_port += 1
        here, there = (host, self.next_port), listener.address
        client = Pipe(self, {"peername": there, "sockname": here})
        server = Pipe(self, {"peername": here, "sockname": there})
        client.peer, server.peer = server, client
        client.protocol, server.protocol = factory(), listener.factory()
        self.pipes |= {client, server}
        server.protocol.connection_made(server)
        client.protocol.connection_made(client)
        return client, client.protocol

    def arrival(self, pipe: Pipe) -> float:
        pipe.arrives_at = max(pipe.arrives_at + TICK, self.loop.time() + self.dice.random() ** 4 * self.slowest)
        return pipe.arrives_at

    def carry(self, pipe: Pipe, data: bytes) -> None:
        """Deliver to the other end, now and then in two pieces: a frame may be torn anywhere."""
        at = self.dice.randrange(1, len(data)) if len(data) > 1 and self.dice.random() < 0.2 else len(data)
        for piece in (data[:at], data[at:]):
            if piece:
                self.hits["frame in pieces"] += at < len(data)
                self.loop.call_at(self.arrival(pipe), pipe.peer.deliver, piece)

    def cut(self, pipe: Pipe) -> None:
        self.hits["connection cut"] += 1
        for end in (pipe, pipe.peer):
            end.closing = True
            end.waiting.clear()
            self.loop.call_soon(end.lose, ConnectionResetError(104, "Connection reset by peer"))

    def cut_some(self) -> None:
        """Cut one connection, if there is any."""
        if self.pipes:
            self.cut(self.dice.choice(sorted(self.pipes, key=lambda pipe: str(pipe.get_extra_info("sockname")))))
