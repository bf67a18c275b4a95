"""What a verb has at hand: the broker, a way to ask it like a client, and waiting.

`ask` hands a request to its handler as the dispatcher would, but from inside: no socket, every right, and untouched by
faults. So a verb answers what Kafka answers, in Kafka's words, and decides nothing of its own.

A broker that forgets everything (`reset`) is composed anew, and with it the parts that were looked at: a verb takes
them from `cluster` each time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kbroker.control.asking import Trusted
from kbroker.control.table import ControlError
from kbroker.control.watch import Watch
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.broker import Broker
    from kbroker.cluster import Cluster
    from kbroker.context import LocalNode
    from kbroker.control.anew import Anew
    from kbroker.control.faults import Faults
    from kbroker.control.guard import Guard
    from kbroker.control.history import History
    from kbroker.control.house import House
    from kbroker.control.journal import Journal
    from kbroker.control.stepping import Stepping
    from kbroker.control.storage import Disk
    from kbroker.partitions.partition import Partition
    from kbroker.security.login import Login
    from kbroker.server.connection import Connection
    from kbroker.server.dispatch import Call
    from kbroker.server.server import Server
    from wire.schema import Request


class _Inside:
    """The connection of somebody who has none (see `context.Peer`)."""

    id = 0
    host = local_host = "127.0.0.1"
    port = 0
    principal = "User:kbroker-control"
    login: Login | None = None
    software_name = "kbroker-control"
    software_version = ""


class Control:
    """One for each broker that is controlled."""

    def __init__(self, broker: Broker, *, history_bytes: int = 0, journal: Journal | None = None) -> None:
        self.broker = broker
        self.journal = journal
        self.history_bytes = history_bytes
        self.begun_ms = time.time_ns() // 1_000_000
        self.house: House | None = None
        self.watch = Watch(broker.cluster)
        self.listeners: list[Callable[[], object]] = []
        """Called with every answer while there is a history."""
        self._inside = _Inside()
        self._faults: Faults | None = None
        self._anew: Anew | None = None
        self._stepping: Stepping | None = None
        self._guard: Guard | None = None
        self._disk: Disk | None = None
        self.server.on_lost.append(self._lost)
        self.history: History | None = None
        if history_bytes:
            self._record(history_bytes)

    def _record(self, limit_bytes: int) -> None:
        """Remember from now on."""
        from kbroker.control.history import History, Tap

        self.history = history = History(self.cluster.world, limit_bytes)
        history.tell = self._told
        Tap(self.server, history).attach()

    @property
    def faults(self) -> Faults:
        """Made when first asked for."""
        if self._faults is None:
            from kbroker.control.faults import Faults

            self._faults = Faults(self)
        return self._faults

    @property
    def stepping(self) -> Stepping:
        """Made when first asked for."""
        if self._stepping is None:
            from kbroker.control.stepping import Stepping

            self._stepping = Stepping(self)
        return self._stepping

    @property
    def anew(self) -> Anew:
        """Made when first asked for."""
        if self._anew is None:
            from kbroker.control.anew import Anew

            self._anew = Anew(self)
        return self._anew

    @property
    def disk(self) -> Disk:
        if self._disk is None:
            from kbroker.control.storage import Disk

            self._disk = Disk(self.cluster)
        return self._disk

    @property
    def guard(self) -> Guard:
        if self._guard is None:
            from kbroker.control.guard import Guard

            self._guard = Guard(self)
        return self._guard

    def forget(self) -> None:
        """What belonged to the test before: its faults, and what it saw."""
        if self._faults is not None:
            self._faults.clear()
        if self._disk is not None:
            self._disk.set(is_full=False, delay_ms=0)
        if self.history is not None:
            self.history.clear()

    def close(self) -> None:
        """The broker ends."""
        if self._anew is not None:
            self._anew.close()

    def afflicted(self, call: Call, what: str) -> None:
        """A fault has met a request."""
        if call.seen is not None:
            call.seen.faults += (what,)
        self.watch.tell()

    def _lost(self, connection: Connection) -> None:
        if self._faults is not None:
            self._faults.lost(connection)

    def _told(self) -> None:
        self.watch.tell()
        for listener in self.listeners:
            listener()

    @property
    def recorded(self) -> History:
        """What was seen; ControlError where nothing is remembered."""
        if self.history is None:
            raise ControlError("missing", "this broker remembers nothing: it was started without a history")
        return self.history

    @property
    def cluster(self) -> Cluster:
        return self.broker.cluster

    @property
    def server(self) -> Server:
        return self.broker.server

    async def ask(self, request: Request, node_id: int | None = None) -> Any:
        """The response to a request in its newest version, as that node answers it; of no node in particular, the
        first one. Raises ControlError("refused") where the handler refuses the whole request."""
        cluster, api = self.cluster, self.cluster.apis.row(request.__api_key__)
        node = self.node(node_id)
        handler = getattr(import_module(f"kbroker.handlers.{api.name}"), api.name)
        listener = next(iter(node.listeners.values()))
        now = cluster.world.loop_time()
        ctx = Trusted(cluster, node, listener, self._inside, "kbroker-control", api.key, api.max_version, 0, now)
        try:
            return await ctx.ask(handler, request)
        except KafkaError as error:
            raise refusal(error.code, error.message) from None

    def node(self, node_id: int | None = None) -> LocalNode:
        nodes = self.broker.nodes
        found = nodes[0] if node_id is None else next((node for node in nodes if node.id == node_id), None)
        if found is None:
            ids = ", ".join(str(node.id) for node in nodes)
            raise ControlError("missing", f"there is no node {node_id} here; there are {ids}")
        return found

    async def partition(self, topic_name: str, index: int) -> Partition:
        """The partition, open."""
        topic = self.cluster.catalog.topic(topic_name)
        if topic is None:
            raise ControlError("missing", f"there is no topic {topic_name}")
        if not 0 <= index < len(topic.partitions):
            raise ControlError("missing", f"topic {topic_name} has no partition {index}")
        partition = self.cluster.partitions.open(topic, index)
        try:
            await partition.ready()
        except KafkaError as error:
            raise refusal(error.code, error.message) from None
        return partition

    async def partitions(self, topic_name: str) -> list[Partition]:
        """All of a topic, open."""
        topic = self.cluster.catalog.topic(topic_name)
        if topic is None:
            raise ControlError("missing", f"there is no topic {topic_name}")
        return await asyncio.gather(*[self.partition(topic_name, index) for index in range(len(topic.partitions))])


def refusal(code: int, message: str | None = None) -> ControlError:
    """Kafka's error, for whoever has asked a verb."""
    error = ErrorCode(code)
    return ControlError("refused", f"{error.name}: {message or error.message}")


def accept(code: int, message: str | None = None) -> None:
    """Go on if the code is no error; else raise it."""
    if code:
        raise refusal(code, message)
