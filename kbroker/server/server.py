"""What all connections of a process share, and the care for them: limits, idle ones, the writes of a turn of the loop.

Nothing here runs by itself but one timer, set while there are connections, for the moment at which the first of them
will have been silent for `connections.max.idle.ms`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kbroker.cluster import Cluster
from kbroker.context import Listener, LocalNode
from kbroker.server.connection import Connection, Gate
from kbroker.server.dispatch import Dispatcher
from kbroker.server.hints import Hints
from kbroker.server.memory import Budget, Pool
from kbroker.server.relief import Relief
from wire.frame import SCRATCH_BYTES
from wire.primitives import Buffer

if TYPE_CHECKING:
    from kbroker.config import Config
    from kbroker.quotas.entities import Entity
    from kbroker.world import Handle, World

log = logging.getLogger("kbroker.connections")

_LARGE_PART = 64 * 1024
_SMALL_TOGETHER = 4 * 1024
_STOPPING_SECONDS = 3.0
_SHRINK_EVERY_SECONDS = 10.0


class Server:
    """The connections of one process, whichever node and listener they belong to."""

    def __init__(self, cluster: Cluster) -> None:
        config = cluster.config
        self.world: World = cluster.world
        self.dispatcher = Dispatcher(cluster)
        self.hints = Hints(cluster.world)
        self.budget = Budget(config["queued.max.request.bytes"])
        self.pool = Pool(config["kbroker.debug.fill.buffers"], self._shrink_later)
        self._shrinking: Handle | None = None
        self.scratch = bytearray(SCRATCH_BYTES)
        self.max_frame_bytes: int = config["socket.request.max.bytes"]
        self.connections: dict[Connection, None] = {}  # in the order in which they came
        self.relief = Relief(cluster.world, self.budget, self.connections)
        self._buffer_options = _buffer_options(config)
        self.configure(config)
        self._per_host: Counter[str] = Counter()
        self._idle_seconds: float = config["connections.max.idle.ms"] / 1000
        self._idle_timer: Handle | None = None
        self._flushing: list[Connection] = []
        self._last_id = 0
        self.is_stopping = self._paused = False
        self.gathers_writes = _gathers_writes()
        self.on_lost: list[Callable[[Connection], object]] = []
        """Told of every connection that has ended; its `ended` says why."""
        self._settled: asyncio.Future[None] | None = None
        self._all_gone: asyncio.Future[None] | None = None

    def configure(self, config: Config) -> None:
        """What may be others while the broker runs."""
        self._most: int = config["max.connections"]
        self._most_per_host: int = config["max.connections.per.ip"]
        self._most_of_host = _overrides(config["max.connections.per.ip.overrides"])

    def limit(self, quotas: Mapping[Entity, Mapping[str, float]]) -> None:
        """These are all quotas. As long as there are none, nobody looks for any."""
        throttle = self.dispatcher.cluster.throttle
        if quotas and throttle is None:
            from kbroker.server.throttle import made

            throttle = made(self.dispatcher.cluster.config, self.world.work_time)
        if throttle is not None:
            throttle.changed(quotas)
            self.dispatcher.configure(throttle if quotas else None)

    def connection(
        self, node: LocalNode, listener: Listener, gate: Gate | None = None
    ) -> Callable[[], Connection]:
        """What makes the connections of one listener."""

        def make() -> Connection:
            self._last_id += 1
            return Connection(self, node, listener, self._last_id, gate)

        return make

    # What connections call.

    def pause(self) -> None:
        """Whoever connects from now on is not served before `go_on`."""
        self._paused = True

    def go_on(self) -> None:
        self._paused = False
        for connection in list(self.connections):
            connection.go_on()

    def accepted(self, connection: Connection) -> str:
        """A client has connected; the reason if it has to go again."""
        self.connections[connection] = None
        if self._paused:
            connection.stop()
        if connection.node.is_paused:
            connection.freeze()
        self._per_host[connection.host] += 1
        for option, size in self._buffer_options:
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, size)
        if len(self.connections) > self._most:
            return f"there are {self._most} connections already (max.connections)"
        limit = self._most_of_host.get(connection.host, self._most_per_host)
        if self._per_host[connection.host] > limit:
            return f"there are {limit} connections from its address already (max.connections.per.ip)"
        throttle = self.dispatcher.cluster.throttle
        if throttle is not None and (wait_ms := throttle.limits.connect(connection.host, self.world.time_ms())):
            connection.turn_away(wait_ms / 1000, "its address makes connections faster than its quota allows")
        if self._idle_timer is None and self._idle_seconds >= 0:
            self._idle_timer = self.world.later(self._idle_seconds, self._close_idle)
        return ""

    def lost(self, connection: Connection) -> None:
        self.connections.pop(connection, None)
        for tell in self.on_lost:
            tell(connection)
        self._per_host[connection.host] -= 1
        if not self._per_host[connection.host]:
            del self._per_host[connection.host]
        if not self.connections:
            if self._idle_timer is not None:
                self._idle_timer.cancel()
                self._idle_timer = None
            if self._all_gone is not None and not self._all_gone.done():
                self._all_gone.set_result(None)

    def flush_soon(self, connection: Connection) -> None:
        """Hand over its replies at the end of this turn, together with those that are still to come in it."""
        if not self._flushing:
            self.world.soon(self._flush)
        self._flushing.append(connection)

    def write(self, transport: asyncio.Transport, parts: list[Buffer]) -> None:
        """Give parts to the transport without joining large ones."""
        if sum(map(len, parts)) <= _SMALL_TOGETHER:
            transport.write(b"".join(parts))
        elif not _JOINS:
            transport.writelines(parts)
        else:
            _write_apart(transport, parts)

    def _flush(self) -> None:
        flushing, self._flushing = self._flushing, []
        for connection in flushing:
            connection.flush()

    def _shrink_later(self) -> None:
        self._shrinking = self.world.later(_SHRINK_EVERY_SECONDS, self._shrink)

    def _shrink(self) -> None:
        """A burst of large requests does not keep its memory for ever."""
        self._shrinking = None
        if self.pool.shrink():
            self._shrink_later()
        self.world.tidy()

    def _close_idle(self) -> None:
        """Close who was silent for too long, and come back when the next one may have been."""
        self._idle_timer = None
        now = self.world.loop_time()
        next_at = now + self._idle_seconds
        for connection in list(self.connections):
            connection.note_taking()
            idle_at = connection.last_active + self._idle_seconds
            if not connection.is_idle:
                continue
            if idle_at <= now:
                connection.drop(f"it was silent for {self._idle_seconds:g} s (connections.max.idle.ms)")
            else:
                next_at = min(next_at, idle_at)
        if self.connections:
            self._idle_timer = self.world.later(next_at - now, self._close_idle)

    async def stop(self) -> None:
        """Start nothing more, let what is under way end, then let go of every client."""
        self.is_stopping = True
        for connection in self.connections:
            connection.stop()
        self._settled = self.world.future()
        timer = self.world.later(_STOPPING_SECONDS, self._settled.cancel)
        self.answered()
        await asyncio.wait((self._settled,))
        timer.cancel()
        for connection in list(self.connections):
            connection.end()
        if self.connections:
            self._all_gone = self.world.future()
            timer = self.world.later(_STOPPING_SECONDS, self._abort)
            await self._all_gone
            timer.cancel()
        self.hints.stop()
        self.relief.stop()
        if self._shrinking is not None:
            self._shrinking.cancel()

    def answered(self) -> None:
        """While the broker stops: a request was answered, perhaps the last that it waits for."""
        settled = self._settled
        if settled is not None and not settled.done() and all(one.is_settled for one in self.connections):
            settled.set_result(None)

    def _abort(self) -> None:
        """Whoever does not take its last replies does not hold up the end."""
        for connection in list(self.connections):
            connection.transport.abort()


# Before Python 3.12 asyncio's own transports join what is given to writelines, which copies every byte.
_JOINS = sys.version_info < (3, 12) and "uvloop" not in sys.modules


def _gathers_writes() -> bool:
    """Whether the loop itself joins what is written to a connection in one turn, as uvloop's does."""
    return type(asyncio.get_running_loop()).__module__.startswith("uvloop")


def _write_apart(transport: asyncio.Transport, parts: list[Buffer]) -> None:
    small: list[Buffer] = []
    for part in parts:
        if len(part) < _LARGE_PART:
            small.append(part)
            continue
        if small:
            transport.write(b"".join(small))
            small = []
        transport.write(part)
    if small:
        transport.write(b"".join(small))


def _buffer_options(config: Config) -> list[tuple[int, int]]:
    """Socket buffers, if somebody has set them: the operating system's own adapt themselves, which is better."""
    names = (("socket.send.buffer.bytes", socket.SO_SNDBUF), ("socket.receive.buffer.bytes", socket.SO_RCVBUF))
    return [(option, config[name]) for name, option in names if config.is_set(name) and config[name] >= 0]


def _overrides(text: str) -> dict[str, int]:
    """max.connections.per.ip.overrides: "10.0.0.1:100,10.0.0.2:5"."""
    rows = (item.strip().rpartition(":") for item in text.split(",") if item.strip())
    return {host.strip("[]"): int(count) for host, _, count in rows}
