"""A marker ends a producer's transaction in a partition: the coordinator has it written, or an administrator (KIP-664).

It is a control batch of one record that takes one offset. What it says is checked against what the partition knows of
the producer (producers.py), as Kafka does: neither the producer's epoch nor the coordinator's may go back. A second
marker for what has ended is no mistake: after a crash the coordinator cannot know which ones stand.
"""

from __future__ import annotations

from collections.abc import Callable

from kbroker.machine import Marker
from wire.records import transaction_marker

from .partition import Partition
from .staging import WRITTEN, Staging


def write_marker(
    partition: Partition, marker: Marker, raises_epochs: bool, told: Callable[[Exception | None], object]
) -> None:
    """`told` hears None when the in-sync replicas have it, or why the write is lost; at once or later. Raises
    KafkaError when it cannot be written. `raises_epochs` says that the transaction was of version 2 (KIP-890)."""
    partition.must_be_open()
    producer, committed, coordinator_epoch = marker
    partition.producers.check_marker(producer.id, producer.epoch, coordinator_epoch, raises_epochs)
    batch = transaction_marker(
        committed,
        coordinator_epoch=coordinator_epoch,
        producer_id=producer.id,
        producer_epoch=producer.epoch,
        timestamp=partition.world.time_ms(),
    )
    offset = partition.end
    is_told = False

    def replicated() -> None:
        nonlocal is_told
        if is_told:
            return
        if partition.high_watermark > offset or not partition.is_open:
            is_told = True
            told(None)
        else:
            partition.waiters.at(offset + 1, replicated)

    def settled(staging: Staging) -> None:
        if staging.state == WRITTEN:
            replicated()
        else:
            told(staging.failure())

    partition.put((batch,), settled)
