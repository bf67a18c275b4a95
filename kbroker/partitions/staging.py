"""A write under way: batches that have their place in the log, and those who wait for the engine's answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from storage.engine import Buffer, Write

from .producers import Entry

if TYPE_CHECKING:
    from .partition import Partition

PENDING, WRITTEN, LOST = range(3)


class Staging:
    """One Write. `log_append_time` is -1 where the producer's timestamps stay; `entry` is what the producer state has
    of it."""

    __slots__ = (
        "_waiting",
        "base_offset",
        "batches",
        "entry",
        "log_append_time",
        "next_offset",
        "partition",
        "producer_id",
        "size",
        "state",
        "write",
    )

    def __init__(
        self, partition: Partition, base_offset: int, next_offset: int, buffers: Sequence[Buffer], size: int
    ) -> None:
        self.partition = partition
        self.base_offset = base_offset
        self.next_offset = next_offset
        self.write = Write(partition.log, base_offset, buffers)
        self.batches = len(buffers)
        self.size = size
        self.producer_id = -1
        self.entry: Entry | None = None
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
