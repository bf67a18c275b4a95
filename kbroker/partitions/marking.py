"""A marker ends a producer's transaction in a partition: the coordinator has it written, or an administrator (KIP-664).

It is a control batch of one record that takes one offset. What it says is checked against what the partition knows of
the producer (producers.py), as Kafka does: neither the producer's epoch nor the coordinator's may go back. A second
marker for what has ended is no mistake: after a crash the coordinator cannot know which ones stand.
"""

from __future__ import annotations

import asyncio

from kbroker.machine import Marker
from wire.records import transaction_marker

from .partition import Partition
from .staging import WRITTEN, Staging


def write_marker(partition: Partition, marker: Marker, raises_epochs: bool) -> asyncio.Future[None]:
    """Done when the in-sync replicas have it. Raises KafkaError, at once or by the future. `raises_epochs` says that
    the transaction was of version 2 (KIP-890)."""
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
    answer: asyncio.Future[None] = partition.world.future()

    def replicated() -> None:
        if answer.done():
            return
        if partition.high_watermark > offset or not partition.is_open:
            answer.set_result(None)
        else:
            partition.waiters.at(offset + 1, replicated)

    def settled(staging: Staging) -> None:
        if staging.state == WRITTEN:
            replicated()
        elif not answer.done():
            answer.set_exception(staging.failure())

    partition.put((batch,), settled)
    return answer
