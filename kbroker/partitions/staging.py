"""A write under way: batches that have their place in the log, and those who wait for the engine's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storage.engine import Buffer, Outcome, Write
from wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from .partition import Partition
    from .producers import Entry

PENDING, WRITTEN, LOST = range(3)


class Staging(Write):
    """`log_append_time` is -1 where the producer's timestamps stay; `entries` are what the producer state has of it, by
    producer id; `ends_transactions` says that there is a marker in it."""

    __slots__ = ("_waiting", "ends_transactions", "entries", "log_append_time", "partition", "state")

    def __init__(self, partition: Partition, base_offset: int, batches: Sequence[Buffer]) -> None:
        self.partition = partition
        self.log = partition.log
        self.expected_end = base_offset
        self.batches = batches
        self.entries: Sequence[tuple[int, Entry]] = ()
        self.ends_transactions = False
        self.log_append_time = -1
        self.state = PENDING
        self._waiting: list[Callable[[Staging], object]] = []

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
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback(self)
