"""What a machine's log is made of: decided batches become bytes, and bytes become applied records.

Keys and values are those of `wire.durable`: an int16 (the type; the version) before the fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from kbroker.machine import Batch, Machine, Marker, Origin, Producer, Record
from storage.engine import Chunk
from wire.batch import Batch as BatchView
from wire.durable.codec import GROUPS, Types, decode_key, decode_value, encode_key, encode_value
from wire.records import ABORT, COMMIT, build_batch, control_type, iterate, transaction_marker
from wire.records import Record as WireRecord

EXPANDED_BYTES = 256 << 20  # nobody but us writes these logs; a bound all the same


class Landed(Protocol):
    """What became of batches that were put into a log: the base offset of the first, or why all of them are lost."""

    @property
    def outcome(self) -> int | Exception: ...


class MachineLog(Protocol):
    """What a runtime needs of a log; `Partition` has it.

    `put` takes unstamped batches, stamps them at its end in the given order, and calls back once all of them are
    durable, or lost; at once or later, and without a future, which would cost a turn of the loop for each of the writes
    that a transaction waits for. It may raise, and does not call back then. Calling is ordering. Nothing else may be
    asked before `ready`, neither at first nor after a failed write. `gather` calls back once, in a later turn of the
    loop, before what that turn has to write lands: who collects until then shares the write and loses no turn.
    """

    def ready(self) -> asyncio.Future[None]: ...

    @property
    def log_start(self) -> int: ...

    @property
    def end(self) -> int: ...

    def put(self, batches: Sequence[bytearray], settled: Callable[[Landed], object]) -> None: ...

    def gather(self, callback: Callable[[], object]) -> None: ...

    def read(self, offset: int, max_bytes: int) -> asyncio.Future[Chunk]: ...


class Writing:
    """Records of one batch to be, encoded and already applied."""

    __slots__ = ("producer", "records", "size")

    def __init__(self, producer: Producer | None) -> None:
        self.producer = producer
        self.records: list[WireRecord] = []
        self.size = 0


def encode(batch: Batch | Marker, now: int) -> Writing | Marker:
    """What a step decided, as far as it can be encoded before its place in the log is known."""
    if isinstance(batch, Marker):
        return batch
    assert batch.records, "a batch has records"
    writing = Writing(batch.producer)
    for record in batch.records:
        key = encode_key(record.key)
        value = None if record.value is None else encode_value(record.value, record.version)
        writing.records.append(WireRecord(key, value, (), now))
        writing.size += len(key) + len(value or b"")
    return writing


def replay(machine: Machine, batch: BatchView, types: Types = GROUPS) -> None:
    """Apply one batch of a log whose keys have these types."""
    producer = Producer(batch.producer_id, batch.producer_epoch) if batch.is_transactional else None
    for record in iterate(batch, EXPANDED_BYTES):
        origin = Origin(record.offset, record.timestamp, producer)
        if batch.is_control:
            kind = control_type(record)
            if producer is not None and kind in (COMMIT, ABORT):
                coordinator_epoch = int.from_bytes((record.value or b"")[2:6], "big", signed=True)
                machine.apply_marker(Marker(producer, kind == COMMIT, coordinator_epoch), origin)
            continue
        key = None if record.key is None else decode_key(record.key, types)
        if key is not None:
            value = None if record.value is None else decode_value(key, record.value)
            machine.apply(Record(key, value), origin)


def build(writing: Writing | Marker, now: int) -> bytearray:
    producer = writing.producer
    if isinstance(writing, Marker):
        assert producer is not None
        return transaction_marker(
            writing.committed,
            coordinator_epoch=writing.coordinator_epoch,
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            timestamp=now,
        )
    if producer is None:
        return build_batch(writing.records)
    return build_batch(
        writing.records, producer_id=producer.id, producer_epoch=producer.epoch, base_sequence=0, transactional=True
    )
