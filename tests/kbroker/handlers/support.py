"""Two nodes, some topics, and the surroundings of a request: what the handlers of partitions are tested with.

Requests and responses pass through the wire in the version under test, so that a field that this version cannot carry
is noticed. Request buffers are overwritten as soon as the handler has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from random import Random
from typing import Any

from kbroker.catalog import Node, PartitionState, Topic
from kbroker.cluster import Cluster
from kbroker.config import Config
from kbroker.context import LATER, Context, Listener, LocalNode
from kbroker.partitions import Partition, Partitions
from kbroker.server.sessions import FetchSessions
from tests.kbroker.partitions.support import TestEngine, TestWorld, config
from wire.registry import APIS

KEYS = {api.name: key for key, api in APIS.items()}


class TestCatalog:
    """What handlers ask of the catalog."""

    __test__ = False

    def __init__(self) -> None:
        self.nodes = {
            1: Node(1, None, {"PLAINTEXT": ("one.test", 9001)}),
            2: Node(2, "rack-2", {"PLAINTEXT": ("two.test", 9002)}),
        }
        self.by_name: dict[str, Topic] = {}
        self.by_id: dict[bytes, Topic] = {}
        self.version = 0

    def topic(self, name: str) -> Topic | None:
        return self.by_name.get(name)

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return self.by_id.get(topic_id)

    def leader(self, topic: Topic, index: int) -> tuple[int, int]:
        state = topic.partitions[index]
        return state.leader, state.leader_epoch

    def add(
        self,
        name: str,
        partitions: int = 1,
        leader: int = 1,
        nodes: Sequence[int] = (1,),
        epoch: int = 0,
        in_sync: Sequence[int] | None = None,
        **configs: Any,
    ) -> Topic:
        topic_id = bytes((self.version % 255 + 1,)) * 16
        states = [PartitionState(leader, epoch, list(nodes), list(in_sync or nodes)) for _ in range(partitions)]
        topic = Topic(name, topic_id, states, {}, config(**configs))
        self.by_name[name] = self.by_id[topic_id] = topic
        self.version += 1
        return topic

    def remove(self, topic: Topic) -> None:
        del self.by_name[topic.name], self.by_id[topic.id]
        self.version += 1


class Asking(Context):
    """A request whose answer is a future."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answered.add_done_callback(self._may_be_gone)
        self.is_gone = False

    def _may_be_gone(self, answered: asyncio.Future[Any]) -> None:
        if answered.cancelled():
            self.is_gone = True
            assert self.when_gone is not None
            self.when_gone()

    def answer(self, response: Any) -> None:
        assert not self.answered.done() or self.is_gone, "a request is answered once"
        if self.is_gone:
            return
        if isinstance(response, Exception):
            self.answered.set_exception(response)
        else:
            self.answered.set_result(response)


class Stage:
    """A cluster of two nodes in one process."""

    def __init__(self, slots: int = 1000, **configs: str) -> None:
        self.world = TestWorld()
        self.engine = TestEngine()
        self.catalog = TestCatalog()
        self.cluster = Cluster()
        self.cluster.world = self.world
        self.cluster.engine = self.engine
        self.cluster.config = Config.parse({name.replace("_", "."): value for name, value in configs.items()})
        self.cluster.catalog = self.catalog  # type: ignore[assignment]
        self.partitions = self.cluster.partitions = Partitions(self.engine, self.world)
        self.nodes = {1: LocalNode(1), 2: LocalNode(2)}
        for node in self.nodes.values():
            node.fetch_sessions = FetchSessions(slots, Random(node.id))
        self.listener = Listener("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 0, "", 0)

    def partition(self, name: str, index: int = 0) -> Partition:
        topic = self.catalog.topic(name)
        assert topic is not None
        return self.partitions.open(topic, index)

    def call(self, request: Any, version: int, *, node: int = 1, client_id: str = "test") -> Any:
        """Ask the handler. The response, or a future of it; None where nothing is sent."""
        api = APIS[type(request).__api_key__]
        buffer = bytearray(request.encode(version))
        decoded = api.request_class().decode(memoryview(buffer), version)
        ctx = Asking(
            self.cluster,
            self.nodes[node],
            self.listener,
            None,
            client_id,
            api.key,
            version,
            1,
            0.0,  # type: ignore[arg-type]
        )
        handler = getattr(import_module(f"kbroker.handlers.{api.name}"), api.name)
        try:
            answer = handler(decoded, ctx)
        except BaseException:
            _overwrite(buffer)
            raise
        if answer is LATER:
            answer = ctx.answered
        if asyncio.iscoroutine(answer) or asyncio.isfuture(answer):
            return asyncio.ensure_future(self._later(answer, buffer, version))
        return _sent(answer, buffer, version)

    async def ask(self, request: Any, version: int, **options: Any) -> Any:
        """Ask, and wait for the response."""
        answer = self.call(request, version, **options)
        return await answer if asyncio.isfuture(answer) else answer

    async def _later(self, answer: Any, buffer: bytearray, version: int) -> Any:
        try:
            response = await answer
        except BaseException:
            _overwrite(buffer)
            raise
        return _sent(response, buffer, version)


def _sent(response: Any, buffer: bytearray, version: int) -> Any:
    if response is None:
        _overwrite(buffer)
        return None
    parts = response.parts(version)
    _overwrite(buffer)
    return type(response).decode(b"".join(parts), version)


def _overwrite(buffer: bytearray) -> None:
    buffer[:] = b"\xdd" * len(buffer)
