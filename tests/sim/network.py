"""Connections in memory, with the habits of TCP that matter: order within a direction, delay, pieces of any size, ends.

A `Pipe` is one end of a connection and looks like an asyncio transport to the protocol that holds it. What is written
is copied at once (as the kernel does) and arrives at the other end's protocol after a delay drawn from the dice, never
before what was written earlier. A writer whose bytes are not taken is told to pause.

A connection ends in one of two bad ways. `cut` loses everything that is under way, in both directions. `vanish` is an
end that is gone: what it sent still arrives, and whatever is answered falls into the void. The most telling moment for
both is while a request or its answer is under way, so they can be laid in `ambush`.
"""

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .loop import VirtualLoop

TICK = 1e-6
"""Seconds between two arrivals: a loop does not keep the order of timers that are due at the same moment."""
HIGH_BYTES = 65_536


class Pipe(asyncio.Transport):
    """`sent` counts what the other end has not taken yet."""

    def __init__(self, network: "Network", names: dict[str, Any], serves: bool) -> None:
        super().__init__(names)
        self.network, self.serves = network, serves
        self.protocol: Any = None
        self.peer: Pipe
        self.arrives_at = 0.0
        self.waiting: list[bytes] = []
        self.sent = 0
        self.paused = self.closing = self.lost = self.ends = self.is_full = False

    # What the protocol of this end calls.
    def write(self, data: Any) -> None:
        if not (self.closing or self.lost):
            self.network.carry(self, bytes(data))

    def writelines(self, parts: Iterable[Any]) -> None:
        self.write(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return self.sent

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
            self.network.loop.call_at(self.network.arrival(self), self.peer.end)
            self.network.loop.call_soon(self.lose, None)

    def abort(self) -> None:
        self.network.cut(self)

    # What the network calls.
    def filled(self, size: int) -> None:
        self.sent += size
        if self.sent > self.network.high_bytes and not self.is_full:
            self.is_full = True
            self.network.hits["writer told to pause"] += 1
            self.protocol.pause_writing()

    def taken(self, size: int) -> None:
        self.sent -= size
        if self.is_full and self.sent <= self.network.high_bytes // 4 and not self.lost:
            self.is_full = False
            self.protocol.resume_writing()

    def deliver(self, data: bytes) -> None:
        if not (self.lost or self.closing):
            self.waiting.append(data)
            self.hand_over()

    def end(self) -> None:
        """The other end has closed: that is seen behind what it sent."""
        self.ends = True
        self.hand_over()

    def hand_over(self) -> None:
        while self.waiting and not self.paused and not self.lost:
            data = self.waiting.pop(0)
            self.peer.taken(len(data))
            if isinstance(self.protocol, asyncio.BufferedProtocol):
                self._fill(memoryview(data))
            else:
                self.protocol.data_received(data)
        if self.ends and not self.waiting:
            self.lose(None)

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
            self.network.pipes.pop(self, None)
            self.protocol.connection_lost(error)


class Listener:
    """What `create_server` gives: enough of asyncio.Server for a broker."""

    def __init__(self, network: "Network", address: tuple[str, int], factory: Callable[[], Any]) -> None:
        self.network, self.address, self.factory = network, address, factory
        self.sockets = [self]
        self.is_serving = False

    def getsockname(self) -> tuple[str, int]:
        return self.address

    def close(self) -> None:
        if self.network.listeners.get(self.address) is self:
            del self.network.listeners[self.address]

    def close_clients(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass

    async def start_serving(self) -> None:
        self.is_serving = True


class Network:
    def __init__(
        self, loop: VirtualLoop, dice: random.Random, *, slowest: float = 0.02, high_bytes: int = HIGH_BYTES
    ) -> None:
        self.loop, self.dice, self.slowest, self.high_bytes = loop, dice, slowest, high_bytes
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.pipes: dict[Pipe, None] = {}
        self.hits: Counter[str] = Counter()
        self.next_port = 40_000
        self.ambushes: list[tuple[str, int, bool]] = []
        self.fingerprint = 0
        """Of every byte that was carried, and when."""
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
        if listener is None or not listener.is_serving:
            raise ConnectionRefusedError(111, f"nobody listens on {host}:{port}")
        self.next_port += 1
        here, there = (host, self.next_port), listener.address
        client = Pipe(self, {"peername": there, "sockname": here}, serves=False)
        server = Pipe(self, {"peername": here, "sockname": there}, serves=True)
        client.peer, server.peer = server, client
        client.protocol, server.protocol = factory(), listener.factory()
        self.pipes[client] = self.pipes[server] = None
        server.protocol.connection_made(server)
        client.protocol.connection_made(client)
        return client, client.protocol

    def arrival(self, pipe: Pipe) -> float:
        pipe.arrives_at = max(pipe.arrives_at + TICK, self.loop.time() + self.dice.random() ** 4 * self.slowest)
        return pipe.arrives_at

    def carry(self, pipe: Pipe, data: bytes) -> None:
        """Deliver to the other end, now and then in two pieces: a frame may be torn anywhere."""
        self.fingerprint = zlib.crc32(data, self.fingerprint) ^ hash(self.loop.time())
        at = self.dice.randrange(1, len(data)) if len(data) > 1 and self.dice.random() < 0.2 else len(data)
        self.hits["frame in pieces"] += at < len(data)
        for piece in (data[:at], data[at:]):
            if piece:
                self.loop.call_at(self.arrival(pipe), pipe.peer.deliver, piece)
        pipe.filled(len(data))
        if self.ambushes:
            self._spring(pipe)

    def cut(self, pipe: Pipe) -> None:
        self.hits["connection cut"] += 1
        for end in (pipe, pipe.peer):
            end.closing = True
            end.waiting.clear()
            self.loop.call_soon(end.lose, ConnectionResetError(104, "Connection reset by peer"))

    def vanish(self, pipe: Pipe) -> None:
        """This end is gone; the other one notices behind what was sent."""
        self.hits["client vanished"] += not pipe.serves
        pipe.closing = True
        pipe.waiting.clear()
        self.loop.call_soon(pipe.lose, ConnectionResetError(104, "Connection reset by peer"))
        self.loop.call_at(self.arrival(pipe), pipe.peer.end)

    def ambush(self, name: str, count: int, cut: bool) -> None:
        """End a connection of a client with such a name, when so much more has been sent on connections like it."""
        self.ambushes.append((name, count, cut))

    def _spring(self, pipe: Pipe) -> None:
        client = pipe.peer if pipe.serves else pipe
        for position, (name, count, cut) in enumerate(self.ambushes):
            if not client.protocol.name.startswith(name):
                continue
            if count > 1:
                self.ambushes[position] = name, count - 1, cut
            elif not client.closing:
                del self.ambushes[position]
                (self.cut if cut else self.vanish)(client)
            return

    def fall_silent(self) -> None:
        """The server is dead: nobody listens, and connections end, some behind what it had still sent."""
        self.listeners.clear()
        for pipe in list(self.pipes):
            if pipe.serves:
                (self.cut if self.dice.random() < 0.5 else self.vanish)(pipe)
