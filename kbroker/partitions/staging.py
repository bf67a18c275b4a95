"""A write under way: batches that have their place in the log, and those who wait for the engine's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storage.engine import Buffer, Outcome, Write

if TYPE_CHECKING:
    from .partition import Partition
    from .producers import Entry

PENDING, WRITTEN, LOST = range(3)


class Staging:
    """One Write. `log_append_time` is -1 where the producer's timestamps stay; `entries` are what the producer state
    has of it, by producer id; `ends_transactions` says that there is a marker in it."""

    __slots__ = (
        "_waiting",
        "base_offset",
        "batches",
        "ends_transactions",
        "entries",
        "log_append_time",
        "next_offset",
        "partition",
        "size",
        "state",
        "write",
    )

    def __init__(self, partition: Partition, base_offset: int, buffers: Sequence[Buffer]) -> None:
        self.partition = partition
        self.base_offset = self.next_offset = base_offset
        self.write = Write(partition.log, base_offset, buffers)
        self.batches = len(buffers)
        self.size = 0
        self.entries: list[tuple[int, Entry]] = []
        self.ends_transactions = False
        self.log_append_time = -1
        self.state = PENDING
        self._waiting: list[Callable[[], object]] | None = None

    def when_settled(self, callback: Callable[[], object]) -> None:
        """Call once the write is done or lost; at once when it already is."""
        if self.state != PENDING:
            callback()
        elif self._waiting is None:
            self._waiting = [callback]
        else:
            self._waiting.append(callback)

    def settled(self, state: int) -> None:
        """The engine has answered."""
        self.state = state
        waiting, self._waiting = self._waiting, None
        for callback in waiting or ():
            callback()


def settle(stagings: Sequence[Staging], done: asyncio.Future[list[Outcome]]) -> None:
    """Hand the engine's answers to the partitions, also when it broke its promise and raised."""
    failure: BaseException | None = asyncio.CancelledError() if done.cancelled() else done.exception()
    if failure is None:
        for staging, outcome in zip(stagings, done.result(), strict=True):
            staging.partition.settle(staging, outcome)
    else:
        for staging in stagings:
            staging.partition.settle(staging, failure)
