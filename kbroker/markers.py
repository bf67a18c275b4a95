"""Where markers are written: in a group coordinator's log by its runtime, which is the only writer there, in any other
partition by the partition itself.

It is what `transactions/markers.py` asks for, and what WriteTxnMarkers does. Who leads a partition does not matter
here: nodes of one process share its partitions.
"""

from __future__ import annotations

from collections.abc import Callable

from kbroker.catalog import Catalog
from kbroker.groups import Groups
from kbroker.groups.coordinator import OFFSETS_TOPIC
from kbroker.machine import Marker
from kbroker.partitions import Partitions
from kbroker.partitions.marking import write_marker
from wire.errors import ErrorCode, KafkaError


class Markers:
    def __init__(self, catalog: Catalog, partitions: Partitions, groups: Groups) -> None:
        self._catalog = catalog
        self._partitions = partitions
        self._groups = groups

    def write_marker(
        self, topic: str, index: int, marker: Marker, raises_epochs: bool, told: Callable[[Exception | None], object]
    ) -> None:
        """`told` hears None once the marker is as durable as an acknowledged write, or what went wrong. Raises
        KafkaError if it is refused.
        """
        found = self._catalog.topic(topic)
        if found is None or not 0 <= index < len(found.partitions):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        partition = self._partitions.open(found, index)
        if partition.is_loading:
            partition.when_open(lambda: self._when_open(topic, index, marker, raises_epochs, told))
        elif topic != OFFSETS_TOPIC:
            write_marker(partition, marker, raises_epochs, told)
        else:
            partition.must_be_open()
            producer, _, coordinator_epoch = marker
            partition.producers.check_marker(producer.id, producer.epoch, coordinator_epoch, raises_epochs)
            self._groups.write_marker(index, marker, told)

    def _when_open(
        self, topic: str, index: int, marker: Marker, raises_epochs: bool, told: Callable[[Exception | None], object]
    ) -> None:
        try:
            self.write_marker(topic, index, marker, raises_epochs, told)
        except KafkaError as error:
            told(error)
