"""All partitions of the process, made when they are first asked for. Nodes share them: a partition has one log,
whoever leads it.

`lookup` is what handlers ask: it knows the node that was asked, and answers for real whether that one leads. `open` is
for what does not come from a client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from storage.engine import Engine, UnknownLog
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.world import World

    from .partition import Partition
    from .topics import PartitionState, Topic

log = logging.getLogger("kbroker.partitions")

NOT_ASKED = -1


class Partitions:
    """The registry. `every_record` is kbroker.validate.records."""

    def __init__(
        self,
        engine: Engine,
        world: World,
        *,
        producer_expiration_ms: int = 86_400_000,
        every_record: bool = False,
    ) -> None:
        self.engine = engine
        self.world = world
        self.producer_expiration_ms = producer_expiration_ms
        self.every_record = every_record
        self._topics: dict[bytes, dict[int, Partition]] = {}
        self._away: frozenset[int] = frozenset()
        self.on_growth: Callable[[str], object] | None = None
        """Told the name of a log when it is written to, once until `tell_growth` asks for it again."""

    def lookup(
        self,
        node_id: int,
        topic: Topic | None,
        index: int,
        current_leader_epoch: int = NOT_ASKED,
        *,
        from_followers: bool = False,
    ) -> Partition:
        """The partition, if this node leads it in the epoch that the client believes in (KIP-320); or follows it, for
        who reads from followers."""
        if topic is None or not 0 <= index < len(topic.partitions):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        state = topic.partitions[index]
        epoch = state.leader_epoch
        if current_leader_epoch != epoch and current_leader_epoch > NOT_ASKED:
            older = current_leader_epoch < epoch
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH if older else ErrorCode.UNKNOWN_LEADER_EPOCH)
        if state.leader != node_id and not (from_followers and node_id in state.replicas):
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        opened = self._topics.get(topic.id)
        partition = opened.get(index) if opened is not None else None
        if partition is None:
            return self.open(topic, index)
        if partition.leader_epoch != epoch:
            self._follow(partition, state)
        return partition

    def open(self, topic: Topic, index: int) -> Partition:
        """The partition, whoever leads it."""
        opened = self._topics.setdefault(topic.id, {})
        partition = opened.get(index)
        if partition is None:
            from .partition import Partition
            from .replicas import Replicas

            state = topic.partitions[index]
            partition = opened[index] = Partition(
                f"{topic.name}-{index}",
                f"{topic.id.hex()}/{index}",
                self.engine,
                self.world,
                topic.config,
                Replicas(state.leader, state.replicas, state.isr),
                state.leader_epoch,
                self.producer_expiration_ms,
                self.every_record,
            )
            self.tell_growth(topic.id, index)
            if self._away:
                partition.when_open(partial(partition.stand, self._away))
        return partition

    def nodes_away(self, node_ids: Iterable[int]) -> None:
        """These nodes copy nothing from now on; `changed` tells each topic."""
        self._away = frozenset(node_ids)

    def opened(self, topic_id: bytes, index: int) -> Partition | None:
        """The partition, if somebody has used it since the start."""
        return self._topics.get(topic_id, {}).get(index)

    def tell_growth(self, topic_id: bytes, index: int) -> None:
        """Somebody wants to hear of the next write (`on_growth`)."""
        partition = self._topics.get(topic_id, {}).get(index)
        if partition is not None and self.on_growth is not None:
            partition.when_grown = partial(self.on_growth, partition.log)

    def changed(self, topic: Topic) -> None:
        """Leaders, epochs, replicas or configs of the topic are others now."""
        for index, partition in self._topics.get(topic.id, {}).items():
            self._follow(partition, topic.partitions[index])
            partition.configure(topic.config)

    def _follow(self, partition: Partition, state: PartitionState) -> None:
        partition.lead(state.leader, state.leader_epoch, state.replicas, state.isr)
        if self._away or partition.replicas.away:
            partition.stand(self._away)

    def expire_producers_after(self, milliseconds: int) -> None:
        """producer.id.expiration.ms is another one now."""
        self.producer_expiration_ms = milliseconds
        for opened in self._topics.values():
            for partition in opened.values():
                partition.producers.expiration_ms = milliseconds

    def drop(self, topic: Topic) -> None:
        """The topic is deleted, and what it held. Whoever waits for it wakes and finds nothing."""
        for partition in self._topics.pop(topic.id, {}).values():
            partition.drop()
        logs = []
        for index in range(len(topic.partitions)):
            name = f"{topic.id.hex()}/{index}"
            try:
                self.engine.bounds(name)
            except UnknownLog:
                continue  # nobody ever asked for it
            logs.append(name)
        if logs:
            self.engine.delete(logs).add_done_callback(partial(_deleted, topic.name))

    async def close(self) -> None:
        """A clean stop: what every partition would otherwise have to read again is saved."""
        notes = [note for opened in self._topics.values() for one in opened.values() if (note := one.close())]
        await asyncio.gather(*notes, return_exceptions=True)


def _deleted(name: str, done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error("the logs of the deleted topic %s: %s", name, error)
