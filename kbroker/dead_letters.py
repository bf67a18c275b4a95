"""The dead letter queues of share groups (KIP-1191): where letters go (kbroker/shares/letters.py).

A group names its topic with `errors.deadletterqueue.topic.name`. It must be one that share groups may write to
(`errors.deadletterqueue.group.enable` of the topic); if it is not there, it is made where the broker allows that, for
names with the prefix that the broker asks for. A letter goes to the partition with the number of the record's own.

A record is given up whether its letter can be written or not: then the log says why. The letter is written before the
record is; so a crash in between writes it twice rather than never.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kbroker.catalog import NewTopic, Topic
from kbroker.shares.letters import Lost, letter
from kbroker.shares.settings import GroupSettings
from storage.engine import StorageError
from wire.batch import batches
from wire.errors import ErrorCode, KafkaError, ProtocolError
from wire.records import Record, build_batch, iterate

if TYPE_CHECKING:
    from kbroker.cluster import Cluster
    from kbroker.shares.acknowledge import Given
    from kbroker.shares.kept import Key

log = logging.getLogger("kbroker.shares")

ENABLED = "errors.deadletterqueue.group.enable"
READ_BYTES = 1 << 20


class DeadLetters:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def write(self, key: Key, given: Sequence[Given], settings: GroupSettings) -> None:
        """Done when the letters are there, or cannot be."""
        group_id, topic_id, index = key
        source = self._cluster.catalog.topic_by_id(topic_id)
        if source is None:
            return
        try:
            queue = await self._queue(settings.dead_letters)
            copies = await self._copies(source, index, given) if settings.copies_dead_letters else {}
            now = self._cluster.world.time_ms()
            letters = [
                letter(Lost(group_id, source.name, index, offset, *each[2:]), copies.get(offset), now)
                for each in given
                for offset in range(each.first, each.last + 1)
            ]
            partition = self._cluster.partitions.open(queue, index % len(queue.partitions))
            await partition.ready()
            await partition.append([build_batch(letters)])
        except (KafkaError, StorageError, ProtocolError) as error:
            first, last = given[0].first, given[-1].last
            log.warning(
                "share group %s gave up records of %s-%d (%d..%d), and %s could not be told: %s",
                group_id, source.name, index, first, last, settings.dead_letters, error,
            )  # fmt: skip

    async def _queue(self, name: str) -> Topic:
        """The topic, if letters may be written to it."""
        catalog, config = self._cluster.catalog, self._cluster.config
        topic = catalog.topic(name)
        if topic is None:
            if not config["errors.deadletterqueue.auto.create.topics.enable"]:
                raise _unfit("the topic is not there, and is not to be made")
            prefix = config["errors.deadletterqueue.topic.name.prefix"]
            if not name.startswith(prefix):
                raise _unfit(f"only topics that begin with {prefix} are made")
            (made,) = await catalog.create_topics([NewTopic(name, configs=((ENABLED, "true"),))])
            if isinstance(made, KafkaError):
                raise made
            return made
        if not topic.config["errors.deadletterqueue.group.enable"]:
            raise _unfit(f"the topic does not have {ENABLED}")
        return topic

    async def _copies(self, source: Topic, index: int, given: Sequence[Given]) -> Mapping[int, Record]:
        """The records themselves, as far as the log still has them."""
        partition = self._cluster.partitions.open(source, index)
        found: dict[int, Record] = {}
        for each in given:
            offset = max(each.first, partition.log_start)
            while offset <= each.last:
                chunk = await partition.read(offset, READ_BYTES)
                if chunk.next_offset <= offset:
                    break
                for buffer in chunk.buffers:
                    for batch in batches(buffer):
                        if batch.base_offset <= each.last and not batch.is_control:
                            found |= {record.offset: record for record in iterate(batch)}
                offset = chunk.next_offset
        return found


def _unfit(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, why)
