"""A write under way: batches that have their place in the log, and those who wait for the engine's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from storage.engine import Outcome, Write
from wire.batch import Batch, stamp
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from .partition import Partition
    from .producers import Entry

PENDING, WRITTEN, LOST = range(3)


class Staging(Write):
    """`log_append_time` is -1 where the producer's timestamps stay; `entries` are what the producer state has of it, by
    producer id; `ends_transactions` says that there is a marker in it."""

    __slots__ = ("_waiting", "ends_transactions", "entries", "log_append_time", "partition", "state")

    def __init__(self, partition: Partition, batch: Batch) -> None:
        """The batch gets its place, and is stamped with it."""
        offset, buffer, length, latest = partition.end, batch.buffer, batch.length, batch.max_timestamp
        stamp(buffer, offset, partition.leader_epoch)
        self.partition = partition
        self.log = partition.log
        self.expected_end = offset
        self.end = end = offset + batch.last_offset_delta + 1
        self.batches = [buffer]
        self.placed = [(offset, end, length, latest)]
        self.size = length
        self.max_timestamp = latest
        self.entries: list[tuple[int, Entry]] = []
        self.ends_transactions = False
        self.log_append_time = -1
        self.state = PENDING
        self._waiting: list[Callable[[Staging], object]] = []

    def add(self, batch: Batch) -> int:
        """One more batch, behind the others: its base offset."""
        offset, length, latest = self.end, batch.length, batch.max_timestamp
        stamp(batch.buffer, offset, self.partition.leader_epoch)
        self.end = end = offset + batch.last_offset_delta + 1
        self.batches.append(batch.buffer)
        self.placed.append((offset, end, length, latest))
        self.size += length
        self.max_timestamp = max(self.max_timestamp, latest)
        return offset

    @property
    def base_offset(self) -> int:
        return self.expected_end

    def when_settled(self, callback: Callable[[Staging], object]) -> None:
        """Call once the write is done or lost; at once when it already is."""
        if self.state == PENDING:
            self._waiting.append(callback)
        else:
            callback(self)

    def tell(self, answer: asyncio.Future[int]) -> None:
        """For who waits by a future: the base offset, or KafkaError(KAFKA_STORAGE_ERROR)."""
        if answer.done():
            return
        if self.state == WRITTEN:
            answer.set_result(self.base_offset)
        else:
            answer.set_exception(self.failure())

    @property
    def outcome(self) -> int | Exception:
        """The base offset, or why the write is lost."""
        return self.base_offset if self.state == WRITTEN else self.failure()

    def failure(self) -> KafkaError:
        """Why a lost write is lost."""
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"a write to {self.partition.name} failed")

    def answered(self, outcome: Outcome) -> None:
        """The engine has answered."""
        self.partition.settle(self, outcome)

    def settled(self, state: int) -> None:
        """The partition knows by now what came of it."""
        self.state = state
        for callback in self._waiting:
            callback(self)
