"""Groups, the facade: finds the machine that a group lives in, and makes it when the first group falls on it.

A coordinator is the leader of a partition of `__consumer_offsets`: the runtime of that partition's log in that
leader's epoch. When the leadership moves, the old one stops (its askers hear NOT_COORDINATOR and look for the new
one), and the new one reads the log. Nothing is loaded before somebody asks.

Offsets go with their topics. A machine that is loaded hears of a deletion; one that is not finds out when it is: by
then the name may belong to another topic, which the topic ids tell apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kbroker.groups.placement import partition_of
from kbroker.groups.settings import Settings
from kbroker.groups.topics import Logs, Topic, Topics
from kbroker.runtime import Runtime
from storage.engine import Chunk
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.context import Context
    from kbroker.groups.machine import GroupsMachine
    from kbroker.machine import Ticket
    from kbroker.machine_log import MachineLog
    from kbroker.world import World

OFFSETS_TOPIC = "__consumer_offsets"

_partition_of = lru_cache(maxsize=4096)(partition_of)


class Groups:
    """One for the process. `ask` answers for the node that was asked: only the coordinator of a group knows it."""

    def __init__(self, config: Mapping[str, Any], world: World, topics: Topics, logs: Logs) -> None:
        self.settings = Settings.of(config)
        self._default_partitions: int = config["offsets.topic.num.partitions"]
        self._world = world
        self._topics = topics
        self._logs = logs
        self._terms: dict[int, _Term] = {}
        self._stopped = False
        topics.subscribe(self._changed)

    def coordinator(self, group_id: str) -> int:
        """The partition of `__consumer_offsets` whose leader coordinates this group."""
        topic = self._topics.topic(OFFSETS_TOPIC)
        return _partition_of(group_id, self._default_partitions if topic is None else len(topic.partitions))

    def ask(self, ctx: Context, group_id: str, make_event: Callable[[Ticket], object]) -> asyncio.Future[Any]:
        """Step an event in the machine of that group. Raises NOT_COORDINATOR when this node has not got it."""
        topic = self._topics.topic(OFFSETS_TOPIC)
        if topic is None or self._stopped:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        index = _partition_of(group_id, len(topic.partitions))
        node_id, epoch = self._topics.leader(topic, index)
        if node_id != ctx.node.id:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return self._runtime(topic, index, node_id, epoch).ask(make_event)

    def ask_all(
        self, ctx: Context, make_event: Callable[[Ticket], object]
    ) -> Sequence[Callable[[], asyncio.Future[Any]]]:
        """One question for each machine that this node has, as `answers.gather` takes them. A log without a byte has
        no groups.
        """
        topic = self._topics.topic(OFFSETS_TOPIC)
        if topic is None or self._stopped:
            return []
        questions = []
        for index in range(len(topic.partitions)):
            node_id, epoch = self._topics.leader(topic, index)
            if node_id != ctx.node.id:
                continue
            if index not in self._terms:
                log = self._logs.open(topic, index)
                if log.ready().done() and log.end == log.log_start:
                    continue
            runtime = self._runtime(topic, index, node_id, epoch)
            questions.append(lambda runtime=runtime: runtime.ask(make_event))
        return questions

    async def stop(self) -> None:
        """Serve no more. Whoever is parked hears NOT_COORDINATOR; what was decided is written."""
        self._stopped = True
        terms, self._terms = self._terms, {}
        for stopping in [term.runtime.stop() for term in terms.values()]:
            await stopping

    # --- terms ------------------------------------------------------------------------------------------------------

    def _runtime(self, topic: Topic, index: int, node_id: int, epoch: int) -> Runtime[GroupsMachine]:
        term = self._terms.get(index)
        if term is not None and term.is_of(topic.id, node_id, epoch):
            return term.runtime
        before = None if term is None else term.runtime.stop()
        self._terms[index] = term = self._begin(topic, index, node_id, epoch, before)
        return term.runtime

    def _begin(self, topic: Topic, index: int, node_id: int, epoch: int, before: asyncio.Future[None] | None) -> _Term:
        from kbroker.groups.machine import GroupsMachine

        log = self._logs.open(topic, index)
        runtime: Runtime[GroupsMachine] = Runtime(
            lambda: GroupsMachine(self.settings),
            log if before is None else _Succeeding(log, before),
            self._world,
            error=ErrorCode.NOT_COORDINATOR,
            on_loaded=self._compare,
        )
        return _Term(topic.id, node_id, epoch, runtime)

    def _changed(self, change: Any) -> None:
        """A topic has been made, deleted or moved. Which of these it was is asked of what is there now."""
        name = change.topic.name
        topic = self._topics.topic(name)
        if name == OFFSETS_TOPIC:
            for index, term in list(self._terms.items()):
                node_id, epoch = (-1, -1) if topic is None else self._topics.leader(topic, index)
                if topic is None:
                    del self._terms[index]
                    term.runtime.stop()
                elif not term.is_of(topic.id, node_id, epoch):
                    self._runtime(topic, index, node_id, epoch)
        elif topic is None or topic.id != change.topic.id:
            from kbroker.groups.events import TopicsDeleted

            for term in self._terms.values():
                if term.runtime.serving:
                    term.runtime.tell(TopicsDeleted({name: None if topic is None else topic.id}))

    def _compare(self, machine: GroupsMachine) -> list[object]:
        """Which topics have gone since the log was written?"""
        from kbroker.groups.events import TopicsDeleted

        gone = {}
        for name, topic_ids in machine.store.topics():
            topic = self._topics.topic(name)
            if topic is None or not topic_ids <= {topic.id}:
                gone[name] = None if topic is None else topic.id
        return [TopicsDeleted(gone)] if gone else []


class _Term:
    """The time that one node leads a partition in one epoch."""

    __slots__ = ("epoch", "node_id", "runtime", "topic_id")

    def __init__(self, topic_id: bytes, node_id: int, epoch: int, runtime: Runtime[GroupsMachine]) -> None:
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

    def append(self, batches: Sequence[bytearray]) -> asyncio.Future[int]:
        return self._log.append(batches)

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]:
        return self._log.read(offset, max_bytes)
