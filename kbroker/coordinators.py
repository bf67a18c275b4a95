"""Coordinators: for each partition of an internal topic one machine, made when the first request falls on it.

A coordinator is the leader of a partition of the topic, in that leader's epoch: the runtime of that partition's log.
When the leadership moves, the old one stops (its askers hear NOT_COORDINATOR and look for the new one), and the new
one reads the log. Nothing is loaded before somebody asks. Groups live so in `__consumer_offsets`, transactional ids in
`__transaction_state`.

What coordinators need of the rest of the broker stands here as protocols: the catalog and the registry of partitions
have it, and `broker.py` hands them over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from struct import iter_unpack
from typing import Any, Generic, Protocol, TypeVar

from kbroker.machine import Machine
from kbroker.machine_log import Landed, MachineLog
from kbroker.runtime import Runtime
from storage.engine import Chunk
from wire.errors import ErrorCode, KafkaError

M = TypeVar("M", bound=Machine)

ANY_NODE = -1
_SMALLEST = 1 << 31


class Topic(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def partitions(self) -> Sequence[object]: ...


class Topics(Protocol):
    def topic(self, name: str) -> Topic | None: ...

    def leader(self, topic: Any, index: int) -> tuple[int, int]:
        """Node and epoch; node -1 when there is none."""

    def subscribe(self, callback: Callable[[Any], None]) -> None:
        """Call with every change, which has the `topic` that it is about."""


class Logs(Protocol):
    def open(self, topic: Any, index: int) -> MachineLog: ...


def java_hash(text: str) -> int:
    """`String.hashCode()`, a signed 32-bit number: over UTF-16 code units."""
    value = 0
    units: Iterable[int] = text.encode() if text.isascii() else _units(text)
    for unit in units:
        value = (31 * value + unit) & 0xFFFFFFFF
    return value - (1 << 32) if value >= _SMALLEST else value


def _units(text: str) -> list[int]:
    return [unit for (unit,) in iter_unpack("<H", text.encode("utf-16-le", "surrogatepass"))]


@lru_cache(maxsize=4096)
def partition_of(key: str, partitions: int) -> int:
    """Which partition of its topic a group or a transactional id lives in.

    Clients never compute this, but tools that read the topics do, and a data set may be compared with Kafka's: so it
    is the absolute value of Java's own hash, where the smallest number, which has none, counts as 0.
    """
    positive = abs(java_hash(key))
    return 0 if positive == _SMALLEST else positive % partitions


class Coordinators(Generic[M]):
    """Those of one topic. `begin` makes the runtime of a term, of a log and a leader epoch. An eager coordinator that
    takes over reads its log at once: what its predecessor left half done waits for nobody's request.
    """

    def __init__(
        self,
        name: str,
        default_partitions: int,
        topics: Topics,
        logs: Logs,
        begin: Callable[[MachineLog, int], Runtime[M]],
        *,
        eager: bool = False,
    ) -> None:
        self.name = name
        self._default_partitions = default_partitions
        self._topics = topics
        self._logs = logs
        self._begin = begin
        self._eager = eager
        self._terms: dict[int, _Term[M]] = {}
        self._stopped = False
        self._on_step: Callable[[], object] | None = None
        topics.subscribe(self._changed)

    def place(self, key: str) -> int:
        """The partition that the key lives in, now or once the topic has been made."""
        topic = self._topics.topic(self.name)
        return partition_of(key, self._default_partitions if topic is None else len(topic.partitions))

    def of(self, key: str, node_id: int = ANY_NODE) -> Runtime[M]:
        """The coordinator of a key, if it is this node's. Raises NOT_COORDINATOR."""
        topic = self._topics.topic(self.name)
        if topic is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return self._at(topic, partition_of(key, len(topic.partitions)), node_id)

    def at(self, index: int, node_id: int = ANY_NODE) -> Runtime[M]:
        """The coordinator of a partition, if it is this node's. Raises NOT_COORDINATOR."""
        topic = self._topics.topic(self.name)
        if topic is None or not 0 <= index < len(topic.partitions):
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return self._at(topic, index, node_id)

    def _at(self, topic: Topic, index: int, node_id: int) -> Runtime[M]:
        leader, epoch = self._topics.leader(topic, index)
        if self._stopped or leader < 0 or (leader != node_id and node_id != ANY_NODE):
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        term = self._terms.get(index)
        if term is not None and term.epoch == epoch and term.node_id == leader and term.topic_id == topic.id:
            return term.runtime
        return self._begin_term(topic, index, leader, epoch)

    def all(self, node_id: int = ANY_NODE) -> Iterator[Runtime[M]]:
        """Every coordinator of this node that may know anything: a log without a byte has nothing to tell."""
        topic = self._topics.topic(self.name)
        if topic is None or self._stopped:
            return
        for index in range(len(topic.partitions)):
            leader, _ = self._topics.leader(topic, index)
            if leader < 0 or (leader != node_id and node_id != ANY_NODE):
                continue
            if index not in self._terms:
                log = self._logs.open(topic, index)
                if log.ready().done() and log.end == log.log_start:
                    continue
            yield self._at(topic, index, leader)

    def serving(self) -> Iterator[Runtime[M]]:
        """Those that have read their log."""
        return (term.runtime for term in list(self._terms.values()) if term.runtime.serving)

    def on_step(self, callback: Callable[[], object]) -> None:
        """Tell whenever anything that they know may have changed."""
        self._on_step = callback
        for term in self._terms.values():
            term.runtime.on_step = callback

    async def stop(self) -> None:
        """Serve no more. Whoever is parked hears NOT_COORDINATOR; what was decided is written."""
        self._stopped = True
        terms, self._terms = self._terms, {}
        for stopping in [term.runtime.stop() for term in terms.values()]:
            await stopping

    def _begin_term(self, topic: Topic, index: int, node_id: int, epoch: int) -> Runtime[M]:
        log = self._logs.open(topic, index)
        term = self._terms.get(index)
        if term is not None:
            log = _Succeeding(log, term.runtime.stop())
        self._terms[index] = term = _Term(topic.id, node_id, epoch, self._begin(log, epoch))
        term.runtime.on_step = self._on_step
        return term.runtime

    def _changed(self, change: Any) -> None:
        """A topic has been made, deleted or moved. Which of these it was is asked of what is there now."""
        if change.topic.name != self.name:
            return
        topic = self._topics.topic(self.name)
        for index, term in list(self._terms.items()):
            if topic is None:
                del self._terms[index]
                term.runtime.stop()
                continue
            node_id, epoch = self._topics.leader(topic, index)
            if node_id < 0:
                self._terms[index] = _Term(topic.id, node_id, epoch, term.runtime)
                term.runtime.stop()
                continue
            if not term.is_of(topic.id, node_id, epoch):
                runtime = self._begin_term(topic, index, node_id, epoch)
                if self._eager:
                    runtime.load()


