"""Where markers are written: in a group coordinator's log by its runtime, which is the only writer there, in any other
partition by the partition itself.

It is what `transactions/markers.py` asks for, and what WriteTxnMarkers does. Who leads a partition does not matter
here: nodes of one process share its partitions.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kbroker.catalog import Catalog
from kbroker.groups import Groups
from kbroker.groups.coordinator import OFFSETS_TOPIC
from kbroker.machine import Marker
from kbroker.partitions import Partition, Partitions
from kbroker.partitions.marking import write_marker
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from kbroker.world import World


class Markers:
    def __init__(self, world: World, catalog: Catalog, partitions: Partitions, groups: Groups) -> None:
        self._world = world
        self._catalog = catalog
        self._partitions = partitions
        self._groups = groups

    def write_marker(self, topic: str, index: int, marker: Marker, raises_epochs: bool) -> asyncio.Future[None]:
        """Done when the marker is as durable as an acknowledged write; raises KafkaError, at once or later."""
        found = self._catalog.topic(topic)
        if found is None or not 0 <= index < len(found.partitions):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        partition = self._partitions.open(found, index)
        if partition.is_loading:
            return self._when_open(partition, topic, index, marker, raises_epochs)
        if topic != OFFSETS_TOPIC:
            return write_marker(partition, marker, raises_epochs)
        partition.must_be_open()
        producer, _, coordinator_epoch = marker
        partition.producers.check_marker(producer.id, producer.epoch, coordinator_epoch, raises_epochs)
        return self._groups.write_marker(index, marker)

    def _when_open(
        self, partition: Partition, topic: str, index: int, marker: Marker, raises_epochs: bool
    ) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = self._world.future()

        def opened() -> None:
            try:
                writing = self.write_marker(topic, index, marker, raises_epochs)
            except KafkaError as error:
                answer.set_exception(error)
            else:
                writing.add_done_callback(written)

        def written(done: asyncio.Future[None]) -> None:
            if answer.done():
                return
            if (error := done.exception()) is not None:
                answer.set_exception(error)
            else:
                answer.set_result(None)

        partition.when_open(opened)
        return answer
