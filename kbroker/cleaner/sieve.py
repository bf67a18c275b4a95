"""What stays of a batch under compaction. Pure; the rules are Kafka's (Cleaner.cleanInto, MemoryRecords.filterTo).

    a record with a key         stays if no later one with its key was learned, and it has a value; without a value (a
                                tombstone) until its batch's delete horizon
    a record without a key      goes; it could never be replaced
    records behind `end`        stay: nothing was learned there
    of an aborted transaction   go
    a marker                    stays as long as a batch of its transaction is there, then until its delete horizon
    the delete horizon          is now + delete.retention.ms, written into the header when a run first meets a tombstone
                                or a marker that nothing needs any more (KIP-534)
    a batch without records     goes, but as a bare header stays: the last one of a producer (its state must be found
                                again in the log) and the last one of the run (the offsets up to there were clean)

Offsets, order, times, epochs, sequences and the codec stay. A batch whose records cannot be understood stays as it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import NamedTuple

from kbroker.codecs import cannot_read
from wire.batch import Batch
from wire.compression import UnsupportedCompression
from wire.errors import MalformedMessage
from wire.records import plain_body

from .keys import Keys
from .marks import Marks
from .records import Slice, emptied, rebuilt, slices

STEP = 64
"""So many records are looked at between two chances to give way."""

Last = tuple[int, int]
"""Of a producer: its epoch, and the last offset of its last batch with data; -1 if it only has a marker."""
Steps = Generator[None, None, bytes | bytearray | memoryview | None]


class Rules(NamedTuple):
    """What one pass goes by."""

    end: int
    now: int
    delete_retention_ms: int
    last: Mapping[int, Last]
    """Of each producer that may go on writing."""
    max_bytes: int


def learn(batch: Batch, keys: Keys, marks: Marks, max_bytes: int) -> Generator[None, None, None]:
    """Take over the keys of a dirty batch, in steps."""
    if batch.is_control or not batch.count or marks.is_aborted(batch):
        return
    try:
        for count, one in enumerate(slices(batch, plain_body(batch, max_bytes)), 1):
            if one.key is not None:
                keys.learn(one.key, one.offset)
            if not count % STEP:
                yield
    except MalformedMessage:
        return  # it stays as it is
    except UnsupportedCompression as error:
        cannot_read(error)


def sift(batch: Batch, keys: Keys, marks: Marks, rules: Rules) -> Steps:
    """What stays of a batch, in steps; None for nothing. The batch's own buffer if all of it stays as it is."""
    done_with = marks.is_done_with(batch)
    if batch.base_offset >= rules.end:
        return batch.buffer
    if batch.is_control:
        return _control(batch, done_with, rules)
    kept: list[Slice] = []
    body = b""
    if batch.count and not done_with:
        try:
            body = plain_body(batch, rules.max_bytes)
            yield from _stay(batch, slices(batch, body), kept, keys, rules)
        except MalformedMessage:
            return batch.buffer
        except UnsupportedCompression as error:
            cannot_read(error)
            return batch.buffer
    if not kept:
        return _remainder(batch, rules)
    horizon = None
    if not batch.has_delete_horizon and any(not one.has_value for one in kept):
        horizon = rules.now + rules.delete_retention_ms
    if len(kept) == batch.count and horizon is None:
        return batch.buffer
    return rebuilt(batch, body, kept, horizon)


def _stay(
    batch: Batch, records: Iterator[Slice], kept: list[Slice], keys: Keys, rules: Rules
) -> Generator[None, None, None]:
    horizon = batch.delete_horizon_ms
    tombstones_stay = horizon is None or rules.now < horizon
    for count, one in enumerate(records, 1):
        if one.offset >= rules.end or (
            one.key is not None and one.offset >= keys.last(one.key) and (one.has_value or tombstones_stay)
        ):
            kept.append(one)
        if not count % STEP:
            yield


def _control(batch: Batch, done_with: bool, rules: Rules) -> bytes | bytearray | memoryview | None:
    if not batch.count:
        return _remainder(batch, rules)
    if not done_with:
        return batch.buffer
    horizon = batch.delete_horizon_ms
    if horizon is None:
        body = plain_body(batch, rules.max_bytes)
        return rebuilt(batch, body, list(slices(batch, body)), rules.now + rules.delete_retention_ms)
    return _remainder(batch, rules) if horizon <= rules.now else batch.buffer


def _remainder(batch: Batch, rules: Rules) -> bytes | bytearray | memoryview | None:
    """No record is left."""
    if batch.next_offset != rules.end and not _is_last_of_its_producer(batch, rules.last.get(batch.producer_id)):
        return None
    return emptied(batch) if batch.count else batch.buffer


def _is_last_of_its_producer(batch: Batch, last: Last | None) -> bool:
    if last is None or batch.producer_id < 0:
        return False
    epoch, offset = last
    return batch.last_offset == offset if offset >= 0 else batch.is_control and batch.producer_epoch == epoch