class _Term(Generic[M]):
    """The time that one node leads a partition in one epoch."""

    __slots__ = ("epoch", "node_id", "runtime", "topic_id")

    def __init__(self, topic_id: bytes, node_id: int, epoch: int, runtime: Runtime[M]) -> None:
        self.topic_id = topic_id
        self.node_id = node_id
        self.epoch = epoch
        self.runtime = runtime

    def is_of(self, topic_id: bytes, node_id: int, epoch: int) -> bool:
        return self.epoch == epoch and self.node_id == node_id and self.topic_id == topic_id


class _Succeeding:
    """A log whose last runtime may still be writing: it is ready when that one has ended."""

    def __init__(self, log: MachineLog, before: asyncio.Future[None]) -> None:
        self._log = log
        self._before = before

    async def _ready(self) -> None:
        await self._before
        await self._log.ready()

    def ready(self) -> asyncio.Future[None]:
        return self._log.ready() if self._before.done() else asyncio.ensure_future(self._ready())

    @property
    def log_start(self) -> int:
        return self._log.log_start

    @property
    def end(self) -> int:
        return self._log.end

    def put(self, batches: Sequence[bytearray], settled: Callable[[Landed], object]) -> None:
        self._log.put(batches, settled)

    def gather(self, callback: Callable[[], object]) -> None:
        self._log.gather(callback)

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]:
        return self._log.read(offset, max_bytes)
